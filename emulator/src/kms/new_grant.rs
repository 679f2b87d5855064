//! A CreateGrant request: reading, checks against the key, condition keys, its trace in the trail. Storing the grant is
//! `grant_operations`'.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::error::KmsError;
use super::grant_operations::for_aws_resource;
use super::grants::Constraints;
use super::key::{Key, KeyFamily};
use super::operations::Operation;
use super::params::{Params, check_length, constraint, missing, not_in_enumeration};
use super::validate;
use crate::authorizer::{Context, known};
use crate::fault::{Fault, FaultSet};

/// Most pairs of a constraint (svc:G-10).
const MOST_PAIRS: usize = 8;
/// Longest value of a constraint pair (svc:G-10).
const LONGEST_VALUES: usize = 384;

/// GrantOperation values and the kinds of key that support them (svc:G-4).
const GRANT_OPERATIONS: &[(&str, &[&str])] = &[
    ("Decrypt", &["symmetric", "ENCRYPT_DECRYPT"]),
    ("Encrypt", &["symmetric", "ENCRYPT_DECRYPT"]),
    ("GenerateDataKey", &["symmetric"]),
    ("GenerateDataKeyWithoutPlaintext", &["symmetric"]),
    ("ReEncryptFrom", &["symmetric", "ENCRYPT_DECRYPT"]),
    ("ReEncryptTo", &["symmetric", "ENCRYPT_DECRYPT"]),
    ("Sign", &["SIGN_VERIFY"]),
    ("Verify", &["SIGN_VERIFY"]),
    (
        "GetPublicKey",
        &[
            "ENCRYPT_DECRYPT",
            "SIGN_VERIFY",
            "KEY_AGREEMENT",
            "ENCAPSULATE_DECAPSULATE",
        ],
    ),
    ("CreateGrant", ANY_KEY),
    ("RetireGrant", ANY_KEY),
    ("DescribeKey", ANY_KEY),
    ("GenerateDataKeyPair", &["symmetric"]),
    ("GenerateDataKeyPairWithoutPlaintext", &["symmetric"]),
    ("GenerateMac", &["GENERATE_VERIFY_MAC"]),
    ("VerifyMac", &["GENERATE_VERIFY_MAC"]),
    ("DeriveSharedSecret", &["KEY_AGREEMENT"]),
    ("Encapsulate", &["ENCAPSULATE_DECAPSULATE"]),
    ("Decapsulate", &["ENCAPSULATE_DECAPSULATE"]),
];

const ANY_KEY: &[&str] = &[
    "symmetric",
    "ENCRYPT_DECRYPT",
    "SIGN_VERIFY",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
];

/// A CreateGrant request whose syntax is fine.
#[derive(Debug, Clone, Default)]
pub(super) struct NewGrant {
    pub(super) grantee: String,
    pub(super) grantee_is_service: bool,
    pub(super) retiring: Option<String>,
    pub(super) retiring_is_service: bool,
    pub(super) operations: Vec<&'static str>,
    pub(super) constraints: Constraints,
    pub(super) name: Option<String>,
    pub(super) tokens: Vec<String>,
    pub(super) dry_run: bool,
}

impl NewGrant {
    pub(super) fn read(params: Params<'_>, operation: &Operation, faults: FaultSet) -> Result<Self, KmsError> {
        let names: Vec<&str> = GRANT_OPERATIONS.iter().map(|(name, _)| *name).collect();
        if !params.has("Operations") {
            return Err(missing("Operations"));
        }
        let mut operations = Vec::new();
        for text in params.strings("Operations")? {
            let known = names.iter().find(|name| **name == text);
            let name = known.ok_or_else(|| not_in_enumeration("Operations", &text, &names))?;
            if !operations.contains(name) {
                operations.push(*name);
            }
        }
        if operations.is_empty() {
            return Err(constraint(
                "Operations",
                "[]",
                "Member must have length greater than or equal to 1",
            ));
        }
        let (grantee, grantee_is_service) = principal(params, "GranteePrincipal", "GranteeServicePrincipal")?
            .ok_or_else(|| missing("GranteePrincipal"))?;
        let retiring = principal(params, "RetiringPrincipal", "RetiringServicePrincipal")?;
        let name = params.text("Name")?;
        if let Some(name) = name {
            check_length("Name", name, 1, 256)?;
        }
        let constraints = read_constraints(params, faults)?;
        if grantee_is_service && (constraints.source_arn.is_none() || retiring.is_none()) {
            return Err(KmsError::validation(
                "A grant with a grantee service principal requires a SourceArn constraint and a retiring principal.",
            ));
        }
        Ok(Self {
            grantee,
            grantee_is_service,
            retiring_is_service: retiring.as_ref().is_some_and(|(_, service)| *service),
            retiring: retiring.map(|(text, _)| text),
            operations,
            constraints,
            name: name.map(str::to_owned),
            tokens: validate::grant_tokens(params)?,
            dry_run: validate::dry_run(params, operation)?,
        })
    }

