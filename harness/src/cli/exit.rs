//! What the process says when it ends: one number for each answer to "whose fault?".

use std::process::ExitCode;

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything that was compared agrees.
    Conformant,
    /// The target differs from the model, or a case's own expectation does not hold.
    Divergence,
    /// The command line or a file is wrong.
    Usage,
    /// The target could not be asked.
    Target,
    /// A safety rail refused to go on.
    Refused,
    /// An expectation about a target is stale.
    StaleExpectation,
    /// Nothing was run.
    NothingRan,
    /// The fault is Countersign's own.
    Internal,
}

impl Exit {
    /// The number, as documented in README.
    pub fn code(self) -> u8 {
        match self {
            Self::Conformant => 0,
            Self::Divergence => 1,
            Self::Usage => 2,
            Self::Target => 3,
            Self::Refused => 4,
            Self::StaleExpectation => 5,
            Self::NothingRan => 6,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
