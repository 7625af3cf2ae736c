//! (in the making)

mod crypto;
