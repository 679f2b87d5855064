//! The cache behind S3 Bucket Keys: for a while S3 keeps the bucket-level key that KMS made for a requester and asks KMS
//! no more (`svc:S-20`). Off unless the case says how long (`svc:Q-11`). What a key is used for is `sse`'s.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::identity::Caller;
use crate::kms::internal::DataKey;

/// Whose key it is: another principal, another session, another KMS key and another bucket have keys of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    /// ARN of the caller, session name included; credentials of other sessions are other callers.
    requester: String,
    bucket: String,
    /// As the request names it, or the ARN that is recorded with an object.
    kms_key: String,
    /// The caller's own encryption context: the bucket-level key is bound to it.
    context: BTreeMap<String, String>,
}

/// Bucket-level keys in use.
#[derive(Debug, Clone, Default)]
pub(crate) struct BucketKeys {
    by_holder: BTreeMap<Holder, (Timestamp, DataKey)>,
    /// What a wrapped bucket-level key opens to, for as long as anybody holds one.
    unwrapped: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// One look-up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Who asks.
    pub(crate) caller: &'a Caller,
    /// For which bucket.
    pub(crate) bucket: &'a str,
    /// Which KMS key.
    pub(crate) kms_key: &'a str,
    /// With which encryption context.
    pub(crate) context: &'a BTreeMap<String, String>,
    /// When.
    pub(crate) now: Timestamp,
}

impl Asked<'_> {
    fn holder(&self) -> Holder {
        Holder {
            requester: self.caller.arn(),
            bucket: self.bucket.to_owned(),
            kms_key: self.kms_key.to_owned(),
            context: self.context.clone(),
        }
    }
}

impl BucketKeys {
    /// The requester's bucket-level key, if there is a live one.
    pub(crate) fn held(&self, asked: Asked<'_>) -> Option<&DataKey> {
        let (ends, key) = self.by_holder.get(&asked.holder())?;
        (*ends > asked.now).then_some(key)
    }

    /// The plaintext of an object's wrapped key, for a requester who holds a live bucket-level key.
    pub(crate) fn opened(&self, asked: Asked<'_>, wrapped: &[u8]) -> Option<&[u8]> {
        self.held(asked)?;
        self.unwrapped.get(wrapped).map(Vec::as_slice)
    }

    /// Remembers what KMS answered, for `seconds`.
    pub(crate) fn keep(&mut self, asked: Asked<'_>, key: DataKey, seconds: i64) {
        let Ok(ends) = asked.now.checked_add(SignedDuration::from_secs(seconds)) else {
            return;
        };
        self.by_holder.retain(|_, (ends, _)| *ends > asked.now);
        if self.by_holder.is_empty() {
            self.unwrapped.clear();
        }
        self.unwrapped.insert(key.ciphertext.clone(), key.plaintext.clone());
        // Reads name the key by its ARN, writes as they like.
        let by_arn = Holder {
            kms_key: key.key_arn.to_string(),
            ..asked.holder()
        };
        self.by_holder.insert(by_arn, (ends, key.clone()));
        self.by_holder.insert(asked.holder(), (ends, key));
    }
}
