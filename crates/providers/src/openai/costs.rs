//! `GET /organization/costs`.

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::OpenAiClient;
use super::wire::{Bucket, Page, currency, said};
use crate::amount::{AmountError, parse_json_decimal};
use crate::capabilities::{CostBucket, CostLine, CostPage, CostQuery, CostSource, Cursor, LineItem};
use crate::error::{ProviderError, Resource};
use crate::http::Answer;

const GROUP_BY: [&str; 3] = ["project_id", "line_item", "api_key_id"];

#[async_trait]
impl CostSource for OpenAiClient {
    async fn costs_page(&self, query: &CostQuery, page: Option<&Cursor>) -> Result<CostPage, ProviderError> {
        read_page(&self.costs(query, page).await?)
    }
}

impl OpenAiClient {
    pub(super) async fn costs(&self, query: &CostQuery, page: Option<&Cursor>) -> Result<Answer, ProviderError> {
        query.validate()?;
        let mut url = self.url(&["organization", "costs"])?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("start_time", &query.start.timestamp().to_string());
            if let Some(end) = query.end {
                pairs.append_pair("end_time", &end.timestamp().to_string());
            }
            pairs.append_pair("bucket_width", "1d");
            for field in GROUP_BY {
                pairs.append_pair("group_by[]", field);
            }
            for id in &query.project_ids {
                pairs.append_pair("project_ids[]", id);
            }
            pairs.append_pair("limit", &query.limit.to_string());
            if let Some(page) = page {
                pairs.append_pair("page", page.as_str());
            }
        }
        self.get(url, Resource::Endpoint).await
    }
}

pub(super) fn read_page(answer: &Answer) -> Result<CostPage, ProviderError> {
    let page: Page<WireResult<'_>> = answer.json("costs")?;
    let next = page.next()?;
    let buckets = page.data.into_iter().map(bucket).collect::<Result<_, _>>()?;
    Ok(CostPage { buckets, next })
}

#[derive(Deserialize)]
struct WireResult<'a> {
    #[serde(borrow)]
    amount: WireAmount<'a>,
    #[serde(default)]
    line_item: Option<String>,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    api_key_id: Option<String>,
    #[serde(borrow, default)]
    quantity: Option<&'a RawValue>,
    #[serde(default)]
    quantity_unit: Option<String>,
}

/// Optional in the specification; required here, because an amount that is not known must not pass for zero.
#[derive(Deserialize)]
struct WireAmount<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    currency: String,
}

fn bucket(wire: Bucket<WireResult<'_>>) -> Result<CostBucket, ProviderError> {
    let lines = wire.results.into_iter().map(line).collect::<Result<_, _>>()?;
    let bucket = CostBucket { start: wire.start_time.0, end: wire.end_time.0, lines };
    // Stored as a whole day, a bucket that starts later would replace the day with a part of it.
    if bucket.is_daily() { Ok(bucket) } else { Err(ProviderError::malformed("costs: a bucket is not a UTC day")) }
}

fn line(wire: WireResult<'_>) -> Result<CostLine, ProviderError> {
    let amount =
        parse_json_decimal(wire.amount.value).map_err(|e| ProviderError::malformed(format!("costs: amount: {e}")))?;
    Ok(CostLine {
        amount,
        currency: currency(&wire.amount.currency)?,
        line_item: said(wire.line_item).map(LineItem::parse),
        project_id: said(wire.project_id),
        api_key_id: said(wire.api_key_id),
        quantity: wire.quantity.map(quantity).transpose()?.flatten(),
        quantity_unit: said(wire.quantity_unit),
    })
}

