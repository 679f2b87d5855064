//! Stories on the settings of buckets: everything that is put, read and taken away besides objects; and buckets that come and go.

use countersign_model::s3::table::{self, ResourceKind, Side, When};
use serde_json::{Map, Value, json};

use super::super::fact::{Fact, Known};
use super::super::request::{Need, Request};
use super::super::scene::Scene;
use super::super::vocabulary as words;
use super::pair::Order;

/// Settings with weights: what puts them, what reads them, what takes them away.
const SETTINGS: &[(u32, [&str; 3])] = &[
    (
        3,
        ["PutBucketEncryption", "GetBucketEncryption", "DeleteBucketEncryption"],
    ),
    (3, ["PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"]),
    (
        3,
        [
            "PutPublicAccessBlock",
            "GetPublicAccessBlock",
            "DeletePublicAccessBlock",
        ],
    ),
    (
        3,
        [
            "PutBucketOwnershipControls",
            "GetBucketOwnershipControls",
            "DeleteBucketOwnershipControls",
        ],
    ),
    (2, ["PutBucketWebsite", "GetBucketWebsite", "DeleteBucketWebsite"]),
    (2, ["PutBucketVersioning", "GetBucketVersioning", "GetBucketLocation"]),
    (
        2,
        [
            "PutBucketRequestPayment",
            "GetBucketRequestPayment",
            "GetBucketLocation",
        ],
    ),
    (2, ["PutBucketLogging", "GetBucketLogging", "GetBucketPolicyStatus"]),
    (3, ["PutBucketAcl", "GetBucketAcl", "GetBucketPolicyStatus"]),
];

