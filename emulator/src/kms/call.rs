//! One call of a KMS operation: who, through what, where, and what the trail is to know of it.

use serde_json::Value;

use super::error::KmsError;
use super::operations::Operation;
use super::store::KeyAddress;
use crate::identity::{Caller, Via};
use crate::names::Region;

/// The circumstances of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) caller: &'a Caller,
    pub(super) via: &'a Via,
    /// Region of the endpoint.
    pub(super) region: &'a Region,
    pub(super) request_id: &'a str,
}

/// What an operation tells the trail while it runs (svc:§13).
#[derive(Debug, Default)]
pub(super) struct Note {
    /// Keys the call touched, in order.
    pub(super) keys: Vec<KeyAddress>,
    /// Other resources: aliases.
    pub(super) other_resources: Vec<String>,
    pub(super) request_parameters: Option<Value>,
    pub(super) response_elements: Option<Value>,
    pub(super) additional: Option<Value>,
    /// Operations that this one runs in other Regions for the same caller, told if it succeeds.
    pub(super) elsewhere: Vec<Elsewhere>,
}

/// An operation that another one runs in another Region.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) region: Region,
    pub(super) operation: &'static Operation,
    pub(super) note: Note,
}

/// A JSON answer; `None` for operations without output.
pub(super) type Answer = Result<Option<Value>, KmsError>;
