//! KMS as other services call it: forwarded for a caller (svc:F-1), as a service principal (svc:F-3) or with a
//! role session (svc:L-4). Every call is authorized, state-checked and written to the trail like a direct one.
//!
//! `key_id` is any identifier form (svc:K-10), resolved in the caller's account and `region`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Call, Note};
use super::crypto_operations;
use super::error::KmsError;
use super::grant_operations;
use super::grants::Constraints;
use super::key::KeyManager;
use super::new_grant::NewGrant;
use super::operations::{self, Operation};
use super::params::Params;
use super::store::{GrantAddress, KeyAddress, resolve};
use super::using::{self, Use};
use super::{key_operations, managed_keys, trail};
use crate::identity::{Caller, Via};
use crate::names::{AccountId, KeyArn, Region};
use crate::state::State;

/// An encryption context: exact, case-sensitive pairs.
pub type EncryptionContext = BTreeMap<String, String>;

/// Answer of [`generate_data_key`].
#[derive(Debug, Clone)]
pub struct DataKey {
    /// 32 bytes of key.
    pub plaintext: Vec<u8>,
    /// The same, encrypted.
    pub ciphertext: Vec<u8>,
    /// The key that encrypted it.
    pub key_arn: KeyArn,
}

/// Answer of [`encrypt`].
#[derive(Debug, Clone)]
pub struct Encrypted {
    /// Opaque ciphertext blob.
    pub ciphertext: Vec<u8>,
    /// The key that encrypted it.
    pub key_arn: KeyArn,
}

/// Answer of [`decrypt`].
#[derive(Debug, Clone)]
pub struct Decrypted {
    /// The plaintext.
    pub plaintext: Vec<u8>,
    /// The key that decrypted it.
    pub key_arn: KeyArn,
}

/// A grant that a service wants (svc:F-5). Unlike the public CreateGrant, service principals are legal (svc:G-3):
/// a name ending in `.amazonaws.com` is one.
#[derive(Debug, Clone, Default)]
pub struct GrantRequest {
    /// ARN or service principal name.
    pub grantee_principal: String,
    /// ARN or service principal name.
    pub retiring_principal: Option<String>,
    /// Operation names such as `Decrypt`.
    pub operations: Vec<&'static str>,
    /// EncryptionContextEquals constraint.
    pub encryption_context_equals: Option<EncryptionContext>,
    /// EncryptionContextSubset constraint.
    pub encryption_context_subset: Option<EncryptionContext>,
    /// Friendly name.
    pub name: Option<String>,
}

/// Answer of [`create_grant`].
#[derive(Debug, Clone)]
pub struct CreatedGrant {
    /// 64 hexadecimal digits.
    pub grant_id: String,
    /// Token that makes the grant usable before it has propagated.
    pub grant_token: String,
    /// The key it belongs to.
    pub key_arn: KeyArn,
}

/// What a service needs to know about a key.
#[derive(Debug, Clone)]
pub struct KeyFacts {
    /// Key ARN.
    pub arn: KeyArn,
    /// Owner.
    pub account: AccountId,
    /// `Enabled`, `Disabled`, …
    pub state: &'static str,
    /// `AWS` or `CUSTOMER`.
    pub manager: &'static str,
}

/// GenerateDataKey with an AES-256 data key.
///
/// # Errors
/// Every KMS error of the operation.
pub fn generate_data_key(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
    context: &EncryptionContext,
) -> Result<DataKey, KmsError> {
    data_key(state, caller, via, region, key_id, context, Question::Asked)
}

/// GenerateDataKey that asks nobody and leaves no trace: only for the seeded fault of svc:S-16.
///
/// # Errors
/// NotFoundException, key states, key usage.
pub fn generate_data_key_unasked(
    state: &mut State,
    caller: &Caller,
    region: &Region,
    key_id: &str,
    context: &EncryptionContext,
) -> Result<DataKey, KmsError> {
    data_key(state, caller, &Via::Direct, region, key_id, context, Question::Skipped)
}

