//! The simulator, asked over HTTP as its users ask it.

mod channels;
mod common;
mod conformance;
mod contract;
mod costs;
mod enforcement;
mod faults;
mod steering;
mod usage;
