//! `Idempotency-Key`: a change that is sent again answers what it answered the first time.