/// Encrypt.
///
/// # Errors
/// Every KMS error of the operation.
pub fn encrypt(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
    plaintext: &[u8],
    context: &EncryptionContext,
) -> Result<Encrypted, KmsError> {
    let wanted = Use {
        encryption_context: context.clone(),
        ..Use::default()
    };
    let parameters = using::trail_parameters(Some(key_id), &wanted, None);
    let sealed = run(state, caller, via, region, "Encrypt", |state, call, operation, note| {
        note.request_parameters = Some(parameters);
        crypto_operations::encrypt_core(state, call, operation, key_id, plaintext, &wanted, note)
    })?;
    Ok(Encrypted {
        ciphertext: sealed.ciphertext,
        key_arn: sealed.key.arn(),
    })
}

/// Decrypt; without `key_id` the key is the ciphertext's (svc:K-10) and denials hide it (svc:X-4).
///
/// # Errors
/// Every KMS error of the operation.
pub fn decrypt(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: Option<&str>,
    ciphertext: &[u8],
    context: &EncryptionContext,
) -> Result<Decrypted, KmsError> {
    opened(state, caller, via, region, key_id, ciphertext, context, Question::Asked)
}

/// Decrypt that asks nobody and leaves no trace: only for the seeded fault of svc:S-17.
///
/// # Errors
/// NotFoundException, key states, InvalidCiphertextException.
pub fn decrypt_unasked(
    state: &mut State,
    caller: &Caller,
    region: &Region,
    key_id: Option<&str>,
    ciphertext: &[u8],
    context: &EncryptionContext,
) -> Result<Decrypted, KmsError> {
    opened(
        state,
        caller,
        &Via::Direct,
        region,
        key_id,
        ciphertext,
        context,
        Question::Skipped,
    )
}

/// ReEncrypt: `source` is key, ciphertext and context, `destination` key and context; the ciphertext under the
/// destination key.
///
/// # Errors
/// Every KMS error of the operation.
pub fn re_encrypt(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    source: (&str, &[u8], &EncryptionContext),
    destination: (&str, &EncryptionContext),
) -> Result<Vec<u8>, KmsError> {
    let parameters = json!({
        "SourceKeyId": source.0,
        "CiphertextBlob": STANDARD.encode(source.1),
        "SourceEncryptionContext": source.2,
        "DestinationKeyId": destination.0,
        "DestinationEncryptionContext": destination.1,
    });
    let parameters = parameters.as_object().expect("an object was written just now");
    let answer = run(
        state,
        caller,
        via,
        region,
        "ReEncrypt",
        |state, call, operation, note| crypto_operations::re_encrypt(state, call, operation, Params(parameters), note),
    )?;
    let blob = answer
        .as_ref()
        .and_then(|answer| answer.get("CiphertextBlob"))
        .and_then(Value::as_str)
        .expect("the operation answers with a ciphertext");
    Ok(STANDARD.decode(blob).expect("the operation writes base64"))
}

/// CreateGrant for a service.
///
/// # Errors
/// Every KMS error of the operation.
pub fn create_grant(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
    request: &GrantRequest,
) -> Result<CreatedGrant, KmsError> {
    let is_service = |name: &str| name.ends_with(".amazonaws.com");
    let wanted = NewGrant {
        grantee: request.grantee_principal.clone(),
        grantee_is_service: is_service(&request.grantee_principal),
        retiring_is_service: request.retiring_principal.as_deref().is_some_and(is_service),
        retiring: request.retiring_principal.clone(),
        operations: request.operations.clone(),
        constraints: Constraints {
            equals: request.encryption_context_equals.clone(),
            subset: request.encryption_context_subset.clone(),
            source_arn: None,
        },
        name: request.name.clone(),
        tokens: Vec::new(),
        dry_run: false,
    };
    let made = run(
        state,
        caller,
        via,
        region,
        "CreateGrant",
        |state, call, operation, note| grant_operations::create_core(state, call, operation, key_id, &wanted, note),
    )?;
    Ok(CreatedGrant {
        grant_id: made.grant_id,
        grant_token: made.token,
        key_arn: made.key.arn(),
    })
}

