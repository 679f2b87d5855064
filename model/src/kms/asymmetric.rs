//! Signatures, MACs, key agreement, encapsulation and data key pairs. Everything is symbolic, as in `crypto`: a signature stands for a
//! key, an algorithm and a message. Where the real algorithm is deterministic, equal requests give equal symbols.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::crypto::make_ciphertext;
use super::key::{Ciphertext, KeyRef, Signature, usages_of_spec};
use super::key_state::KeyPart;
use super::{Ask, Call, Opened, validation};
use crate::context::Context;
use crate::world::StepError;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

/// Most bytes of a message that Sign, Verify and the MAC operations take.
const MAX_MESSAGE: usize = 4096;
/// The algorithm under which the ciphertext of an encapsulated secret is kept.
const ENCAPSULATION: &str = "ML_KEM";
/// Bytes of a shared secret.
const SECRET_LENGTH: usize = 32;
/// The algorithm of the private half of a data key pair (`svc:C-6`).
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// Algorithms with the same output for the same input.
const DETERMINISTIC: &[&str] = &["RSASSA_PKCS1_V1_5", "ED25519", "HMAC"];

/// Digest lengths in bytes by the end of an algorithm's name (`MessageType: DIGEST`).
const DIGEST_LENGTHS: &[(&str, usize)] = &[("_SHA_256", 32), ("_SHA_384", 48), ("_SHA_512", 64), ("SM2DSA", 32)];

/// A message with the algorithm it is signed under.
struct Message {
    /// Base64 text.
    text: String,
    /// `RAW`, `DIGEST` or `EXTERNAL_MU`; MACs are always of raw messages.
    kind: String,
    algorithm: String,
}

