//! The cryptographic operations. Ciphertexts are symbolic: a blob stands for a key, an encryption context and a plaintext.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::key::{Ciphertext, KeyRef};
use super::key_state::KeyPart;
use super::{Ask, Call, HIDDEN_KEY_MESSAGE, INCORRECT_KEY, Opened, validation};
use crate::context::Context;
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

/// The algorithm of symmetric keys, and the default of the parameter (`svc:C-6`).
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
/// Most bytes Encrypt takes.
const MAX_PLAINTEXT: usize = 4096;

impl Call<'_> {
    pub(super) fn encrypt(&mut self) -> Answer {
        let plaintext = self.with.blob("Plaintext")?.unwrap_or_default();
        check_plaintext(&plaintext)?;
        let algorithm = self.with.text("EncryptionAlgorithm")?.unwrap_or(SYMMETRIC).to_owned();
        let context = self.encryption_context("EncryptionContext")?;
        let opened = self.open("KeyId", "kms:Encrypt")?;
        self.log_context(&context, &algorithm);
        self.authorize("kms:Encrypt", &opened, ask(&context, &algorithm))?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, Some(&algorithm))?;
        self.dry_run_ends()?;
        let blob = make_ciphertext(self.state, &opened.key, &algorithm, context, plaintext);
        Ok(json!({"CiphertextBlob": blob, "KeyId": opened.key.arn(), "EncryptionAlgorithm": algorithm}))
    }

    pub(super) fn generate_data_key(&mut self, with_plaintext: bool) -> Answer {
        let spec = self.with.text("KeySpec")?;
        let bytes = self.with.integer("NumberOfBytes")?;
        let length = match (spec, bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (Some(_), None) => return Err(validation(None)),
            (None, Some(bytes @ 1..=1024)) => usize::try_from(bytes).unwrap_or(32),
            (None, Some(_)) => return Err(validation(None)),
            _ => {
                return Err(validation(
                    "Please specify either number of bytes or key spec.".to_owned(),
                ));
            }
        };
        let spec = spec.map(str::to_owned);
        let context = self.encryption_context("EncryptionContext")?;
        let action = format!("kms:{}", self.operation.name);
        let opened = self.open("KeyId", &action)?;
        self.log_context(&context, SYMMETRIC);
        if let Some(spec) = spec {
            self.log.request("keySpec", json!(spec));
        }
        self.log.forget("encryptionAlgorithm");
        self.authorize(&action, &opened, ask(&context, SYMMETRIC))?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        self.dry_run_ends()?;
        let seed = self.state.next_seed("data key");
        let plaintext = self.state.symbol(symbol::blob("plaintext", &seed, length));
        let blob = make_ciphertext(self.state, &opened.key, SYMMETRIC, context, plaintext.clone());
        let mut output = json!({"CiphertextBlob": blob, "KeyId": opened.key.arn()});
        if with_plaintext {
            output["Plaintext"] = json!(plaintext);
        }
        Ok(output)
    }

    pub(super) fn generate_random(&mut self) -> Answer {
        let length = match self.with.integer("NumberOfBytes")? {
            Some(bytes @ 1..=1024) => usize::try_from(bytes).unwrap_or(32),
            _ => return Err(validation(None)),
        };
        self.authorize_identity("kms:GenerateRandom", "*".to_owned(), Context::new())?;
        if let Some(id) = self.with.text("CustomKeyStoreId")? {
            let id = id.to_owned();
            self.connected_key_store(&id)?;
        }
        let seed = self.state.next_seed("random");
        let plaintext = self.state.symbol(symbol::blob("random", &seed, length));
        Ok(json!({"Plaintext": plaintext}))
    }

    pub(super) fn decrypt(&mut self) -> Answer {
        let blob = self.with.blob("CiphertextBlob")?;
        let ignore_ciphertext = self.ignores_ciphertext()?;
        let algorithm = self.with.text("EncryptionAlgorithm")?.unwrap_or(SYMMETRIC).to_owned();
        let context = self.encryption_context("EncryptionContext")?;
        let named = self.with.has("KeyId");
        if (blob.is_none() && !ignore_ciphertext) || (ignore_ciphertext && !named) {
            return Err(validation(None));
        }
        let opened = self.open_source("KeyId", "kms:Decrypt", blob.as_deref())?;
        self.log_context(&context, &algorithm);
        self.authorize(
            "kms:Decrypt",
            &opened,
            Ask {
                hidden: !named,
                ..ask(&context, &algorithm)
            },
        )?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, Some(&algorithm))?;
        let plaintext = if ignore_ciphertext {
            String::new()
        } else {
            self.open_ciphertext(&opened.key, blob.as_deref(), &algorithm, &context)?
        };
        self.dry_run_ends()?;
        Ok(json!({"Plaintext": plaintext, "KeyId": opened.key.arn(), "EncryptionAlgorithm": algorithm}))
    }

    pub(super) fn re_encrypt(&mut self) -> Answer {
        let blob = self.with.blob("CiphertextBlob")?;
        let ignore_ciphertext = self.ignores_ciphertext()?;
        let source_algorithm = self
            .with
            .text("SourceEncryptionAlgorithm")?
            .unwrap_or(SYMMETRIC)
            .to_owned();
        let algorithm = self
            .with
            .text("DestinationEncryptionAlgorithm")?
            .unwrap_or(SYMMETRIC)
            .to_owned();
        let source_context = self.encryption_context("SourceEncryptionContext")?;
        let context = self.encryption_context("DestinationEncryptionContext")?;
        let named = self.with.has("SourceKeyId");
        if (blob.is_none() && !ignore_ciphertext) || (ignore_ciphertext && !named) {
            return Err(validation(None));
        }
        let source = self.open_source("SourceKeyId", "kms:ReEncryptFrom", blob.as_deref())?;
        let destination = self.open("DestinationKeyId", "kms:ReEncryptTo").inspect_err(|_| {
            // Nothing was asked of the source key yet, so its account is not told (svc:T-8).
            self.log.keys.clear();
        })?;
        self.trace.rule("svc:K-21");
        let same = source.key == destination.key;
        let with_same = |context, algorithm: &str| {
            let mut ask = ask(context, algorithm);
            ask.keys.set("kms:ReEncryptOnSameKey", same);
            ask
        };
        let from = with_same(&source_context, &source_algorithm);
        let to = with_same(&context, &algorithm);
        self.authorize("kms:ReEncryptFrom", &source, Ask { hidden: !named, ..from })?;
        self.authorize("kms:ReEncryptTo", &destination, to)?;
        self.state_permits(&source.key, KeyPart::Subject)?;
        self.state_permits(&destination.key, KeyPart::Target)?;
        self.usage_permits(&source.key, Some(&source_algorithm))?;
        self.usage_permits(&destination.key, Some(&algorithm))?;
        let plaintext = if ignore_ciphertext {
            String::new()
        } else {
            self.open_ciphertext(&source.key, blob.as_deref(), &source_algorithm, &source_context)?
        };
        self.dry_run_ends()?;
        let blob = make_ciphertext(self.state, &destination.key, &algorithm, context, plaintext);
        Ok(json!({
            "CiphertextBlob": blob,
            "SourceKeyId": source.key.arn(),
            "KeyId": destination.key.arn(),
            "SourceEncryptionAlgorithm": source_algorithm,
            "DestinationEncryptionAlgorithm": algorithm,
        }))
    }

    /// The key that a parameter names, or the one that the ciphertext names (`svc:K-10`).
    fn open_source(&mut self, parameter: &str, action: &str, blob: Option<&str>) -> Result<Opened, Stop> {
        if self.with.has(parameter) {
            return self.open(parameter, action);
        }
        self.trace.rule("svc:K-10");
        let Some(ciphertext) = blob.and_then(|blob| self.state.ciphertexts.get(blob)) else {
            self.trace.rule("svc:K-25");
            return Err(invalid_ciphertext());
        };
        let key = ciphertext.key.clone();
        if self.state.key(&key).is_none() || key.region != self.actor.region {
            // The key is gone or elsewhere: the answer tells nothing (svc:X-4).
            self.trace.rule("svc:X-4");
            return Err(Refusal::error("AccessDeniedException", 400, HIDDEN_KEY_MESSAGE.to_owned()).into());
        }
        if ciphertext.algorithm != SYMMETRIC {
            // An asymmetric ciphertext does not name its key.
            self.trace.rule("svc:K-25");
            return Err(invalid_ciphertext());
        }
        self.log.keys.push(key.clone());
        Ok(Opened { key, alias: None })
    }

    /// Step 6 of `svc:K-32`: whether the key made this ciphertext, with this context (`svc:K-25`).
    fn open_ciphertext(
        &mut self,
        key: &KeyRef,
        blob: Option<&str>,
        algorithm: &str,
        context: &BTreeMap<String, String>,
    ) -> Result<String, Stop> {
        let Some(ciphertext) = blob.and_then(|blob| self.state.ciphertexts.get(blob)) else {
            self.trace.rule("svc:K-25");
            return Err(invalid_ciphertext());
        };
        // Replicas share the id and the key material of their primary (svc:K-15).
        let same_material = ciphertext.key.same_material(key);
        let refusal = if !same_material {
            Some(if ciphertext.algorithm == SYMMETRIC {
                Refusal::error("IncorrectKeyException", 400, INCORRECT_KEY.to_owned()).into()
            } else {
                invalid_ciphertext()
            })
        } else if ciphertext.encryption_context != *context || ciphertext.algorithm != algorithm {
            Some(invalid_ciphertext())
        } else {
            None
        };
        let plaintext = ciphertext.plaintext.clone();
        match refusal {
            None => Ok(plaintext),
            Some(refusal) => {
                self.trace.rule("svc:K-25");
                Err(refusal)
            }
        }
    }

    fn encryption_context(&self, name: &str) -> Result<BTreeMap<String, String>, Stop> {
        Ok(self.with.text_map(name)?.unwrap_or_default())
    }

    fn ignores_ciphertext(&self) -> Result<bool, Stop> {
        let modifiers = self.with.texts("DryRunModifiers")?.unwrap_or_default();
        Ok(self.with.is_true("DryRun")? && modifiers.iter().any(|modifier| modifier == "IGNORE_CIPHERTEXT"))
    }

    fn log_context(&mut self, context: &BTreeMap<String, String>, algorithm: &str) {
        if !context.is_empty() {
            self.log.request("encryptionContext", json!(context));
        }
        self.log.request("encryptionAlgorithm", json!(algorithm));
    }
}

