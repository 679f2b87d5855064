//! Probes of what customers bring themselves: keys that come with every request (SSE-C), tags of buckets on which permissions depend, and
//! sources for which a service calls under a grant. What comes of it is not decided here.

use countersign_model::case::{GrantConstraintsSpec, GrantSpec, ObjectSpec};
use serde_json::{Map, Value, json};

use super::super::super::scene::{Actor, ActorKind, Encryption, Place, Scene, text_blob};
use super::super::super::statement::{Condition, Draft, Principals};
use super::members;

/// Keys of 32 bytes and their MD5.
const KEYS: [(&str, &str); 2] = [
    (
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "hRasmdxgYDKV3nvbahU1MA==",
    ),
    (
        "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=",
        "NX6C25NPxF9KJbS4Pci9GQ==",
    ),
];

/// What is wrong with the headers of a customer's key.
const FAULTS: &[&str] = &[
    "algorithm",
    "no key",
    "no digest",
    "other digest",
    "other method",
    "no algorithm",
];

/// The service that vaults of AWS Backup are behind: grants are given to it by its name (`svc:G-3`).
const VAULTS: &str = "backup-storage.amazonaws.com";

impl Scene<'_, '_, '_> {
    /// An object is written under a customer's key, then read and copied with that key, with another and with none, by one who may and one
    /// who may not; or the bucket takes no such keys, or the headers make none (`svc:S-22`, `svc:S-49`…`svc:S-51`).
    pub(super) fn customer_keys(&mut self) {
        let bucket = self.new_bucket(0, None);
        self.buckets[bucket].encryption = Encryption::Unset;
        self.buckets[bucket].versioned = false;
        self.buckets[bucket].takes_customer_keys = self.dice.below(4) > 0;
        let plain = self.object_name();
        let body = self.phrase();
        let spec = ObjectSpec {
            body,
            ..ObjectSpec::default()
        };
        self.buckets[bucket].objects.insert(plain.clone(), spec);
        let arn = self.bucket_arn(bucket);
        let owner = self.new_user_actor(0);
        self.forget_limits(owner);
        self.may(owner, &["s3:*"], vec![arn.clone(), format!("{arn}/*")]);
        let reader = self.new_user_actor(0);
        self.forget_limits(reader);
        let some = *self.dice.pick(&["s3:GetObject", "s3:PutObject", "s3:ListBucket"]);
        self.may(reader, &[some], vec![arn.clone(), format!("{arn}/*")]);
        if self.dice.below(3) == 0
            && let Some(identity) = self.actors[reader].identity
        {
            let deny = Draft::deny(
                Principals::Absent,
                vec!["s3:*Object".to_owned()],
                vec![format!("{arn}/*")],
            );
            self.write(Place::Identity(identity), deny);
        }
        let name = self.buckets[bucket].name.clone();
        let key = self.dice.position(KEYS.len());
        let object = self.object_name();
        let body = text_blob(&self.phrase());
        let with = json!({"Bucket": name, "Key": object, "Body": body});
        self.does(owner, "s3:PutObject", with_key(with, "", key));
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 0 {
            let actor = if self.dice.below(3) == 0 { reader } else { owner };
            let other = self.dice.position(KEYS.len());
            let read = *self.dice.pick(&["s3:GetObject", "s3:GetObject", "s3:HeadObject"]);
            let (operation, with) = match self.dice.below(8) {
                0 => (read, members(json!({"Bucket": name, "Key": object}))),
                1 | 2 => (read, with_key(json!({"Bucket": name, "Key": object}), "", other)),
                3 => (read, with_key(json!({"Bucket": name, "Key": plain}), "", other)),
                4 => {
                    let source = format!("{name}/{object}");
                    let copy = json!({"Bucket": name, "Key": self.object_name(), "CopySource": source});
                    ("s3:CopyObject", with_key(copy, "CopySource", other))
                }
                5 => {
                    let body = text_blob(&self.phrase());
                    let put = json!({"Bucket": name, "Key": self.object_name(), "Body": body});
                    ("s3:PutObject", with_key(put, "", other))
                }
                _ => {
                    let body = text_blob(&self.phrase());
                    let put = json!({"Bucket": name, "Key": self.object_name(), "Body": body});
                    ("s3:PutObject", self.faulty(with_key(put, "", other)))
                }
            };
            self.does(actor, operation, with);
        }
    }

    /// Headers of a customer's key that make none.
    fn faulty(&mut self, mut with: Map<String, Value>) -> Map<String, Value> {
        let (name, value) = match *self.dice.pick(FAULTS) {
            "algorithm" => ("SSECustomerAlgorithm", Some("AES128")),
            "no key" => ("SSECustomerKey", None),
            "no digest" => ("SSECustomerKeyMD5", None),
            "other digest" => ("SSECustomerKeyMD5", Some("TwnaqdlbyxZqMCQHoOC6vg==")),
            "other method" => ("ServerSideEncryption", Some("AES256")),
            _ => ("SSECustomerAlgorithm", None),
        };
        match value {
            Some(value) => with.insert(name.to_owned(), json!(value)),
            None => with.shift_remove(name),
        };
        with
    }

    /// Two buckets, of which one has the tag that a permission or a prohibition depends on (`svc:S-48`).
    pub(super) fn tagged_buckets(&mut self) {
        let actor = self.new_user_actor(0);
        self.forget_limits(actor);
        let words = ["red", "blue"];
        let asked = *self.dice.pick(&words);
        let mut read = Vec::new();
        for word in words {
            let bucket = self.new_bucket(0, None);
            self.buckets[bucket].encryption = Encryption::Unset;
            self.buckets[bucket].versioned = false;
            if self.dice.below(4) > 0 {
                self.buckets[bucket].tags.insert("team".to_owned(), word.to_owned());
                self.buckets[bucket].by_tags = self.dice.below(4) > 0;
            }
            let object = self.object_name();
            let body = self.phrase();
            let spec = ObjectSpec {
                body,
                ..ObjectSpec::default()
            };
            self.buckets[bucket].objects.insert(object.clone(), spec);
            read.push((bucket, object));
        }
        let condition = Condition {
            operator: (*self.dice.pick(&["StringEquals", "StringLike", "StringNotEquals"])).to_owned(),
            key: "s3:BucketTag/team".to_owned(),
            values: vec![asked.to_owned()],
        };
        let all = vec!["*".to_owned()];
        let actions = vec!["s3:GetObject".to_owned(), "s3:ListBucket".to_owned()];
        let mut draft = if self.dice.below(3) == 0 {
            self.may(actor, &["s3:*"], all.clone());
            Draft::deny(Principals::Absent, actions, all)
        } else {
            Draft::allow(Principals::Absent, actions, all)
        };
        draft.conditions.push(condition);
        if let Some(identity) = self.actors[actor].identity {
            self.write(Place::Identity(identity), draft);
        }
        for (bucket, object) in read {
            let name = self.buckets[bucket].name.clone();
            if self.dice.below(3) == 0 {
                self.does(actor, "s3:ListObjectsV2", members(json!({"Bucket": name})));
            } else {
                self.does(actor, "s3:GetObject", members(json!({"Bucket": name, "Key": object})));
            }
        }
    }

    /// A service calls under a grant that is for one source: for that source, for another, and for none (`svc:G-13`).
    pub(super) fn source_of_grant(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let account = self.accounts[0].clone();
        let vault = |name: &str| format!("arn:aws:backup:{}:{account}:backup-vault:{name}", self.region);
        let sources = [vault("first"), vault("second")];
        let spec = GrantSpec {
            grantee_service_principal: Some(VAULTS.to_owned()),
            retiring_principal: Some(account.root_arn()),
            operations: vec!["DescribeKey".to_owned(), "Decrypt".to_owned(), "Encrypt".to_owned()],
            constraints: Some(GrantConstraintsSpec {
                source_arn: Some(sources[0].clone()),
                ..GrantConstraintsSpec::default()
            }),
            ..GrantSpec::default()
        };
        self.add_grant(key, spec, Vec::new());
        if self.dice.below(3) == 0 {
            let mut deny = Draft::deny(
                Principals::Service(vec![VAULTS.to_owned()]),
                vec!["kms:DescribeKey".to_owned()],
                vec!["*".to_owned()],
            );
            if self.dice.coin() {
                deny.conditions.push(Condition {
                    operator: "ArnEquals".to_owned(),
                    key: "aws:SourceArn".to_owned(),
                    values: vec![sources[self.dice.position(2)].clone()],
                });
            }
            self.write(Place::Key(key), deny);
        }
        for source in sources {
            let kind = ActorKind::Service {
                name: VAULTS.to_owned(),
                source_arn: (self.dice.below(5) > 0).then_some(source),
                source_account: Some(account.clone()),
            };
            self.actors.push(Actor {
                kind,
                account: 0,
                identity: None,
            });
            let actor = self.actors.len() - 1;
            let arn = self.key_arn(key);
            let describes = self.dice.below(3) > 0;
            self.describes_or_encrypts(actor, &arn, describes);
        }
    }

    /// A role that only a service may assume does what its policies say, like any other (`svc:F-4`, `iam:P-63`).
    pub(super) fn role_of_service(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let arn = self.key_arn(key);
        for _ in 0..2 {
            let role = self.new_role(0);
            let service = *self
                .dice
                .pick(&["lambda.amazonaws.com", "ec2.amazonaws.com", "backup.amazonaws.com"]);
            let trust = Draft::allow(
                Principals::Service(vec![service.to_owned()]),
                vec!["sts:AssumeRole".to_owned()],
                Vec::new(),
            );
            self.write(Place::Trust(role), trust);
            let actor = self.session_actor(role);
            self.forget_limits(actor);
            match self.dice.below(4) {
                0 => {}
                1 => {
                    self.may(actor, &["kms:*"], vec!["*".to_owned()]);
                    let deny = Draft::deny(
                        Principals::Absent,
                        vec!["kms:DescribeKey".to_owned(), "kms:Encrypt".to_owned()],
                        vec![arn.clone()],
                    );
                    self.write(Place::Identity(role), deny);
                }
                _ => self.may(actor, &["kms:DescribeKey", "kms:Encrypt"], vec![arn.clone()]),
            }
            if self.dice.below(3) == 0 {
                // Named as the service that assumed it, which it is not any more.
                let deny = Draft::deny(
                    Principals::Service(vec![service.to_owned()]),
                    vec!["kms:*".to_owned()],
                    vec!["*".to_owned()],
                );
                self.write(Place::Key(key), deny);
            }
            let describes = self.dice.coin();
            self.describes_or_encrypts(actor, &arn, describes);
        }
    }

    /// The actor looks at the key, or uses it.
    fn describes_or_encrypts(&mut self, actor: usize, key: &str, describes: bool) {
        if describes {
            self.does(actor, "kms:DescribeKey", members(json!({"KeyId": key})));
        } else {
            let plaintext = text_blob(&self.phrase());
            self.does(
                actor,
                "kms:Encrypt",
                members(json!({"KeyId": key, "Plaintext": plaintext})),
            );
        }
    }

    /// Keys are asked for whose spec and usage do not go together, or that take no imported material (`svc:N-6`, `svc:C-26`).
    pub(super) fn odd_keys(&mut self) {
        let actor = self.new_user_actor(0);
        self.forget_limits(actor);
        self.may(actor, &["kms:*"], vec!["*".to_owned()]);
        let key = self.new_key(0);
        self.open_key(key);
        for _ in 0..2 {
            let specs = ["RSA_2048", "ECC_NIST_P256", "HMAC_256", "SYMMETRIC_DEFAULT"];
            let usages = [
                None,
                Some("ENCRYPT_DECRYPT"),
                Some("SIGN_VERIFY"),
                Some("GENERATE_VERIFY_MAC"),
            ];
            let description = self.phrase();
            let mut with = json!({"KeySpec": self.dice.pick(&specs), "Description": description});
            if let Some(usage) = *self.dice.pick(&usages) {
                with["KeyUsage"] = json!(usage);
            }
            self.does(actor, "kms:CreateKey", members(with));
        }
        let wrapping = *self.dice.pick(&["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"]);
        let with = json!({"KeyId": self.key_arn(key), "WrappingAlgorithm": wrapping, "WrappingKeySpec": "RSA_2048"});
        self.does(actor, "kms:GetParametersForImport", members(with));
    }
}

/// The headers of a customer's key, or of the key of a copy's source.
fn with_key(with: Value, of: &str, key: usize) -> Map<String, Value> {
    let (bytes, digest) = KEYS[key % KEYS.len()];
    let mut with = members(with);
    for (name, value) in [("Algorithm", "AES256"), ("Key", bytes), ("KeyMD5", digest)] {
        with.insert(format!("{of}SSECustomer{name}"), json!(value));
    }
    with
}
