//! The icons: one stroke weight, a 16-unit grid, drawn for this app. Decorative always; the control that holds one has
//! the name.

use leptos::prelude::*;

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        /// An icon by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon { $($(#[$doc])* $name,)* }

        impl Icon {
            /// Every icon, for the gallery.
            pub const ALL: &[Icon] = &[$(Icon::$name),*];

            const fn path(self) -> &'static str {
                match self { $(Icon::$name => $path,)* }
            }
        }
    };
}

icons! {
    /// Home.
    Home = "M2.5 7 8 2.5 13.5 7v6a.5.5 0 0 1-.5.5h-3v-4H6v4H3a.5.5 0 0 1-.5-.5Z";
    /// Projects: a folder.
    Folder = "M2 4.5A1 1 0 0 1 3 3.5h3l1.5 2H13a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1Z";
    /// Setup: a checklist.
    Checklist = "m2.5 4 1 1 2-2M8 4h5.5m-11 4.5 1 1 2-2M8 8.5h5.5m-11 4.5 1 1 2-2M8 13h5.5";
    /// Teams: two people.
    People = "M6 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM1.5 13c.3-2.3 2-3.75 4.5-3.75S10.2 10.7 10.5 13M10.5 3.25a2.15 2.15 0 0 1 0 4M12 9.5c1.5.5 2.3 1.7 2.5 3.5";
    /// Settings: sliders.
    Sliders = "M2 4.5h6m4 0h2M2 11.5h2m4 0h6M10 6.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5ZM6 13.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5Z";
    /// Audit log: a page with a clock.
    History = "M2.5 8a5.5 5.5 0 1 0 1.8-4.1L2.5 5.5M2.5 2.5v3h3M8 5v3.25l2 1.25";
    /// Search.
    Search = "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.2 3.2";
    /// A closed menu or the direction of a row.
    ChevronRight = "m6 3.5 4.5 4.5L6 12.5";
    /// Back.
    ChevronLeft = "M10 3.5 5.5 8l4.5 4.5";
    /// A menu that opens downwards.
    ChevronDown = "m3.5 6 4.5 4.5L12.5 6";
    /// A choice between several.
    ChevronsUpDown = "m5 6 3-3 3 3M5 10l3 3 3-3";
    /// More.
    ArrowUp = "M8 13V3M3.5 7.5 8 3l4.5 4.5";
    /// Less.
    ArrowDown = "M8 3v10M3.5 8.5 8 13l4.5-4.5";
    /// Onwards.
    ArrowRight = "M3 8h10M8.5 3.5 13 8l-4.5 4.5";
    /// Equal.
    Minus = "M3.5 8h9";
    /// Add.
    Plus = "M8 3v10M3 8h10";
    /// Close.
    Close = "m3.5 3.5 9 9m0-9-9 9";
    /// Done.
    Check = "m3 8.5 3.25 3.25L13 4.5";
    /// Copy.
    Copy = "M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1Z";
    /// Show a secret.
    Eye = "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 9.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5Z";
    /// Hide a secret.
    EyeOff = "M6.4 3.75A6.5 6.5 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 0 1-1.7 2.2M4 4.9A11 11 0 0 0 1.5 8S4 12.5 8 12.5a6.3 6.3 0 0 0 3.4-1M6.8 6.8a1.75 1.75 0 0 0 2.4 2.4M2.5 2.5l11 11";
    /// A key.
    Key = "M10.25 9a3.25 3.25 0 1 0-3.1-2.25L2.5 11.4v2.1h2.25V12H6.25v-1.5L7.5 9.25M11 5v.01";
    /// Attention.
    Warning = "M8 2.5 14.25 13.25H1.75ZM8 6.5v3M8 11.4v.01";
    /// Failure.
    Failure = "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.5M8 10.9v.01";
    /// Information.
    Info = "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.5V11M8 5.1v.01";
    /// Success.
    Success = "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.5 8.25l1.75 1.75 3.25-3.5";
    /// Light theme.
    Sun = "M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM8 1.5v1.25m0 10.5v1.25M1.5 8h1.25m10.5 0h1.25M3.4 3.4l.9.9m7.4 7.4.9.9m0-9.2-.9.9m-7.4 7.4-.9.9";
    /// Dark theme.
    Moon = "M13.5 9.5A5.75 5.75 0 0 1 6.5 2.5a5.75 5.75 0 1 0 7 7Z";
    /// System theme.
    Screen = "M2 3.5h12v7.5H2ZM6 13.5h4M8 11v2.5";
    /// Language.
    Globe = "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c1.8 1.7 2.6 3.7 2.6 6s-.8 4.3-2.6 6c-1.8-1.7-2.6-3.7-2.6-6S6.2 3.7 8 2Z";
    /// Open the drawer.
    Menu = "M2 4.5h12M2 8h12M2 11.5h12";
    /// Fold or unfold the sidebar.
    Panel = "M3 2.5h10a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1ZM6.25 2.5v11";
    /// More actions.
    More = "M3.5 8v.01M8 8v.01M12.5 8v.01";
    /// Sign out.
    Leave = "M6.5 2.5H3.5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3M10 5l3 3-3 3m3-3H6";
    /// A chart.
    Chart = "M2 2.5V13a.5.5 0 0 0 .5.5H14M5 10.5l2.75-3.25 2.25 1.75L13.5 4.5";
    /// A table.
    Table = "M2.5 3h11v10h-11ZM2.5 6.25h11m-11 3.5h11M6.5 6.25V13";
    /// Try again.
    Retry = "M13.5 8a5.5 5.5 0 1 1-1.8-4.1l1.8 1.6m0-3v3h-3";
    /// Delete.
    Trash = "M2.5 4.25h11M6 4.25V2.5h4v1.75M4 4.25l.6 9.25h6.8l.6-9.25M6.75 7v4m2.5-4v4";
    /// Edit.
    Edit = "M9.5 4 12 6.5M3 13l.6-2.9 7.3-7.3a1 1 0 0 1 1.4 0l.9.9a1 1 0 0 1 0 1.4L5.9 12.4Z";
    /// No permission.
    Lock = "M4 7h8a.75.75 0 0 1 .75.75v5a.75.75 0 0 1-.75.75H4a.75.75 0 0 1-.75-.75v-5A.75.75 0 0 1 4 7ZM5.25 7V5a2.75 2.75 0 0 1 5.5 0v2";
    /// Waiting.
    Clock = "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.75V8l2.25 1.5";
    /// Nothing here yet.
    Inbox = "M2.5 9 4 3.5h8L13.5 9v3.5a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5ZM2.5 9h3.25l.75 1.75h3L10.25 9h3.25";
    /// Filter.
    Filter = "M2 3.5h12l-4.75 5.25v4L6.75 11.5V8.75Z";
    /// Download.
    Download = "M8 2.5v7.25M4.75 6.75 8 10l3.25-3.25M2.5 13.5h11";
    /// Leads out of the app.
    External = "M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.25 2.75 7.5 8.5";
    /// Density of rows.
    Rows = "M2.5 3.5h11m-11 3h11m-11 3h11m-11 3h11";
    /// The period.
    Calendar = "M2.5 4h11v9.5h-11ZM2.5 7h11M5.5 2.25V4.5m5-2.25V4.5";
    /// Events: a list.
    List = "M2.5 4h1m2.5 0h7.5m-11 4h1m2.5 0h7.5m-11 4h1m2.5 0h7.5";
    /// Integration: a plug.
    Plug = "M5.75 2.25V5.5m4.5-3.25V5.5M3.75 5.5h8.5v1.75a4.25 4.25 0 0 1-8.5 0ZM8 11.5v2.25";
    /// Prices: a tag.
    Tag = "M2.5 2.5h5l6 6-5 5-6-6ZM5.25 5.25v.01";
    /// Budgets: a gauge.
    Gauge = "M2.75 12.25a6 6 0 1 1 10.5 0M8 9.25l2.75-3.5M8 10.25a1 1 0 1 0 0-2 1 1 0 0 0 0 2Z";
    /// Alerts: a bell.
    Bell = "M4 6.75a4 4 0 0 1 8 0V10l1.25 2H2.75L4 10ZM6.5 14h3";
    /// An emergency stop.
    Stop = "M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5ZM5.25 8h5.5";
    /// A mail.
    Mail = "M2.5 4h11v8.5h-11ZM2.75 4.5 8 8.75l5.25-4.25";
    /// A conversation.
    Chat = "M2.5 3.5h11V11H7.75L4.75 13.5V11H2.5Z";
    /// A telephone.
    Phone = "M5 1.75h6a.75.75 0 0 1 .75.75v11a.75.75 0 0 1-.75.75H5a.75.75 0 0 1-.75-.75v-11A.75.75 0 0 1 5 1.75ZM7 12h2";
    /// An organization.
    Building = "M3 13.5v-10a1 1 0 0 1 1-1h5a1 1 0 0 1 1 1v10M10 6.5h2a1 1 0 0 1 1 1v6M1.5 13.5h13M5.5 5.5h2m-2 2.5h2m-2 2.5h2";
}

/// An inline icon, hidden from assistive technology.
#[component]
pub fn Glyph(
    /// Which one.
    icon: Icon,
    /// Its side: 12, 16 (the default) or 20 pixels.
    #[prop(default = 16)]
    size: u8,
) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" data-size=size.to_string()>
            <path d=icon.path() />
        </svg>
    }
    .into_any()
}
