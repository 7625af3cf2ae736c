//! Signing in, and who is signed in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees the teams and projects that they belong to.
    User,
    /// Runs one organization.
    TenantAdmin,
    /// Runs the platform and sees every organization.
    Admin,
}

impl Role {
    /// The stable name, as in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::TenantAdmin => "tenant_admin",
            Self::Admin => "admin",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::TenantAdmin, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

/// A language the product speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// Korean.
    #[default]
    Ko,
    /// English.
    En,
}

impl Locale {
    /// `ko` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
        }
    }

    /// The locale with this tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        [Self::Ko, Self::En].into_iter().find(|locale| locale.tag() == tag)
    }
}

/// `GET /api/auth/registration`: may a stranger register here?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegistrationInfo {
    /// Who may register.
    pub mode: RegistrationMode,
    /// True until the first account exists; that one becomes `admin`.
    pub first_account: bool,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// Anyone, with an organization of their own.
    Open,
    /// Only who was invited (and the very first account).
    Invite,
    /// Nobody (but the very first account).
    Closed,
}

/// `POST /api/auth/register`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterRequest {
    /// Their e-mail address, unique on the platform.
    #[cfg_attr(feature = "server", validate(email, length(max = 254)))]
    #[cfg_attr(feature = "server", schema(format = "email", example = "finops@example.com"))]
    pub email: String,
    /// 12 to 128 characters.
    #[cfg_attr(feature = "server", validate(length(min = 12, max = 128)))]
    #[cfg_attr(
        feature = "server",
        schema(format = "password", min_length = 12, max_length = 128, example = "correct horse battery")
    )]
    pub password: String,
    /// How to address them.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "FinOps"))]
    pub name: String,
    /// The organization to found. Needed unless `invitationToken` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "Example Inc."))]
    pub organization_name: Option<String>,
    /// The secret of an invitation; the account then joins that organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation_token: Option<String>,
    /// Their language; Korean by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// `POST /api/auth/login`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoginRequest {
    /// The account's e-mail address.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 254)))]
    #[cfg_attr(feature = "server", schema(format = "email", example = "finops@example.com"))]
    pub email: String,
    /// The account's password.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 128)))]
    #[cfg_attr(feature = "server", schema(format = "password", example = "correct horse battery"))]
    pub password: String,
}

/// A session. The refresh token comes beside it as an HttpOnly cookie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Who is signed in.
    pub user: Me,
}

/// Who is signed in, and in which organization they act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The account.
    pub id: Uuid,
    /// Their e-mail address.
    pub email: String,
    /// How to address them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their language.
    pub locale: Locale,
    /// The organization they act in.
    pub organization: crate::organizations::Organization,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// `PATCH /api/auth/me`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateMeRequest {
    /// How to address them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    pub name: Option<String>,
    /// Their language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// `POST /api/auth/password`. Ends every other session of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The password as it is.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 128)))]
    pub current_password: String,
    /// 12 to 128 characters.
    #[cfg_attr(feature = "server", validate(length(min = 12, max = 128)))]
    #[cfg_attr(feature = "server", schema(min_length = 12, max_length = 128))]
    pub new_password: String,
}

/// `POST /api/invitations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateInvitationRequest {
    /// Who is invited; only an account with this address can accept.
    #[cfg_attr(feature = "server", validate(email, length(max = 254)))]
    #[cfg_attr(feature = "server", schema(format = "email", example = "engineer@example.com"))]
    pub email: String,
    /// The role they get, no higher than the inviter's own.
    pub role: Role,
    /// A team they join at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
}

/// An invitation that was not accepted yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// Who is invited.
    pub email: String,
    /// The role they get.
    pub role: Role,
    /// The team they join.
    pub team_id: Option<Uuid>,
    /// After this it is void.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The answer to a new invitation: the only time its link is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// Its secret, for `invitationToken`.
    pub token: String,
    /// The registration page with the secret in its fragment, so that no server logs it.
    pub link: String,
}

/// `POST /api/auth/invitation`: what an invitation's secret stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationLookup {
    /// The secret from the link.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 128)))]
    pub token: String,
}

/// What an invitation's secret stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvitationPreview {
    /// Who is invited.
    pub email: String,
    /// The organization they would join.
    pub organization_name: String,
    /// The role they would get.
    pub role: Role,
}
