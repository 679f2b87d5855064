//! The KMS calls S3 makes for a requester (`svc:9.3`): data keys for writes, unwrapping for reads, and how KMS errors
//! look to an S3 client (`svc:9.5`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::civil::{Date, date};

use super::bucket::{KmsProtection, Protection, StoredBody};
use super::bucket_keys::Asked;
use super::encryption::{
    ALGORITHM_HEADER, Algorithm, BUCKET_KEY_HEADER, Effective, KEY_ID_HEADER, KeyChoice, kms_context,
};
use super::error::S3Error;
use super::operation::Operation;
use super::seal::{self, NONCE_BYTES};
use crate::fault::{Fault, FaultSet};
use crate::identity::{Caller, Principal, Via};
use crate::kms::KmsError;
use crate::kms::internal::{self, DataKey};
use crate::names::Region;
use crate::state::State;

/// From this day S3 passes KMS's text on (contract, `svc:X-5`).
const KMS_TEXT_SINCE: Date = date(2024, 1, 1);

/// Protection of a new object together with the data key that seals its bytes.
#[derive(Debug)]
pub(crate) struct NewProtection {
    /// What is recorded.
    pub(crate) protection: Protection,
    /// The plaintext data key; empty where KMS has no part.
    pub(crate) data_key: Vec<u8>,
}

/// `svc:S-21`: unsigned requests never reach KMS.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn require_signature(caller: &Caller) -> Result<(), S3Error> {
    if caller.is_anonymous() {
        return Err(S3Error::new(
            "InvalidArgument",
            400,
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
        )
        .with("ArgumentName", "Authorization")
        .with("ArgumentValue", "null"));
    }
    Ok(())
}

/// Operations that take a data key without asking, under a fault.
const UNASKED_WRITES: &[(Operation, Fault)] = &[
    (Operation::PutObject, Fault::GenerateDataKeyUncheckedOnPut),
    (Operation::PostObject, Fault::GenerateDataKeyUncheckedOnPut),
    (Operation::PostObject, Fault::GenerateDataKeyUncheckedOnForm),
    (Operation::CopyObject, Fault::GenerateDataKeyUncheckedOnCopy),
    (
        Operation::CreateMultipartUpload,
        Fault::GenerateDataKeyUncheckedOnUpload,
    ),
];

/// Operations that open a data key without asking, under a fault.
const UNASKED_READS: &[(Operation, Fault)] = &[
    (Operation::GetObject, Fault::DecryptUncheckedOnGet),
    (Operation::HeadObject, Fault::DecryptUncheckedOnHead),
    (Operation::GetObjectAttributes, Fault::DecryptUncheckedOnAttributes),
    (Operation::SelectObjectContent, Fault::DecryptUncheckedOnSelect),
    (Operation::CopyObject, Fault::DecryptUncheckedOnCopySource),
    (Operation::UploadPart, Fault::DecryptUncheckedOnPart),
    (Operation::UploadPartCopy, Fault::DecryptUncheckedOnPartCopy),
    (Operation::CompleteMultipartUpload, Fault::DecryptUncheckedOnComplete),
    (Operation::ListParts, Fault::DecryptUncheckedOnListParts),
];

fn is_unasked(rows: &[(Operation, Fault)], operation: Operation, faults: FaultSet) -> bool {
    !faults.is_empty()
        && rows
            .iter()
            .any(|(of, fault)| *of == operation && faults.contains(*fault))
}

/// Who asks KMS: the requester (`svc:F-1`), and under `kms-asked-as-bucket-owner` the owner of the bucket.
fn asking<'a>(state: &State, caller: &'a Caller, bucket: &str) -> Cow<'a, Caller> {
    match state.s3.buckets.get(bucket) {
        Some(bucket) if state.case.faults.contains(Fault::KmsAskedAsBucketOwner) => Cow::Owned(Caller {
            principal: Principal::Root {
                account: bucket.account.clone(),
            },
            session: None,
            ..caller.clone()
        }),
        _ => Cow::Borrowed(caller),
    }
}

/// The key that the bucket's default names.
fn default_key(state: &State, bucket: &str) -> Option<String> {
    state.s3.buckets.get(bucket)?.default_encryption().key_id
}