impl Scene<'_, '_, '_> {
    /// Settings of one bucket change; each call has its refused twin.
    pub(super) fn bucket_settings(&mut self) {
        let bucket = self.new_bucket(0, None);
        if self.dice.coin() {
            self.buckets[bucket].ownership = Some(*self.dice.pick(&["ObjectWriter", "BucketOwnerPreferred"]));
        }
        let goal = self.steps.len() + 4 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 1 {
            let calls = self.dice.weighted(SETTINGS);
            // INVARIANT: every turn adds steps. Dice without bytes left always show 0, so one call of the group is never left to them.
            let certain = self.dice.position(calls.len());
            for (index, operation) in calls.iter().enumerate() {
                if self.room() > 1 && (index == certain || self.dice.below(3) > 0) {
                    let account = self.caller_account();
                    let actor = self.new_actor(account);
                    let request = self.setting_request(actor, operation, bucket);
                    self.pair(request, Order::Either);
                }
            }
            if operation_counts_for_objects(calls[0]) && self.room() > 1 {
                // What was set shows in what happens to objects.
                let actor = self.new_actor(0);
                let object = self.object_name();
                let put = self.object_request(actor, "PutObject", bucket, &object);
                self.perform(put);
            }
        }
    }

    /// Buckets are made, looked at and deleted.
    pub(super) fn bucket_comes_and_goes(&mut self) {
        let account = self.caller_account();
        let maker = self.new_actor(account);
        let bucket = self.bucket_to_make(account);
        let mut create = self.create_request(maker, bucket);
        if self.dice.below(3) == 0 {
            let ownership = *self
                .dice
                .pick(&["BucketOwnerEnforced", "ObjectWriter", "BucketOwnerPreferred"]);
            create.call.with.insert("ObjectOwnership".to_owned(), json!(ownership));
            create.needs[0]
                .facts
                .push(Fact::text("s3:x-amz-object-ownership", ownership));
            if ownership != "BucketOwnerEnforced" && self.dice.coin() {
                create.call.with.insert("ACL".to_owned(), json!("private"));
                create.needs[0].facts.push(Fact::text("s3:x-amz-acl", "private"));
            }
        }
        self.pair(create, Order::RefusedFirst);
        let middle = *self.dice.pick(&[
            "HeadBucket",
            "GetBucketLocation",
            "GetBucketEncryption",
            "ListObjectsV2",
            "ListBuckets",
        ]);
        let actor = self.new_actor(account);
        let request = if middle == "ListBuckets" {
            Request {
                call: self.bare(actor, "s3:ListBuckets"),
                needs: vec![self.any_need("s3:ListAllMyBuckets")],
            }
        } else {
            self.setting_request(actor, middle, bucket)
        };
        self.pair(request, Order::Either);
        if self.room() > 1 {
            let actor = if self.dice.coin() {
                maker
            } else {
                self.new_actor(account)
            };
            let request = self.setting_request(actor, "DeleteBucket", bucket);
            self.pair(request, Order::RefusedFirst);
        }
    }

    /// The request that makes a bucket.
    pub(super) fn create_request(&mut self, actor: usize, bucket: usize) -> Request {
        let mut call = self.bare(actor, "s3:CreateBucket");
        call.with.insert("Bucket".to_owned(), json!(self.buckets[bucket].name));
        let mut need = self.s3_need("s3:CreateBucket", bucket, None);
        need.facts.clear();
        if self.region != "us-east-1" {
            call.with.insert(
                "CreateBucketConfiguration".to_owned(),
                json!({"LocationConstraint": self.region}),
            );
            need.facts.push(Fact::text("s3:locationconstraint", self.region));
        }
        Request {
            call,
            needs: vec![need],
        }
    }

    /// A call on a bucket, with the checks that the table names.
    pub(super) fn setting_request(&mut self, actor: usize, operation: &str, bucket: usize) -> Request {
        let mut with = Map::new();
        let mut facts = Vec::new();
        if let Some((name, value)) = self.setting_value(operation, bucket, &mut facts) {
            with.insert(name.to_owned(), value);
        }
        self.owner_expected(bucket, &mut with);
        let mut request = self.s3_request(actor, operation, bucket, None, with);
        for need in &mut request.needs {
            need.facts.extend(facts.iter().cloned());
        }
        request
    }

    /// The owner that the caller expects, once in a while; seldom the wrong one.
    pub(super) fn owner_expected(&mut self, bucket: usize, with: &mut Map<String, Value>) {
        let owner = match self.dice.below(24) {
            0 => self.accounts[self.buckets[bucket].account].as_str().to_owned(),
            1 if self.dice.coin() => words::MANAGEMENT_ACCOUNT.to_owned(),
            _ => return,
        };
        with.insert("ExpectedBucketOwner".to_owned(), json!(owner));
    }

    /// An S3 call with the checks that the table names for it, besides those that hang on headers.
    pub(super) fn s3_request(
        &mut self,
        actor: usize,
        operation: &str,
        bucket: usize,
        object: Option<&str>,
        with: Map<String, Value>,
    ) -> Request {
        let mut call = self.bare(actor, &format!("s3:{operation}"));
        call.with.insert("Bucket".to_owned(), json!(self.buckets[bucket].name));
        if let Some(object) = object {
            call.with.insert("Key".to_owned(), json!(object));
        }
        call.with.extend(with);
        let versioned = call.with.contains_key("VersionId");
        let mut needs: Vec<Need> = Vec::new();
        let permissions = table::table()
            .operation(operation)
            .map(|operation| operation.permissions.clone())
            .unwrap_or_default();
        for permission in permissions {
            let asked = match permission.when {
                None => true,
                Some(When::VersionNamed) => versioned,
                Some(When::NoVersionNamed) => !versioned,
                Some(_) => false,
            };
            if !asked || permission.of != Side::Target {
                continue;
            }
            needs.push(match permission.resource {
                ResourceKind::Object => self.s3_need(&permission.action, bucket, object),
                ResourceKind::Bucket => self.s3_need(&permission.action, bucket, None),
                ResourceKind::Everything => self.any_need(&permission.action),
            });
        }
        Request { call, needs }
    }

    /// The parameter of a setting, and what is known because of it.
    fn setting_value(
        &mut self,
        operation: &str,
        bucket: usize,
        facts: &mut Vec<Fact>,
    ) -> Option<(&'static str, Value)> {
        Some(match operation {
            "PutBucketEncryption" => {
                let rule = match self.dice.below(3) {
                    0 => json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}),
                    1 => json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}),
                    _ => {
                        let account = self.buckets[bucket].account;
                        let key = match (0..self.keys.len()).find(|key| self.keys[*key].account == account) {
                            Some(key) => key,
                            None => self.new_key(account),
                        };
                        json!({
                            "ApplyServerSideEncryptionByDefault":
                                {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key_arn(key)},
                            "BucketKeyEnabled": self.dice.coin(),
                        })
                    }
                };
                ("ServerSideEncryptionConfiguration", json!({"Rules": [rule]}))
            }
            "PutBucketPolicy" => ("Policy", self.fresh_bucket_policy(bucket)),
            "PutPublicAccessBlock" => (
                "PublicAccessBlockConfiguration",
                json!({
                    "BlockPublicAcls": self.dice.coin(), "IgnorePublicAcls": self.dice.coin(),
                    "BlockPublicPolicy": self.dice.coin(), "RestrictPublicBuckets": self.dice.coin(),
                }),
            ),
            "PutBucketOwnershipControls" => {
                let ownership = *self
                    .dice
                    .pick(&["BucketOwnerEnforced", "ObjectWriter", "BucketOwnerPreferred"]);
                facts.push(Fact::text("s3:x-amz-object-ownership", ownership));
                ("OwnershipControls", json!({"Rules": [{"ObjectOwnership": ownership}]}))
            }
            "PutBucketWebsite" => (
                "WebsiteConfiguration",
                if self.dice.coin() {
                    json!({"IndexDocument": {"Suffix": "index.html"}})
                } else {
                    json!({"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}})
                },
            ),
            "PutBucketVersioning" => {
                let status = if self.dice.coin() { "Enabled" } else { "Suspended" };
                ("VersioningConfiguration", json!({"Status": status}))
            }
            "PutBucketRequestPayment" => {
                let payer = if self.dice.coin() { "Requester" } else { "BucketOwner" };
                ("RequestPaymentConfiguration", json!({"Payer": payer}))
            }
            "PutBucketLogging" => {
                let target = self.buckets[bucket].name.clone();
                let prefix = (*self.dice.pick(words::FOLDERS)).to_owned();
                let status = if self.dice.below(4) == 0 {
                    json!({})
                } else {
                    json!({"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}})
                };
                ("BucketLoggingStatus", status)
            }
            "PutBucketAcl" => {
                let acl = *self
                    .dice
                    .pick(&["private", "private", "public-read", "authenticated-read"]);
                facts.push(Fact::text("s3:x-amz-acl", acl));
                ("ACL", json!(acl))
            }
            "ListObjectsV2" | "ListObjects" | "ListObjectVersions" | "ListMultipartUploads" => {
                if self.dice.coin() {
                    facts.push(Fact::absent("s3:prefix"));
                    return None;
                }
                let prefix = (*self.dice.pick(&["reports/", "in/", "team-a/", "tmp/"])).to_owned();
                facts.push(Fact::text("s3:prefix", &prefix));
                ("Prefix", json!(prefix))
            }
            "DeleteBucket" | "HeadBucket" => {
                facts.push(Fact::new("aws:SecureTransport", Known::Bool(true)));
                return None;
            }
            _ => return None,
        })
    }

    /// A bucket policy for one of the callers that there are.
    fn fresh_bucket_policy(&mut self, bucket: usize) -> Value {
        use super::super::statement::{Draft, Principals, document};
        let arn = self.bucket_arn(bucket);
        let root = self.accounts[self.buckets[bucket].account].root_arn();
        let action = *self.dice.pick(words::OBJECT_NOISE);
        let mut drafts = vec![Draft::allow(
            Principals::Aws(vec![root]),
            vec![action.to_owned()],
            vec![format!("{arn}/*")],
        )];
        if self.dice.coin() {
            let action = *self.dice.pick(words::OBJECT_NOISE);
            let mut draft = Draft::deny(Principals::Everyone, vec![action.to_owned()], vec![format!("{arn}/*")]);
            draft.conditions.push(super::super::statement::Condition {
                operator: "Bool".to_owned(),
                key: "aws:SecureTransport".to_owned(),
                values: vec!["false".to_owned()],
            });
            drafts.push(draft);
        }
        if self.dice.below(4) == 0 {
            let action = *self.dice.pick(words::OBJECT_NOISE);
            drafts.push(Draft::allow(
                Principals::Everyone,
                vec![action.to_owned()],
                vec![format!("{arn}/*")],
            ));
        }
        let policy = document(&mut self.dice, &drafts);
        serde_json::to_value(policy).unwrap_or_else(|_| json!({}))
    }
}

/// Whether a setting shows in what happens to objects.
fn operation_counts_for_objects(operation: &str) -> bool {
    matches!(
        operation,
        "PutBucketEncryption" | "PutBucketPolicy" | "PutBucketRequestPayment" | "PutBucketOwnershipControls"
    )
}
