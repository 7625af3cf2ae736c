//! The simulator as a program, for demo mode and for looking at it by hand.

use std::io::Write;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Parser, ValueEnum};
use finops_simulator::{Channel, Simulator, SimulatorConfig, presets};

/// The outside world on loopback: simulated AI vendors with a known truth.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What exists from the start.
    #[arg(long, value_enum, default_value_t = Preset::Demo)]
    preset: Preset,
    /// A fixed time (RFC 3339) instead of the real clock.
    #[arg(long)]
    now: Option<DateTime<Utc>>,
    /// Seed of the preset's bills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// Three organizations with 90 days of costs.
    Demo,
    /// Nothing.
    Empty,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let config =
        SimulatorConfig { host: arguments.host, port: arguments.port, now: arguments.now, organizations: Vec::new() };
    let simulator = Simulator::start(config).await?;
    if let Preset::Demo = arguments.preset {
        let today = simulator.control().now().date_naive();
        for organization in presets::demo_with_seed(today, arguments.seed) {
            simulator.control().add_organization(organization)?;
        }
    }
    // What clients of the vendors have to be told.
    let addresses = serde_json::json!({
        "baseUrl": simulator.base_url(),
        "openaiBaseUrl": simulator.openai_base_url(),
        "slackWebhookUrl": simulator.slack_webhook_url(),
        "resend": { "baseUrl": simulator.channel_base_url(Channel::Resend), "key": presets::RESEND_KEY },
        "twilio": {
            "baseUrl": simulator.channel_base_url(Channel::Twilio),
            "accountSid": presets::TWILIO_ACCOUNT,
            "token": presets::TWILIO_TOKEN,
            "from": presets::TWILIO_FROM,
        },
        "pagerduty": { "baseUrl": simulator.channel_base_url(Channel::PagerDuty), "key": presets::PAGERDUTY_KEY },
    });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{addresses}")?;
    output.flush()?;
    drop(output);
    terminated().await?;
    simulator.stop().await;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
async fn terminated() -> Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
