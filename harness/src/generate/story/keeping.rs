//! Stories on objects that are kept: versions, Object Lock, legal holds, archives, ACLs, and objects whose key changes.

use serde_json::{Map, Value, json};

use super::super::fact::{Fact, Known};
use super::super::request::Request;
use super::super::scene::{Scene, text_blob};
use super::pair::Order;

/// What is done with a kept version, with weights.
const WITH_VERSION: &[(u32, &str)] = &[
    (4, "PutObjectRetention"),
    (4, "GetObjectRetention"),
    (4, "PutObjectLegalHold"),
    (4, "GetObjectLegalHold"),
    (3, "DeleteObject"),
    (2, "GetObject"),
    (1, "HeadObject"),
    (2, "GetObjectTagging"),
    (1, "PutObjectTagging"),
    (1, "DeleteObjectTagging"),
    (1, "GetObjectAcl"),
    (1, "GetObjectAttributes"),
    (1, "ListObjectVersions"),
];

impl Scene<'_, '_, '_> {
    /// A bucket with Object Lock is made, an object put into it and kept; then somebody wants it gone.
    pub(super) fn locked_object(&mut self) {
        let maker = self.new_actor(0);
        let bucket = self.bucket_to_make(0);
        let mut create = self.create_request(maker, bucket);
        create
            .call
            .with
            .insert("ObjectLockEnabledForBucket".to_owned(), json!(true));
        // The lock is a permission of its own, and so is versioning.
        create
            .needs
            .push(self.s3_need("s3:PutBucketObjectLockConfiguration", bucket, None));
        create.needs.push(self.s3_need("s3:PutBucketVersioning", bucket, None));
        create.needs.iter_mut().for_each(|need| need.facts.clear());
        self.perform_unbroken(create);
        let object = self.object_name();
        let version = self.put_kept(maker, bucket, &object);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let operation = self.dice.weighted(WITH_VERSION);
            let actor = self.new_actor(0);
            let version = (self.dice.below(4) > 0).then_some(version.as_str());
            let request = self.kept_request(actor, operation, bucket, &object, version);
            self.pair(request, Order::Either);
        }
    }

    /// Puts an object, in half of the cases with headers that keep it; its version is saved under the returned name.
    fn put_kept(&mut self, actor: usize, bucket: usize, object: &str) -> String {
        let mut with: Map<String, Value> = [("Body".to_owned(), text_blob(&self.phrase()))].into_iter().collect();
        let mut extra = Vec::new();
        if self.dice.coin() {
            let mode = *self.dice.pick(&["GOVERNANCE", "GOVERNANCE", "COMPLIANCE"]);
            with.insert("ObjectLockMode".to_owned(), json!(mode));
            with.insert("ObjectLockRetainUntilDate".to_owned(), json!(self.years_hence(1)));
            extra.push("s3:PutObjectRetention");
        }
        if self.dice.below(4) == 0 {
            with.insert("ObjectLockLegalHoldStatus".to_owned(), json!("ON"));
            extra.push("s3:PutObjectLegalHold");
        }
        let mut put = self.s3_request(actor, "PutObject", bucket, Some(object), with);
        for action in extra {
            let need = self.s3_need(action, bucket, Some(object));
            put.needs.push(need);
        }
        let version = self.saved_name("version");
        put.call.save.insert(version.clone(), "VersionId".to_owned());
        self.after_near_twin(put);
        format!("{{{{saved.{version}}}}}")
    }

    fn years_hence(&mut self, years: i16) -> String {
        let month = 1 + self.dice.below(12);
        format!("{}-{month:02}-01T00:00:00Z", self.year + years)
    }

    fn kept_request(
        &mut self,
        actor: usize,
        operation: &str,
        bucket: usize,
        object: &str,
        version: Option<&str>,
    ) -> Request {
        let mut with = Map::new();
        if let Some(version) = version
            && operation != "ListObjectVersions"
        {
            with.insert("VersionId".to_owned(), json!(version));
        }
        let mut more = Vec::new();
        match operation {
            "PutObjectRetention" => {
                let mode = *self.dice.pick(&["GOVERNANCE", "GOVERNANCE", "COMPLIANCE"]);
                let years = if self.dice.below(3) == 0 { 1 } else { 3 };
                let until = self.years_hence(years);
                with.insert("Retention".to_owned(), json!({"Mode": mode, "RetainUntilDate": until}));
                if self.dice.below(3) == 0 {
                    with.insert("BypassGovernanceRetention".to_owned(), json!(true));
                    more.push("s3:BypassGovernanceRetention");
                }
            }
            "PutObjectLegalHold" => {
                let status = if self.dice.coin() { "ON" } else { "OFF" };
                with.insert("LegalHold".to_owned(), json!({"Status": status}));
            }
            "DeleteObject" if self.dice.coin() => {
                with.insert("BypassGovernanceRetention".to_owned(), json!(true));
                more.push("s3:BypassGovernanceRetention");
            }
            "PutObjectTagging" => {
                let set: Vec<Value> = self
                    .tags()
                    .into_iter()
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                with.insert("Tagging".to_owned(), json!({"TagSet": set}));
            }
            "GetObjectAttributes" => {
                with.insert("ObjectAttributes".to_owned(), json!(["ObjectSize"]));
            }
            _ => {}
        }
        let object = (operation != "ListObjectVersions").then_some(object);
        let mut request = self.s3_request(actor, operation, bucket, object, with);
        if version.is_some() && (operation.starts_with("Get") || operation == "DeleteObject") {
            for need in request.needs.iter_mut().filter(|need| need.action.ends_with("Version")) {
                need.facts.push(Fact::new("s3:VersionId", Known::Present));
            }
        }
        for action in more {
            let need = self.s3_need(action, bucket, object);
            request.needs.push(need);
        }
        request
    }

    /// Objects in a bucket of the world: archived and restored, searched, given ACLs and other keys, counted in parts.
    pub(super) fn odd_objects(&mut self) {
        let (key, bucket) = self.encrypted_bucket();
        match self.dice.below(6) {
            0 => self.archived(bucket),
            1 => self.object_acls(bucket),
            2 => self.other_key(key, bucket),
            3 => self.part_copies(bucket),
            4 => self.form_uploads(bucket),
            _ => self.searches(bucket),
        }
    }

    fn archived(&mut self, bucket: usize) {
        let owner = self.root_actor(self.buckets[bucket].account);
        let object = self.object_name();
        let mut put = self.object_request(owner, "PutObject", bucket, &object);
        put.call.shape = countersign_model::case::Shape::Header;
        put.call.with.insert("StorageClass".to_owned(), json!("GLACIER"));
        self.perform_unbroken(put);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let request = if self.dice.below(3) > 0 {
                let days = 1 + self.dice.below(9);
                let with = [(
                    "RestoreRequest".to_owned(),
                    json!({"Days": days, "GlacierJobParameters": {"Tier": "Standard"}}),
                )];
                self.s3_request(
                    actor,
                    "RestoreObject",
                    bucket,
                    Some(&object),
                    with.into_iter().collect(),
                )
            } else {
                self.object_request(actor, "GetObject", bucket, &object)
            };
            self.pair(request, Order::RefusedFirst);
        }
    }

    fn object_acls(&mut self, bucket: usize) {
        if self.dice.below(4) > 0 {
            self.buckets[bucket].ownership = Some(*self.dice.pick(&["ObjectWriter", "BucketOwnerPreferred"]));
        }
        let object = self.new_object(bucket);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let request = if self.dice.coin() {
                let acl = *self.dice.pick(&[
                    "private",
                    "bucket-owner-full-control",
                    "bucket-owner-read",
                    "public-read",
                ]);
                let with = [("ACL".to_owned(), json!(acl))].into_iter().collect();
                let mut request = self.s3_request(actor, "PutObjectAcl", bucket, Some(&object), with);
                request.needs[0].facts.push(Fact::text("s3:x-amz-acl", acl));
                request
            } else {
                self.s3_request(actor, "GetObjectAcl", bucket, Some(&object), Map::new())
            };
            self.pair(request, Order::Either);
        }
    }

    /// An object gets another key (`svc:S-25`).
    fn other_key(&mut self, key: usize, bucket: usize) {
        let object = self.new_object(bucket);
        let account = self.keys[key].account;
        let next = self.new_key(account);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let bucket_key = self.dice.below(4) == 0;
            let mut wanted = json!({"KMSKeyArn": self.key_arn(next)});
            if bucket_key {
                wanted["BucketKeyEnabled"] = json!(true);
            }
            let with = [("ObjectEncryption".to_owned(), json!({"SSEKMS": wanted}))]
                .into_iter()
                .collect();
            let mut request = self.s3_request(actor, "UpdateObjectEncryption", bucket, Some(&object), with);
            if let Some((old, old_bucket_key)) = self.object_key(bucket, &object) {
                for action in ["Decrypt", "ReEncryptFrom"] {
                    let need = self.forwarded_need(action, old, bucket, &object, old_bucket_key);
                    request.needs.push(need);
                }
                let need = self.forwarded_need("ReEncryptTo", next, bucket, &object, bucket_key);
                request.needs.push(need);
            }
            for action in ["GenerateDataKey", "Encrypt"] {
                let need = self.forwarded_need(action, next, bucket, &object, bucket_key);
                request.needs.push(need);
            }
            self.pair(request, Order::RefusedFirst);
            if self.room() > 1 {
                let reader = self.new_actor(account);
                let get = self.object_request(reader, "GetObject", bucket, &object);
                self.perform(get);
            }
        }
    }

    /// An upload whose part is copied from another object.
    fn part_copies(&mut self, bucket: usize) {
        let source = self.new_object(bucket);
        let object = self.object_name();
        let actor = self.new_actor(0);
        let upload = self.saved_name("upload");
        let mut create = self.object_request(actor, "CreateMultipartUpload", bucket, &object);
        create.call.save.insert(upload.clone(), "UploadId".to_owned());
        self.perform_unbroken(create);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let other = if self.dice.below(3) > 0 {
                actor
            } else {
                self.new_actor(account)
            };
            if self.dice.below(3) == 0 {
                let request = self.setting_request(other, "ListMultipartUploads", bucket);
                self.pair(request, Order::Either);
                continue;
            }
            let name = self.buckets[bucket].name.clone();
            let with = [
                ("CopySource".to_owned(), json!(format!("{name}/{source}"))),
                ("PartNumber".to_owned(), json!(1 + self.dice.below(20))),
                ("UploadId".to_owned(), json!(format!("{{{{saved.{upload}}}}}"))),
            ];
            let mut request = self.s3_request(
                other,
                "UploadPartCopy",
                bucket,
                Some(&object),
                with.into_iter().collect(),
            );
            let need = self.s3_need("s3:GetObject", bucket, Some(&source));
            request.needs.push(need);
            if let Some((key, bucket_key)) = self.object_key(bucket, &source) {
                let need = self.forwarded_need("Decrypt", key, bucket, &source, bucket_key);
                request.needs.push(need);
            }
            if let Some((key, bucket_key)) = self.bucket_key(bucket) {
                for action in ["GenerateDataKey", "Decrypt"] {
                    let need = self.forwarded_need(action, key, bucket, &object, bucket_key);
                    request.needs.push(need);
                }
            }
            self.pair(request, Order::Either);
        }
    }

    /// Uploads by HTML form.
    fn form_uploads(&mut self, bucket: usize) {
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let object = self.object_name();
            let mut request = self.object_request(actor, "PutObject", bucket, &object);
            request.call.shape = countersign_model::case::Shape::PostForm;
            // Tags are another field of the form, which the driver does not write.
            request.call.with.remove("Tagging");
            request.needs.retain(|need| need.action != "s3:PutObjectTagging");
            self.pair(request, Order::Either);
        }
    }

    /// Objects are searched and listed.
    fn searches(&mut self, bucket: usize) {
        let object = self.new_object(bucket);
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let request = match self.dice.below(5) {
                0 => self.setting_request(actor, "ListObjects", bucket),
                1 => self.setting_request(actor, "ListMultipartUploads", bucket),
                2 => self.setting_request(actor, "GetBucketLocation", bucket),
                _ => {
                    let with = [
                        ("Expression".to_owned(), json!("SELECT * FROM S3Object")),
                        ("ExpressionType".to_owned(), json!("SQL")),
                        ("InputSerialization".to_owned(), json!({"CSV": {}})),
                        ("OutputSerialization".to_owned(), json!({"CSV": {}})),
                    ];
                    let mut request = self.s3_request(
                        actor,
                        "SelectObjectContent",
                        bucket,
                        Some(&object),
                        with.into_iter().collect(),
                    );
                    if let Some((key, bucket_key)) = self.object_key(bucket, &object) {
                        let need = self.forwarded_need("Decrypt", key, bucket, &object, bucket_key);
                        request.needs.push(need);
                    }
                    request
                }
            };
            self.pair(request, Order::Either);
        }
    }
}
