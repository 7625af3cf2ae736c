//! Effects as one type. Each closure that [`Effect::new`] is given becomes a task of its own in the shipped app, about a
//! kilobyte each; behind a box they share one.

use leptos::prelude::*;

/// Runs now, and again whenever something that it read has changed; as long as the owner.
pub fn effect(run: impl FnMut() + 'static) {
    start(Box::new(run));
}

/// The same, told what it answered the time before.
pub fn effect_from<T: 'static>(mut run: impl FnMut(Option<T>) -> T + 'static) {
    let mut before = None;
    effect(move || before = Some(run(before.take())));
}

fn start(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_: Option<()>| run());
}
