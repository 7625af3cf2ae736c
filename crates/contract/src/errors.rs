//! The one table of errors, and the body in which they travel (RFC 9457).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($( $variant:ident = $name:literal, $status:literal, $en:literal, $ko:literal; )+) => {
        /// Why a request failed. The name is stable; callers may match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        pub enum ErrorCode {
            $( #[doc = $en] #[serde(rename = $name)] $variant, )+
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The stable snake_case name.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $( Self::$variant => $status, )+ }
            }

            /// One sentence for people, in English.
            pub const fn title_en(self) -> &'static str {
                match self { $( Self::$variant => $en, )+ }
            }

            /// One sentence for people, in Korean.
            pub const fn title_ko(self) -> &'static str {
                match self { $( Self::$variant => $ko, )+ }
            }
        }
    };
}

error_codes! {
    BadRequest = "bad_request", 400, "The request could not be read.", "요청을 읽을 수 없어요.";
    MalformedJson = "malformed_json", 400, "The body is not valid JSON.", "본문이 올바른 JSON이 아니에요.";
    EncodingInvalid = "encoding_invalid", 400, "The compressed body could not be unpacked.", "압축된 본문을 풀 수 없어요.";
    ProtobufInvalid = "protobuf_invalid", 400, "The body is not the protobuf message it should be.", "본문이 올바른 protobuf 메시지가 아니에요.";
    InvalidQuery = "invalid_query", 400, "The query string is not valid.", "쿼리 값이 올바르지 않아요.";
    InvalidCursor = "invalid_cursor", 400, "The cursor is not one of ours.", "커서 값이 올바르지 않아요.";
    Unauthenticated = "unauthenticated", 401, "Sign in to do this.", "로그인이 필요해요.";
    InvalidCredentials = "invalid_credentials", 401, "The e-mail or the password is wrong.", "이메일 또는 비밀번호가 맞지 않아요.";
    TokenExpired = "token_expired", 401, "The access token has expired.", "로그인이 만료됐어요.";
    ApiKeyInvalid = "api_key_invalid", 401, "This API key is not one of ours, or does not work any more.", "없는 API 키이거나 더 이상 쓸 수 없는 API 키예요.";
    RefreshInvalid = "refresh_invalid", 401, "The session has ended. Sign in again.", "세션이 끝났어요. 다시 로그인해 주세요.";
    Forbidden = "forbidden", 403, "You do not have permission to do this.", "이 작업을 할 권한이 필요해요.";
    ApiKeyNotAllowed = "api_key_not_allowed", 403, "API keys may not do this. Sign in instead.", "API 키로는 할 수 없는 작업이에요. 로그인해 주세요.";
    ApiKeyScope = "api_key_scope", 403, "This API key lacks the scope for this.", "이 API 키에 필요한 권한 범위가 없어요.";
    Blocked = "blocked", 403, "This was stopped in an emergency. Whoever runs the organization can lift that.", "긴급 차단된 상태예요. 조직 관리자가 해제할 수 있어요.";
    SecondPersonNeeded = "second_person_needed", 403, "Another person must decide about what you asked for.", "요청한 사람이 아닌 다른 관리자가 결정해야 해요.";
    RegistrationClosed = "registration_closed", 403, "Registration is closed.", "지금은 가입할 수 없어요.";
    InvitationRequired = "invitation_required", 403, "You need an invitation to register.", "초대를 받아야 가입할 수 있어요.";
    NotFound = "not_found", 404, "There is nothing here.", "찾을 수 없어요.";
    MethodNotAllowed = "method_not_allowed", 405, "This address does not take that method.", "이 주소에서는 쓸 수 없는 메서드예요.";
    AlreadyBlocked = "already_blocked", 409, "There is a block of this already, in force or waiting for a second person.", "이미 차단했거나 승인을 기다리는 차단이 있어요.";
    BlockInForce = "block_in_force", 409, "This is stopped in an emergency. Lift the block first.", "긴급 차단 중이에요. 먼저 차단을 해제해 주세요.";
    BlockSettled = "block_settled", 409, "Nothing about this block waits for that any more.", "이 차단에서 더 처리할 것이 없어요.";
    Conflict = "conflict", 409, "This clashes with what is stored.", "저장된 내용과 충돌해요.";
    EmailTaken = "email_taken", 409, "This e-mail already has an account.", "이미 가입한 이메일이에요.";
    NameTaken = "name_taken", 409, "This name is already in use.", "이미 쓰고 있는 이름이에요.";
    LastAdministrator = "last_administrator", 409, "The last administrator must stay.", "마지막 관리자는 남아 있어야 해요.";
    TeamNotEmpty = "team_not_empty", 409, "Move or delete the team's projects first.", "팀의 프로젝트를 먼저 옮기거나 삭제해 주세요.";
    AdminKeyActiveExists = "admin_key_active_exists", 409, "This team already has an active admin key for this provider.", "이 팀에는 이미 사용 중인 Admin 키가 있어요.";
    AdminKeyMissing = "admin_key_missing", 409, "Admin API Key not registered: the team needs an active admin key first.", "팀에 사용 중인 Admin 키가 없어요. 먼저 Admin API Key를 등록해 주세요.";
    EventConflict = "event_conflict", 409, "Another event was stored under this id.", "같은 ID로 다른 이벤트가 저장돼 있어요.";
    OpenaiProjectIdTaken = "openai_project_id_taken", 409, "This Project ID already belongs to another project.", "다른 프로젝트가 이미 쓰고 있는 Project ID예요.";
    AttributionInProgress = "attribution_in_progress", 409, "Earlier costs are still being attributed to this project. Try again in a moment.", "이전 비용을 이 프로젝트에 반영하는 중이에요. 잠시 뒤에 다시 해 주세요.";
    ImportOffset = "import_offset", 409, "The upload goes on at another place, or has ended.", "업로드를 이어 갈 위치가 다르거나 이미 끝난 업로드예요.";
    IdempotencyInProgress = "idempotency_in_progress", 409, "A request with this Idempotency-Key is still running.", "같은 Idempotency-Key의 요청이 아직 진행 중이에요.";
    JobNotRetryable = "job_not_retryable", 409, "Only a dead job can be retried.", "중단된 작업만 다시 실행할 수 있어요.";
    PriceOverrideOverlaps = "price_override_overlaps", 409, "Another price of yours holds for that time.", "그 기간에 이미 적용 중인 협의 단가가 있어요.";
    PriceChangeDecided = "price_change_decided", 409, "This change of prices was decided already.", "이미 처리한 단가 변경이에요.";
    ChannelBuiltIn = "channel_built_in", 409, "This channel comes from the service's own settings and is changed there.", "서비스 설정에서 온 채널이라 여기서는 바꿀 수 없어요.";
    ChannelWithoutSecret = "channel_without_secret", 409, "Only a webhook has a secret of its own.", "자체 시크릿은 웹훅 채널에만 있어요.";
    DeliveryNotResendable = "delivery_not_resendable", 409, "Only a message that was given up can be sent again, and only to a channel that is enabled.", "중단된 메시지만, 켜져 있는 채널로만 다시 보낼 수 있어요.";
    PayloadTooLarge = "payload_too_large", 413, "The body is too large.", "본문이 너무 커요.";
    BatchTooLarge = "batch_too_large", 413, "A batch takes 1,000 events at most.", "한 번에 이벤트 1,000개까지 보낼 수 있어요.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Send the body as application/json.", "본문을 application/json으로 보내 주세요.";
    ValidationFailed = "validation_failed", 422, "Some fields are not valid.", "올바르지 않은 항목이 있어요.";
    CheckFailed = "check_failed", 422, "It ran, and not all is well: its report says what.", "실행했지만 문제가 있어요. 결과를 확인해 주세요.";
    InvitationInvalid = "invitation_invalid", 422, "The invitation is not valid any more.", "더 이상 쓸 수 없는 초대예요.";
    PasswordTooCommon = "password_too_common", 422, "This password is among the first to be guessed. Choose another one.", "너무 흔한 비밀번호예요. 다른 비밀번호를 입력해 주세요.";
    AdminKeyInvalid = "admin_key_invalid", 422, "An Admin API key starts with sk-admin- or sk-proj-.", "Admin API Key는 sk-admin- 또는 sk-proj-로 시작해요.";
    AdminKeyRejected = "admin_key_rejected", 422, "Unauthorized: the provider rejected this key. Check that it is an active key of type admin with organization-level permissions.", "공급자가 이 키를 거부했어요. 조직 권한이 있는 활성 Admin 키인지 확인해 주세요.";
    ProviderKeyInvalid = "provider_key_invalid", 422, "This does not look like a key of that provider.", "이 공급자의 키 형식이 아니에요.";
    OpenaiProjectIdInvalid = "openai_project_id_invalid", 422, "A Project ID looks like proj_abc123.", "Project ID는 proj_abc123 같은 형식이에요.";
    OpenaiProjectIdUnreachable = "openai_project_id_unreachable", 422, "Project ID not found: the team's admin key cannot reach this project.", "팀의 Admin 키로 접근할 수 없는 Project ID예요.";
    RangeTooLarge = "range_too_large", 422, "The period is empty, reversed or too long.", "기간이 비었거나 거꾸로이거나 너무 길어요.";
    SumTooLarge = "sum_too_large", 422, "A sum has more digits than can be told exactly. Ask for a shorter period or for finer groups.", "합계의 자릿수가 너무 많아 정확히 표시할 수 없어요. 기간을 줄이거나 더 잘게 나눠 주세요.";
    FxRateMissing = "fx_rate_missing", 422, "There is no exchange rate of this currency yet. Set one first.", "이 통화의 환율이 아직 없어요. 먼저 환율을 등록해 주세요.";
    ChannelNotConfigured = "channel_not_configured", 422, "The service is not set up to send this kind of message yet.", "아직 이 방식으로 보낼 수 있게 설정되지 않았어요.";
    CsvInvalid = "csv_invalid", 422, "The CSV file has lines that cannot be read.", "CSV 파일에 읽을 수 없는 줄이 있어요.";
    QuantityInvalid = "quantity_invalid", 422, "A count must be a whole number from 0 to 10,000,000,000.", "개수는 0부터 100억까지의 정수여야 해요.";
    TokensExceedWhole = "tokens_exceed_whole", 422, "The parts add up to more tokens than their whole.", "부분 토큰의 합이 전체 토큰보다 커요.";
    AmountInvalid = "amount_invalid", 422, "An amount must be an exact decimal of at most 28 digits.", "금액은 28자리 이내의 정확한 십진수여야 해요.";
    TimestampInvalid = "timestamp_invalid", 422, "A time must be RFC 3339 or seconds since 1970.", "시각은 RFC 3339 형식이거나 1970년부터의 초여야 해요.";
    TimestampInFuture = "timestamp_in_future", 422, "The event is more than 5 minutes in the future.", "이벤트 시각이 5분 넘게 미래예요.";
    EventNotKept = "event_not_kept", 422, "The event is kept no longer, so what came of it cannot change.", "더 이상 보관하지 않는 이벤트라 결과를 바꿀 수 없어요.";
    TimestampTooOld = "timestamp_too_old", 422, "The event is older than 30 days. Import it instead.", "30일이 지난 이벤트예요. 가져오기로 올려 주세요.";
    ProjectUnknown = "project_unknown", 422, "There is no such project.", "찾을 수 없는 프로젝트예요.";
    ProjectRequired = "project_required", 422, "Say which project the event belongs to.", "이벤트의 프로젝트를 알려 주세요.";
    MetadataTooDeep = "metadata_too_deep", 422, "The value nests deeper than 16 levels.", "값이 16단계보다 깊게 중첩됐어요.";
    DuplicateField = "duplicate_field", 422, "A field is given twice.", "같은 항목이 두 번 있어요.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "This Idempotency-Key was used for another request.", "다른 요청에 이미 쓴 Idempotency-Key예요.";
    RateLimited = "rate_limited", 429, "Too many attempts. Wait a moment.", "시도가 너무 많아요. 잠시 뒤에 다시 해 주세요.";
    Throttled = "throttled", 429, "More calls than a block lets through in a minute.", "차단 설정에서 허용한 분당 호출 수를 넘었어요.";
    Internal = "internal", 500, "Something went wrong on our side.", "저희 쪽에서 문제가 생겼어요.";
    BudgetExceeded = "budget_exceeded", 503, "The call does not fit into a hard budget.", "예산 한도를 넘어서 호출할 수 없어요.";
    GuardUnavailable = "guard_unavailable", 503, "Whether the call may be made cannot be told right now.", "지금은 호출해도 되는지 확인할 수 없어요.";
    ProviderUnavailable = "provider_unavailable", 503, "The provider does not answer right now. Try again later.", "지금 공급자가 응답하지 않아요. 잠시 뒤에 다시 해 주세요.";
    EncryptionUnavailable = "encryption_unavailable", 503, "The key service does not answer right now. Try again later.", "지금 암호화 서비스가 응답하지 않아요. 잠시 뒤에 다시 해 주세요.";
    Unavailable = "unavailable", 503, "The service is busy. Try again in a moment.", "지금은 처리할 수 없어요. 잠시 뒤에 다시 해 주세요.";
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive.", "요청이 제때 도착하지 않았어요.";
}

impl ErrorCode {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldError {
    /// JSON pointer into the request (RFC 6901), `/email`; for a query parameter its name after the slash.
    pub pointer: String,
    /// What is wrong, a stable name: `required`, `length`, `email`, `range`, `unknown_field`, …
    pub code: String,
    /// The same for people.
    pub message: String,
}

/// The body of every error, `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence, the same for every problem of this code, in the language of `Accept-Language`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// The fields at fault, if any are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Find this request in the logs.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ErrorCode;

    #[test]
    fn names_are_unique_and_round_trip() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn every_code_speaks_korean_and_english() {
        for code in ErrorCode::ALL {
            assert!(code.title_en().is_ascii() && code.title_en().ends_with('.'), "{code}");
            assert!(code.title_ko().chars().any(|c| ('가'..='힣').contains(&c)), "{code}");
        }
    }
}