/// RetireGrant for a service; the caller must be entitled by svc:G-16 like everybody.
///
/// # Errors
/// Every KMS error of the operation.
pub fn retire_grant(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_arn: &KeyArn,
    grant_id: &str,
) -> Result<(), KmsError> {
    let target = grant_address(key_arn, grant_id)?;
    run(
        state,
        caller,
        via,
        region,
        "RetireGrant",
        |state, call, operation, note| grant_operations::retire_core(state, call, operation, &target, false, note),
    )
}

/// RetireGrant by Lambda, which tidies up after itself (svc:L-9) and leaves no event that the rules know of.
///
/// # Errors
/// Every KMS error of the operation.
pub fn retire_grant_silently(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_arn: &KeyArn,
    grant_id: &str,
) -> Result<(), KmsError> {
    let target = grant_address(key_arn, grant_id)?;
    run_silently(
        state,
        caller,
        via,
        region,
        "RetireGrant",
        |state, call, operation, note| grant_operations::retire_core(state, call, operation, &target, false, note),
    )
}

/// Takes a grant back that was made in a creation that failed later; nobody is asked and no event is left.
pub fn forget_grant(state: &mut State, key_arn: &KeyArn, grant_id: &str) {
    if let Some(key) = KeyAddress::from_arn(key_arn.as_str()) {
        grant_operations::end(state, &key, grant_id);
    }
}

/// Whether the caller could retire a grant (svc:G-16), without retiring it and without a trail event.
///
/// # Errors
/// What RetireGrant would answer.
pub fn may_retire_grant(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_arn: &KeyArn,
    grant_id: &str,
) -> Result<(), KmsError> {
    let target = grant_address(key_arn, grant_id)?;
    let tried = run_silently(
        state,
        caller,
        via,
        region,
        "RetireGrant",
        |state, call, operation, note| grant_operations::retire_core(state, call, operation, &target, true, note),
    );
    match tried {
        Err(error) if error.code == KmsError::dry_run().code => Ok(()),
        answer => answer,
    }
}

/// DescribeKey.
///
/// # Errors
/// Every KMS error of the operation.
pub fn describe_key(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
) -> Result<KeyFacts, KmsError> {
    let address = run(
        state,
        caller,
        via,
        region,
        "DescribeKey",
        |state, call, operation, note| key_operations::describe_core(state, call, operation, key_id, &[], note),
    )?;
    key_facts(state, &address.arn())
        .ok_or_else(|| KmsError::not_found(format!("Key '{}' does not exist", address.arn())))
}

/// State and manager of a key without asking anybody and without a trail event; `None` when it is gone.
#[must_use]
pub fn key_facts(state: &State, arn: &KeyArn) -> Option<KeyFacts> {
    let address = KeyAddress::from_arn(arn.as_str())?;
    let key = state.kms.key(&address, state.now())?;
    Some(KeyFacts {
        arn: key.arn.clone(),
        account: key.account.clone(),
        state: key.state.name(),
        manager: key.manager.name(),
    })
}

/// ARN of the AWS managed key that an identifier names, whichever service's; `None` for every other key and for what is
/// no key. Nobody is asked and no trail event is left.
pub fn named_managed_key(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
) -> Option<KeyArn> {
    let call = Call {
        caller,
        via,
        region,
        request_id: "",
    };
    let operation = operation("DescribeKey");
    let found = resolve(state, &call, operation, operation.action(), key_id).ok()?;
    let key = state.kms.key(&found.address, state.now())?;
    (key.manager == KeyManager::Aws).then(|| key.arn.clone())
}

