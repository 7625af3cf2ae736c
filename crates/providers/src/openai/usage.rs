//! `GET /organization/usage/{completions, embeddings, …}`.

use async_trait::async_trait;
use serde::Deserialize;

use super::client::OpenAiClient;
use super::wire::{Bucket, Count, Page, said};
use crate::capabilities::Cursor;
use crate::error::{ProviderError, Resource};
use crate::http::Answer;
use crate::usage::{
    BucketWidth, TokenUsage, UsageBucket, UsageKind, UsageLine, UsageMeasure, UsagePage, UsageQuery, UsageSource,
};

#[async_trait]
impl UsageSource for OpenAiClient {
    async fn usage_page(&self, query: &UsageQuery, page: Option<&Cursor>) -> Result<UsagePage, ProviderError> {
        query.validate()?;
        let mut url = self.url(&["organization", "usage", endpoint(query.kind)])?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("start_time", &query.start.timestamp().to_string());
            if let Some(end) = query.end {
                pairs.append_pair("end_time", &end.timestamp().to_string());
            }
            pairs.append_pair("bucket_width", width(query.width));
            for field in group_by(query.kind) {
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
        read_page(query.kind, &self.get(url, Resource::Endpoint).await?)
    }
}

fn endpoint(kind: UsageKind) -> &'static str {
    match kind {
        UsageKind::Completions => "completions",
        UsageKind::Embeddings => "embeddings",
        UsageKind::Moderations => "moderations",
        UsageKind::Images => "images",
        UsageKind::AudioSpeeches => "audio_speeches",
        UsageKind::AudioTranscriptions => "audio_transcriptions",
        UsageKind::VectorStores => "vector_stores",
        UsageKind::CodeInterpreterSessions => "code_interpreter_sessions",
        UsageKind::FileSearchCalls => "file_search_calls",
        UsageKind::WebSearchCalls => "web_search_calls",
    }
}

fn width(width: BucketWidth) -> &'static str {
    match width {
        BucketWidth::Minute => "1m",
        BucketWidth::Hour => "1h",
        BucketWidth::Day => "1d",
    }
}

/// All that the endpoint can group by, except `user_id`.
fn group_by(kind: UsageKind) -> &'static [&'static str] {
    match kind {
        UsageKind::Completions => &["project_id", "api_key_id", "model", "batch", "service_tier"],
        UsageKind::Embeddings | UsageKind::Moderations | UsageKind::AudioSpeeches | UsageKind::AudioTranscriptions => {
            &["project_id", "api_key_id", "model"]
        }
        UsageKind::Images => &["project_id", "api_key_id", "model", "size", "source"],
        UsageKind::VectorStores | UsageKind::CodeInterpreterSessions => &["project_id"],
        UsageKind::FileSearchCalls => &["project_id", "api_key_id", "vector_store_id"],
        UsageKind::WebSearchCalls => &["project_id", "api_key_id", "model", "context_level"],
    }
}

fn read_page(kind: UsageKind, answer: &Answer) -> Result<UsagePage, ProviderError> {
    let page: Page<WireResult> = answer.json("usage")?;
    let next = page.next()?;
    let buckets = page.data.into_iter().map(|wire| bucket(kind, wire)).collect::<Result<_, _>>()?;
    Ok(UsagePage { buckets, next })
}

fn bucket(kind: UsageKind, wire: Bucket<WireResult>) -> Result<UsageBucket, ProviderError> {
    let lines = wire.results.into_iter().map(|wire| line(kind, wire)).collect::<Result<_, _>>()?;
    let bucket = UsageBucket { start: wire.start_time.0, end: wire.end_time.0, lines };
    if bucket.end <= bucket.start {
        return Err(ProviderError::malformed("usage: a bucket ends before it starts"));
    }
    Ok(bucket)
}

