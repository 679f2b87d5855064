//! UpdateObjectEncryption: another key for an object that stays where it is (`svc:S-25`). The one S3 API that needs kms:Encrypt.

use std::collections::BTreeMap;

use serde_json::json;

use super::bucket::{Algorithm, ObjectEncryption};
use super::request::Request;
use super::{empty, error, error_without_text};
use crate::kms::key::KeyRef;
use crate::world::trace::Answer;

/// What is told of a key that another account than the bucket's owns (API_UpdateObjectEncryption).
const FOREIGN_KEY: &str = "The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.";

/// What is told of a source under two layers or under a customer's key (API_UpdateObjectEncryption).
const UNSUPPORTED_SOURCE: &str = "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.";

impl Request<'_> {
    /// With an object under a KMS key: Decrypt and ReEncrypt from the old key; to the new one ReEncrypt, GenerateDataKey, Encrypt.
    /// An object under SSE-S3 has nothing to re-encrypt from, so that only the calls of the new key are made.
    pub(super) fn update_object_encryption(&mut self) -> Answer {
        let given = match self.with.inside("ObjectEncryption")? {
            Some(inner) => inner.inside("SSEKMS")?,
            None => None,
        }
        .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let new_key = given.needed_text("KMSKeyArn")?.to_owned();
        let bucket_key = given.is_true("BucketKeyEnabled")?;
        let place = self.open_object()?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        self.trace.rule("svc:S-25");
        if is_unsupported(&object.encryption) {
            return Err(error("InvalidRequest", 400, UNSUPPORTED_SOURCE));
        }
        let owner = &self.bucket(&place.bucket).owner;
        if new_key
            .split(':')
            .nth(4)
            .is_some_and(|account| account != owner.as_str())
        {
            return Err(error("AccessDenied", 403, FOREIGN_KEY));
        }
        let keeping = &object.keeping;
        let retained = keeping
            .retention
            .is_some_and(|retention| retention.until > self.state.clock.now);
        if retained || keeping.legal_hold == Some(true) {
            return Err(error_without_text("AccessDenied", 403));
        }
        let arn = if bucket_key {
            self.bucket(&place.bucket).arn()
        } else {
            self.bucket(&place.bucket)
                .object_arn(place.key.as_deref().unwrap_or_default())
        };
        let context = BTreeMap::from([("aws:s3:arn".to_owned(), arn)]);
        if let ObjectEncryption::Kms {
            algorithm,
            key,
            context: old_context,
            data_key,
            ..
        } = &object.encryption
        {
            if *algorithm == Algorithm::Dsse {
                return Err(error_without_text("InvalidRequest", 400));
            }
            let old_key = key.arn();
            self.forward(
                "Decrypt",
                json!({"KeyId": old_key, "CiphertextBlob": data_key, "EncryptionContext": old_context}),
            )?;
            self.forward(
                "ReEncrypt",
                json!({
                    "CiphertextBlob": data_key,
                    "SourceKeyId": old_key,
                    "SourceEncryptionContext": old_context,
                    "DestinationKeyId": new_key,
                    "DestinationEncryptionContext": context,
                }),
            )?;
        }
        let output = self.forward(
            "GenerateDataKey",
            json!({"KeyId": new_key, "KeySpec": "AES_256", "EncryptionContext": context}),
        )?;
        self.forward(
            "Encrypt",
            json!({"KeyId": new_key, "Plaintext": output["Plaintext"], "EncryptionContext": context}),
        )?;
        let arn = output["KeyId"].as_str().unwrap_or_default();
        let key: KeyRef = self
            .state
            .contents
            .keys
            .keys()
            .find(|key| key.arn() == arn)
            .cloned()
            .expect("GenerateDataKey answers with the ARN of a key that exists");
        let encryption = ObjectEncryption::Kms {
            algorithm: Algorithm::Kms,
            key,
            bucket_key,
            context,
            data_key: output["CiphertextBlob"].as_str().unwrap_or_default().to_owned(),
        };
        let key = place.key.clone().unwrap_or_default();
        let bucket = self.bucket_mut(&place.bucket);
        if let Some(version) = bucket.version_mut(&key, place.version.as_deref()) {
            version.encryption = encryption;
        }
        Ok(empty())
    }
}

/// Whether an object is encrypted in a way that cannot be changed in place.
fn is_unsupported(encryption: &ObjectEncryption) -> bool {
    match encryption {
        ObjectEncryption::S3 => false,
        ObjectEncryption::Kms { algorithm, .. } => *algorithm == Algorithm::Dsse,
        ObjectEncryption::Customer { .. } => true,
    }
}
