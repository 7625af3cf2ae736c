//! Time buckets and their paging, shared by costs and usage.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::errors::ApiError;
use super::request::ApiRequest;

/// Bucket widths: name, seconds, default and greatest number on a page.
pub(crate) type Width = (&'static str, i64, i64, i64);

/// The buckets of one page.
#[derive(Debug)]
pub(crate) struct Window {
    /// Half-open, unix seconds.
    pub(crate) buckets: Vec<(i64, i64)>,
    /// The token of the page after, if there is one.
    pub(crate) next_page: Option<String>,
    /// The token of this page.
    pub(crate) own_page: String,
}

impl Window {
    /// Reads `start_time`, `end_time`, `bucket_width`, `limit` and `page`. Buckets end at multiples of the width, so an
    /// unaligned start or end gives a partial bucket; none begins in the future.
    pub(crate) fn parse(request: &ApiRequest<'_>, widths: &[Width], default: &str) -> Result<Self, ApiError> {
        let params = &request.params;
        let Some(start) = params.integer("start_time")? else {
            let message = "Missing required parameter: 'start_time'.".to_owned();
            return Err(ApiError::invalid("start_time", message, "missing_required_parameter"));
        };
        let end = params.integer("end_time")?;
        if start < 0 {
            let message = "Invalid 'start_time': expected a Unix time in seconds.".to_owned();
            return Err(ApiError::invalid("start_time", message, "integer_below_min_value"));
        }
        if end.is_some_and(|end| end <= start) {
            let message = "Invalid 'end_time': must be after 'start_time'.".to_owned();
            return Err(ApiError::invalid("end_time", message, "invalid_value"));
        }
        let names: Vec<&str> = widths.iter().map(|width| width.0).collect();
        let chosen = params.choice("bucket_width", &names, default)?;
        let Some(&(_, seconds, default, greatest)) = widths.iter().find(|width| width.0 == chosen) else {
            return Err(ApiError::refused("Unknown bucket width."));
        };
        let limit = params.bounded("limit", default, 1, greatest)?;
        let fingerprint = params.fingerprint();
        let (first, before) = match params.text("page") {
            None => (start, start),
            Some(token) => decode(token, fingerprint).ok_or_else(|| {
                let message = "Invalid 'page': the cursor does not belong to this query.".to_owned();
                ApiError::invalid("page", message, "invalid_value")
            })?,
        };
        // The bucket that holds `now` exists in full; with an end it stops there.
        let future = request.now.timestamp();
        let stop = end.unwrap_or(i64::MAX).min(future + 1);
        let cut = end.unwrap_or(i64::MAX);
        let (own, next) = slice(first, seconds, limit, stop, cut);
        let buckets = if request.duplicate_page { slice(before, seconds, limit, stop, cut).0 } else { own };
        Ok(Self {
            buckets,
            next_page: next.map(|position| encode(position, first, fingerprint)),
            own_page: encode(first, before, fingerprint),
        })
    }
}

/// At most `limit` buckets from `first` on, and where the next would begin.
fn slice(first: i64, seconds: i64, limit: i64, stop: i64, cut: i64) -> (Vec<(i64, i64)>, Option<i64>) {
    let mut buckets = Vec::new();
    let mut start = first;
    for _ in 0..limit {
        if start >= stop {
            return (buckets, None);
        }
        let boundary = start - start.rem_euclid(seconds) + seconds;
        buckets.push((start, boundary.min(cut)));
        start = boundary;
    }
    (buckets, (start < stop).then_some(start))
}

fn encode(position: i64, before: i64, fingerprint: u64) -> String {
    let mut bytes = Vec::with_capacity(24);
    bytes.extend(position.to_be_bytes());
    bytes.extend(before.to_be_bytes());
    bytes.extend(fingerprint.to_be_bytes());
    format!("page_{}", STANDARD.encode(bytes))
}

fn decode(token: &str, fingerprint: u64) -> Option<(i64, i64)> {
    let bytes = STANDARD.decode(token.strip_prefix("page_")?).ok()?;
    let word = |index: usize| bytes.get(index * 8..index * 8 + 8)?.try_into().ok().map(u64::from_be_bytes);
    let valid = bytes.len() == 24 && word(2)? == fingerprint;
    valid.then_some((word(0)?.cast_signed(), word(1)?.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, slice};

    #[test]
    fn buckets_end_at_multiples_of_the_width() {
        let (buckets, next) = slice(86_400 + 100, 86_400, 2, 400_000, i64::MAX);
        assert_eq!(buckets, [(86_500, 172_800), (172_800, 259_200)]);
        assert_eq!(next, Some(259_200));
        assert_eq!(slice(259_200, 86_400, 7, 300_000, 300_000), (vec![(259_200, 300_000)], None));
    }

    #[test]
    fn a_token_belongs_to_its_query() {
        let token = encode(5, 3, 99);
        assert_eq!(decode(&token, 99), Some((5, 3)));
        assert_eq!(decode(&token, 98), None);
        assert_eq!(decode("page_??", 99), None);
    }
}