    /// svc:C-13 … svc:C-18.
    pub(super) fn condition_keys(&self, call: &Call<'_>) -> Context {
        let mut context = for_aws_resource(call);
        context.set_many(
            known!("kms:grantoperations"),
            self.operations.iter().map(|name| (*name).to_owned()).collect(),
        );
        let grantee = if self.grantee_is_service {
            "kms:granteeserviceprincipal"
        } else {
            "kms:granteeprincipal"
        };
        context.set(grantee, self.grantee.clone());
        if let Some(retiring) = &self.retiring {
            let name = if self.retiring_is_service {
                "kms:retiringserviceprincipal"
            } else {
                "kms:retiringprincipal"
            };
            context.set(name, retiring.clone());
        }
        if let Some(name) = self.constraints.constraint_type() {
            context.set(known!("kms:grantconstrainttype"), name);
        }
        if let Some(arn) = &self.constraints.source_arn {
            context.set(known!("kms:grantconstraintsourcearn"), arn.clone());
        }
        context
    }

    /// svc:G-4, svc:G-10.
    pub(super) fn check_against(&self, key: &Key) -> Result<(), KmsError> {
        let kind = if key.spec.family == KeyFamily::Symmetric {
            "symmetric"
        } else {
            key.usage
        };
        let supported = |operation: &str| {
            GRANT_OPERATIONS
                .iter()
                .any(|(name, kinds)| *name == operation && kinds.contains(&kind))
        };
        if let Some(operation) = self.operations.iter().find(|operation| !supported(operation)) {
            return Err(KmsError::validation(format!(
                "The operation {operation} is not supported by a KMS key with key usage {} and key spec {}.",
                key.usage, key.spec.name
            )));
        }
        if self.constraints.pairs().is_some() && key.spec.family != KeyFamily::Symmetric {
            return Err(KmsError::malformed(
                "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.",
            ));
        }
        Ok(())
    }

    /// svc:T-7.
    pub(super) fn trail_parameters(&self, identifier: &str) -> Value {
        let mut parameters = json!({ "keyId": identifier, "operations": self.operations });
        let grantee = if self.grantee_is_service {
            "granteeServicePrincipal"
        } else {
            "granteePrincipal"
        };
        parameters[grantee] = json!(self.grantee);
        if let Some(retiring) = &self.retiring {
            parameters["retiringPrincipal"] = json!(retiring);
        }
        if let Some(name) = &self.name {
            parameters["name"] = json!(name);
        }
        let mut constraints = serde_json::Map::new();
        for (name, pairs) in [
            ("encryptionContextEquals", &self.constraints.equals),
            ("encryptionContextSubset", &self.constraints.subset),
        ] {
            if let Some(pairs) = pairs {
                constraints.insert(name.to_owned(), json!(pairs));
            }
        }
        if let Some(arn) = &self.constraints.source_arn {
            constraints.insert("sourceArn".to_owned(), json!(arn));
        }
        if !constraints.is_empty() {
            parameters["constraints"] = Value::Object(constraints);
        }
        parameters
    }
}

/// A principal given as ARN or as service name, never as both.
fn principal(params: Params<'_>, arn: &str, service: &str) -> Result<Option<(String, bool)>, KmsError> {
    match (params.text(arn)?, params.text(service)?) {
        (Some(_), Some(_)) => Err(KmsError::validation(format!(
            "{arn} and {service} cannot be used together."
        ))),
        (Some(text), None) => {
            check_length(arn, text, 1, 256)?;
            Ok(Some((text.to_owned(), false)))
        }
        (None, Some(text)) => {
            check_length(service, text, 1, 128)?;
            Ok(Some((text.to_owned(), true)))
        }
        (None, None) => Ok(None),
    }
}

fn read_constraints(params: Params<'_>, faults: FaultSet) -> Result<Constraints, KmsError> {
    let Some(constraints) = params.structure("Constraints")? else {
        return Ok(Constraints::default());
    };
    let pairs = |name: &str| -> Result<Option<BTreeMap<String, String>>, KmsError> {
        if !constraints.has(name) {
            return Ok(None);
        }
        let pairs = constraints.string_map(name)?;
        let values: usize = pairs.values().map(|value| value.chars().count()).sum();
        let too_many = pairs.len() > MOST_PAIRS || values > LONGEST_VALUES;
        if too_many && !faults.contains(Fault::GrantPairQuotaSkipped) {
            return Err(KmsError::validation(format!(
                "{name} must not have more than {MOST_PAIRS} pairs and {LONGEST_VALUES} characters of values."
            )));
        }
        // An empty subset constrains nothing; an empty equality demands an empty context.
        Ok(Some(pairs))
    };
    let read = Constraints {
        equals: pairs("EncryptionContextEquals")?,
        subset: pairs("EncryptionContextSubset")?.filter(|pairs| !pairs.is_empty()),
        source_arn: constraints.text("SourceArn")?.map(str::to_owned),
    };
    if read.equals.is_some() && read.subset.is_some() {
        return Err(KmsError::validation(
            "Only one of EncryptionContextEquals and EncryptionContextSubset may be specified.",
        ));
    }
    Ok(read)
}
