//! Access tokens (JWT, RFC 7519) and opaque tokens (refresh, invitation).

use anyhow::Context as _;
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::http::{ApiError, ApiResult};

const ISSUER: &str = "finops";
const AUDIENCE: &str = "finops-api";
/// What an access token is for. A token made for anything else is not one.
const PURPOSE: &str = "access";
/// Clocks of replicas may differ by this many seconds.
const LEEWAY: i64 = 5;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The account.
    pub sub: Uuid,
    /// The session: the family of refresh tokens it was made from.
    pub sid: Uuid,
    iss: String,
    aud: String,
    /// Seconds since 1970.
    pub exp: i64,
    iat: i64,
    purpose: String,
}

/// Signs and verifies access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    key_id: String,
    minutes: u32,
}

impl Tokens {
    /// Tokens signed with this secret that last this long.
    pub fn new(secret: &SecretString, minutes: u32) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let hash = digest::digest(&digest::SHA256, secret);
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            key_id: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..6]),
            minutes,
        }
    }

    /// How long a token lasts, in seconds.
    pub fn lifetime(&self) -> u64 {
        u64::from(self.minutes) * 60
    }

    /// Makes an access token.
    ///
    /// # Errors
    /// When signing fails, which would be a bug.
    pub fn issue(&self, user: Uuid, session: Uuid, now: DateTime<Utc>) -> ApiResult<String> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::HS256) };
        let claims = Claims {
            sub: user,
            sid: session,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp: now.timestamp() + i64::from(self.minutes) * 60,
            iat: now.timestamp(),
            purpose: PURPOSE.into(),
        };
        jsonwebtoken::encode(&header, &claims, &self.encoding)
            .context("cannot sign a token")
            .map_err(ApiError::internal)
    }

    /// Reads an access token.
    ///
    /// # Errors
    /// `token_expired`; `unauthenticated` for anything that is not a token of ours.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> ApiResult<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library's defaults take a token without `aud`, and 60 seconds of leeway by the machine's clock.
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|_| ErrorCode::Unauthenticated)?;
        if data.header.kid.as_deref() != Some(&self.key_id) || data.claims.purpose != PURPOSE {
            return Err(ErrorCode::Unauthenticated.into());
        }
        if data.claims.exp + LEEWAY <= now.timestamp() {
            return Err(ErrorCode::TokenExpired.into());
        }
        Ok(data.claims)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.key_id)
    }
}

/// 256 random bits that stand for something. Only their hash is stored.
pub struct OpaqueToken(SecretString);

impl OpaqueToken {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> ApiResult<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| ApiError::internal(anyhow::anyhow!("no randomness")))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// One that a caller presents.
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The text to hand out, once.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored: SHA-256. The token has 256 bits of its own, so it needs no salt.
    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.expose_secret().as_bytes()).as_ref().to_vec()
    }
}

impl std::fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpaqueToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::{DateTime, TimeDelta, Utc};
    use finops_contract::ErrorCode;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::Tokens;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new(&SECRET.into(), 15)
    }

    fn forged(algorithm: Algorithm, secret: &str, change: impl Fn(&mut Value)) -> String {
        let mut claims = json!({"sub": Uuid::nil(), "sid": Uuid::nil(), "iss": "finops", "aud": "finops-api",
            "exp": now().timestamp() + 60, "iat": now().timestamp(), "purpose": "access"});
        change(&mut claims);
        let header = Header { kid: Some(tokens().key_id), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    #[test]
    fn a_token_of_ours_is_taken_until_it_expires() {
        let token = tokens().issue(Uuid::nil(), Uuid::nil(), now()).unwrap();
        assert!(tokens().verify(&token, now() + TimeDelta::minutes(15)).is_ok());
        let late = tokens().verify(&token, now() + TimeDelta::seconds(15 * 60 + 6)).unwrap_err();
        assert_eq!(late.code, ErrorCode::TokenExpired);
    }

    #[test]
    fn forged_tokens_are_refused() {
        assert!(tokens().verify(&forged(Algorithm::HS256, SECRET, |_| {}), now()).is_ok(), "the forger must be good");
        let remove = |name: &'static str| {
            forged(Algorithm::HS256, SECRET, move |claims| drop(claims.as_object_mut().unwrap().remove(name)))
        };
        let set = |name: &'static str, value: &'static str| {
            forged(Algorithm::HS256, SECRET, move |claims| claims[name] = json!(value))
        };
        let unsigned = {
            let good = forged(Algorithm::HS256, SECRET, |_| {});
            let payload = good.split('.').nth(1).unwrap().to_owned();
            format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#))
        };
        let bad = [
            forged(Algorithm::HS256, "another secret of 32 bytes at all", |_| {}),
            forged(Algorithm::HS512, SECRET, |_| {}),
            remove("exp"),
            remove("aud"),
            remove("iss"),
            remove("sub"),
            remove("purpose"),
            set("aud", "other"),
            set("iss", "other"),
            set("purpose", "refresh"),
            unsigned,
            String::new(),
            "a.b.c".into(),
        ];
        for token in bad {
            assert_eq!(tokens().verify(&token, now()).unwrap_err().code, ErrorCode::Unauthenticated, "{token}");
        }
    }
}
