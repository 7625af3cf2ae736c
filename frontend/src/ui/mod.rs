//! The component set. Nothing in here knows about a feature, the API or the session.

pub mod badge;
pub mod button;
pub mod card;
pub mod chart;
pub mod choice;
pub mod copy;
pub mod dialog;
pub mod dom;
pub mod field;
pub mod icon;
pub mod input;
pub mod list;
pub mod menu;
pub mod money;
pub mod nav;
pub mod param;
pub mod state;
pub mod table;
pub mod tabs;
pub mod toast;
pub mod tooltip;

use leptos::prelude::*;

pub use badge::{Avatar, Badge, Banner, Dot, Kbd, Progress, Tone};
pub use button::{Button, ButtonKind, ButtonSize, IconButton, LinkButton};
pub use card::{Card, Stat};
pub use chart::{Chart, ChartKind, Sparkline};
pub use choice::{Checkbox, Choice, SegmentedControl, Switch};
pub use copy::{CodeBlock, CopyButton, SecretReveal};
pub use dialog::{ConfirmDialog, Dialog};
pub use field::{Form, FormActions};
pub use icon::{Glyph, Icon};
pub use input::{PasswordField, Select, TextField, Textarea};
pub use list::{Checklist, Fact, Facts, Step, StepState};
pub use menu::{Menu, MenuItem, MenuLabel, MenuLine, MenuLink};
pub use money::{Change, Money};
pub use nav::{Crumb, PageHeader};
pub use param::ParamSelect;
pub use state::{EmptyKind, EmptyState, ErrorState, Skeleton};
pub use table::{Column, DensityMenu, Pager, Row, RowAction, Sort, Table, density, use_sort};
pub use tabs::{Tab, Tabs};
pub use toast::ToastRegion;
pub use tooltip::Tooltip;

/// A text property of a component: a [`Word`](crate::i18n::Word), a string, a signal or a closure.
pub type Text = Signal<String>;