/// The ten kinds of result in one: which fields must be there depends on the endpoint.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireResult {
    project_id: Option<String>,
    api_key_id: Option<String>,
    model: Option<String>,
    batch: Option<bool>,
    service_tier: Option<String>,
    size: Option<String>,
    source: Option<String>,
    vector_store_id: Option<String>,
    context_level: Option<String>,
    num_model_requests: Option<Count>,
    input_tokens: Option<Count>,
    input_uncached_tokens: Option<Count>,
    input_cached_tokens: Option<Count>,
    input_cache_write_tokens: Option<Count>,
    output_tokens: Option<Count>,
    input_audio_tokens: Option<Count>,
    input_cached_audio_tokens: Option<Count>,
    output_audio_tokens: Option<Count>,
    input_image_tokens: Option<Count>,
    input_cached_image_tokens: Option<Count>,
    output_image_tokens: Option<Count>,
    images: Option<Count>,
    characters: Option<Count>,
    seconds: Option<Count>,
    usage_bytes: Option<Count>,
    num_sessions: Option<Count>,
    num_requests: Option<Count>,
}

fn line(kind: UsageKind, mut wire: WireResult) -> Result<UsageLine, ProviderError> {
    let measure = measure(kind, &mut wire)?;
    Ok(UsageLine {
        project_id: said(wire.project_id),
        api_key_id: said(wire.api_key_id),
        model: said(wire.model),
        batch: wire.batch,
        service_tier: said(wire.service_tier),
        model_requests: optional(wire.num_model_requests),
        measure,
    })
}

fn measure(kind: UsageKind, wire: &mut WireResult) -> Result<UsageMeasure, ProviderError> {
    Ok(match kind {
        UsageKind::Completions => UsageMeasure::Completions(tokens(wire)?),
        UsageKind::Embeddings => UsageMeasure::Embeddings { input_tokens: needed(wire.input_tokens)? },
        UsageKind::Moderations => UsageMeasure::Moderations { input_tokens: needed(wire.input_tokens)? },
        UsageKind::Images => UsageMeasure::Images {
            images: needed(wire.images)?,
            size: said(wire.size.take()),
            source: said(wire.source.take()),
        },
        UsageKind::AudioSpeeches => UsageMeasure::AudioSpeeches { characters: needed(wire.characters)? },
        UsageKind::AudioTranscriptions => UsageMeasure::AudioTranscriptions { seconds: needed(wire.seconds)? },
        UsageKind::VectorStores => UsageMeasure::VectorStores { usage_bytes: needed(wire.usage_bytes)? },
        UsageKind::CodeInterpreterSessions => {
            UsageMeasure::CodeInterpreterSessions { sessions: needed(wire.num_sessions)? }
        }
        UsageKind::FileSearchCalls => UsageMeasure::FileSearchCalls {
            requests: needed(wire.num_requests)?,
            vector_store_id: said(wire.vector_store_id.take()),
        },
        UsageKind::WebSearchCalls => UsageMeasure::WebSearchCalls {
            requests: needed(wire.num_requests)?,
            context_level: said(wire.context_level.take()),
        },
    })
}

fn tokens(wire: &WireResult) -> Result<TokenUsage, ProviderError> {
    let split = TokenUsage::split(
        needed(wire.input_tokens)?,
        optional(wire.input_uncached_tokens),
        optional(wire.input_cached_tokens),
        optional(wire.input_cache_write_tokens),
        needed(wire.output_tokens)?,
    )?;
    Ok(TokenUsage {
        input_audio: optional(wire.input_audio_tokens),
        input_cached_audio: optional(wire.input_cached_audio_tokens),
        output_audio: optional(wire.output_audio_tokens),
        input_image: optional(wire.input_image_tokens),
        input_cached_image: optional(wire.input_cached_image_tokens),
        output_image: optional(wire.output_image_tokens),
        ..split
    })
}

fn needed(count: Option<Count>) -> Result<u64, ProviderError> {
    optional(count).ok_or_else(|| ProviderError::malformed("usage: a count is missing"))
}

