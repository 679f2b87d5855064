//! Questions that cross what a case already has: every caller may put every request of its stories, with small changes. Nothing is added to
//! the world for them, so that a step costs little more than its own answer; who is let through by an accident of policies shows here.

use countersign_model::case::Shape;
use serde_json::{Value, json};

use super::super::request::KmsCall;
use super::super::scene::{ActorKind, CallDraft, Scene, StepDraft};
use super::super::vocabulary::kms_operation;

/// What is put again by others: the calls that data goes through, which leave the world as it is but for objects.
const CROSSED: &[&str] = &[
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ReEncrypt",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:HeadObject",
    "s3:PutObject",
];

impl Scene<'_, '_, '_> {
    /// Adds as many steps as the settings say, if there is anybody to ask and anything to be asked for.
    pub(in super::super) fn cross(&mut self) {
        if self.settings.crossings == 0 {
            return;
        }
        let mut asked: Vec<CallDraft> = self.steps.iter().filter_map(crossed).collect();
        if asked.is_empty() {
            asked = self.some_questions();
        }
        if asked.is_empty() {
            return;
        }
        for _ in 0..self.settings.crossings {
            let mut call = self.dice.pick(&asked).clone();
            call.save.clear();
            if self.dice.below(12) > 0 {
                // What becomes of the other shapes is the stories' matter.
                call.shape = Shape::Header;
            }
            if self.dice.below(5) > 0 {
                call.actor = self.dice.position(self.actors.len());
            }
            if self.actors[call.actor].kind == ActorKind::Anonymous && call.shape != Shape::PostForm {
                // Nobody signs for them, in the address no more than in a header.
                call.shape = Shape::Header;
            }
            self.change_a_little(&mut call);
            self.steps.push(StepDraft::Call(Box::new(call)));
        }
    }

    /// For stories that put none of them: what their callers may want of their keys and buckets.
    fn some_questions(&mut self) -> Vec<CallDraft> {
        let mut asked = Vec::new();
        if self.actors.is_empty() {
            return asked;
        }
        for key in 0..self.keys.len() {
            for operation in ["DescribeKey", "Encrypt", "GenerateDataKey"] {
                asked.push(
                    self.kms_request(0, kms_operation(operation), key, &KmsCall::default())
                        .call,
                );
            }
        }
        for bucket in 0..self.buckets.len() {
            let object = self.object_name();
            for operation in ["GetObject", "PutObject"] {
                asked.push(self.object_request(0, operation, bucket, &object).call);
            }
        }
        asked
    }

    /// Another key, another object, another encryption context, another network.
    fn change_a_little(&mut self, call: &mut CallDraft) {
        if !self.keys.is_empty() && self.dice.below(3) == 0 {
            let key = self.dice.position(self.keys.len());
            let name = if self.dice.coin() {
                self.key_arn(key)
            } else {
                self.key_id(key)
            };
            for member in ["KeyId", "SSEKMSKeyId"] {
                if let Some(given) = call.with.get_mut(member) {
                    *given = json!(name);
                }
            }
        }
        let has_context = matches!(
            call.call.as_str(),
            "kms:Decrypt" | "kms:Encrypt" | "kms:GenerateDataKey" | "kms:GenerateDataKeyWithoutPlaintext"
        );
        if has_context && self.dice.coin() {
            let other = self.some_encryption_context();
            let given = call.with.entry("EncryptionContext").or_insert_with(|| json!({}));
            if let Value::Object(context) = given {
                // One pair less, all others, or some more.
                match self.dice.below(4) {
                    0 => {
                        let last = context.keys().next_back().cloned();
                        last.and_then(|name| context.shift_remove(&name));
                    }
                    1 => context.clear(),
                    _ => {}
                }
                context.extend(other.into_iter().map(|(name, value)| (name, json!(value))));
            }
        }
        if call.with.contains_key("Key") && self.dice.coin() {
            let object = self.object_name();
            call.with.insert("Key".to_owned(), json!(object));
        }
        if !self.has_network(call.actor) {
            call.through_endpoint = false;
            call.context.clear();
        } else if !call.through_endpoint && self.dice.below(3) == 0 {
            let address = *self.dice.pick(&["203.0.113.7", "192.0.2.44", "10.1.2.3"]);
            call.context.insert("aws:SourceIp".to_owned(), json!(address));
        }
    }
}

fn crossed(step: &StepDraft) -> Option<CallDraft> {
    match step {
        StepDraft::Call(call) if CROSSED.contains(&call.call.as_str()) => Some((**call).clone()),
        _ => None,
    }
}
