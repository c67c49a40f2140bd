//! Risks that whoever runs the service may accept by name, with their eyes open.

/// A property of the database that puts promises at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// What was acknowledged may be lost in a crash or a power cut.
    Durability,
    /// Several nodes of a cluster may be written to.
    Galera,
    /// The password is one that everybody knows.
    Password,
}

impl Risk {
    /// Every risk.
    pub const ALL: [Self; 3] = [Self::Durability, Self::Galera, Self::Password];

    /// Its name in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Durability => "durability",
            Self::Galera => "galera",
            Self::Password => "password",
        }
    }

    /// The risk of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == name)
    }
}
