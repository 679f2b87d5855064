//! Probes of buckets and objects: objects of other owners, ACLs that are off, blocked or written, public policies, preconditions, tags that
//! are copied, encryption contexts of callers, and calls through an endpoint that reach KMS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_model::case::{ObjectSpec, PublicAccessBlockSpec};
use serde_json::{Value, json};

use super::super::super::fact::Fact;
use super::super::super::request::Request;
use super::super::super::scene::{Encryption, Place, Scene, text_blob};
use super::super::super::statement::{Condition, Draft, Principals, document};
use super::members;

/// Nothing is blocked.
const OPEN: PublicAccessBlockSpec = PublicAccessBlockSpec {
    block_public_acls: false,
    ignore_public_acls: false,
    block_public_policy: false,
    restrict_public_buckets: false,
};

impl Scene<'_, '_, '_> {
    /// A bucket with SSE-S3 whose ACLs count, and nothing blocked.
    fn bucket_with_acls(&mut self) -> usize {
        let bucket = self.new_bucket(0, None);
        let made = &mut self.buckets[bucket];
        made.encryption = Encryption::Unset;
        made.ownership = Some("ObjectWriter");
        made.access = Some(OPEN);
        bucket
    }

    fn object_with(&mut self, bucket: usize, spec: ObjectSpec) -> String {
        let name = self.object_name();
        let body = self.phrase();
        self.buckets[bucket]
            .objects
            .insert(name.clone(), ObjectSpec { body, ..spec });
        name
    }

    fn gets(&mut self, actor: usize, bucket: usize, object: &str) {
        let with = json!({"Bucket": self.buckets[bucket].name, "Key": object});
        self.does(actor, "s3:GetObject", members(with));
    }

    /// An object in the bucket that another account wrote, and one of the bucket's own account (`svc:S-4`).
    pub(super) fn foreign_object(&mut self) {
        if !self.crosses() {
            return self.public_acls();
        }
        let bucket = self.bucket_with_acls();
        let owner = self.accounts[self.other_account()].clone();
        let theirs = self.object_with(
            bucket,
            ObjectSpec {
                owner: Some(owner),
                ..ObjectSpec::default()
            },
        );
        let ours = self.object_with(bucket, ObjectSpec::default());
        let arn = self.bucket_arn(bucket);
        let actor = self.new_role_actor(0);
        let named = self.principal_arn(actor).unwrap_or_default();
        let principals = if self.dice.below(3) == 0 {
            Principals::Everyone
        } else {
            Principals::Aws(vec![named])
        };
        let allow = Draft::allow(principals, vec!["s3:GetObject".to_owned()], vec![format!("{arn}/*")]);
        self.write(Place::Bucket(bucket), allow);
        if self.dice.coin() {
            self.may(actor, &["s3:GetObject"], vec![format!("{arn}/*")]);
        }
        for object in [&theirs, &ours] {
            self.gets(actor, bucket, object);
        }
        if self.dice.coin() {
            let nobody = self.anonymous_actor();
            self.gets(nobody, bucket, &theirs);
        }
    }

    /// A public object stays in a bucket whose ACLs are switched off (`svc:S-4`).
    pub(super) fn disabled_acls(&mut self) {
        let bucket = self.bucket_with_acls();
        let object = self.object_with(
            bucket,
            ObjectSpec {
                acl: Some("public-read".to_owned()),
                ..ObjectSpec::default()
            },
        );
        let owner = self.root_actor(0);
        let nobody = self.anonymous_actor();
        if self.dice.coin() {
            self.gets(nobody, bucket, &object);
        }
        let with = json!({
            "Bucket": self.buckets[bucket].name,
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        });
        self.does(owner, "s3:PutBucketOwnershipControls", members(with));
        self.gets(nobody, bucket, &object);
    }

    /// ACLs for everybody or for everybody with credentials, under Block Public Access of bucket and account (`svc:S-5`, `svc:S-6`).
    pub(super) fn public_acls(&mut self) {
        let bucket = self.bucket_with_acls();
        let acl = *self
            .dice
            .pick(&["public-read", "public-read", "authenticated-read", "private"]);
        let object = self.object_with(
            bucket,
            ObjectSpec {
                acl: Some(acl.to_owned()),
                ..ObjectSpec::default()
            },
        );
        let ignoring = PublicAccessBlockSpec {
            ignore_public_acls: true,
            ..OPEN
        };
        match self.dice.below(4) {
            0 => self.buckets[bucket].access = Some(ignoring),
            1 => {
                self.account_blocks.insert(0, ignoring);
            }
            _ => {}
        }
        let nobody = self.anonymous_actor();
        let somebody = self.new_user_actor(self.other_account());
        for actor in [nobody, somebody] {
            self.gets(actor, bucket, &object);
        }
    }

    /// ACLs that are written with an upload or after it, where public ones may be blocked and the permission may be missing
    /// (`svc:S-6`, `svc:S-47`).
    pub(super) fn acl_writing(&mut self) {
        let bucket = self.bucket_with_acls();
        if self.dice.coin() {
            let blocking = PublicAccessBlockSpec {
                block_public_acls: true,
                ..OPEN
            };
            if self.dice.coin() {
                self.buckets[bucket].access = Some(blocking);
            } else {
                self.account_blocks.insert(0, blocking);
            }
        }
        let object = self.object_with(bucket, ObjectSpec::default());
        for _ in 0..2 {
            let actor = self.new_user_actor(0);
            let acl = *self
                .dice
                .pick(&["public-read", "authenticated-read", "bucket-owner-full-control"]);
            let (operation, mut with, actions): (&str, Value, Vec<&str>) = match self.dice.below(3) {
                0 => ("PutObjectAcl", json!({"Key": object}), vec!["s3:PutObjectAcl"]),
                1 => ("PutBucketAcl", json!({}), vec!["s3:PutBucketAcl"]),
                _ => {
                    let body = text_blob(&self.phrase());
                    (
                        "PutObject",
                        json!({"Key": self.object_name(), "Body": body}),
                        vec!["s3:PutObject", "s3:PutObjectAcl"],
                    )
                }
            };
            with["Bucket"] = json!(self.buckets[bucket].name);
            with["ACL"] = json!(if operation == "PutBucketAcl" && acl.starts_with("bucket") {
                "private"
            } else {
                acl
            });
            let mut call = self.bare(actor, &format!("s3:{operation}"));
            let key = with["Key"].as_str().map(str::to_owned);
            call.with = members(with);
            let needs = actions
                .into_iter()
                .map(|action| self.s3_need(action, bucket, key.as_deref()))
                .collect();
            self.after_near_twin(Request { call, needs });
        }
    }

    /// A policy that is public, or nearly, is put where public ones are blocked or restricted (`svc:S-6`, `svc:S-7`).
    pub(super) fn public_policy(&mut self) {
        let bucket = self.new_bucket(0, None);
        self.buckets[bucket].encryption = Encryption::Unset;
        let blocking = PublicAccessBlockSpec {
            block_public_policy: true,
            ..OPEN
        };
        let of_account = self.dice.below(3) == 0;
        if of_account {
            self.account_blocks.insert(0, blocking);
        }
        self.buckets[bucket].access = Some(if of_account || self.dice.below(4) == 0 {
            OPEN
        } else {
            blocking
        });
        let arn = self.bucket_arn(bucket);
        let owner = self.root_actor(0);
        for _ in 0..2 {
            let principals = match self.dice.below(4) {
                0 => Principals::Aws(vec!["*".to_owned()]),
                1 => Principals::Aws(vec![self.accounts[0].root_arn()]),
                _ => Principals::Everyone,
            };
            let mut draft = Draft::allow(principals, vec!["s3:GetObject".to_owned()], vec![format!("{arn}/*")]);
            let condition = match self.dice.below(5) {
                0 => Some(("Bool", "aws:SecureTransport", "true".to_owned())),
                1 => Some(("StringLike", "aws:UserAgent", "*".to_owned())),
                2 => Some((
                    "StringEquals",
                    "aws:PrincipalAccount",
                    self.accounts[0].as_str().to_owned(),
                )),
                3 => Some(("IpAddress", "aws:SourceIp", "0.0.0.0/0".to_owned())),
                _ => None,
            };
            if let Some((operator, key, value)) = condition {
                draft.conditions.push(Condition {
                    operator: operator.to_owned(),
                    key: key.to_owned(),
                    values: vec![value],
                });
            }
            let policy = serde_json::to_value(document(&mut self.dice, &[draft])).unwrap_or_default();
            let with = json!({"Bucket": self.buckets[bucket].name, "Policy": policy});
            self.does(owner, "s3:PutBucketPolicy", members(with));
        }
    }

    /// Callers that nobody knows, or of another account, put and delete policies of a bucket that lets everybody do everything (`svc:S-3`).
    pub(super) fn strangers(&mut self) {
        let bucket = self.new_bucket(0, None);
        self.buckets[bucket].encryption = Encryption::Unset;
        self.buckets[bucket].access = Some(OPEN);
        let arn = self.bucket_arn(bucket);
        let all = Draft::allow(
            Principals::Everyone,
            vec!["s3:PutBucketPolicy".to_owned(), "s3:DeleteBucketPolicy".to_owned()],
            vec![arn.clone()],
        );
        self.write(Place::Bucket(bucket), all);
        let nobody = self.anonymous_actor();
        let stranger = self.new_user_actor(self.other_account());
        self.may(stranger, &["s3:*"], vec!["*".to_owned()]);
        let root = self.accounts[0].root_arn();
        for actor in [nobody, stranger] {
            if self.dice.coin() {
                let draft = Draft::allow(
                    Principals::Aws(vec![root.clone()]),
                    vec!["s3:GetObject".to_owned()],
                    vec![format!("{arn}/*")],
                );
                let policy = serde_json::to_value(document(&mut self.dice, &[draft])).unwrap_or_default();
                let with = json!({"Bucket": self.buckets[bucket].name, "Policy": policy});
                self.does(actor, "s3:PutBucketPolicy", members(with));
            } else {
                let with = json!({"Bucket": self.buckets[bucket].name});
                self.does(actor, "s3:DeleteBucketPolicy", members(with));
            }
        }
    }

    /// An object is read, or written under a precondition that fails, by one who may and one who may not: only the first one learns of
    /// it (`svc:S-19`).
    pub(super) fn precondition(&mut self) {
        let (_, bucket) = self.encrypted_bucket();
        let object = self.new_object(bucket);
        let actor = self.new_role_actor(0);
        let operation = *self.dice.pick(&["GetObject", "HeadObject", "PutObject"]);
        let mut request = self.object_request(actor, operation, bucket, &object);
        request.call.with.remove("ExpectedBucketOwner");
        if operation == "PutObject" {
            let header = [
                ("IfNoneMatch", "*"),
                ("IfMatch", "\"00000000000000000000000000000000\""),
            ];
            let (name, value) = *self.dice.pick(&header);
            request.call.with.insert(name.to_owned(), json!(value));
        }
        let twin = if self.dice.coin() {
            self.permit(&request);
            self.twin_by_check(&request)
        } else {
            None
        };
        let twin = twin.unwrap_or_else(|| self.twin_by_caller(&request));
        self.call(twin);
        self.perform_unbroken(request);
    }

    /// An object is copied with its tags (`svc:S-18`).
    pub(super) fn tags_of_source(&mut self) {
        let bucket = self.new_bucket(0, None);
        self.buckets[bucket].encryption = Encryption::Unset;
        let tags = self.tags();
        let object = self.object_with(
            bucket,
            ObjectSpec {
                tags,
                ..ObjectSpec::default()
            },
        );
        let target = self.object_name();
        let actor = self.new_user_actor(0);
        let name = self.buckets[bucket].name.clone();
        let mut call = self.bare(actor, "s3:CopyObject");
        call.with = members(json!({"Bucket": name, "Key": target, "CopySource": format!("{name}/{object}")}));
        let source = Fact::text("s3:x-amz-copy-source", format!("{name}/{object}"));
        let mut needs = vec![
            self.s3_need("s3:GetObject", bucket, Some(&object)),
            self.s3_need("s3:GetObjectTagging", bucket, Some(&object)),
            self.s3_need("s3:PutObject", bucket, Some(&target)),
            self.s3_need("s3:PutObjectTagging", bucket, Some(&target)),
        ];
        needs[2].facts.push(source);
        self.after_near_twin(Request { call, needs });
    }

    /// A write with an encryption context of the caller's own, on which the key's use depends (`svc:S-14`).
    pub(super) fn customer_context(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let bucket = self.new_bucket(0, Some(key));
        for team in ["red", "blue"] {
            let actor = self.new_user_actor(0);
            self.forget_limits(actor);
            let arn = self.bucket_arn(bucket);
            self.may(actor, &["s3:PutObject"], vec![format!("{arn}/*")]);
            let mut allow = Draft::allow(
                Principals::Absent,
                vec!["kms:GenerateDataKey".to_owned()],
                vec![self.key_arn(key)],
            );
            allow.conditions.push(Condition {
                operator: "StringEquals".to_owned(),
                key: "kms:EncryptionContext:team".to_owned(),
                values: vec!["red".to_owned()],
            });
            if let Some(identity) = self.actors[actor].identity {
                self.write(Place::Identity(identity), allow);
            }
            let context = STANDARD.encode(json!({"team": team}).to_string());
            let body = text_blob(&self.phrase());
            let with = json!({
                "Bucket": self.buckets[bucket].name, "Key": self.object_name(), "Body": body,
                "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key_arn(key),
                "SSEKMSEncryptionContext": context,
            });
            self.does(actor, "s3:PutObject", members(with));
        }
    }

    /// Calls through an endpoint and beside it, where policies ask for the endpoint; the call that S3 makes for the caller comes through
    /// none (`iam:K-43`, `iam:L-96`).
    pub(super) fn through_endpoint(&mut self) {
        if self.endpoint.is_some_and(|(service, _)| service != "s3") {
            return self.precondition();
        }
        if self.endpoint.is_none() {
            self.endpoint = Some(("s3", self.dice.coin()));
        }
        let (key, bucket) = self.encrypted_bucket();
        if self.keys[key].account == 0 {
            self.open_key(key);
        }
        if self.dice.coin() {
            self.buckets[bucket].encryption = Encryption::Unset;
        }
        let object = self.new_object(bucket);
        let actor = self.new_user_actor(0);
        self.forget_limits(actor);
        let mut allow = Draft::allow(
            Principals::Absent,
            vec!["s3:*".to_owned(), "kms:*".to_owned()],
            vec!["*".to_owned()],
        );
        let inside = Condition {
            operator: "StringLike".to_owned(),
            key: "aws:SourceVpce".to_owned(),
            values: vec!["vpce-*".to_owned()],
        };
        if self.dice.coin() {
            allow.conditions.push(inside);
        } else {
            let mut deny = Draft::deny(Principals::Absent, allow.actions.clone(), vec!["*".to_owned()]);
            deny.conditions.push(Condition {
                operator: "StringNotLike".to_owned(),
                ..inside
            });
            if let Some(identity) = self.actors[actor].identity {
                self.write(Place::Identity(identity), deny);
            }
        }
        if let Some(identity) = self.actors[actor].identity {
            self.write(Place::Identity(identity), allow);
        }
        for through in [true, false] {
            let with = json!({"Bucket": self.buckets[bucket].name, "Key": object});
            let mut call = self.bare(actor, "s3:GetObject");
            call.with = members(with);
            call.through_endpoint = through;
            self.call(call);
        }
        if self.dice.coin() {
            let body = text_blob(&self.phrase());
            let with = json!({"Bucket": self.buckets[bucket].name, "Key": self.object_name(), "Body": body});
            let mut call = self.bare(actor, "s3:PutObject");
            call.with = members(with);
            call.through_endpoint = true;
            self.call(call);
        }
    }
}
