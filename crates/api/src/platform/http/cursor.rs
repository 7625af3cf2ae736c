//! Opaque cursors for keyset paging.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use finops_contract::{ErrorCode, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};

/// Items a page holds when the caller does not say.
const DEFAULT_LIMIT: u16 = 50;
/// Items a page may hold.
const MAX_LIMIT: u16 = 200;

/// What a list was asked for: how many, after what.
#[derive(Clone, Debug)]
pub struct Keyset<K> {
    /// How many items the page holds.
    pub limit: i64,
    /// The key of the last item of the page before.
    pub after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Keyset<K> {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// `validation_failed` for the limit, `invalid_cursor`.
    pub fn read(limit: Option<u16>, cursor: Option<&str>) -> ApiResult<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::field("/limit", "range", "must be 1 to 200"));
        }
        Ok(Self { limit: i64::from(limit), after: cursor.map(decode).transpose()? })
    }

    /// How many rows to ask the database for: one more than shown tells whether there is a next page.
    pub const fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Makes the page of the rows fetched.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|last| encode(&key(last))) } else { None };
        Page { data: rows, next_cursor }
    }
}

/// Makes an opaque text of a key.
pub fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// Reads it back.
///
/// # Errors
/// `invalid_cursor`.
pub fn decode<K: DeserializeOwned>(text: &str) -> ApiResult<K> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ErrorCode::InvalidCursor)?;
    serde_json::from_slice(&bytes).map_err(|_| ErrorCode::InvalidCursor.into())
}

#[cfg(test)]
mod tests {
    use super::Keyset;

    #[test]
    fn one_row_more_than_asked_makes_a_cursor_that_leads_on() {
        let first = Keyset::<u32>::read(Some(2), None).unwrap().page(vec![1, 2, 3], |n| *n);
        assert_eq!(first.data, [1, 2]);
        let second = Keyset::<u32>::read(Some(2), first.next_cursor.as_deref()).unwrap();
        assert_eq!(second.after, Some(2));
        assert_eq!(second.page(vec![3], |n| *n).next_cursor, None);
    }

    #[test]
    fn strange_limits_and_cursors_are_refused() {
        assert!(Keyset::<u32>::read(Some(0), None).is_err() && Keyset::<u32>::read(Some(201), None).is_err());
        assert!(Keyset::<u32>::read(None, Some("x!")).is_err() && Keyset::<u32>::read(None, Some("InAi")).is_err());
    }
}