impl Call<'_> {
    pub(super) fn sign(&mut self) -> Answer {
        let message = self.message("SigningAlgorithm")?;
        let opened = self.open_message_key(&message, "kms:SigningAlgorithm", "svc:C-7")?;
        self.dry_run_ends()?;
        let signature = self.make_signature("signature", &opened.key, message);
        Ok(json!({
            "KeyId": opened.key.arn(),
            "Signature": signature.0,
            "SigningAlgorithm": signature.1,
        }))
    }

    pub(super) fn verify(&mut self) -> Answer {
        let message = self.message("SigningAlgorithm")?;
        let signature = self.with.blob("Signature")?.ok_or_else(|| validation(None))?;
        let opened = self.open_message_key(&message, "kms:SigningAlgorithm", "svc:C-7")?;
        // Whether a signature is valid is the cryptographic result, which a dry run does not reach (svc:K-32).
        self.dry_run_ends()?;
        self.must_be_signature_of(&opened.key, &message, &signature, "KMSInvalidSignatureException")?;
        Ok(json!({
            "KeyId": opened.key.arn(),
            "SignatureValid": true,
            "SigningAlgorithm": message.algorithm,
        }))
    }

    pub(super) fn generate_mac(&mut self) -> Answer {
        let message = self.message("MacAlgorithm")?;
        let opened = self.open_message_key(&message, "kms:MacAlgorithm", "svc:C-8")?;
        self.dry_run_ends()?;
        let mac = self.make_signature("mac", &opened.key, message);
        Ok(json!({"KeyId": opened.key.arn(), "Mac": mac.0, "MacAlgorithm": mac.1}))
    }

    pub(super) fn verify_mac(&mut self) -> Answer {
        let message = self.message("MacAlgorithm")?;
        let mac = self.with.blob("Mac")?.ok_or_else(|| validation(None))?;
        let opened = self.open_message_key(&message, "kms:MacAlgorithm", "svc:C-8")?;
        self.dry_run_ends()?;
        self.must_be_signature_of(&opened.key, &message, &mac, "KMSInvalidMacException")?;
        Ok(json!({"KeyId": opened.key.arn(), "MacValid": true, "MacAlgorithm": message.algorithm}))
    }

    pub(super) fn get_public_key(&mut self) -> Answer {
        let opened = self.open("KeyId", "kms:GetPublicKey")?;
        self.authorize("kms:GetPublicKey", &opened, Ask::default())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        let public = self.public_key(&opened.key);
        let key = self.key(&opened.key);
        let mut output = json!({
            "KeyId": opened.key.arn(),
            "PublicKey": public,
            "KeySpec": key.spec,
            "KeyUsage": key.usage,
        });
        let list = match key.usage.as_str() {
            "ENCRYPT_DECRYPT" => Some("EncryptionAlgorithms"),
            "SIGN_VERIFY" => Some("SigningAlgorithms"),
            "KEY_AGREEMENT" => Some("KeyAgreementAlgorithms"),
            _ => None,
        };
        if let Some(list) = list {
            output[list] = json!(key.algorithms());
        }
        Ok(output)
    }

    pub(super) fn derive_shared_secret(&mut self) -> Answer {
        let algorithm = self.with.needed_text("KeyAgreementAlgorithm")?.to_owned();
        let theirs = self.with.blob("PublicKey")?.ok_or_else(|| validation(None))?;
        let opened = self.open_algorithm_key("kms:KeyAgreementAlgorithm", &algorithm)?;
        self.check_public_key(&opened.key, &theirs)?;
        self.dry_run_ends()?;
        // Both parties come to the same secret: it belongs to the pair of public keys.
        let mut pair = [self.public_key(&opened.key), theirs];
        pair.sort();
        let secret = symbol::blob("shared-secret", &pair.join("/"), SECRET_LENGTH);
        let secret = self.state.symbol(secret);
        let origin = self.key(&opened.key).origin.clone();
        Ok(json!({
            "KeyId": opened.key.arn(),
            "SharedSecret": secret,
            "KeyAgreementAlgorithm": algorithm,
            "KeyOrigin": origin,
        }))
    }

    pub(super) fn encapsulate(&mut self) -> Answer {
        let algorithm = self.with.needed_text("EncapsulationAlgorithm")?.to_owned();
        let opened = self.open_algorithm_key("kms:EncapsulationAlgorithm", &algorithm)?;
        self.dry_run_ends()?;
        let seed = self.state.next_seed("shared secret");
        let secret = self.state.symbol(symbol::blob("shared-secret", &seed, SECRET_LENGTH));
        let blob = make_ciphertext(self.state, &opened.key, ENCAPSULATION, BTreeMap::new(), secret.clone());
        Ok(json!({"KeyId": opened.key.arn(), "SharedSecret": secret, "SharedSecretCiphertextBlob": blob}))
    }

    /// A wrong ciphertext is not refused: the answer is a secret that nobody else has (implicit rejection, API_Decapsulate).
    pub(super) fn decapsulate(&mut self) -> Answer {
        let algorithm = self.with.needed_text("EncapsulationAlgorithm")?.to_owned();
        let blob = self
            .with
            .blob("SharedSecretCiphertextBlob")?
            .ok_or_else(|| validation(None))?;
        let opened = self.open_algorithm_key("kms:EncapsulationAlgorithm", &algorithm)?;
        self.dry_run_ends()?;
        let secret = match self.state.ciphertexts.get(blob.as_str()).map(|found| &**found) {
            Some(Ciphertext { key, plaintext, .. }) if key.same_material(&opened.key) => plaintext.clone(),
            _ => {
                let seed = format!("{}/{blob}", opened.key.material());
                self.state.symbol(symbol::blob("rejected-secret", &seed, SECRET_LENGTH))
            }
        };
        Ok(json!({"KeyId": opened.key.arn(), "SharedSecret": secret}))
    }

    pub(super) fn generate_data_key_pair(&mut self, with_plaintext: bool) -> Answer {
        let spec = self.with.needed_text("KeyPairSpec")?.to_owned();
        if !is_pair_spec(&spec) {
            return Err(validation(None));
        }
        let context = self.with.text_map("EncryptionContext")?.unwrap_or_default();
        let action = format!("kms:{}", self.operation.name);
        let opened = self.open("KeyId", &action)?;
        if !context.is_empty() {
            self.log.request("encryptionContext", json!(context));
        }
        self.log.request("keyPairSpec", json!(spec));
        self.trace.rule("svc:C-10");
        let keys = Context::new()
            .with("kms:EncryptionAlgorithm", SYMMETRIC)
            .with("kms:DataKeyPairSpec", spec.as_str());
        self.authorize(
            &action,
            &opened,
            Ask {
                encryption_context: Some(&context),
                keys,
                ..Ask::default()
            },
        )?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        self.dry_run_ends()?;
        let seed = self.state.next_seed("data key pair");
        let private = self.state.symbol(symbol::blob("private-key", &seed, 96));
        let public = self.state.symbol(symbol::blob("public-key", &seed, 96));
        let blob = make_ciphertext(self.state, &opened.key, SYMMETRIC, context, private.clone());
        let mut output = json!({
            "KeyId": opened.key.arn(),
            "KeyPairSpec": spec,
            "PublicKey": public,
            "PrivateKeyCiphertextBlob": blob,
        });
        if with_plaintext {
            output["PrivateKeyPlaintext"] = json!(private);
        }
        Ok(output)
    }

    /// The message of the request (step 1 of `svc:K-32`).
    fn message(&self, algorithm: &str) -> Result<Message, Stop> {
        let message = Message {
            text: self.with.blob("Message")?.ok_or_else(|| validation(None))?,
            // What is left out has its default in the context too (svc:C-7).
            kind: self.with.text("MessageType")?.unwrap_or("RAW").to_owned(),
            algorithm: self.with.needed_text(algorithm)?.to_owned(),
        };
        let length = length_of(&message.text);
        let known_kind = matches!(message.kind.as_str(), "RAW" | "DIGEST" | "EXTERNAL_MU");
        if !(1..=MAX_MESSAGE).contains(&length) || !known_kind {
            return Err(validation(None));
        }
        Ok(message)
    }

    /// Steps 2 to 5 of `svc:K-32` for an operation on a message.
    fn open_message_key(&mut self, message: &Message, key: &str, rule: &'static str) -> Result<Opened, Stop> {
        let action = format!("kms:{}", self.operation.name);
        let opened = self.open("KeyId", &action)?;
        let mut keys = Context::new().with(key, message.algorithm.as_str());
        if key == "kms:SigningAlgorithm" {
            keys.set("kms:MessageType", message.kind.as_str());
            self.log.request("messageType", json!(message.kind));
            self.log.request("signingAlgorithm", json!(message.algorithm));
        } else {
            self.log.request("macAlgorithm", json!(message.algorithm));
        }
        self.trace.rule(rule);
        self.authorize(&action, &opened, Ask { keys, ..Ask::default() })?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, Some(&message.algorithm))?;
        if !digest_fits(message) {
            return Err(validation(None));
        }
        Ok(opened)
    }

    /// The same for an operation with nothing but an algorithm.
    fn open_algorithm_key(&mut self, key: &str, algorithm: &str) -> Result<Opened, Stop> {
        let action = format!("kms:{}", self.operation.name);
        let opened = self.open("KeyId", &action)?;
        self.trace.rule("svc:C-9");
        let keys = Context::new().with(key, algorithm);
        self.authorize(&action, &opened, Ask { keys, ..Ask::default() })?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, Some(algorithm))?;
        Ok(opened)
    }

    /// Makes a signature or a MAC; gives it back with its algorithm.
    fn make_signature(&mut self, kind: &str, key: &KeyRef, message: Message) -> (String, String) {
        let deterministic = DETERMINISTIC.iter().any(|start| message.algorithm.starts_with(start));
        let seed = if deterministic {
            format!(
                "{}/{}/{}/{}",
                key.material(),
                message.algorithm,
                message.kind,
                message.text
            )
        } else {
            self.state.next_seed(kind)
        };
        let blob = self.state.symbol(symbol::blob(kind, &seed, 64));
        let algorithm = message.algorithm.clone();
        let signature = Signature {
            key: key.clone(),
            algorithm: message.algorithm,
            message_type: message.kind,
            message: message.text,
        };
        self.state.signatures.insert(blob.clone(), signature);
        (blob, algorithm)
    }

    /// Step 6 of `svc:K-32`: a signature that is not of this key, algorithm and message is refused.
    fn must_be_signature_of(&mut self, key: &KeyRef, message: &Message, blob: &str, refusal: &str) -> Result<(), Stop> {
        let right = self
            .state
            .signatures
            .get(blob)
            .filter(|signature| signature.key.same_material(key) && signature.algorithm == message.algorithm);
        match right {
            Some(signature) if signature.message_type != message.kind => Err(StepError::Step(
                "the model computes no digests: verify a signature with the MessageType it was made with".to_owned(),
            )
            .into()),
            Some(signature) if signature.message == message.text => Ok(()),
            _ => Err(Refusal::error(refusal, 400, None).into()),
        }
    }

    /// The public half of a key: the same whenever it is asked for, and that of every replica.
    fn public_key(&mut self, key: &KeyRef) -> String {
        let public = symbol::blob("public-key", &key.material(), 96);
        let spec = self.key(key).spec.clone();
        self.state.public_keys.insert(public.clone(), spec);
        self.state.symbol(public)
    }

    /// The other party's key: one that the model gave out must be of the same curve, any other must at least look like DER.
    fn check_public_key(&self, own: &KeyRef, theirs: &str) -> Result<(), Stop> {
        let spec = &self.key(own).spec;
        let fits = match self.state.public_keys.get(theirs) {
            Some(other) => other == spec,
            None => STANDARD.decode(theirs).is_ok_and(|bytes| bytes.first() == Some(&0x30)),
        };
        if fits { Ok(()) } else { Err(validation(None)) }
    }
}

