//! Probes of single condition keys: a call is let through, or denied, because of one key that few policies speak of.

use std::collections::BTreeMap;

use countersign_model::case::ObjectSpec;
use serde_json::{Value, json};

use super::super::super::fact::{self, Fact, Known};
use super::super::super::request::KmsCall;
use super::super::super::scene::{CallDraft, Encryption, Place, Scene, text_blob};
use super::super::super::statement::{Condition, Draft, Principals};
use super::super::super::vocabulary::kms_operation;
use super::members;

impl Scene<'_, '_, '_> {
    /// Two calls, each under an Allow that holds because of one key.
    pub(super) fn single_facts(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let bucket = self.new_bucket(0, None);
        if self.dice.coin() {
            self.buckets[bucket].encryption = Encryption::Aes;
        }
        self.buckets[bucket].versioned = false;
        let object = self.new_object(bucket);
        let tags: BTreeMap<String, String> = [("team".to_owned(), "red".to_owned())].into();
        let body = self.phrase();
        let spec = ObjectSpec {
            body,
            tags,
            ..ObjectSpec::default()
        };
        self.buckets[bucket].objects.insert(object.clone(), spec);
        for _ in 0..3 {
            if self.dice.below(7) == 0 {
                self.root_by_name(bucket, &object);
            } else {
                self.one_fact(key, bucket, &object);
            }
        }
    }

    fn one_fact(&mut self, key: usize, bucket: usize, object: &str) {
        let actor = self.new_user_actor(0);
        self.forget_limits(actor);
        let name = self.buckets[bucket].name.clone();
        let arn = self.bucket_arn(bucket);
        let on_object = format!("{arn}/*");
        let target = self.object_name();
        let body = text_blob(&self.phrase());
        let absent = |key: &str| Fact::absent(key);
        let s3 = |operation: &str, with: Value| (format!("s3:{operation}"), with);
        let ((operation, with), action, resource, fact): ((String, Value), &str, String, Fact) =
            match self.dice.below(18) {
                0 => (
                    s3("ListObjectsV2", json!({"Bucket": name, "Prefix": "reports/"})),
                    "s3:ListBucket",
                    arn,
                    Fact::text("s3:prefix", "reports/"),
                ),
                1 => (
                    s3(
                        "PutObject",
                        json!({"Bucket": name, "Key": target, "Body": body, "ServerSideEncryption": "AES256"}),
                    ),
                    "s3:PutObject",
                    on_object,
                    Fact::text("s3:x-amz-server-side-encryption", "AES256"),
                ),
                2 => (
                    s3("PutObject", json!({"Bucket": name, "Key": target, "Body": body})),
                    "s3:PutObject",
                    on_object,
                    absent("s3:x-amz-server-side-encryption"),
                ),
                3 => (
                    s3(
                        "CopyObject",
                        json!({
                            "Bucket": name, "Key": target, "CopySource": format!("{name}/{object}"),
                            "TaggingDirective": "REPLACE",
                        }),
                    ),
                    "s3:PutObject",
                    on_object,
                    Fact::text("s3:x-amz-copy-source", format!("{name}/{object}")),
                ),
                4 | 5 => (
                    s3("GetObject", json!({"Bucket": name, "Key": object})),
                    "s3:GetObject",
                    on_object,
                    Fact::text("s3:ExistingObjectTag/team", "red"),
                ),
                6 => (
                    s3("GetObject", json!({"Bucket": name, "Key": object, "VersionId": "null"})),
                    "s3:GetObjectVersion",
                    on_object,
                    Fact::text("s3:VersionId", "null"),
                ),
                7 | 8 => {
                    // By its alias, on which the Allow depends; or by its id, and the condition tells of no alias.
                    let alias = format!("alias/{}", self.keys[key].name);
                    self.keys[key].alias = Some(alias.clone());
                    let (named, fact) = if self.dice.below(4) > 0 {
                        (alias.clone(), Fact::text("kms:RequestAlias", alias))
                    } else {
                        (self.key_id(key), absent("kms:RequestAlias"))
                    };
                    (
                        ("kms:Encrypt".to_owned(), json!({"KeyId": named, "Plaintext": body})),
                        "kms:Encrypt",
                        "*".to_owned(),
                        fact,
                    )
                }
                9..=15 => self.fact_of_key(actor, key),
                _ => {
                    let context = self.some_encryption_context();
                    let keys = context.keys().cloned().collect();
                    let kms = KmsCall {
                        context,
                        ..KmsCall::default()
                    };
                    let mut request = self.kms_request(actor, kms_operation("Encrypt"), key, &kms);
                    request.call.with.remove("DryRun");
                    (
                        ("kms:Encrypt".to_owned(), Value::Object(request.call.with)),
                        "kms:Encrypt",
                        "*".to_owned(),
                        Fact::new("kms:EncryptionContextKeys", Known::Many(keys)),
                    )
                }
            };
        let holds = self.dice.below(4) > 0;
        let condition = fact::on_fact(&mut self.dice, &fact, holds);
        if operation == "s3:CopyObject" {
            self.may(actor, &["s3:GetObject"], vec![resource.clone()]);
        }
        let mut allow = Draft::allow(Principals::Absent, vec![action.to_owned()], vec![resource.clone()]);
        if self.dice.below(4) == 0 {
            // The other way round: what is allowed is denied because of the key.
            self.may(actor, &[action], vec![resource.clone()]);
            allow = Draft::deny(Principals::Absent, vec![action.to_owned()], vec![resource]);
        }
        allow.conditions.push(condition);
        if let Some(identity) = self.actors[actor].identity {
            self.write(Place::Identity(identity), allow);
        }
        let draft = CallDraft {
            with: members(with),
            ..self.bare(actor, &operation)
        };
        self.call(draft);
    }

    /// A call on a key that says of one parameter what a policy asks for (`svc:C-15`, `svc:C-17`, `svc:C-19`, `svc:C-22`, `svc:C-25`).
    fn fact_of_key(&mut self, actor: usize, key: usize) -> ((String, Value), &'static str, String, Fact) {
        let arn = self.key_arn(key);
        let account = self.accounts[0].clone();
        let vault = format!(
            "arn:aws:backup:{}:{account}:backup-vault:v{}",
            self.region,
            self.dice.below(10)
        );
        let (call, with, fact) = match self.dice.below(7) {
            0 => (
                "kms:CreateGrant",
                json!({
                    "KeyId": arn, "GranteePrincipal": self.caller_arn(actor), "Operations": ["Decrypt"],
                    "Constraints": {"SourceArn": vault},
                }),
                Fact::new("kms:GrantConstraintSourceArn", Known::Arn(vault)),
            ),
            1 | 2 => {
                let service = "backup-storage.amazonaws.com";
                let with = json!({
                    "KeyId": arn, "GranteeServicePrincipal": service, "RetiringPrincipal": account.root_arn(),
                    "Operations": ["Decrypt"], "Constraints": {"SourceArn": vault},
                });
                (
                    "kms:CreateGrant",
                    with,
                    Fact::text("kms:GranteeServicePrincipal", service),
                )
            }
            3 => (
                "kms:CreateGrant",
                json!({"KeyId": arn, "GranteePrincipal": self.caller_arn(actor), "Operations": ["Decrypt"]}),
                Fact::new("kms:GrantOperations", Known::Many(vec!["Decrypt".to_owned()])),
            ),
            4 => {
                let days = *self.dice.pick(&[90, 180, 365, 2560]);
                (
                    "kms:EnableKeyRotation",
                    json!({"KeyId": arn, "RotationPeriodInDays": days}),
                    Fact::new("kms:RotationPeriodInDays", Known::Number(days)),
                )
            }
            5 => {
                let key = self.new_key(0);
                self.open_key(key);
                self.keys[key].origin = Some("EXTERNAL");
                self.keys[key].state = Some("PendingImport".to_owned());
                let arn = self.key_arn(key);
                let model = "KEY_MATERIAL_DOES_NOT_EXPIRE";
                let material = text_blob(&self.phrase());
                let token = text_blob("none that KMS gave out");
                let with = json!({
                    "KeyId": arn, "ImportToken": token, "EncryptedKeyMaterial": material, "ExpirationModel": model,
                });
                ("kms:ImportKeyMaterial", with, Fact::text("kms:ExpirationModel", model))
            }
            _ => {
                let policy = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": account.root_arn()}, "Action": "kms:*", "Resource": "*"},
                ]});
                let with = json!({"KeyId": arn, "PolicyName": "default", "Policy": policy});
                (
                    "kms:PutKeyPolicy",
                    with,
                    Fact::absent("kms:BypassPolicyLockoutSafetyCheck"),
                )
            }
        };
        ((call.to_owned(), with), call, "*".to_owned(), fact)
    }

    /// Everybody but the root user is denied, by the key that tells who asks (`iam:K-01`).
    fn root_by_name(&mut self, bucket: usize, object: &str) {
        let arn = self.bucket_arn(bucket);
        let root = self.accounts[0].root_arn();
        let mut deny = Draft::deny(
            Principals::Everyone,
            vec!["s3:GetObject".to_owned()],
            vec![format!("{arn}/*")],
        );
        deny.conditions.push(Condition {
            operator: (*self.dice.pick(&["StringNotEquals", "ArnNotEquals", "StringNotLike"])).to_owned(),
            key: "aws:PrincipalArn".to_owned(),
            values: vec![root],
        });
        self.write(Place::Bucket(bucket), deny);
        let owner = self.root_actor(0);
        let with = json!({"Bucket": self.buckets[bucket].name, "Key": object});
        self.does(owner, "s3:GetObject", members(with));
    }
}
