//! Time and ids, injected: the only place that reads the wall clock.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// Days before this one and from [`END_OF_DAYS`] on are slips of a finger: no provider has billed them, and PostgreSQL
/// knows no day before 4713 BC.
pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day");
/// The first day that is too late.
pub const END_OF_DAYS: NaiveDate = NaiveDate::from_ymd_opt(2100, 1, 1).expect("a day");

/// The UTC midnight that begins a day.
pub fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The time, as the service sees it. Cheap to clone; clones of a fixed clock move together.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved. For tests.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(at))))
    }

    /// The time now, to the microsecond that PostgreSQL keeps.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Source::System => Utc::now(),
            Source::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// The UTC day now.
    pub fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }

    /// Moves a fixed clock. Does nothing to the machine's.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// A new UUIDv7 of this clock's time, in order with the ones made before it in the same millisecond.
    pub fn new_id(&self) -> Uuid {
        static CONTEXT: Mutex<Option<ContextV7>> = Mutex::new(None);
        let now = self.now();
        let mut context = CONTEXT.lock().unwrap_or_else(PoisonError::into_inner);
        let context = &*context.get_or_insert_with(ContextV7::new);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(context, seconds, now.timestamp_subsec_nanos()))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
