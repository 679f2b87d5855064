//! Rails for runs against AWS itself, where mistakes cost money and other people's work. `options` says what was allowed, `rails` looks at
//! every request before it leaves and writes what it makes into the `journal` first, `account` proves whose account it is, `plan` says
//! what a run would do, `pool` reuses keys, `clean` deletes what the journal lists. Cases, comparison and the endpoint are elsewhere.
//!
//! The same rails stand before the emulator when a run is rehearsed on loopback: nothing here knows the difference.

mod account;
mod clean;
mod journal;
mod options;
mod plan;
mod policy;
pub(crate) mod pool;
mod rails;
mod raw;
mod request;

pub use account::{Provisioner, verify};
pub(crate) use clean::clean;
pub use clean::{CleanOptions, Cleaned};
pub use journal::{Entry, Event, Journal, JournalError, Kind, Resource};
pub use options::{Ceilings, LiveError, LiveOptions, NAME_PREFIX, Rehearsal};
pub use plan::{LivePlan, plan};
pub(crate) use rails::Rails;
pub use raw::Raw;
