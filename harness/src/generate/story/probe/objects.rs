//! Probes of single checks on objects: every call that reads or writes under a key, by somebody who lacks one permission on the key or on
//! the object; and locked objects, whose locks need permissions of their own.

use countersign_model::case::Shape;
use serde_json::{Map, Value, json};

use super::super::super::request::Request;
use super::super::super::scene::{CallDraft, Encryption, Scene, text_blob};
use super::members;

/// The calls, with weights.
const CALLS: &[(u32, &str)] = &[
    (3, "PutObject"),
    (3, "PostObject"),
    (2, "CopyObject"),
    (2, "GetObject"),
    (2, "HeadObject"),
    (2, "GetObjectAttributes"),
    (4, "SelectObjectContent"),
    (3, "UploadPart"),
    (4, "UploadPartCopy"),
    (3, "CompleteMultipartUpload"),
    (3, "AbortMultipartUpload"),
    (3, "ListParts"),
];

/// Permissions on an object.
type OnObject = &'static [&'static str];
/// Operations on the bucket's key, each for the source or for the target.
type OnKey = &'static [(&'static str, bool)];

impl Scene<'_, '_, '_> {
    /// One call on an object under a key, after somebody who lacks one of its checks.
    pub(super) fn single_checks(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let bucket = self.new_bucket(0, Some(key));
        let bucket_key = self.dice.below(4) == 0;
        self.buckets[bucket].encryption = Encryption::Kms { key, bucket_key };
        self.buckets[bucket].versioned = false;
        if self.dice.below(6) == 0 {
            self.keys[key].state = Some("Disabled".to_owned());
        }
        let source = self.new_object(bucket);
        if let Some(spec) = self.buckets[bucket].objects.get_mut(&source) {
            spec.sse = None;
            spec.key = None;
            spec.tags.clear();
        }
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.new_user_actor(0);
            self.forget_limits(actor);
            let operation = self.dice.weighted(CALLS);
            let request = self.checked_call(actor, operation, bucket, &source);
            self.after_near_twin(request);
        }
    }

    fn checked_call(&mut self, actor: usize, operation: &str, bucket: usize, source: &str) -> Request {
        let target = self.object_name();
        let body = text_blob(&self.phrase());
        let (mut with, on_source, on_target, keyed): (Value, OnObject, OnObject, OnKey) = match operation {
            "PutObject" | "PostObject" => (
                json!({"Key": target, "Body": body}),
                &[],
                &["s3:PutObject"],
                &[("GenerateDataKey", false)],
            ),
            "CopyObject" => (
                json!({"Key": target, "CopySource": self.source_of(bucket, source)}),
                &["s3:GetObject"],
                &["s3:PutObject"],
                &[("Decrypt", true), ("GenerateDataKey", false)],
            ),
            "GetObject" => (json!({"Key": source}), &["s3:GetObject"], &[], &[("Decrypt", true)]),
            "HeadObject" => (
                json!({"Key": source, "ChecksumMode": "ENABLED"}),
                &["s3:GetObject"],
                &[],
                &[("Decrypt", true)],
            ),
            "GetObjectAttributes" => (
                json!({"Key": source, "ObjectAttributes": ["ObjectSize"]}),
                &["s3:GetObject", "s3:GetObjectAttributes"],
                &[],
                &[("Decrypt", true)],
            ),
            "SelectObjectContent" => (
                json!({
                    "Key": source, "Expression": "SELECT * FROM S3Object", "ExpressionType": "SQL",
                    "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}},
                }),
                &["s3:GetObject"],
                &[],
                &[("Decrypt", true)],
            ),
            _ => return self.checked_part(actor, operation, bucket, source),
        };
        with["Bucket"] = json!(self.buckets[bucket].name);
        let mut call = self.bare(actor, &format!("s3:{}", operation.replace("Post", "Put")));
        call.with = members(with);
        if operation == "PostObject" {
            call.shape = Shape::PostForm;
        }
        self.with_checks(call, bucket, [(source, on_source), (&target, on_target)], keyed)
    }

    /// A call on an upload in parts that the owner began.
    fn checked_part(&mut self, actor: usize, operation: &str, bucket: usize, source: &str) -> Request {
        let object = self.object_name();
        let owner = self.root_actor(0);
        let upload = self.saved_name("upload");
        let name = self.buckets[bucket].name.clone();
        let mut create = self.bare(owner, "s3:CreateMultipartUpload");
        create.with = members(json!({"Bucket": name, "Key": object}));
        create.save.insert(upload.clone(), "UploadId".to_owned());
        self.call(create);
        let mut with: Map<String, Value> = members(json!({
            "Bucket": name, "Key": object, "UploadId": format!("{{{{saved.{upload}}}}}"),
        }));
        let body = text_blob(&self.phrase());
        let put: OnObject = &["s3:PutObject"];
        let decrypt: OnKey = &[("Decrypt", false)];
        let (on_source, on_target, keyed): (OnObject, OnObject, OnKey) = match operation {
            "UploadPart" => {
                with.extend(members(json!({"PartNumber": 1, "Body": body})));
                (&[], put, decrypt)
            }
            "UploadPartCopy" => {
                let source = self.source_of(bucket, source);
                with.extend(members(json!({"PartNumber": 1, "CopySource": source})));
                (
                    &["s3:GetObject"],
                    put,
                    &[("Decrypt", true), ("GenerateDataKey", false), ("Decrypt", false)],
                )
            }
            "CompleteMultipartUpload" => {
                let etag = self.saved_name("etag");
                let mut part = self.bare(owner, "s3:UploadPart");
                part.with = with.clone();
                part.with.extend(members(json!({"PartNumber": 1, "Body": body})));
                part.save.insert(etag.clone(), "ETag".to_owned());
                self.call(part);
                let parts = json!({"Parts": [{"ETag": format!("{{{{saved.{etag}}}}}"), "PartNumber": 1}]});
                with.insert("MultipartUpload".to_owned(), parts);
                (&[], put, decrypt)
            }
            "AbortMultipartUpload" => (&[], &["s3:AbortMultipartUpload"], &[]),
            _ => (&[], &["s3:ListMultipartUploadParts"], decrypt),
        };
        let mut call = self.bare(actor, &format!("s3:{operation}"));
        call.with = with;
        self.with_checks(call, bucket, [(source, on_source), (&object, on_target)], keyed)
    }

    fn source_of(&self, bucket: usize, object: &str) -> String {
        format!("{}/{object}", self.buckets[bucket].name)
    }

    /// The call with its checks on two objects and, for either, on the bucket's key.
    fn with_checks(&self, call: CallDraft, bucket: usize, objects: [(&str, OnObject); 2], keyed: OnKey) -> Request {
        let mut needs = Vec::new();
        for (object, actions) in objects {
            for action in actions {
                needs.push(self.s3_need(action, bucket, Some(object)));
            }
        }
        if let Some((key, bucket_key)) = self.bucket_key(bucket) {
            for (action, of_source) in keyed {
                let object = if *of_source { objects[0].0 } else { objects[1].0 };
                needs.push(self.forwarded_need(action, key, bucket, object, bucket_key));
            }
        }
        Request { call, needs }
    }

    /// A locked object is put and, past its lock, removed, each after somebody who lacks one of the permissions (`svc:S-47`).
    pub(super) fn bypassed_lock(&mut self) {
        let owner = self.root_actor(0);
        let bucket = self.bucket_to_make(0);
        let mut create = self.create_request(owner, bucket);
        create
            .call
            .with
            .insert("ObjectLockEnabledForBucket".to_owned(), json!(true));
        self.call(create.call);
        let object = self.object_name();
        let name = self.buckets[bucket].name.clone();
        let until = format!("{}-06-01T00:00:00Z", self.year + 1);
        let writer = self.new_user_actor(0);
        self.forget_limits(writer);
        let mut put = self.bare(writer, "s3:PutObject");
        put.with = members(json!({
            "Bucket": name, "Key": object, "Body": text_blob("kept"),
            "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until,
        }));
        let mut actions = vec!["s3:PutObject", "s3:PutObjectRetention"];
        if self.dice.below(3) == 0 {
            put.with.insert("ObjectLockLegalHoldStatus".to_owned(), json!("ON"));
            actions.push("s3:PutObjectLegalHold");
        }
        let version = self.saved_name("version");
        put.save.insert(version.clone(), "VersionId".to_owned());
        let needs = actions
            .into_iter()
            .map(|action| self.s3_need(action, bucket, Some(&object)))
            .collect();
        self.after_near_twin(Request { call: put, needs });
        let remover = self.new_user_actor(0);
        self.forget_limits(remover);
        let mut remove = self.bare(remover, "s3:DeleteObject");
        remove.with = members(json!({
            "Bucket": name, "Key": object, "VersionId": format!("{{{{saved.{version}}}}}"),
            "BypassGovernanceRetention": true,
        }));
        let needs = ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
            .into_iter()
            .map(|action| self.s3_need(action, bucket, Some(&object)))
            .collect();
        self.after_near_twin(Request { call: remove, needs });
    }
}
