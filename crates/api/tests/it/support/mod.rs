//! What every test stands on: a database of its own, the real service on loopback, the outside world in this process,
//! and people who are signed in. Nothing sleeps: time is moved, jobs are run, answers are awaited.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod costs;
pub(crate) mod database;
pub(crate) mod openapi;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod usage;

pub(crate) use app::TestApp;
pub(crate) use database::Database;
