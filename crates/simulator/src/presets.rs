//! Worlds that are ready to use.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use crate::openai::spec::{AmountStyle, OrganizationSpec, ProjectSpec, Trend};
use crate::rng;

/// Days of history in the demo.
pub const DEMO_DAYS: u32 = 90;

/// The demo's projects that nobody registers: their costs end up unattributed.
pub const DEMO_UNREGISTERED: [&str; 2] = ["proj_sim_legacy_batch", "proj_sim_hackathon"];

/// The Slack webhook that is there from the start: what follows `/slack/services/`.
pub const SLACK_WEBHOOK: &str = "T00000SIM/B00000SIM/simulatedSlackToken00000";
/// The Resend key that is good from the start.
pub const RESEND_KEY: &str = "re_simulated_0000000000000000";
/// The SendGrid key that is good from the start.
pub const SENDGRID_KEY: &str = "SG.simulated000000000.0000000000000000000000000000000000000000000";
/// The Twilio account that exists from the start.
pub const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000000";
/// Its token.
pub const TWILIO_TOKEN: &str = "simulated00000000000000000000000";
/// Both, as Basic authentication joins them.
pub const TWILIO_CREDENTIAL: &str = "AC00000000000000000000000000000000:simulated00000000000000000000000";
/// A number that Twilio sends from.
pub const TWILIO_FROM: &str = "+15005550006";
/// The PagerDuty integration that exists from the start.
pub const PAGERDUTY_KEY: &str = "simulated00000000000000000000000";

/// An admin key that has the provider's form and is plainly not a real one.
#[must_use]
pub fn fake_admin_key(team: &str, seed: u64) -> String {
    let body = rng::identifier(rng::hash(&[rng::hash_text(team), seed, 0xADu64]), 32);
    format!("sk-admin-sim-{team}-{body}")
}

/// The demo world: three organizations of a learning-platform company, eight projects that the demo registers, and
/// two ([`DEMO_UNREGISTERED`]) that it does not, with [`DEMO_DAYS`] days before `today`.
#[must_use]
pub fn demo(today: NaiveDate) -> Vec<OrganizationSpec> {
    demo_with_seed(today, 1)
}

/// [`demo`] with other noise. Ids, names and keys do not depend on the seed.
#[must_use]
pub fn demo_with_seed(today: NaiveDate, seed: u64) -> Vec<OrganizationSpec> {
    let yesterday = Trend::Spike { day_offset: DEMO_DAYS - 1 };
    let three_weeks = Trend::Since { day_offset: DEMO_DAYS - 21 };
    let teams = [
        (
            "learning",
            "Learning AI",
            vec![
                project("tutor-svc", 320, Trend::Growing, 9, 2),
                project("chatbot-experiment", 38, yesterday, 5, 1),
                project("essay-grader", 74, Trend::Flat, 6, 2),
            ],
        ),
        (
            "search",
            "Search and Discovery",
            vec![
                project("search-ranking", 900, Trend::Flat, 12, 3),
                project("doc-embeddings", 90, Trend::Shrinking, 4, 1),
                project("voice-notes", 27, three_weeks, 14, 1),
                project("legacy-batch", 12, Trend::Flat, 3, 1),
            ],
        ),
        (
            "platform",
            "Platform",
            vec![
                project("support-assistant", 140, Trend::Growing, 8, 2),
                project("ci-code-review", 5, Trend::Flat, 3, 1),
                project("hackathon", 9, Trend::Flat, 5, 0),
            ],
        ),
    ];
    let first_day = today.checked_sub_days(Days::new(u64::from(DEMO_DAYS))).unwrap_or(today);
    (0u64..)
        .zip(teams)
        .map(|(number, (slug, name, projects))| OrganizationSpec {
            id: format!("org-sim-{slug}"),
            name: name.to_owned(),
            // 48 bits: the control API shows it as a JSON number.
            seed: rng::hash(&[seed, number]) >> 16,
            admin_keys: vec![fake_admin_key(slug, 0)],
            projects,
            first_day,
            amount_style: AmountStyle::Mixed,
        })
        .collect()
}

fn project(name: &str, daily_usd: i64, trend: Trend, line_items: usize, api_keys: usize) -> ProjectSpec {
    ProjectSpec {
        id: format!("proj_sim_{}", name.replace('-', "_")),
        name: name.to_owned(),
        daily_usd: Decimal::from(daily_usd),
        trend,
        line_items,
        api_keys,
        empty_days: name == "ci-code-review",
    }
}