/// Asks KMS for the data key of a new object: `kms:GenerateDataKey` as the requester (`svc:S-16`). Some operations
/// take one without asking under a seeded fault.
///
/// # Errors
/// What KMS answers, as S3 renders it.
pub(crate) fn generate(
    state: &mut State,
    caller: &Caller,
    region: &Region,
    operation: Operation,
    (bucket, key): (&str, &str),
    effective: Effective,
) -> Result<NewProtection, S3Error> {
    let without_kms = |protection| {
        Ok(NewProtection {
            protection,
            data_key: Vec::new(),
        })
    };
    let (dsse, choice, bucket_key, customer_context) = match effective {
        Effective::S3Managed => return without_kms(Protection::S3Managed),
        Effective::Customer(key) => return without_kms(Protection::Customer(Arc::new(key.protection(state)))),
        Effective::Kms {
            dsse,
            key,
            bucket_key,
            customer_context,
        } => (dsse, key, bucket_key, customer_context),
    };
    require_signature(caller)?;
    let named = matches!(choice, KeyChoice::Named(_));
    let key_id = match choice {
        KeyChoice::Named(id) => id,
        KeyChoice::Managed => {
            // A service has no account of its own in which aws/s3 could live: the bucket owner's is used.
            let owner = || state.s3.buckets.get(bucket).map(|bucket| bucket.account.clone());
            let account = caller
                .account()
                .cloned()
                .or_else(owner)
                .ok_or_else(|| S3Error::access_denied("Access Denied"))?;
            internal::managed_key(state, &account, region, "s3")
                .expect("aws/s3 is one of the managed keys that kms knows")
                .to_string()
        }
    };
    let faults = state.case.faults;
    let customer_context = if faults.contains(Fault::CustomerContextDropped) {
        BTreeMap::new()
    } else {
        customer_context
    };
    let of_bucket = bucket_key && !faults.contains(Fault::BucketKeyContextIsObject);
    let context = kms_context(&customer_context, bucket, key, of_bucket);
    let asking = asking(state, caller, bucket);
    let caller: &Caller = &asking;
    let now = state.now();
    let asked = Asked {
        caller,
        bucket,
        kms_key: &key_id,
        context: &context,
        now,
    };
    let protected = |made: DataKey| NewProtection {
        data_key: made.plaintext,
        protection: Protection::Kms(Arc::new(KmsProtection {
            dsse,
            key_arn: made.key_arn.to_string(),
            wrapped_key: made.ciphertext,
            context: context.clone(),
            bucket_key,
        })),
    };
    let keeps = bucket_key && state.case.bucket_key_seconds > 0;
    if keeps && let Some(held) = state.s3.bucket_keys.held(asked) {
        return Ok(protected(held.clone()));
    }
    let mut unchecked = is_unasked(UNASKED_WRITES, operation, faults);
    if faults.contains(Fault::BucketDefaultKeyAsked)
        && named
        && let Some(default) = default_key(state, bucket)
    {
        internal::generate_data_key(state, caller, &via(region), region, &default, &context)
            .map_err(|error| kms_error(state, error))?;
        unchecked = true;
    }
    let made = if unchecked {
        internal::generate_data_key_unasked(state, caller, region, &key_id, &context)
    } else {
        internal::generate_data_key(state, caller, &via(region), region, &key_id, &context)
    };
    let made = made.map_err(|error| kms_error(state, error))?;
    if keeps {
        let seconds = state.case.bucket_key_seconds;
        state.s3.bucket_keys.keep(asked, made.clone(), seconds);
    }
    Ok(protected(made))
}

/// Asks KMS to unwrap a recorded data key: `kms:Decrypt` as the requester (`svc:S-17`), key ARN named (`svc:X-4`). Some
/// operations do not ask under a seeded fault.
///
/// # Errors
/// What KMS answers, as S3 renders it.
pub(crate) fn unwrap(
    state: &mut State,
    caller: &Caller,
    region: &Region,
    operation: Operation,
    kms: &KmsProtection,
) -> Result<Vec<u8>, S3Error> {
    let faults = state.case.faults;
    let open = caller.is_anonymous() && faults.contains(Fault::AnonymousReadsKmsObjects);
    if open || is_unasked(UNASKED_READS, operation, faults) {
        if !open {
            require_signature(caller)?;
        }
        return internal::decrypt_unasked(
            state,
            caller,
            region,
            Some(&kms.key_arn),
            &kms.wrapped_key,
            &kms.context,
        )
        .map(|answer| answer.plaintext)
        .map_err(|error| kms_error(state, error));
    }
    require_signature(caller)?;
    let asking = asking(state, caller, kms.bucket());
    let caller: &Caller = &asking;
    let now = state.now();
    let asked = Asked {
        caller,
        bucket: kms.bucket(),
        kms_key: &kms.key_arn,
        context: &kms.context,
        now,
    };
    let keeps = kms.bucket_key && state.case.bucket_key_seconds > 0;
    if keeps && let Some(held) = state.s3.bucket_keys.opened(asked, &kms.wrapped_key) {
        return Ok(held.to_vec());
    }
    let answer = internal::decrypt(
        state,
        caller,
        &via(region),
        region,
        Some(&kms.key_arn),
        &kms.wrapped_key,
        &kms.context,
    )
    .map_err(|error| kms_error(state, error))?;
    if keeps {
        let key = DataKey {
            plaintext: answer.plaintext.clone(),
            ciphertext: kms.wrapped_key.clone(),
            key_arn: answer.key_arn,
        };
        let seconds = state.case.bucket_key_seconds;
        state.s3.bucket_keys.keep(asked, key, seconds);
    }
    Ok(answer.plaintext)
}