/// ARN of `aws/SERVICE` (`s3`, `lambda`, `backup`) in an account and Region, created on first use (svc:M-4);
/// `None` for a service without managed key.
pub fn managed_key(state: &mut State, account: &AccountId, region: &Region, service: &str) -> Option<KeyArn> {
    managed_keys::ensure(state, account, region, service)
}

/// Where a grant is, from what services remember of it.
fn grant_address(key_arn: &KeyArn, grant_id: &str) -> Result<GrantAddress, KmsError> {
    let key = KeyAddress::from_arn(key_arn.as_str())
        .ok_or_else(|| KmsError::new("InvalidArnException", format!("Invalid arn {key_arn}")))?;
    Ok(GrantAddress {
        key,
        grant_id: grant_id.to_owned(),
    })
}

/// Whether KMS is asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Asked,
    Skipped,
}

fn data_key(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: &str,
    context: &EncryptionContext,
    question: Question,
) -> Result<DataKey, KmsError> {
    let wanted = Use {
        encryption_context: context.clone(),
        unchecked: question == Question::Skipped,
        ..Use::default()
    };
    let parameters = using::trail_parameters(Some(key_id), &wanted, Some(("keySpec", json!("AES_256"))));
    let plaintext = state.sources.ids.bytes(32);
    let core = |state: &mut State, call: &Call<'_>, operation: &'static Operation, note: &mut Note| {
        note.request_parameters = Some(parameters);
        crypto_operations::encrypt_core(state, call, operation, key_id, &plaintext, &wanted, note)
    };
    let sealed = match question {
        Question::Asked => run(state, caller, via, region, "GenerateDataKey", core)?,
        Question::Skipped => run_silently(state, caller, via, region, "GenerateDataKey", core)?,
    };
    Ok(DataKey {
        ciphertext: sealed.ciphertext,
        key_arn: sealed.key.arn(),
        plaintext,
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "the public signature plus whether KMS is asked"
)]
fn opened(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    key_id: Option<&str>,
    ciphertext: &[u8],
    context: &EncryptionContext,
    question: Question,
) -> Result<Decrypted, KmsError> {
    let wanted = Use {
        encryption_context: context.clone(),
        unchecked: question == Question::Skipped,
        ..Use::default()
    };
    let parameters = using::trail_parameters(key_id, &wanted, None);
    let core = |state: &mut State, call: &Call<'_>, operation: &'static Operation, note: &mut Note| {
        note.request_parameters = Some(parameters);
        crypto_operations::decrypt_core(state, call, operation, key_id, ciphertext, &wanted, note)
    };
    let opened = match question {
        Question::Asked => run(state, caller, via, region, "Decrypt", core)?,
        Question::Skipped => run_silently(state, caller, via, region, "Decrypt", core)?,
    };
    Ok(Decrypted {
        plaintext: opened.plaintext,
        key_arn: opened.key.arn(),
    })
}

/// Runs the core of an operation and writes the trail.
fn run<T>(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    name: &str,
    core: impl FnOnce(&mut State, &Call<'_>, &'static Operation, &mut Note) -> Result<T, KmsError>,
) -> Result<T, KmsError> {
    let request_id = state.sources.ids.uuid();
    let call = Call {
        caller,
        via,
        region,
        request_id: &request_id,
    };
    let operation = operation(name);
    let mut note = Note::default();
    let result = core(state, &call, operation, &mut note);
    trail::record(state, &call, operation, note, result.as_ref().err());
    result
}

fn run_silently<T>(
    state: &mut State,
    caller: &Caller,
    via: &Via,
    region: &Region,
    name: &str,
    core: impl FnOnce(&mut State, &Call<'_>, &'static Operation, &mut Note) -> Result<T, KmsError>,
) -> Result<T, KmsError> {
    let call = Call {
        caller,
        via,
        region,
        request_id: "",
    };
    core(state, &call, operation(name), &mut Note::default())
}

fn operation(name: &str) -> &'static Operation {
    operations::find(name).expect("only names of the operation table are used in this file")
}
