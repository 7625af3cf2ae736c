//! Passwords: argon2id, off the async threads, never more at once than there are cores.

use std::sync::Arc;

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

/// RFC 9106's second recommendation scaled to OWASP's minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// What an unknown account's password is compared with, so that it takes the same time as a known one's.
    decoy: Arc<str>,
}

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not the one.
    Wrong,
    /// The one.
    Right,
    /// The one, hashed with other parameters than today's: hash it again.
    RightButOutdated,
}

fn hasher() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> anyhow::Result<String> {
    let hash = hasher()?.hash_password(password.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

impl Passwords {
    /// As many at once as the machine has cores.
    ///
    /// # Errors
    /// When argon2 refuses its parameters, which would be a bug.
    pub fn new() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { permits: Arc::new(Semaphore::new(cores)), decoy: hash_now("nobody has this password")?.into() })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await?
    }

    /// Makes the PHC string to store.
    ///
    /// # Errors
    /// When the machine cannot spare the memory.
    pub async fn hash(&self, password: SecretString) -> anyhow::Result<String> {
        self.blocking(move || hash_now(password.expose_secret())).await
    }

    /// Compares a password with a stored hash, or with a decoy when there is no account: it takes the same time.
    ///
    /// # Errors
    /// When the stored hash is not a PHC string.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> anyhow::Result<Verdict> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        self.blocking(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| anyhow!("a stored password hash: {error}"))?;
            let matches = hasher()?.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
            let current = Params::try_from(&parsed)
                .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES));
            Ok(match (matches && known, current) {
                (false, _) => Verdict::Wrong,
                (true, true) => Verdict::Right,
                (true, false) => Verdict::RightButOutdated,
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher as _;
    use argon2::{Algorithm, Argon2, Params, Version};

    use super::{Passwords, Verdict};

    #[tokio::test]
    async fn the_right_password_is_told_from_wrong_ones_and_from_no_account() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse battery".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |password: &str, stored| passwords.verify(password.into(), stored).await.unwrap();
        assert_eq!(verify("correct horse battery", Some(hash.clone())).await, Verdict::Right);
        assert_eq!(verify("wrong horse battery", Some(hash)).await, Verdict::Wrong);
        assert_eq!(verify("nobody has this password", None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn an_older_hash_is_recognized() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        let stored = weak.hash_password(b"correct horse battery").unwrap().to_string();
        let verdict = Passwords::new().unwrap().verify("correct horse battery".into(), Some(stored)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }
}
