//! Token buckets and counts in the database, shared by all replicas.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use sqlx::PgConnection;

use crate::platform::http::{ApiError, ApiResult};

/// How many attempts are free, and how fast they come back.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Attempts in a full bucket.
    pub burst: f64,
    /// Attempts that come back each second.
    pub per_second: f64,
}

/// What arithmetic with binary fractions may be off by: a caller who waited as long as they were told is let through.
const NEARLY: f64 = 1e-6;

/// Takes one attempt out of the bucket of `subject`, in a transaction that must be committed whatever comes after. One that
/// is refused costs nothing.
///
/// # Errors
/// `rate_limited` with the seconds until there is an attempt again.
pub async fn take(conn: &mut PgConnection, limit: Limit, subject: &[&str], now: DateTime<Utc>) -> ApiResult<()> {
    take_all(conn, &[(limit, subject)], now).await
}

/// Takes one attempt out of each bucket, or none out of any. Buckets that others take too are named in the same order by all.
///
/// # Errors
/// `rate_limited` with the seconds until each has an attempt again.
pub async fn take_all(conn: &mut PgConnection, buckets: &[(Limit, &[&str])], now: DateTime<Utc>) -> ApiResult<()> {
    let mut missing = 0.0_f64;
    for (limit, subject) in buckets {
        let left = left(conn, *limit, &key(subject), now).await?;
        missing = missing.max((1.0 - left) / limit.per_second);
    }
    if missing > NEARLY {
        let seconds = (missing - NEARLY).ceil().clamp(1.0, 3600.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1 to 3600")]
        return Err(ApiError::new(ErrorCode::RateLimited).with_retry_after(seconds as u64));
    }
    for (_, subject) in buckets {
        let key = key(subject);
        sqlx::query!("UPDATE rate_limit_buckets SET tokens = greatest(0, tokens - 1) WHERE key = $1", key)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Fills a bucket up to now, and says how many attempts are in it. It stays as it is until the transaction ends.
async fn left(conn: &mut PgConnection, limit: Limit, key: &[u8], now: DateTime<Utc>) -> sqlx::Result<f64> {
    sqlx::query_scalar!(
        "
        INSERT INTO rate_limit_buckets AS b (key, tokens, updated_at) VALUES ($1, $2::float8, $4)
        ON CONFLICT (key) DO UPDATE SET
            tokens = least($2::float8,
                b.tokens + $3::float8 * greatest(0, extract(epoch FROM $4::timestamptz - b.updated_at))::float8),
            updated_at = greatest(b.updated_at, $4)
        RETURNING tokens
        ",
        key,
        limit.burst,
        limit.per_second,
        now
    )
    .fetch_one(conn)
    .await
}

/// Fills the bucket again: the attempt was a good one.
pub async fn refund(conn: &mut PgConnection, subject: &[&str]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM rate_limit_buckets WHERE key = $1", key(subject)).execute(conn).await.map(drop)
}

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The window it was counted in: the one asked for, or a later one if that has begun elsewhere.
    pub window: DateTime<Utc>,
    /// Everything counted in it so far.
    pub total: u64,
}

/// Counts something for a subject in the window that begins then. A subject has one window at a time.
///
/// # Errors
/// The database's.
pub async fn count(
    conn: &mut PgConnection,
    subject: &[&str],
    more: u32,
    window: DateTime<Utc>,
) -> sqlx::Result<Counted> {
    let row = sqlx::query!(
        "
        INSERT INTO rate_limit_buckets AS b (key, tokens, updated_at) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET
            tokens = CASE WHEN b.updated_at < $3 THEN 0 ELSE b.tokens END + $2,
            updated_at = greatest(b.updated_at, $3)
        RETURNING tokens, updated_at
        ",
        key(subject),
        f64::from(more),
        window
    )
    .fetch_one(conn)
    .await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and far below 2^53")]
    Ok(Counted { window: row.updated_at, total: row.tokens as u64 })
}

/// Remembers a subject for a while.
///
/// # Errors
/// The database's.
pub async fn note(conn: &mut PgConnection, subject: &[&str], until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO rate_limit_buckets (key, tokens, updated_at) VALUES ($1, 0, $2)
        ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at",
        key(subject),
        until
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether a subject is remembered.
///
/// # Errors
/// The database's.
pub async fn is_noted(conn: &mut PgConnection, subject: &[&str], now: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM rate_limit_buckets WHERE key = $1 AND updated_at > $2) AS "noted!""#,
        key(subject),
        now
    )
    .fetch_one(conn)
    .await
}

/// Forgets buckets that are full again.
pub async fn prune(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("DELETE FROM rate_limit_buckets WHERE updated_at < $1", before).execute(conn).await?;
    Ok(deleted.rows_affected())
}

/// Whose attempts are counted together: an IPv4 address, and of an IPv6 address the network of 64 bits, because whoever has
/// one address of it has all.
pub fn network(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Ok(ip @ IpAddr::V4(_)) => ip.to_string(),
        Err(_) => ip.to_owned(),
    }
}

/// A hash, so that the table holds no addresses; the separator keeps ("ab", "c") from being ("a", "bc").
fn key(subject: &[&str]) -> Vec<u8> {
    digest::digest(&digest::SHA256, subject.join("\0").as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn an_ipv6_caller_is_their_network() {
        for (ip, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("unix", "unix"),
        ] {
            assert_eq!(network(ip), expected);
        }
    }
}
