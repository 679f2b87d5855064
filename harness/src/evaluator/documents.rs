//! The documents of an evaluator case and the statements in them, for whoever changes one. What they mean is decided elsewhere.

use countersign_model::case::{EvaluatorPolicies, PolicyText};
use serde_json::{Map, Value};

/// Every document, in the order of the case.
pub(crate) fn documents(policies: &mut EvaluatorPolicies) -> Vec<&mut PolicyText> {
    let EvaluatorPolicies {
        identity,
        permissions_boundary,
        session,
        resource,
        service_control,
        resource_control,
        vpc_endpoint,
    } = policies;
    identity
        .iter_mut()
        .chain(permissions_boundary)
        .chain(session.iter_mut().flatten())
        .chain(resource)
        .chain(service_control.iter_mut().flatten())
        .chain(resource_control.iter_mut().flatten())
        .chain(vpc_endpoint.iter_mut().map(|endpoint| &mut endpoint.policy))
        .collect()
}

/// The statements of a document; none of a verbatim text.
pub(crate) fn statements(policy: &mut PolicyText) -> Vec<&mut Map<String, Value>> {
    let PolicyText::Document(document) = policy else {
        return Vec::new();
    };
    match document.get_mut("Statement") {
        Some(Value::Object(statement)) => vec![statement],
        Some(Value::Array(list)) => list.iter_mut().filter_map(Value::as_object_mut).collect(),
        _ => Vec::new(),
    }
}

/// Every statement of a case.
pub(crate) fn all_statements(policies: &mut EvaluatorPolicies) -> Vec<&mut Map<String, Value>> {
    documents(policies).into_iter().flat_map(statements).collect()
}