/// Whether a data key pair can be of a spec: every asymmetric one but the post-quantum ones.
fn is_pair_spec(spec: &str) -> bool {
    usages_of_spec(spec).is_some() && ["RSA_", "ECC_", "SM2"].iter().any(|start| spec.starts_with(start))
}

/// Whether a digest has the length of its algorithm's hash; raw messages have any.
fn digest_fits(message: &Message) -> bool {
    match message.kind.as_str() {
        "DIGEST" => DIGEST_LENGTHS
            .iter()
            .find(|(end, _)| message.algorithm.ends_with(end))
            .is_some_and(|(_, length)| length_of(&message.text) == *length),
        "EXTERNAL_MU" => message.algorithm.starts_with("ML_DSA") && length_of(&message.text) == 64,
        _ => true,
    }
}

fn length_of(base64: &str) -> usize {
    STANDARD.decode(base64).map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, algorithm: &str, length: usize) -> Message {
        Message {
            text: STANDARD.encode(vec![0; length]),
            kind: kind.to_owned(),
            algorithm: algorithm.to_owned(),
        }
    }

    #[test]
    fn digests_have_the_length_of_their_hash() {
        assert!(digest_fits(&message("RAW", "ECDSA_SHA_256", 5)));
        assert!(digest_fits(&message("DIGEST", "ECDSA_SHA_256", 32)));
        assert!(!digest_fits(&message("DIGEST", "ECDSA_SHA_256", 48)));
        assert!(digest_fits(&message("DIGEST", "RSASSA_PSS_SHA_512", 64)));
        assert!(digest_fits(&message("EXTERNAL_MU", "ML_DSA_SHAKE_256", 64)));
        assert!(!digest_fits(&message("EXTERNAL_MU", "RSASSA_PSS_SHA_512", 64)));
    }

    #[test]
    fn data_key_pairs_are_of_classical_specs() {
        assert!(is_pair_spec("RSA_2048") && is_pair_spec("ECC_NIST_P256"));
        assert!(!is_pair_spec("SYMMETRIC_DEFAULT") && !is_pair_spec("ML_DSA_44") && !is_pair_spec("RSA_1024"));
    }
}