fn optional(count: Option<Count>) -> Option<u64> {
    count.map(|count| count.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: UsageKind, body: &str) -> Result<UsagePage, ProviderError> {
        read_page(kind, &Answer { headers: Default::default(), body: body.to_owned() })
    }

    fn result(kind: UsageKind, fields: &str) -> Result<UsageLine, ProviderError> {
        let body = format!(
            r#"{{"data":[{{"start_time":1782432000,"end_time":1782432060,"results":[{{{fields}}}]}}],"has_more":false}}"#
        );
        read(kind, &body).map(|mut page| page.buckets.remove(0).lines.remove(0))
    }

    #[test]
    fn reads_the_published_completions_example() {
        let page =
            read(UsageKind::Completions, include_str!("../../tests/data/openai.get.usage.completions.json")).unwrap();
        assert_eq!(page.next.unwrap().as_str(), "page_AAAAAGdGxdEiJdKOAAAAAGcqsYA=");
        let line = &page.buckets[0].lines[0];
        assert_eq!(line.model_requests, Some(5));
        let UsageMeasure::Completions(tokens) = &line.measure else { panic!("completions") };
        assert_eq!(
            (
                tokens.input_reported,
                tokens.input_uncached,
                tokens.input_cached,
                tokens.input_cache_write,
                tokens.output
            ),
            (1000, 500, 400, 100, 500)
        );
        assert_eq!((tokens.input_audio, tokens.output_image), (Some(50), Some(50)));
    }

    #[test]
    fn reads_older_answers_without_the_newer_parts() {
        let page =
            read(UsageKind::Completions, include_str!("../../tests/data/openai.observed.unaligned-first-bucket.json"))
                .unwrap();
        assert_eq!(page.next, None);
        let UsageMeasure::Completions(tokens) = page.buckets[0].lines[0].measure else { panic!("completions") };
        assert_eq!((tokens.input_reported, tokens.input_uncached, tokens.input_image), (141_201, 141_201, None));
        assert!(page.buckets[1].lines.is_empty());
    }

    #[test]
    fn reads_the_other_published_examples() {
        let first = |kind, body| read(kind, body).unwrap().buckets[0].lines[0].measure.clone();
        assert_eq!(
            first(UsageKind::Embeddings, include_str!("../../tests/data/openai.get.usage.embeddings.json")),
            UsageMeasure::Embeddings { input_tokens: 16 }
        );
        assert_eq!(
            first(UsageKind::Images, include_str!("../../tests/data/openai.get.usage.images.json")),
            UsageMeasure::Images { images: 2, size: None, source: None }
        );
        assert_eq!(
            first(UsageKind::WebSearchCalls, include_str!("../../tests/data/openai.get.usage.web_search_calls.json")),
            UsageMeasure::WebSearchCalls { requests: 2, context_level: None }
        );
    }

    #[test]
    fn reads_every_kind_and_needs_its_count() {
        for (kind, fields, expected) in [
            (UsageKind::Moderations, r#""input_tokens":"7""#, UsageMeasure::Moderations { input_tokens: 7 }),
            (UsageKind::AudioSpeeches, r#""characters":7"#, UsageMeasure::AudioSpeeches { characters: 7 }),
            (UsageKind::AudioTranscriptions, r#""seconds":7"#, UsageMeasure::AudioTranscriptions { seconds: 7 }),
            (UsageKind::VectorStores, r#""usage_bytes":7"#, UsageMeasure::VectorStores { usage_bytes: 7 }),
            (
                UsageKind::CodeInterpreterSessions,
                r#""num_sessions":7"#,
                UsageMeasure::CodeInterpreterSessions { sessions: 7 },
            ),
            (
                UsageKind::FileSearchCalls,
                r#""num_requests":7,"vector_store_id":"vs_1""#,
                UsageMeasure::FileSearchCalls { requests: 7, vector_store_id: Some("vs_1".into()) },
            ),
        ] {
            assert_eq!(result(kind, fields).unwrap().measure, expected);
        }
        for kind in UsageKind::ALL {
            for fields in [
                "",
                r#""num_model_requests":1"#,
                r#""input_tokens":null"#,
                r#""input_tokens":-1"#,
                r#""images":1.5"#,
                r#""seconds":{}"#,
            ] {
                assert_eq!(result(kind, fields).unwrap_err().user_reason(), "malformed", "{kind:?} {fields}");
            }
        }
    }

    #[test]
    fn parts_that_exceed_their_whole_are_refused() {
        let fields = r#""input_tokens":10,"output_tokens":1,"#;
        for parts in [
            r#""input_cached_tokens":11"#,
            r#""input_cached_tokens":6,"input_cache_write_tokens":5"#,
            r#""input_uncached_tokens":6,"input_cached_tokens":5"#,
        ] {
            let error = result(UsageKind::Completions, &format!("{fields}{parts}")).unwrap_err();
            assert_eq!(error.user_reason(), "malformed", "{parts}");
        }
    }
}
