//! How the service says it is.

/// How a part of the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthState {
    /// All is well.
    Healthy,
    /// It works, with less than usual.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl HealthState {
    /// The word the world reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Degraded => "Degraded",
            Self::Unhealthy => "Unhealthy",
        }
    }
}

/// A part of the service and how it is.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name, such as `store` or `lane`.
    pub name: &'static str,
    /// How it is.
    pub state: HealthState,
    /// A sentence for the operator, where there is something to say.
    pub detail: Option<String>,
}

/// Who the service is among those that share its store.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What it is called.
    pub replica: String,
    /// `sweeper` when it ends orders whose time is over, `standby` when another service does.
    pub role: &'static str,
    /// What kind of store it has: `sqlite` or `mysql`.
    pub database: &'static str,
    /// The version of the store's schema.
    pub schema: i64,
}

/// Knows how the service is. Answers at once, from what is known already.
pub trait HealthProbe: Send + Sync {
    /// Who the service is.
    fn identity(&self) -> Identity;
    /// Every part and how it is.
    fn components(&self) -> Vec<Component>;
    /// Why no write can commit, in words for the operator; `None` when writes can.
    fn why_not_ready(&self) -> Option<String>;
}
