//! Imported key material, rotation on demand, and what else the API tells about a key.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::key::{ImportToken, Imported, KeyState};
use super::key_state::KeyPart;
use super::{Call, validation};
use crate::context::Context;
use crate::world::actor::time_text;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

/// How long an import token and its wrapping key are good for.
const TOKEN_HOURS: i64 = 24;
/// On-demand rotations in the life of a key (KMS developer guide, quotas).
const MAX_ROTATIONS: usize = 25;
/// `WrappingAlgorithm`.
const WRAPPING_ALGORITHMS: &[&str] = &[
    "RSAES_PKCS1_V1_5",
    "RSAES_OAEP_SHA_1",
    "RSAES_OAEP_SHA_256",
    "RSA_AES_KEY_WRAP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256",
    "SM2PKE",
];
/// `WrappingKeySpec`.
const WRAPPING_SPECS: &[&str] = &["RSA_2048", "RSA_3072", "RSA_4096", "SM2"];

impl Call<'_> {
    pub(super) fn get_parameters_for_import(&mut self) -> Answer {
        let algorithm = self.one_of("WrappingAlgorithm", WRAPPING_ALGORITHMS)?;
        let spec = self.one_of("WrappingKeySpec", WRAPPING_SPECS)?;
        self.trace.rule("svc:C-26");
        let keys = Context::new()
            .with("kms:WrappingAlgorithm", algorithm.as_str())
            .with("kms:WrappingKeySpec", spec.as_str());
        self.log.request("wrappingAlgorithm", json!(algorithm));
        self.log.request("wrappingKeySpec", json!(spec));
        let opened = self.open_and_authorize(keys)?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        let seed = self.state.next_seed("import");
        let token = self.state.symbol(symbol::blob("import-token", &seed, 96));
        let public = self.state.symbol(symbol::blob("wrapping-key", &seed, 96));
        let valid_to = later(self.state.clock.now, TOKEN_HOURS);
        let given = ImportToken {
            key: opened.key.clone(),
            valid_to,
        };
        self.state.import_tokens.insert(token.clone(), given);
        Ok(json!({"KeyId": opened.key.arn(), "ImportToken": token, "PublicKey": public}))
    }

    /// `EncryptedKeyMaterial` of a Case is the material itself: wrapping it is the business of whoever sends it.
    pub(super) fn import_key_material(&mut self) -> Answer {
        let token = self.with.blob("ImportToken")?.ok_or_else(|| validation(None))?;
        let material = self
            .with
            .blob("EncryptedKeyMaterial")?
            .filter(|material| !material.is_empty())
            .ok_or_else(|| validation(None))?;
        let (keys, valid_to) = self.expiration()?;
        self.trace.rule("svc:C-25");
        let opened = self.open_and_authorize(keys)?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        match self.state.import_tokens.get(&token) {
            Some(given) if given.key == opened.key && given.valid_to > self.state.clock.now => {}
            Some(given) if given.key == opened.key => {
                return Err(Refusal::error("ExpiredImportTokenException", 400, None).into());
            }
            _ => return Err(Refusal::error("InvalidImportTokenException", 400, None).into()),
        }
        // Another import brings back the same material, never other one.
        let other = self
            .key(&opened.key)
            .material
            .imported
            .as_ref()
            .is_some_and(|imported| imported.material != material);
        if other {
            return Err(Refusal::error("IncorrectKeyMaterialException", 400, None).into());
        }
        self.trace.rule("svc:ST-4");
        let key = self.key_mut(&opened.key);
        if key.state == KeyState::PendingImport {
            key.state = KeyState::Enabled;
        }
        key.material.imported = Some(Imported { material, valid_to });
        Ok(json!({"KeyId": opened.key.arn()}))
    }

    pub(super) fn delete_imported_key_material(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        self.trace.rule("svc:ST-4");
        let key = self.key_mut(&opened.key);
        if matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
            key.state = KeyState::PendingImport;
        }
        if let Some(imported) = &mut key.material.imported {
            // What the material was is remembered: only the same may come back.
            imported.valid_to = None;
        }
        Ok(json!({"KeyId": opened.key.arn()}))
    }

    pub(super) fn rotate_key_on_demand(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        if self.key(&opened.key).material.rotations.len() >= MAX_ROTATIONS {
            return Err(Refusal::error("LimitExceededException", 400, None).into());
        }
        let now = self.state.clock.now;
        self.key_mut(&opened.key).material.rotations.push(now);
        Ok(json!({"KeyId": opened.key.arn()}))
    }

    pub(super) fn list_key_rotations(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        let rotations: Vec<Value> = self
            .key(&opened.key)
            .material
            .rotations
            .iter()
            .map(|_| json!({"KeyId": opened.key.id, "RotationType": "ON_DEMAND"}))
            .collect();
        Ok(json!({"Rotations": rotations, "Truncated": false}))
    }

    pub(super) fn list_key_policies(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        Ok(json!({"PolicyNames": ["default"], "Truncated": false}))
    }

    /// The suite keeps no record of use (`svc:C-21`): only who may ask is modelled.
    pub(super) fn get_key_last_usage(&mut self) -> Answer {
        let opened = self.open_and_authorize(Context::new())?;
        self.state_permits(&opened.key, KeyPart::Subject)?;
        Ok(json!({"KeyId": opened.key.arn()}))
    }

    /// `ExpirationModel` and `ValidTo`: in the context only where they were said (`svc:C-25`).
    fn expiration(&self) -> Result<(Context, Option<Timestamp>), Stop> {
        let mut keys = Context::new();
        let model = self.with.text("ExpirationModel")?;
        let valid_to = match self.with.text("ValidTo")? {
            None => None,
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                self.with
                    .wrong("ValidTo", "a time such as 2027-01-01T00:00:00Z is needed")
            })?),
        };
        if let Some(model) = model {
            keys.set("kms:ExpirationModel", model);
        }
        if let Some(valid_to) = valid_to {
            keys.set("kms:ValidTo", time_text(valid_to));
        }
        let expires = match model.unwrap_or("KEY_MATERIAL_EXPIRES") {
            "KEY_MATERIAL_EXPIRES" => true,
            "KEY_MATERIAL_DOES_NOT_EXPIRE" => false,
            _ => return Err(validation(None)),
        };
        let future = valid_to.is_none_or(|valid_to| valid_to > self.state.clock.now);
        if expires != valid_to.is_some() || !future {
            return Err(validation(None));
        }
        Ok((keys, valid_to))
    }

    fn one_of(&self, parameter: &str, known: &[&str]) -> Result<String, Stop> {
        let text = self.with.needed_text(parameter)?;
        if known.contains(&text) {
            Ok(text.to_owned())
        } else {
            Err(validation(None))
        }
    }
}

fn later(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MAX)
}
