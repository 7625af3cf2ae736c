//! `finops`: the service and its command line.

fn main() {}