/// Seals bytes for storage.
///
/// # Errors
/// An internal error when the data key is unusable, which KMS rules out.
pub(crate) fn seal_body(
    state: &State,
    protection: &Protection,
    data_key: &[u8],
    body: &Bytes,
) -> Result<StoredBody, S3Error> {
    let Some(kms) = protection.kms() else {
        return Ok(StoredBody::Plain(body.clone()));
    };
    let layers = if kms.dsse { 2 } else { 1 };
    let nonces = (0..layers)
        .map(|_| {
            let mut nonce = [0; NONCE_BYTES];
            state.sources.ids.fill(&mut nonce);
            nonce
        })
        .collect();
    seal::seal(data_key, nonces, body)
        .map(StoredBody::Sealed)
        .map_err(|_| internal_error())
}

/// Opens stored bytes.
///
/// # Errors
/// An internal error when the data key is not the one that sealed.
pub(crate) fn open_body(body: &StoredBody, data_key: &[u8]) -> Result<Bytes, S3Error> {
    match body {
        StoredBody::Plain(bytes) => Ok(bytes.clone()),
        StoredBody::Sealed(sealed) => seal::open(data_key, sealed).map_err(|_| internal_error()),
    }
}

/// The encryption headers of an answer.
pub(crate) fn add_headers(protection: &Protection, headers: &mut HeaderMap) {
    if let Some(customer) = protection.customer() {
        return customer.add_headers(headers);
    }
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = http::HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    add(ALGORITHM_HEADER, algorithm(protection).name());
    if let Some(kms) = protection.kms() {
        add(KEY_ID_HEADER, &kms.key_arn);
        if kms.bucket_key {
            add(BUCKET_KEY_HEADER, "true");
        }
    }
}

/// The algorithm of a recorded protection.
pub(crate) fn algorithm(protection: &Protection) -> Algorithm {
    match protection.kms() {
        None => Algorithm::Aes256,
        Some(kms) if kms.dsse => Algorithm::KmsDsse,
        Some(_) => Algorithm::Kms,
    }
}

/// `svc:S-30` … `svc:S-34`: access denied keeps KMS's text only in the current era; everything else is 400 `KMS.…`.
pub(crate) fn kms_error(state: &State, error: KmsError) -> S3Error {
    if error.is_access_denied() {
        return S3Error::access_denied(if state.as_of() >= KMS_TEXT_SINCE {
            error.message
        } else {
            "Access Denied".to_owned()
        });
    }
    S3Error::new(&format!("KMS.{}", error.code), 400, error.message)
}

/// The call comes through S3 in this Region (`svc:F-1`).
pub(crate) fn via(region: &Region) -> Via {
    Via::Forwarded {
        service: "s3",
        region: region.clone(),
    }
}

fn internal_error() -> S3Error {
    S3Error::new(
        "InternalError",
        500,
        "We encountered an internal error. Please try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    /// svc:9.5 as a table: KMS code, as_of, expected S3 code, status, message.
    #[test]
    fn error_table() {
        let mut state = State::new(Sources::seeded(1, jiff::Timestamp::UNIX_EPOCH));
        let (current, legacy) = (None, Some(date(2021, 11, 30)));
        let cases = [
            ("AccessDeniedException", current, "AccessDenied", 403, "text"),
            ("AccessDeniedException", legacy, "AccessDenied", 403, "Access Denied"),
            ("DisabledException", current, "KMS.DisabledException", 400, "text"),
            ("DisabledException", legacy, "KMS.DisabledException", 400, "text"),
            (
                "KMSInvalidStateException",
                current,
                "KMS.KMSInvalidStateException",
                400,
                "text",
            ),
            ("NotFoundException", current, "KMS.NotFoundException", 400, "text"),
            (
                "InvalidKeyUsageException",
                current,
                "KMS.InvalidKeyUsageException",
                400,
                "text",
            ),
        ];
        for (kms_code, as_of, code, status, message) in cases {
            state.case.as_of = as_of;
            let error = kms_error(&state, KmsError::new(kms_code, "text"));
            assert_eq!(error.code, code);
            assert_eq!(error.status.as_u16(), status);
            assert_eq!(error.message, message, "{kms_code} {as_of:?}");
        }
    }
}
