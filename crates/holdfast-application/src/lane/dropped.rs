//! Commands that are dropped undecided, counted by why.

/// Why a command is dropped undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Its caller is gone.
    Abandoned,
    /// It waited for too long.
    Deadline,
    /// It is about a product that is frozen.
    Frozen,
    /// Another held its lock until then.
    Lock,
    /// A command before it, in its succession, could not be decided.
    OutOfTurn,
}

impl Dropped {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Abandoned, Self::Deadline, Self::Frozen, Self::Lock, Self::OutOfTurn];

    /// What the metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Deadline => "deadline",
            Self::Frozen => "frozen",
            Self::Lock => "lock",
            Self::OutOfTurn => "out_of_turn",
        }
    }

    /// Counts one.
    pub(super) fn count(self) {
        metrics::counter!("holdfast_commands_dropped_total", "reason" => self.as_str()).increment(1);
    }
}
