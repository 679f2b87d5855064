//! Stories on the use of a key: several callers, each with its own way to be allowed; and operations without a key.

use serde_json::json;

use super::super::request::{KmsCall, Request};
use super::super::scene::Scene;

impl Scene<'_, '_, '_> {
    /// A ciphertext and several callers who use the key.
    pub(super) fn key_use(&mut self) {
        let key = self.new_key(0);
        if self.dice.below(4) == 0 {
            // A sibling key, for near misses and re-encryption; once in a while of a kind that cannot do it.
            let sibling = self.new_key(0);
            if self.dice.below(4) == 0 {
                let kinds = [
                    ("HMAC_256", "GENERATE_VERIFY_MAC"),
                    ("ECC_NIST_P256", "SIGN_VERIFY"),
                    ("RSA_2048", "SIGN_VERIFY"),
                ];
                self.keys[sibling].kind = Some(*self.dice.pick(&kinds));
            }
        }
        let context = self.encryption_context();
        let ciphertext = self.encrypts(key, &context);
        let most = self.room().min(self.steps.len() + 3);
        let goal = self.steps.len() + 2 + self.dice.position(most.max(1));
        while self.steps.len() < goal && self.room() > 0 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let request = self.use_of_key(actor, key, &context, &ciphertext);
            let request = self.perform(request);
            self.perhaps_twist(&request);
            if self.dice.below(3) == 0 && self.room() > 0 {
                // The same caller again, with what it has.
                let request = self.use_of_key(actor, key, &context, &ciphertext);
                self.call(request.call);
            }
        }
    }

    /// Some operation of a caller on a key.
    pub(super) fn use_of_key(
        &mut self,
        actor: usize,
        key: usize,
        context: &std::collections::BTreeMap<String, String>,
        ciphertext: &str,
    ) -> Request {
        let operation = self.some_operation();
        let reads = matches!(operation.name, "Decrypt" | "ReEncrypt");
        let context = if reads || self.dice.below(3) == 0 {
            context.clone()
        } else {
            self.encryption_context()
        };
        let destination = if operation.name == "ReEncrypt" && self.dice.below(3) > 0 {
            let others: Vec<usize> = (0..self.keys.len()).filter(|one| *one != key).collect();
            if others.is_empty() {
                let account = self.keys[key].account;
                Some(self.new_key(account))
            } else {
                Some(*self.dice.pick(&others))
            }
        } else {
            None
        };
        let kms = KmsCall {
            context,
            ciphertext: reads.then(|| ciphertext.to_owned()),
            destination,
        };
        self.kms_request(actor, operation, key, &kms)
    }

    /// Operations without a resource: only identity policies count.
    pub(super) fn account_level(&mut self) {
        let key = self.new_key(0);
        let mut goal = 2 + self.dice.below(3);
        while goal > 0 && self.room() > 0 {
            goal -= 1;
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let request = self.resourceless(actor, key);
            let request = self.perform(request);
            self.perhaps_twist(&request);
        }
    }

    fn resourceless(&mut self, actor: usize, key: usize) -> Request {
        let (call, action) = *self.dice.pick(&[
            ("kms:ListKeys", "kms:ListKeys"),
            ("kms:ListAliases", "kms:ListAliases"),
            ("kms:GenerateRandom", "kms:GenerateRandom"),
            ("kms:CreateKey", "kms:CreateKey"),
            ("kms:ListRetirableGrants", "kms:ListRetirableGrants"),
            ("s3:ListBuckets", "s3:ListAllMyBuckets"),
            ("sts:GetCallerIdentity", "sts:GetCallerIdentity"),
        ]);
        let mut draft = self.bare(actor, call);
        match call {
            "kms:GenerateRandom" => {
                let bytes = 1 + self.dice.below(1024);
                draft.with.insert("NumberOfBytes".to_owned(), json!(bytes));
            }
            "kms:ListRetirableGrants" => {
                let arn = self.caller_arn(actor).unwrap_or_default();
                draft.with.insert("RetiringPrincipal".to_owned(), json!(arn));
            }
            "kms:CreateKey" => {
                let phrase = self.phrase();
                draft.with.insert("Description".to_owned(), json!(phrase));
            }
            "kms:ListAliases" if self.dice.coin() => {
                draft.with.insert("KeyId".to_owned(), json!(self.key_arn(key)));
            }
            _ => {}
        }
        let mut need = self.any_need(action);
        if call.starts_with("kms:") && self.principal_arn(actor).is_some() {
            let account = self.accounts[self.actors[actor].account].as_str().to_owned();
            need.facts
                .push(super::super::fact::Fact::text("kms:CallerAccount", account));
        }
        Request {
            call: draft,
            needs: vec![need],
        }
    }
}
