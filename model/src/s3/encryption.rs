//! Which encryption a write gets (`svc:S-10`, `svc:S-11`), with which context (`svc:S-14`), and the calls that S3 forwards to KMS for the
//! requester (`svc:S-15`…`svc:S-21`, `svc:F-1`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::date;
use serde_json::{Value, json};

use super::bucket::{Algorithm, ObjectEncryption};
use super::customer_key::{CustomerKey, KeyFor};
use super::request::{Place, Request};
use super::table::{KeyChoice, KmsWhen};
use super::{error, error_without_text};
use crate::kms;
use crate::kms::key::{Ciphertext, KeyRef};
use crate::kms::managed_key;
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Refusal, Stop};

const KEY_WITHOUT_ALGORITHM: &str =
    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
const NEEDS_TLS: &str =
    "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.";
const NEEDS_SIGNATURE: &str =
    "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";

/// What a write shall be encrypted with; the key is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) algorithm: Algorithm,
    /// As typed; none with `aws:kms` means `aws/s3`.
    key: Option<String>,
    bucket_key: bool,
    /// The caller's own context.
    context: BTreeMap<String, String>,
    /// A key that came with the request; then nothing else counts (`svc:S-49`).
    pub(super) customer_key: Option<CustomerKey>,
}

impl Request<'_> {
    /// The encryption that headers and bucket default ask for (`svc:S-10`). Bad combinations are refused before any check.
    pub(super) fn choose_encryption(&mut self, bucket: &str) -> Result<Choice, Stop> {
        self.trace.rule("svc:S-10");
        let customer_key = self.customer_key(KeyFor::Write)?;
        let header = self.with.text("ServerSideEncryption")?;
        let key = self.with.text("SSEKMSKeyId")?.map(str::to_owned);
        let asked_bucket_key = self.with.boolean("BucketKeyEnabled")?;
        let context = self.own_context()?;
        let default = self.bucket(bucket).encryption.clone();
        let (algorithm, key) = match header {
            None if key.is_some() => {
                self.trace.rule("svc:S-35");
                return Err(error("InvalidArgument", 400, KEY_WITHOUT_ALGORITHM));
            }
            None => (default.algorithm, default.key.clone()),
            Some(name) => {
                let algorithm = Algorithm::named(name).ok_or_else(|| error_without_text("InvalidArgument", 400))?;
                if algorithm == Algorithm::Aes256 && key.is_some() {
                    self.trace.rule("svc:S-35");
                    return Err(error("InvalidArgument", 400, KEY_WITHOUT_ALGORITHM));
                }
                // A header without a key does not take the key of the bucket default.
                (algorithm, key)
            }
        };
        let bucket_key = algorithm == Algorithm::Kms && asked_bucket_key.unwrap_or(default.bucket_key);
        Ok(Choice {
            algorithm,
            key,
            bucket_key,
            context,
            customer_key,
        })
    }

    /// The caller's encryption context: base64 of a JSON map from text to text.
    fn own_context(&self) -> Result<BTreeMap<String, String>, Stop> {
        let Some(text) = self.with.text("SSEKMSEncryptionContext")? else {
            return Ok(BTreeMap::new());
        };
        STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<BTreeMap<String, String>>(&bytes).ok())
            .ok_or_else(|| error_without_text("InvalidArgument", 400))
    }

    /// Makes the data key of a write: GenerateDataKey as the requester, if it is a KMS one (`svc:S-16`).
    pub(super) fn encrypt(&mut self, place: &Place, choice: Choice) -> Result<ObjectEncryption, Stop> {
        if let Some(key) = choice.customer_key {
            return Ok(key.encryption());
        }
        if choice.algorithm == Algorithm::Aes256 {
            self.trace.rule("svc:M-5");
            return Ok(ObjectEncryption::S3);
        }
        self.needs_signature()?;
        let called = self
            .operation
            .kms_calls
            .iter()
            .any(|call| call.key == KeyChoice::Effective);
        debug_assert!(
            called,
            "{} writes but has no GenerateDataKey in the table",
            self.operation.name
        );
        let region = self.bucket(&place.bucket).region.clone();
        let key = match choice.key {
            Some(text) => text,
            None => {
                // aws/s3 of the requester (svc:M-4); a service has no account of the customer's, the bucket's stands in.
                self.trace.rule("svc:M-4");
                let account = self
                    .actor
                    .account()
                    .unwrap_or(&self.bucket(&place.bucket).owner)
                    .clone();
                managed_key::ensure(self.state, &account, &region, "s3").arn()
            }
        };
        for id in ["svc:S-11", "svc:S-14", "svc:S-16", "svc:F-1"] {
            self.trace.rule(id);
        }
        let mut context = choice.context;
        let arn = if choice.bucket_key {
            self.trace.rule("svc:S-20");
            self.bucket(&place.bucket).arn()
        } else {
            self.bucket(&place.bucket)
                .object_arn(place.key.as_deref().unwrap_or_default())
        };
        context.insert("aws:s3:arn".to_owned(), arn);
        let output = self.forward(
            "GenerateDataKey",
            json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context}),
        )?;
        let key_arn = output["KeyId"].as_str().unwrap_or_default();
        let key = self
            .state
            .contents
            .keys
            .keys()
            .find(|key| key.arn() == key_arn)
            .cloned()
            .expect("GenerateDataKey answers with the ARN of a key that exists");
        let data_key = output["CiphertextBlob"].as_str().unwrap_or_default().to_owned();
        Ok(ObjectEncryption::Kms {
            algorithm: choice.algorithm,
            key,
            bucket_key: choice.bucket_key,
            context,
            data_key,
        })
    }

    /// Opens what is stored: Decrypt as the requester, if the table has the call and the encryption is a KMS one (`svc:S-17`).
    pub(super) fn decrypt(&mut self, encryption: &ObjectEncryption, which: KeyChoice) -> Result<(), Stop> {
        let ObjectEncryption::Kms {
            key,
            context,
            data_key,
            bucket_key,
            ..
        } = encryption
        else {
            self.trace.rule("svc:M-5");
            return Ok(());
        };
        let call = self
            .operation
            .kms_calls
            .iter()
            .find(|call| call.key == which && call.action == "kms:Decrypt");
        let Some(call) = call else {
            self.trace.rule("svc:S-17");
            return Ok(());
        };
        let needed = match call.when {
            Some(KmsWhen::ChecksumMode) => self.with.text("ChecksumMode")? == Some("ENABLED"),
            Some(KmsWhen::SourceIsKms | KmsWhen::DestinationIsKms | KmsWhen::OldIsKms | KmsWhen::Always) | None => true,
        };
        self.trace.rule("svc:S-17");
        if !needed {
            return Ok(());
        }
        self.needs_signature()?;
        self.trace.rule("svc:S-13");
        self.trace.rule("svc:S-14");
        if *bucket_key {
            self.trace.rule("svc:S-20");
        }
        // S3 names the key, so that a denial names it too (svc:X-4).
        let with = json!({"KeyId": key.arn(), "CiphertextBlob": data_key, "EncryptionContext": context});
        self.forward("Decrypt", with)?;
        Ok(())
    }

    /// An unsigned request to a KMS object is refused even where KMS is not needed (`svc:S-21`).
    pub(super) fn must_be_signed(&mut self, encryption: &ObjectEncryption) -> Result<(), Stop> {
        match encryption {
            ObjectEncryption::Kms { .. } => self.needs_signature(),
            ObjectEncryption::S3 | ObjectEncryption::Customer { .. } => Ok(()),
        }
    }

    /// KMS never sees anonymous requests: S3 refuses them before (`svc:S-21`), and those that came without TLS (`svc:Q-10`).
    fn needs_signature(&mut self) -> Result<(), Stop> {
        if self.actor.is_anonymous() {
            self.trace.rule("svc:S-21");
            return Err(error("InvalidArgument", 400, NEEDS_SIGNATURE));
        }
        self.trace.rule("svc:Q-10");
        if !self.actor.keys.is_true("aws:SecureTransport") {
            return Err(error("InvalidArgument", 400, NEEDS_TLS));
        }
        Ok(())
    }

    /// A KMS call as the requester, through S3 (`svc:F-1`); its refusal in S3's words.
    pub(super) fn forward(&mut self, operation: &str, with: Value) -> Result<Value, Stop> {
        self.trace.rule("svc:S-19");
        let forwarded = self.actor.forwarded_by(self.state, "s3", &self.actor.region);
        kms::forwarded(self.state, self.trace, &forwarded, operation, with).map_err(|stop| match stop {
            Stop::Refused(refusal) => self.translate(refusal).into(),
            step => step,
        })
    }

    /// Errors of KMS as the S3 client sees them (`svc:S-30`…`svc:S-34`, `svc:X-5`).
    fn translate(&mut self, refusal: Refusal) -> Refusal {
        let code = refusal.code.clone().unwrap_or_default();
        if code == "AccessDeniedException" {
            self.trace.rule("svc:S-30");
            self.trace.rule("svc:X-5");
            let text = if self.state.as_of < date(2024, 1, 1) {
                Some("Access Denied".to_owned())
            } else {
                refusal.message
            };
            return Refusal {
                code: Some("AccessDenied".to_owned()),
                status: 403,
                message: text,
                ..refusal
            };
        }
        self.trace.rule(match code.as_str() {
            "DisabledException" => "svc:S-31",
            "KMSInvalidStateException" => "svc:S-32",
            "NotFoundException" => "svc:S-33",
            _ => "svc:S-34",
        });
        Refusal {
            code: Some(format!("KMS.{code}")),
            status: 400,
            ..refusal
        }
    }
}

