//! Enumerations whose names are stable: the same in JSON, in the database and in URLs.

/// Makes such enumerations, each with `ALL`, `name()` and `from_name()`. Names are the variants' in snake_case.
macro_rules! names {
    ($( #[doc = $doc:literal] $kind:ident { $( #[doc = $about:literal] $variant:ident = $name:literal, )+ } )+) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $kind {
            $( #[doc = $about] $variant, )+
        }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The stable name, as in JSON and in the database.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    )+};
}
