//! Keys that the customer sends with the request (SSE-C): what the headers must say, which key an object or an upload wants, and buckets
//! that take no such uploads. KMS has no part in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, date};
use md5::{Digest as _, Md5};

use super::bucket::ObjectEncryption;
use super::request::{Place, Request};
use super::{error, error_without_text};
use crate::world::trace::Stop;

/// From this day a new bucket takes no uploads under customers' keys until it is told to (`svc:S-51`).
const BLOCKED_SINCE: Date = date(2026, 4, 6);

/// `BlockedEncryptionTypes`: the type that can be blocked, and the word for none.
pub(super) const BLOCKED_TYPE: &str = "SSE-C";
pub(super) const NOTHING_BLOCKED: &str = "NONE";

const METHOD_TOO: &str =
    "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
const WRONG_ALGORITHM: &str = "The Encryption request you specified is not valid. Supported value: AES256.";
const NO_ALGORITHM: &str =
    "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.";
const NO_KEY: &str =
    "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.";
const NO_DIGEST: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.";
const WRONG_LENGTH: &str = "The secret key was invalid for the specified algorithm.";
const WRONG_DIGEST: &str = "The calculated MD5 hash of the key did not match the hash that was provided.";
const KEY_NEEDED: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";
const KEY_NOT_APPLICABLE: &str = "The encryption parameters are not applicable to this object.";
const WRONG_KEY: &str =
    "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
const PART_NEEDS_KEY: &str = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
const PART_WITH_OTHER_KEY: &str = "The provided encryption parameters did not match the ones used originally.";

/// Whether buckets made on a date take no uploads under customers' keys (`svc:S-51`).
pub(crate) fn blocked_in_new_buckets(as_of: Date) -> bool {
    as_of >= BLOCKED_SINCE
}

/// A key that came with a request. S3 keeps no key; its digest stands for it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CustomerKey {
    /// Base64 of the MD5 of the key.
    digest: String,
}

/// Which of a request's keys is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyFor {
    /// What is written, or a part.
    Write,
    /// What is read.
    Read,
    /// The source of a copy.
    Source,
}

impl KeyFor {
    /// The parameters: algorithm, key, digest of the key.
    fn parameters(self) -> [&'static str; 3] {
        match self {
            Self::Write | Self::Read => ["SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"],
            Self::Source => [
                "CopySourceSSECustomerAlgorithm",
                "CopySourceSSECustomerKey",
                "CopySourceSSECustomerKeyMD5",
            ],
        }
    }
}

impl Request<'_> {
    /// The key that the headers bring. Headers that do not make one are refused before any check (`svc:S-49`).
    pub(super) fn customer_key(&mut self, key_for: KeyFor) -> Result<Option<CustomerKey>, Stop> {
        let names = key_for.parameters();
        if names.iter().all(|name| !self.with.has(name)) {
            return Ok(None);
        }
        self.trace.rule("svc:S-49");
        let [algorithm, key, digest] = names.map(|name| self.with.text(name));
        let (algorithm, key, digest) = (algorithm?, key?, digest?);
        let is_write = key_for == KeyFor::Write;
        if !self.actor.keys.is_true("aws:SecureTransport") {
            return Err(error_without_text("InvalidRequest", 400));
        }
        if is_write && self.with.has("ServerSideEncryption") {
            return Err(error("InvalidArgument", 400, METHOD_TOO));
        }
        match algorithm {
            Some("AES256") => {}
            Some(_) => return Err(error("InvalidEncryptionAlgorithmError", 400, WRONG_ALGORITHM)),
            None => return Err(error("InvalidArgument", 400, NO_ALGORITHM)),
        }
        let key = key.ok_or_else(|| error("InvalidArgument", 400, NO_KEY))?;
        let bytes = STANDARD.decode(key).unwrap_or_default();
        let own_digest = STANDARD.encode(Md5::digest(&bytes));
        match digest {
            None if is_write => return Err(error("InvalidArgument", 400, NO_DIGEST)),
            Some(_) | None if is_write && bytes.len() != 32 => {
                return Err(error("InvalidArgument", 400, WRONG_LENGTH));
            }
            Some(given) if given != own_digest => return Err(error("InvalidArgument", 400, WRONG_DIGEST)),
            Some(_) | None => {}
        }
        Ok(Some(CustomerKey { digest: own_digest }))
    }

    /// Refuses an upload under a customer's key where the bucket blocks them (`svc:S-51`), authorized or not.
    pub(super) fn customer_keys_are_taken(&mut self, place: &Place, key: Option<&CustomerKey>) -> Result<(), Stop> {
        if key.is_none() {
            return Ok(());
        }
        self.trace.rule("svc:S-51");
        let bucket = self.bucket(&place.bucket);
        if !bucket.blocks_customer_keys {
            return Ok(());
        }
        // The user guide shows a text that names caller and resource (troubleshoot-403-errors), not who gets it.
        Err(error_without_text("AccessDenied", 403))
    }

    /// Whether what is stored is read with the key it was written with, and without one where it has none (`svc:S-50`, `svc:S-22`).
    pub(super) fn opens(&mut self, encryption: &ObjectEncryption, key: Option<&CustomerKey>) -> Result<(), Stop> {
        if key.is_some() {
            self.trace.rule("svc:S-22");
        }
        let ObjectEncryption::Customer { digest } = encryption else {
            return match key {
                Some(_) => Err(error("InvalidRequest", 400, KEY_NOT_APPLICABLE)),
                None => Ok(()),
            };
        };
        self.trace.rule("svc:S-50");
        match key {
            Some(key) if *digest == key.digest => Ok(()),
            // What a copy is told is not known.
            Some(_) if self.with.has("CopySource") => Err(error_without_text("AccessDenied", 403)),
            Some(_) => Err(error("AccessDenied", 403, WRONG_KEY)),
            None => Err(error("InvalidRequest", 400, KEY_NEEDED)),
        }
    }

    /// Whether a part comes with the key that its upload was created with (`svc:S-50`).
    pub(super) fn opens_upload(
        &mut self,
        encryption: &ObjectEncryption,
        key: Option<&CustomerKey>,
    ) -> Result<(), Stop> {
        let digest = match encryption {
            ObjectEncryption::Customer { digest } => Some(digest),
            ObjectEncryption::S3 | ObjectEncryption::Kms { .. } => None,
        };
        let sent = key.map(|key| &key.digest);
        if digest.is_none() && sent.is_none() {
            return Ok(());
        }
        self.trace.rule("svc:S-50");
        match (digest, sent) {
            (own, sent) if own == sent => Ok(()),
            (Some(_), Some(_)) => Err(error("InvalidRequest", 400, PART_WITH_OTHER_KEY)),
            _ => Err(error("InvalidRequest", 400, PART_NEEDS_KEY)),
        }
    }
}

impl CustomerKey {
    /// The encryption of what is written under it.
    pub(super) fn encryption(self) -> ObjectEncryption {
        ObjectEncryption::Customer { digest: self.digest }
    }
}
