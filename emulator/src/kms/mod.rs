//! AWS KMS: keys, grants, aliases, ciphertexts, key policies and the trail. This file routes one JSON 1.1 request
//! to its operation; other services come in through [`internal`].

mod aging;
mod alias_operations;
mod asymmetric;
mod authorize;
mod call;
mod ciphertext;
mod crypto_operations;
mod data_key_pair_operations;
mod drawer;
pub mod error;
mod grant_operations;
mod grants;
mod import_operations;
pub mod internal;
mod key;
mod key_operations;
mod managed_keys;
mod material;
mod multi_region_operations;
mod new_grant;
mod operation_table;
mod operations;
mod params;
mod policy_operations;
mod primes;
mod rotation_operations;
mod signing_operations;
mod states;
mod store;
pub mod tables;
mod tag_operations;
mod trail;
mod unsupported_operations;
mod using;
mod validate;

use serde_json::{Map, Value};

pub use drawer::Drawer;
pub use error::KmsError;
pub use grants::{Constraints, Grant, GrantPrincipal};
pub use key::{Key, KeyFamily, KeyManager, KeySpec, KeyState, LastUse};
pub use store::{Alias, KeyAddress, RegionStore, Store};
pub use trail::{Event, Trail};

use crate::fault::Fault;
use crate::identity::Via;
use crate::protocol::{Authenticated, Response, json};
use crate::state::State;
use call::{Call, Note};
use params::Params;

/// Prefix of `X-Amz-Target`.
const TARGET: &str = "TrentService.";

/// Answers one verified KMS request and writes the trail.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let target = request
        .header("x-amz-target")
        .and_then(|target| target.strip_prefix(TARGET));
    let Some(operation) = target.and_then(operations::find) else {
        return json::failure(400, json::JSON_1_1, "UnknownOperationException", "");
    };
    let Some(mut parameters) = read_body(&request.body) else {
        return json::failure(400, json::JSON_1_1, "SerializationException", "");
    };
    if state.case.faults.contains(Fault::DryRunExecutes) {
        parameters.remove("DryRun");
    }
    let call = Call {
        caller: &request.caller,
        via: &Via::Direct,
        region: &request.region,
        request_id: &request.request_id,
    };
    let mut note = Note::default();
    let result = (operation.run)(state, &call, operation, Params(&parameters), &mut note);
    trail::record(state, &call, operation, note, result.as_ref().err());
    match result {
        Ok(Some(answer)) => json::answer(200, json::JSON_1_1, &answer),
        Ok(None) => json::empty(json::JSON_1_1),
        Err(error) => error.response(),
    }
}

/// A JSON object; an empty body counts as one.
fn read_body(body: &[u8]) -> Option<Map<String, Value>> {
    if body.is_empty() {
        return Some(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}
