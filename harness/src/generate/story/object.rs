//! Stories on objects: put, get, head, copy, delete, list, in parts, under SSE-KMS, SSE-S3 and `aws/s3`.

use countersign_model::case::Shape;
use serde_json::{Map, Value, json};

use super::super::fact::{Fact, Known};
use super::super::request::{Need, Request};
use super::super::scene::{ActorKind, Encryption, Scene, text_blob};
use super::super::vocabulary as words;

/// The calls of these stories, with weights.
const OPERATIONS: &[(u32, &str)] = &[
    (26, "PutObject"),
    (26, "GetObject"),
    (8, "HeadObject"),
    (8, "CopyObject"),
    (6, "DeleteObject"),
    (6, "ListObjectsV2"),
    (3, "GetObjectTagging"),
    (3, "PutObjectTagging"),
    (2, "DeleteObjectTagging"),
    (3, "GetObjectAttributes"),
    (2, "DeleteObjects"),
    (2, "HeadBucket"),
    (2, "GetBucketEncryption"),
    (1, "GetBucketPolicy"),
    (1, "ListObjectVersions"),
    (1, "GetBucketVersioning"),
    (1, "GetPublicAccessBlock"),
];

impl Scene<'_, '_, '_> {
    /// A bucket with objects and several callers.
    pub(super) fn object_life(&mut self) {
        let (_, bucket) = self.encrypted_bucket();
        let mut objects = vec![self.new_object(bucket)];
        if self.dice.coin() {
            objects.push(self.new_object(bucket));
        }
        let goal = self.steps.len() + 3 + self.dice.position(4);
        while self.steps.len() < goal && self.room() > 0 {
            let account = self.caller_account();
            let actor = self.new_actor(account);
            let operation = self.dice.weighted(OPERATIONS);
            if operation == "PutObject" && self.dice.below(3) > 0 {
                // Put, then get what was put: the put may be denied, and the get tells.
                let object = self.object_of(actor);
                let put = self.object_request(actor, "PutObject", bucket, &object);
                let put = self.perform(put);
                self.perhaps_twist(&put);
                let reader = if self.dice.coin() {
                    actor
                } else {
                    self.new_actor(account)
                };
                let get = self.object_request(reader, "GetObject", bucket, &object);
                self.perform(get);
                objects.push(object);
                continue;
            }
            let object = self.dice.pick(&objects).clone();
            let request = self.object_request(actor, operation, bucket, &object);
            let request = self.perform(request);
            self.perhaps_twist(&request);
        }
    }

    /// A key for an object that a caller writes: a user's may lie in its home.
    fn object_of(&mut self, actor: usize) -> String {
        let object = self.object_name();
        match (&self.actors[actor].kind, self.actors[actor].identity) {
            (ActorKind::User { .. }, Some(identity)) if self.dice.below(3) == 0 => {
                format!("home/{}/{object}", self.identities[identity].name)
            }
            _ => object,
        }
    }

    /// A key and a bucket that mostly encrypts with it; the key may be another account's.
    pub(super) fn encrypted_bucket(&mut self) -> (usize, usize) {
        let key_account = if self.crosses() && self.dice.below(5) == 0 {
            self.other_account()
        } else {
            0
        };
        let key = self.new_key(key_account);
        let bucket = self.new_bucket(0, Some(key));
        (key, bucket)
    }

    /// An upload in parts, by one caller with one thing broken at most; then somebody reads it.
    pub(super) fn multipart(&mut self) {
        let (_, bucket) = self.encrypted_bucket();
        let account = self.caller_account();
        let actor = self.new_actor(account);
        let object = self.object_name();
        let upload = self.saved_name("upload");
        let etag = self.saved_name("etag");
        let upload_id = json!(format!("{{{{saved.{upload}}}}}"));

        let mut create = self.object_request(actor, "CreateMultipartUpload", bucket, &object);
        create.call.save.insert(upload, "UploadId".to_owned());
        let mut part = self.object_request(actor, "UploadPart", bucket, &object);
        part.call.with.insert("UploadId".to_owned(), upload_id.clone());
        part.call.save.insert(etag.clone(), "ETag".to_owned());
        let mut end = match self.dice.below(5) {
            0 => self.object_request(actor, "AbortMultipartUpload", bucket, &object),
            1 => self.object_request(actor, "ListParts", bucket, &object),
            _ => {
                let mut complete = self.object_request(actor, "CompleteMultipartUpload", bucket, &object);
                let parts = json!({"Parts": [{"ETag": format!("{{{{saved.{etag}}}}}"), "PartNumber": 1}]});
                complete.call.with.insert("MultipartUpload".to_owned(), parts);
                complete
            }
        };
        end.call.with.insert("UploadId".to_owned(), upload_id);
        for request in [&create, &part, &end] {
            self.permit(request);
        }
        match self.dice.below(6) {
            0 => self.break_once(&create),
            1 | 2 => self.break_once(&part),
            3 => self.break_once(&end),
            _ => {}
        }
        for request in [create, part] {
            self.call(request.call);
        }
        if self.dice.below(3) > 0 {
            // Whoever may not end the upload tries it first.
            let near = if self.dice.coin() {
                self.twin_by_check(&end)
            } else {
                None
            };
            let twin = near.unwrap_or_else(|| self.twin_by_caller(&end));
            self.call(twin);
        }
        self.call(end.call);
        if self.room() > 0 {
            let reader = self.new_actor(0);
            let get = self.object_request(reader, "GetObject", bucket, &object);
            self.perform(get);
        }
    }

    /// A call on a bucket or object.
    pub(super) fn object_request(&mut self, actor: usize, operation: &str, bucket: usize, object: &str) -> Request {
        let mut call = self.bare(actor, &format!("s3:{operation}"));
        let name = self.buckets[bucket].name.clone();
        call.with.insert("Bucket".to_owned(), json!(name));
        let on_object = Some(object);
        let mut needs: Vec<Need> = Vec::new();
        let put_key = |with: &mut Map<String, Value>| with.insert("Key".to_owned(), json!(object));
        match operation {
            "PutObject" | "CreateMultipartUpload" => {
                put_key(&mut call.with);
                needs.push(self.s3_need("s3:PutObject", bucket, on_object));
                if operation == "PutObject" {
                    let phrase = self.phrase();
                    call.with.insert("Body".to_owned(), text_blob(&phrase));
                }
                self.choose_encryption(actor, bucket, object, &mut call.with, &mut needs);
                self.put_extras(bucket, object, &mut call.with, &mut needs);
                if operation == "PutObject" && !matches!(self.actors[actor].kind, ActorKind::Anonymous) {
                    call.shape = self.dice.weighted(&[
                        (92, Shape::Header),
                        (3, Shape::Presigned),
                        (3, Shape::Chunked),
                        (2, Shape::UnsignedTrailer),
                    ]);
                }
            }
            "GetObject" | "HeadObject" | "GetObjectAttributes" => {
                put_key(&mut call.with);
                needs.push(self.s3_need("s3:GetObject", bucket, on_object));
                let reads_key = match operation {
                    "GetObjectAttributes" => {
                        needs.push(self.s3_need("s3:GetObjectAttributes", bucket, on_object));
                        call.with.insert("ObjectAttributes".to_owned(), json!(["ObjectSize"]));
                        true
                    }
                    "HeadObject" => {
                        let checksums = self.dice.below(4) == 0;
                        if checksums {
                            call.with.insert("ChecksumMode".to_owned(), json!("ENABLED"));
                        }
                        checksums
                    }
                    _ => {
                        let signs = !matches!(self.actors[actor].kind, ActorKind::Anonymous);
                        call.shape = if signs && self.dice.below(20) == 0 {
                            Shape::Presigned
                        } else {
                            Shape::Header
                        };
                        true
                    }
                };
                if let (Some((key, bucket_key)), true) = (self.object_key(bucket, object), reads_key) {
                    needs.push(self.forwarded_need("Decrypt", key, bucket, object, bucket_key));
                }
            }
            "CopyObject" => {
                let target = self.object_name();
                call.with.insert("Key".to_owned(), json!(target));
                call.with
                    .insert("CopySource".to_owned(), json!(format!("{name}/{object}")));
                needs.push(self.s3_need("s3:GetObject", bucket, on_object));
                needs.push(self.s3_need("s3:PutObject", bucket, Some(&target)));
                needs[1]
                    .facts
                    .push(Fact::text("s3:x-amz-copy-source", format!("{name}/{object}")));
                if let Some((key, bucket_key)) = self.object_key(bucket, object) {
                    needs.push(self.forwarded_need("Decrypt", key, bucket, object, bucket_key));
                }
                self.choose_encryption(actor, bucket, &target, &mut call.with, &mut needs);
            }
            "UploadPart" | "CompleteMultipartUpload" => {
                put_key(&mut call.with);
                needs.push(self.s3_need("s3:PutObject", bucket, on_object));
                if operation == "UploadPart" {
                    let phrase = self.phrase();
                    call.with.insert("PartNumber".to_owned(), json!(1));
                    call.with.insert("Body".to_owned(), text_blob(&phrase));
                }
                if let Some((key, bucket_key)) = self.bucket_key(bucket) {
                    needs.push(self.forwarded_need("Decrypt", key, bucket, object, bucket_key));
                }
            }
            "ListParts" => {
                put_key(&mut call.with);
                needs.push(self.s3_need("s3:ListMultipartUploadParts", bucket, on_object));
                if let Some((key, bucket_key)) = self.bucket_key(bucket) {
                    needs.push(self.forwarded_need("Decrypt", key, bucket, object, bucket_key));
                }
            }
            "ListObjectsV2" | "ListObjectVersions" => {
                let action = if operation == "ListObjectsV2" {
                    "s3:ListBucket"
                } else {
                    "s3:ListBucketVersions"
                };
                let mut need = self.s3_need(action, bucket, None);
                if self.dice.coin() {
                    let prefix = object.split('/').next().unwrap_or(object).to_owned();
                    need.facts.push(Fact::text("s3:prefix", &prefix));
                    call.with.insert("Prefix".to_owned(), json!(prefix));
                } else {
                    need.facts.push(Fact::absent("s3:prefix"));
                }
                if self.dice.below(4) == 0 {
                    let most = 1 + self.dice.below(100);
                    need.facts
                        .push(Fact::new("s3:max-keys", Known::Number(i64::from(most))));
                    call.with.insert("MaxKeys".to_owned(), json!(most));
                }
                needs.push(need);
            }
            "PutObjectTagging" => {
                put_key(&mut call.with);
                let tags = self.tags();
                let mut need = self.s3_need("s3:PutObjectTagging", bucket, on_object);
                for (key, value) in &tags {
                    need.facts.push(Fact::text(format!("s3:RequestObjectTag/{key}"), value));
                }
                let set: Vec<Value> = tags
                    .into_iter()
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                call.with.insert("Tagging".to_owned(), json!({"TagSet": set}));
                needs.push(need);
            }
            "DeleteObjects" => {
                let mut keys = vec![json!({"Key": object})];
                if self.dice.coin() {
                    let other = self.object_name();
                    keys.push(json!({"Key": other}));
                }
                call.with.insert("Delete".to_owned(), json!({"Objects": keys}));
                needs.push(self.s3_need("s3:DeleteObject", bucket, on_object));
                if self.dice.below(6) == 0 {
                    // Entries are refused one by one; the whole only for the wrong owner.
                    call.with
                        .insert("ExpectedBucketOwner".to_owned(), json!(words::MANAGEMENT_ACCOUNT));
                }
            }
            "GetObjectTagging" | "DeleteObjectTagging" | "DeleteObject" | "AbortMultipartUpload" => {
                put_key(&mut call.with);
                let mut need = self.s3_need(&format!("s3:{operation}"), bucket, on_object);
                if operation == "GetObjectTagging" {
                    self.existing_tags(bucket, object, &mut need);
                }
                needs.push(need);
            }
            "HeadBucket" => needs.push(self.s3_need("s3:ListBucket", bucket, None)),
            "GetBucketEncryption" => needs.push(self.s3_need("s3:GetEncryptionConfiguration", bucket, None)),
            "GetPublicAccessBlock" => needs.push(self.s3_need("s3:GetBucketPublicAccessBlock", bucket, None)),
            other => needs.push(self.s3_need(&format!("s3:{other}"), bucket, None)),
        }
        if operation != "DeleteObjects" {
            self.owner_expected(bucket, &mut call.with);
        }
        if operation == "GetObject" && needs.len() < 3 {
            let mut need = needs.remove(0);
            self.existing_tags(bucket, object, &mut need);
            needs.insert(0, need);
        }
        Request { call, needs }
    }

    /// The encryption headers of a write and the check on the key that follows from them.
    fn choose_encryption(
        &mut self,
        actor: usize,
        bucket: usize,
        object: &str,
        with: &mut Map<String, Value>,
        needs: &mut Vec<Need>,
    ) {
        let mut facts = Vec::new();
        let default_key = self.bucket_key(bucket);
        let mut chosen = default_key;
        match self.dice.below(20) {
            0..=3 if !self.keys.is_empty() => {
                let own: Vec<usize> = (0..self.keys.len()).collect();
                let key = *self.dice.pick(&own);
                let arn = self.key_arn(key);
                let bare = self.dice.below(5) == 0 && self.keys[key].account == self.actors[actor].account;
                let identifier = if bare { self.key_id(key) } else { arn.clone() };
                with.insert("ServerSideEncryption".to_owned(), json!("aws:kms"));
                with.insert("SSEKMSKeyId".to_owned(), json!(identifier));
                facts.push(Fact::text("s3:x-amz-server-side-encryption", "aws:kms"));
                if !bare {
                    facts.push(Fact::new(
                        "s3:x-amz-server-side-encryption-aws-kms-key-id",
                        Known::Arn(arn),
                    ));
                }
                let bucket_key = self.dice.below(4) == 0;
                if bucket_key {
                    with.insert("BucketKeyEnabled".to_owned(), json!(true));
                }
                let inherits = default_key.is_some_and(|(_, inherits)| inherits);
                chosen = Some((key, bucket_key || inherits));
            }
            4 => {
                with.insert("ServerSideEncryption".to_owned(), json!("AES256"));
                facts.push(Fact::text("s3:x-amz-server-side-encryption", "AES256"));
                chosen = None;
            }
            5 => {
                with.insert("ServerSideEncryption".to_owned(), json!("aws:kms"));
                facts.push(Fact::text("s3:x-amz-server-side-encryption", "aws:kms"));
                chosen = None;
            }
            6 if self.dice.below(4) == 0 && !self.keys.is_empty() => {
                // A key without its header (`svc:S-35`).
                let key = self.dice.position(self.keys.len());
                with.insert("SSEKMSKeyId".to_owned(), json!(self.key_arn(key)));
            }
            _ => facts.push(Fact::absent("s3:x-amz-server-side-encryption")),
        }
        if !with.contains_key("SSEKMSKeyId") {
            facts.push(Fact::new(
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                Known::AbsentArn,
            ));
        }
        if let Some(last) = needs.iter_mut().rfind(|need| need.action == "s3:PutObject") {
            last.facts.extend(facts);
        }
        if let Some((key, bucket_key)) = chosen {
            needs.push(self.forwarded_need("GenerateDataKey", key, bucket, object, bucket_key));
        }
    }

    /// ACL and tags on a write, seldom.
    fn put_extras(&mut self, bucket: usize, object: &str, with: &mut Map<String, Value>, needs: &mut Vec<Need>) {
        match self.dice.below(14) {
            0 => {
                let acl = *self.dice.pick(&["bucket-owner-full-control", "public-read", "private"]);
                with.insert("ACL".to_owned(), json!(acl));
                let mut need = self.s3_need("s3:PutObjectAcl", bucket, Some(object));
                need.facts.push(Fact::text("s3:x-amz-acl", acl));
                needs.push(need);
            }
            1 => {
                let tags: Vec<String> = self
                    .tags()
                    .into_iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                with.insert("Tagging".to_owned(), json!(tags.join("&")));
                needs.push(self.s3_need("s3:PutObjectTagging", bucket, Some(object)));
            }
            _ => {}
        }
    }

    fn existing_tags(&self, bucket: usize, object: &str, need: &mut Need) {
        let Some(spec) = self.buckets[bucket].objects.get(object) else {
            return;
        };
        for (key, value) in &spec.tags {
            need.facts
                .push(Fact::text(format!("s3:ExistingObjectTag/{key}"), value));
        }
        if spec.tags.is_empty() {
            need.facts.push(Fact::absent("s3:ExistingObjectTag/stage"));
        }
    }

    /// The key that an object is encrypted under, as far as is known before the story runs.
    pub(super) fn object_key(&self, bucket: usize, object: &str) -> Option<(usize, bool)> {
        let spec = self.buckets[bucket].objects.get(object);
        match spec.and_then(|spec| spec.sse.as_deref().map(|sse| (sse, spec.key.clone()))) {
            Some(("AES256", _)) => None,
            Some((_, Some(name))) => self
                .keys
                .iter()
                .position(|key| key.name == name)
                .map(|key| (key, false)),
            Some((_, None)) => None,
            None => match self.buckets[bucket].encryption {
                Encryption::Kms { key, bucket_key } => Some((key, bucket_key)),
                _ => None,
            },
        }
    }
}
