//! What cases ought to reach: every operation of the tables with every decision; and what cannot be, with the reason. The rules are
//! `cells`'.

use std::collections::BTreeMap;

use countersign_model::case::{CallStep, Shape};
use countersign_model::world::catalogue;
use countersign_model::{kms, s3};

use super::{Decisions, Unreached};

/// An HTML form upload is an operation of its own.
const FORM_UPLOAD: &str = "s3:PostObject";

/// Operations that no generated case calls: name and reason.
const NOT_CALLED: &[(&str, &str)] = &[
    ("kms:CreateCustomKeyStore", NO_STORES),
    ("kms:ConnectCustomKeyStore", NO_STORES),
    ("kms:DisconnectCustomKeyStore", NO_STORES),
    ("kms:UpdateCustomKeyStore", NO_STORES),
    ("kms:DeleteCustomKeyStore", NO_STORES),
    ("kms:DescribeCustomKeyStores", NO_STORES),
    ("kms:Encapsulate", NO_ML_KEM),
    ("kms:Decapsulate", NO_ML_KEM),
    (
        "kms:ImportKeyMaterial",
        "the driver does not wrap key material under the target's public key",
    ),
];
const NO_STORES: &str = "the embedded target knows the permission but has no custom key stores";
const NO_ML_KEM: &str = "the embedded target knows the permission but has no ML-KEM keys";

/// Operations that authorization never refuses: name and reason.
const NEVER_DENIED: &[(&str, &str)] = &[(
    "sts:GetCallerIdentity",
    "everybody may ask who they are, whatever the policies say",
)];

/// The operation a call counts for.
pub(super) fn operation_of(call: &CallStep) -> &str {
    if call.shape == Shape::PostForm && call.call.as_str() == "s3:PutObject" {
        FORM_UPLOAD
    } else {
        call.call.as_str()
    }
}

/// The name of a shape, as it stands in a case.
pub(super) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Header => "header",
        Shape::Presigned => "presigned",
        Shape::PostForm => "post_form",
        Shape::Chunked => "chunked",
        Shape::UnsignedTrailer => "unsigned_trailer",
    }
}

/// Operations that are missing in the table of a run.
pub(super) fn unreached(operations: &BTreeMap<String, Decisions>) -> Unreached {
    let mut unreached = Unreached::default();
    for name in operations_to_reach() {
        if let Some((_, why)) = NOT_CALLED.iter().find(|(operation, _)| *operation == name) {
            unreached.out_of_reach.insert(name, (*why).to_owned());
            continue;
        }
        let decisions = operations.get(&name).copied().unwrap_or_default();
        if let Some((_, why)) = NEVER_DENIED.iter().find(|(operation, _)| *operation == name) {
            unreached
                .out_of_reach
                .insert(format!("{name} × deny"), (*why).to_owned());
        } else if decisions.deny == 0 {
            unreached.operations_without_deny.push(name.clone());
        }
        if decisions.allow == 0 {
            unreached.operations_without_allow.push(name);
        }
    }
    unreached
}

/// Every operation of the tables of KMS and S3, and of the other services those that the model knows.
fn operations_to_reach() -> Vec<String> {
    let kms = kms::table::table()
        .operations()
        .map(|operation| format!("kms:{}", operation.name));
    let s3 = s3::table::table()
        .operations()
        .map(|operation| format!("s3:{}", operation.name));
    let others = catalogue::OPERATIONS
        .iter()
        .map(|entry| entry.call.to_owned())
        .filter(|call| !call.starts_with("kms:") && !call.starts_with("s3:"));
    kms.chain(s3).chain(others).collect()
}