/// The members of an output that show an encryption.
pub(super) fn show(encryption: &ObjectEncryption, output: &mut Value) {
    match encryption {
        ObjectEncryption::S3 => output["ServerSideEncryption"] = json!("AES256"),
        ObjectEncryption::Customer { digest } => {
            output["SSECustomerAlgorithm"] = json!("AES256");
            output["SSECustomerKeyMD5"] = json!(digest);
        }
        ObjectEncryption::Kms {
            algorithm,
            key,
            bucket_key,
            ..
        } => {
            output["ServerSideEncryption"] = json!(algorithm.name());
            output["SSEKMSKeyId"] = json!(key.arn());
            if *bucket_key {
                output["BucketKeyEnabled"] = json!(true);
            }
        }
    }
}

/// The encryption of an object that is in the world from the start.
pub(crate) fn initial_encryption(
    state: &mut State,
    algorithm: Algorithm,
    key: &KeyRef,
    bucket_key: bool,
    arn: String,
) -> ObjectEncryption {
    let context = BTreeMap::from([("aws:s3:arn".to_owned(), arn)]);
    let seed = state.next_seed("object");
    let data_key = symbol::blob("ciphertext", &seed, 96);
    let ciphertext = Ciphertext {
        key: key.clone(),
        algorithm: "SYMMETRIC_DEFAULT".to_owned(),
        encryption_context: context.clone(),
        plaintext: symbol::blob("plaintext", &seed, 32),
    };
    state.ciphertexts.insert(data_key.as_str().into(), ciphertext.into());
    ObjectEncryption::Kms {
        algorithm,
        key: key.clone(),
        bucket_key,
        context,
        data_key,
    }
}
