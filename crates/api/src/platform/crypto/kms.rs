//! AWS KMS: GenerateDataKey and Decrypt with an encryption context.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use zeroize::Zeroizing;

use super::vault::{DataKey, EncryptionContext, KeyVault, VaultError};

/// One request. The SDK has only a connect timeout of its own.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// A request with its retries and the look-up of credentials.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Wraps data keys with a key that never leaves AWS KMS.
pub struct KmsVault {
    client: Client,
    key_id: String,
}

impl KmsVault {
    /// A vault of this key (id, ARN or alias), with credentials and region from AWS's default chain. A region in the
    /// key's ARN wins: the key is nowhere else. Asks KMS nothing.
    pub async fn connect(key_id: &str, region: Option<&str>, endpoint: Option<&str>) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = arn_region(key_id).or(region) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        Self::with_sdk_config(&loader.load().await, key_id, endpoint)
    }

    /// The same with everything given.
    pub fn with_sdk_config(shared: &SdkConfig, key_id: &str, endpoint: Option<&str>) -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT);
        let mut config = aws_sdk_kms::config::Builder::from(shared).timeout_config(timeouts.build());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self { client: Client::from_conf(config.build()), key_id: key_id.to_owned() }
    }
}

impl fmt::Debug for KmsVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsVault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyVault for KmsVault {
    fn key_id(&self) -> &str {
        &self.key_id
    }

    async fn current_key_id(&self) -> Result<String, VaultError> {
        // An alias or a bare id says nothing about what is stored: secrets keep the ARN that KMS answered, because
        // Decrypt must name the key that encrypted even after an alias was pointed elsewhere.
        Ok(self.generate_data_key(&EncryptionContext::probe()).await?.key_id)
    }

    async fn generate_data_key(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        let answer = self
            .client
            .generate_data_key()
            .key_id(&self.key_id)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(context.pairs()))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let wrapped = answer.ciphertext_blob.ok_or_else(unreadable)?.into_inner();
        let key_id = answer.key_id.ok_or_else(unreadable)?;
        Ok(DataKey { key_id, plaintext: key_bytes(answer.plaintext)?, wrapped })
    }

    async fn unwrap_data_key(
        &self,
        key_id: &str,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let answer = self
            .client
            .decrypt()
            .key_id(key_id)
            .ciphertext_blob(Blob::new(wrapped))
            .set_encryption_context(Some(context.pairs()))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        key_bytes(answer.plaintext)
    }
}

/// The region in a key's ARN, `arn:aws:kms:<region>:<account>:key/<id>`.
fn arn_region(key_id: &str) -> Option<&str> {
    key_id.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// The answer's 32 bytes; the SDK's copy of them is wiped.
fn key_bytes(plaintext: Option<Blob>) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let bytes = Zeroizing::new(plaintext.ok_or_else(unreadable)?.into_inner());
    <&[u8; 32]>::try_from(bytes.as_slice()).map(|key| Zeroizing::new(*key)).map_err(|_| unreadable())
}

fn unreadable() -> VaultError {
    VaultError::Unavailable("its answer cannot be read".to_owned())
}

fn classify<E, R>(error: &SdkError<E, R>) -> VaultError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    match error {
        SdkError::ServiceError(refusal) => classify_code(refusal.err().code()),
        SdkError::TimeoutError(_) => VaultError::Unavailable("no answer in time".to_owned()),
        // Not the error's own text: it may quote the answer, and that held a data key.
        SdkError::ResponseError(_) => unreadable(),
        other => VaultError::Unavailable(chain(other)),
    }
}

/// KMS's error codes: "Common errors" and "Errors" of the two operations in the API reference.
fn classify_code(code: Option<&str>) -> VaultError {
    match code {
        Some("NotFoundException") => VaultError::KeyNotFound,
        Some("DisabledException" | "KMSInvalidStateException" | "InvalidKeyUsageException") => VaultError::KeyUnusable,
        Some("InvalidCiphertextException" | "IncorrectKeyException") => VaultError::Rejected,
        Some(
            "AccessDeniedException"
            | "AccessDenied"
            | "NotAuthorized"
            | "OptInRequired"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredTokenException",
        ) => VaultError::AccessDenied,
        other => VaultError::Unavailable(other.unwrap_or("an error without a code").to_owned()),
    }
}

/// The messages of an error and its causes. Never their debug form, which holds whole requests and answers.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    // The credential chain reports over several lines; a log entry is one.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{VaultError, arn_region, classify_code};

    #[test]
    fn the_region_comes_from_the_keys_arn() {
        assert_eq!(arn_region("arn:aws:kms:us-east-1:123456789012:key/1234"), Some("us-east-1"));
        assert_eq!(arn_region("arn:aws-cn:kms:cn-north-1:123456789012:alias/finops"), Some("cn-north-1"));
        for other in ["alias/finops", "12345678-1234-1234-1234-123456789012", "arn:aws:kms", "arn:aws:kms::1:key/2"] {
            assert_eq!(arn_region(other), None, "{other}");
        }
    }

    #[test]
    fn codes_say_whether_to_wait_or_to_act() {
        assert_eq!(classify_code(Some("NotFoundException")).to_string(), "KMS key not found");
        assert_eq!(classify_code(Some("AccessDeniedException")).to_string(), "Access denied");
        assert_eq!(classify_code(Some("InvalidCiphertextException")), VaultError::Rejected);
        assert_eq!(classify_code(Some("KMSInvalidStateException")), VaultError::KeyUnusable);
        for transient in ["ThrottlingException", "KMSInternalException", "DependencyTimeoutException", "Novelty"] {
            assert!(classify_code(Some(transient)).is_transient(), "{transient}");
        }
        assert!(classify_code(None).is_transient());
    }
}