/// Stores a new ciphertext and gives its blob.
pub(super) fn make_ciphertext(
    state: &mut State,
    key: &KeyRef,
    algorithm: &str,
    encryption_context: BTreeMap<String, String>,
    plaintext: String,
) -> String {
    let seed = state.next_seed("ciphertext");
    let blob = state.symbol(symbol::blob("ciphertext", &seed, 96));
    let ciphertext = Ciphertext {
        key: key.clone(),
        algorithm: algorithm.to_owned(),
        encryption_context,
        plaintext,
    };
    state.ciphertexts.insert(blob.as_str().into(), ciphertext.into());
    blob
}

fn ask<'a>(context: &'a BTreeMap<String, String>, algorithm: &str) -> Ask<'a> {
    Ask {
        encryption_context: Some(context),
        keys: Context::new().with("kms:EncryptionAlgorithm", algorithm),
        child: None,
        hidden: false,
    }
}

fn check_plaintext(base64: &str) -> Result<(), Stop> {
    let length = STANDARD.decode(base64).map_or(0, |bytes| bytes.len());
    let complaint = match length {
        0 => "greater than or equal to 1",
        1..=MAX_PLAINTEXT => return Ok(()),
        _ => "less than or equal to 4096",
    };
    Err(validation(format!(
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length {complaint}"
    )))
}

/// `InvalidCiphertextException` with an empty message (`svc:K-25`).
fn invalid_ciphertext() -> Stop {
    Refusal::error("InvalidCiphertextException", 400, Some(String::new())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintexts_have_a_length_of_1_to_4096() {
        // observed: kms-plaintext-empty, kms-plaintext-4097
        assert!(check_plaintext(&STANDARD.encode([0; 4096])).is_ok());
        assert!(check_plaintext(&STANDARD.encode([0; 4097])).is_err());
        assert!(check_plaintext("").is_err());
    }
}
