//! The tenant: its calendar, its currency, its people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::Role;

/// An organization with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The IANA zone in which its days, weeks and months run.
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: String,
    /// The ISO 4217 currency that people see first.
    #[cfg_attr(feature = "server", schema(example = "USD"))]
    pub currency: String,
    /// The month, 1 to 12, in which its fiscal year starts.
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 12, example = 1))]
    pub fiscal_year_start_month: u8,
    /// Days that single usage events are kept. Costs are kept for good.
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 3650, example = 90))]
    pub retention_days: u16,
    /// Whether a person's block, and every lift, needs a second person before it takes effect.
    #[serde(default)]
    pub two_person_blocks: bool,
    /// When it was founded.
    pub created_at: DateTime<Utc>,
}

/// `PATCH /api/organization`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateOrganizationRequest {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    pub name: Option<String>,
    /// An IANA zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 64)))]
    #[cfg_attr(feature = "server", schema(example = "Asia/Seoul"))]
    pub time_zone: Option<String>,
    /// An ISO 4217 code, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(example = "USD", pattern = "^[A-Z]{3}$"))]
    pub currency: Option<String>,
    /// 1 to 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 1, max = 12)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 12, example = 4))]
    pub fiscal_year_start_month: Option<u8>,
    /// 1 to 3,650 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(range(min = 1, max = 3650)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 3650, example = 180))]
    pub retention_days: Option<u16>,
    /// Whether a person's block, and every lift, needs a second person before it takes effect. A budget's block never waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_person_blocks: Option<bool>,
}

/// A person of the organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The account.
    pub user_id: Uuid,
    /// Their e-mail address.
    pub email: String,
    /// How to address them.
    pub name: String,
    /// What they may do in the organization.
    pub role: Role,
    /// When they last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When they joined.
    pub created_at: DateTime<Utc>,
}

/// `PATCH /api/organization/members/{userId}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateMemberRequest {
    /// The new role, no higher than the caller's own.
    pub role: Role,
}
