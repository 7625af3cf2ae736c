//! The component set. Nothing in here knows about a feature, the API or the session.

pub mod badge;
pub mod button;
pub mod choice;
pub mod dom;
pub mod field;
pub mod icon;
pub mod input;
pub mod tooltip;

use leptos::prelude::*;

pub use badge::{Avatar, Badge, Banner, Dot, Kbd, Progress, Tone};
pub use button::{Button, ButtonKind, ButtonSize, IconButton, LinkButton};
pub use choice::{Checkbox, Choice, SegmentedControl, Switch};
pub use field::{Form, FormActions};
pub use icon::{Glyph, Icon};
pub use input::{PasswordField, Select, TextField, Textarea};
pub use tooltip::Tooltip;

/// A text property of a component: a [`Word`](crate::i18n::Word), a string, a signal or a closure.
pub type Text = Signal<String>;
