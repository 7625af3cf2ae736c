//! Server-sent events, read with `fetch`: the browser's `EventSource` cannot send the access token.
//!
//! A stream ends by itself after a while, when the service stops or when the network goes. It is asked for again then,
//! after the last event that was heard, so nothing is missed and nothing is told twice.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Date, Math, Promise, Reflect, Uint8Array};
use leptos::leptos_dom::helpers::IntervalHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader};

use super::{ApiError, client};

/// Milliseconds before the first new attempt; each further one waits twice as long.
const FIRST_PAUSE: f64 = 1_000.0;
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE: f64 = 20_000.0;
/// Milliseconds without a byte after which a connection counts as broken. The service says something every 15 s.
const SILENCE: f64 = 40_000.0;
/// Bytes that one event may have. More is no event of ours.
const LARGEST: usize = 4 * 1024 * 1024;

/// How a feed stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Link {
    /// It is being connected for the first time.
    #[default]
    Connecting,
    /// It is connected.
    Open,
    /// It was lost, and is being connected again.
    Again,
    /// The service will not have it; it is not asked for again.
    Refused(ApiError),
}

/// Events as they come in. Dropping it ends it.
pub struct Feed {
    inner: Rc<Inner>,
    watch: Option<IntervalHandle>,
}

struct Inner {
    path: String,
    on_link: Box<dyn Fn(Link)>,
    on_data: Box<dyn Fn(&str)>,
    stopped: Cell<bool>,
    attempt: RefCell<Option<AbortController>>,
    heard: Cell<f64>,
}

impl Feed {
    /// Begins to listen. `on_data` gets what each event says.
    pub fn open(path: String, on_link: impl Fn(Link) + 'static, on_data: impl Fn(&str) + 'static) -> Feed {
        let inner = Rc::new(Inner {
            path,
            on_link: Box::new(on_link),
            on_data: Box::new(on_data),
            stopped: Cell::new(false),
            attempt: RefCell::new(None),
            heard: Cell::new(Date::now()),
        });
        let watched = Rc::downgrade(&inner);
        let look = move || {
            if let Some(inner) = watched.upgrade()
                && Date::now() - inner.heard.get() > SILENCE
            {
                inner.abort();
            }
        };
        let watch = set_interval_with_handle(look, Duration::from_secs(10)).ok();
        spawn_local(keep(Rc::clone(&inner)));
        Feed { inner, watch }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.inner.stopped.set(true);
        self.inner.abort();
        if let Some(watch) = self.watch {
            watch.clear();
        }
    }
}

async fn keep(inner: Rc<Inner>) {
    let mut last = None;
    let mut pause = FIRST_PAUSE;
    while !inner.stopped.get() {
        let mut opened = false;
        let ended = inner.listen(&mut last, &mut opened).await;
        if inner.stopped.get() {
            return;
        }
        match ended {
            Err(error) if is_final(&error) => {
                (inner.on_link)(Link::Refused(error));
                return;
            }
            _ => (inner.on_link)(Link::Again),
        }
        pause = if opened { FIRST_PAUSE } else { (pause * 2.0).min(LONGEST_PAUSE) };
        // Not all readers at the same moment, when a service comes back.
        sleep(pause * (0.5 + Math::random() / 2.0)).await;
    }
}

/// Whether asking again would be answered the same.
fn is_final(error: &ApiError) -> bool {
    (400..500).contains(&error.status) && !matches!(error.status, 408 | 429)
}

impl Inner {
    fn abort(&self) {
        if let Some(attempt) = self.attempt.borrow().as_ref() {
            attempt.abort();
        }
    }

    /// One connection, to its end.
    async fn listen(&self, last: &mut Option<String>, opened: &mut bool) -> Result<(), ApiError> {
        let attempt = AbortController::new().map_err(|_| ApiError::offline())?;
        let signal = attempt.signal();
        self.attempt.replace(Some(attempt));
        self.heard.set(Date::now());
        let response = client::open(&self.path, last.as_deref(), &signal).await?;
        let body = response.body().ok_or_else(ApiError::offline)?;
        let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        if self.stopped.get() {
            return Ok(());
        }
        *opened = true;
        (self.on_link)(Link::Open);
        let mut frames = Frames::default();
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(|_| ApiError::offline())?;
            let field = |name: &str| Reflect::get(&chunk, &name.into()).unwrap_or(JsValue::UNDEFINED);
            if self.stopped.get() || field("done").is_truthy() {
                return Ok(());
            }
            self.heard.set(Date::now());
            for frame in frames.push(&Uint8Array::from(field("value")).to_vec()) {
                (self.on_data)(&frame.data);
                *last = frame.id.or_else(|| last.take());
            }
            if frames.rest.len() > LARGEST {
                self.abort();
                return Err(ApiError::unreadable(200));
            }
        }
    }
}

async fn sleep(milliseconds: f64) {
    let promise = Promise::new(&mut |resolve, _| {
        let wake = move || drop(resolve.call0(&JsValue::UNDEFINED));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, in milliseconds")]
        set_timeout(wake, Duration::from_millis(milliseconds as u64));
    });
    // Never rejected.
    let _ = JsFuture::from(promise).await;
}

/// One event as it was sent.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    id: Option<String>,
    data: String,
}

/// Cuts bytes into events, wherever the network has cut them.
#[derive(Default)]
struct Frames {
    rest: Vec<u8>,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        // What was there before holds no end, but may hold half of one.
        let mut seen = self.rest.len().saturating_sub(1);
        self.rest.extend_from_slice(bytes);
        let (mut frames, mut start) = (Vec::new(), 0);
        while let Some(at) = self.rest[seen..].windows(2).position(|pair| pair == b"\n\n") {
            let end = seen + at;
            frames.extend(read(&self.rest[start..end]));
            (start, seen) = (end + 2, end + 2);
        }
        self.rest.drain(..start);
        frames
    }
}

/// Nothing for a comment, and for what is no text.
fn read(bytes: &[u8]) -> Option<Frame> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut id, mut data) = (None, None::<String>);
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => id = Some(value.to_owned()),
            "data" => match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
    data.map(|data| Frame { id, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "retry: 2000\n: connected\n\nid: 1\nevent: usage\ndata: {\"model\":\"가\"}\n\n: still here\n\nid: 2\ndata: a\ndata: b\n\n";

    #[test]
    fn events_are_the_same_wherever_the_bytes_are_cut() {
        let whole = Frames::default().push(STREAM.as_bytes());
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0], Frame { id: Some("1".into()), data: "{\"model\":\"가\"}".into() });
        assert_eq!(whole[1].data, "a\nb");
        for size in 1..STREAM.len() {
            let mut frames = Frames::default();
            let cut: Vec<_> = STREAM.as_bytes().chunks(size).flat_map(|chunk| frames.push(chunk)).collect();
            assert_eq!(cut, whole, "in pieces of {size}");
            assert!(frames.rest.is_empty());
        }
    }

    #[test]
    fn half_an_event_is_kept_until_the_rest_comes() {
        let mut frames = Frames::default();
        assert!(frames.push(b"data: a\n").is_empty());
        assert_eq!(frames.push(b"\ndata").len(), 1);
        assert_eq!(frames.rest, b"data");
    }

    #[test]
    fn only_a_refusal_is_final() {
        assert!(is_final(&ApiError::unreadable(403)));
        for passing in [0, 408, 429, 500, 503] {
            assert!(!is_final(&ApiError::unreadable(passing)), "{passing}");
        }
    }
}