/// A third of an hour cannot be held exactly, and is no reason to lose the bill: such a quantity is unknown.
fn quantity(value: &RawValue) -> Result<Option<Decimal>, ProviderError> {
    match parse_json_decimal(value) {
        Ok(quantity) => Ok(Some(quantity)),
        Err(AmountError::NotExact { .. }) => Ok(None),
        Err(e @ AmountError::NotANumber { .. }) => Err(ProviderError::malformed(format!("costs: quantity: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<CostPage, ProviderError> {
        read_page(&Answer { headers: Default::default(), body: body.to_owned() })
    }

    fn result(fields: &str) -> Result<CostLine, ProviderError> {
        let body = format!(
            r#"{{"data":[{{"start_time":1782432000,"end_time":1782518400,"results":[{{{fields}}}]}}],"has_more":false}}"#
        );
        read(&body).map(|mut page| page.buckets.remove(0).lines.remove(0))
    }

    #[test]
    fn reads_the_published_example() {
        let page = read(include_str!("../../tests/data/openai.get.costs.json")).unwrap();
        assert_eq!(page.next, None);
        let [bucket] = page.buckets.as_slice() else { panic!("one bucket") };
        assert_eq!((bucket.start.timestamp(), bucket.end.timestamp()), (1_730_419_200, 1_730_505_600));
        let [line] = bucket.lines.as_slice() else { panic!("one line") };
        assert_eq!(line.amount, Decimal::new(6, 2));
        assert_eq!(line.currency, "USD");
        assert_eq!((&line.line_item, &line.project_id, &line.api_key_id, &line.quantity), (&None, &None, &None, &None));
    }

    #[test]
    fn reads_observed_decimal128_literals_and_empty_days() {
        let page = read(include_str!("../../tests/data/openai.observed.costs-decimal128-literals.json")).unwrap();
        let [day, empty] = page.buckets.as_slice() else { panic!("two buckets") };
        assert!(empty.lines.is_empty());
        let amounts: Vec<_> = day.lines.iter().map(|line| line.amount.to_string()).collect();
        assert_eq!(amounts, ["0", "0", "0.0036275", "0.007605", "0.02"]);
        let item = day.lines[0].line_item.as_ref().unwrap();
        assert_eq!((item.model.as_deref(), item.kind.as_deref()), (Some("gpt-5.4-2026-03-05"), Some("cached input")));
        let item = day.lines[4].line_item.as_ref().unwrap();
        assert_eq!((item.raw.as_str(), item.model.as_deref()), ("web search tool calls", None));
        assert_eq!(day.lines[2].api_key_id.as_deref(), Some("key_abc"));
        assert_eq!((&day.lines[3].project_id, &day.lines[4].api_key_id), (&None, &None));
    }

    #[test]
    fn reads_string_amounts_credits_quantities_and_ignores_the_unknown() {
        let line = result(
            r#""amount":{"value":"-12.50","currency":"usd","new":[1]},"user_id":"u","api_source":{"a":1e400},"project_id":"",
               "quantity":"1500","quantity_unit":"1000_tokens""#,
        )
        .unwrap();
        assert_eq!(line.amount.to_string(), "-12.5");
        assert_eq!(line.project_id, None);
        assert_eq!((line.quantity, line.quantity_unit.as_deref()), (Some(Decimal::from(1500)), Some("1000_tokens")));
        let third =
            result(r#""amount":{"value":1,"currency":"USD"},"quantity":0.333333333333333333333333333333333333"#)
                .unwrap();
        assert_eq!(third.quantity, None);
    }

    #[test]
    fn unknown_amounts_never_pass_for_zero() {
        for fields in [
            r#""object":"organization.costs.result""#,
            r#""amount":null"#,
            r#""amount":{}"#,
            r#""amount":{"value":null,"currency":"usd"}"#,
            r#""amount":{"value":"NaN","currency":"usd"}"#,
            r#""amount":{"value":"","currency":"usd"}"#,
            r#""amount":{"value":1e400,"currency":"usd"}"#,
            r#""amount":{"value":[1],"currency":"usd"}"#,
            r#""amount":{"value":0.12345678901234567890123456789,"currency":"usd"}"#,
            r#""amount":{"value":1}"#,
            r#""amount":{"value":1,"currency":"dollars"}"#,
            r#""amount":{"value":1,"currency":"usd"},"line_item":5"#,
            r#""amount":{"value":1,"currency":"usd"},"quantity":"many""#,
        ] {
            assert_eq!(result(fields).unwrap_err().user_reason(), "malformed", "{fields}");
        }
    }

    #[test]
    fn buckets_must_be_utc_days() {
        let day = |start: i64, end: i64| {
            read(&format!(r#"{{"data":[{{"start_time":{start},"end_time":{end},"results":[]}}]}}"#)).map(|_| ())
        };
        assert_eq!(day(1_782_432_000, 1_782_518_400), Ok(()));
        assert_eq!(day(1_782_432_000, 1_782_440_000), Ok(()), "a query may end within the day");
        for (start, end) in [
            (1_782_432_060, 1_782_518_400),
            (1_782_432_000, 1_782_432_000),
            (1_782_432_000, 1_782_604_800),
            (0, i64::MAX),
        ] {
            assert_eq!(day(start, end).unwrap_err().user_reason(), "malformed", "{start} {end}");
        }
    }

    #[test]
    fn paging_needs_a_cursor() {
        let next =
            |rest: &str| read(&format!(r#"{{"data":[]{rest}}}"#)).map(|page| page.next.map(|c| c.as_str().to_owned()));
        assert_eq!(next(r#","has_more":true,"next_page":"p2""#), Ok(Some("p2".into())));
        assert_eq!(next(r#","has_more":false,"next_page":"p2""#), Ok(None));
        assert_eq!(next(r#","next_page":"p2""#), Ok(Some("p2".into())));
        assert_eq!(next(""), Ok(None));
        for broken in
            [r#","has_more":true"#, r#","has_more":true,"next_page":null"#, r#","has_more":true,"next_page":"""#]
        {
            assert_eq!(next(broken).unwrap_err().user_reason(), "broken_paging", "{broken}");
        }
    }
}
