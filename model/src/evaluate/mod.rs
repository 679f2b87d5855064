//! One action on one resource: gather types, decide, explain. Start with [`decide`]; the order of gates is `iam:L-10`…`L-14`.
//!
//! [`Request`] and [`PolicySets`] come from the world (or, for a pure evaluator case, from [`case`]); the answer is an
//! [`outcome::Check`](crate::outcome::Check) that names every gate, statement and rule that mattered.

mod answers;
mod blame;
mod caller;
pub mod case;
mod decide;
mod facts;
mod formula;
mod gates;
mod input;
mod message;
mod never;
mod notes;
mod scan;
mod shortcut;

pub use caller::{Caller, FederatedUser, Parent, Role, RoleSession, User};
pub(crate) use decide::decide_unexplained;
pub use decide::{Judgement, decide, judge};
pub use input::{GrantFact, GranteeKind, PolicyRef, PolicySets, Request, ResourcePolicy, VpcEndpoint};
pub use message::denial_message;

#[cfg(test)]
mod tests;
