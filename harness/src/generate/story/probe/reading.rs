//! Probes of which permission a call on a bucket or object asks for: near ones are there, the right one is missing; versions, lists, several
//! keys at once, requests that others pay for, buckets whose public policy is restricted.

use countersign_model::case::{PublicAccessBlockSpec, Shape};
use serde_json::{Map, Value, json};

use super::super::super::fact::Fact;
use super::super::super::request::Request;
use super::super::super::scene::{Encryption, Place, Scene, text_blob};
use super::super::super::statement::{Draft, Principals};
use super::members;

/// Calls, with weights.
const CALLS: &[(u32, &str)] = &[
    (3, "ListObjectVersions"),
    (1, "ListObjectsV2"),
    (1, "HeadBucket"),
    (4, "GetObject"),
    (3, "DeleteObject"),
    (1, "GetObjectTagging"),
    (3, "GetObjectAttributes"),
    (1, "GetObjectAcl"),
];

impl Scene<'_, '_, '_> {
    /// A bucket with SSE-S3 and one object.
    fn plain_bucket(&mut self) -> (usize, String) {
        let bucket = self.new_bucket(0, None);
        self.buckets[bucket].encryption = Encryption::Unset;
        self.buckets[bucket].versioned = false;
        let object = self.new_object(bucket);
        if let Some(spec) = self.buckets[bucket].objects.get_mut(&object) {
            spec.sse = None;
            spec.key = None;
        }
        (bucket, object)
    }

    /// One call after somebody who may everything else, or everything but it; at times on the version by its id.
    pub(super) fn right_permission(&mut self) {
        let (bucket, object) = self.plain_bucket();
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.new_user_actor(0);
            self.forget_limits(actor);
            let operation = self.dice.weighted(CALLS);
            let on_object =
                operation.ends_with("Object") || operation.contains("ObjectA") || operation.contains("ObjectT");
            let mut with = Map::new();
            let versioned = on_object && self.dice.below(4) > 0;
            if versioned {
                with.insert("VersionId".to_owned(), json!("null"));
            }
            if operation == "GetObjectAttributes" {
                with.insert("ObjectAttributes".to_owned(), json!(["ObjectSize"]));
            }
            let key = on_object.then_some(object.as_str());
            let mut request = self.s3_request(actor, operation, bucket, key, with);
            if versioned {
                for need in &mut request.needs {
                    need.facts.push(Fact::text("s3:VersionId", "null"));
                }
            }
            self.permit(&request);
            if versioned && self.dice.below(3) == 0 {
                self.lean_on_fact(&request);
            }
            if let Some(twin) = self.twin_by_check(&request) {
                self.call(twin);
            }
            self.call(request.call);
        }
    }

    /// Several keys are deleted at once by one who may delete the first only; an upload in another form by one who may nothing.
    pub(super) fn several_keys(&mut self) {
        let (bucket, object) = self.plain_bucket();
        let arn = self.bucket_arn(bucket);
        let name = self.buckets[bucket].name.clone();
        let actor = self.new_user_actor(0);
        self.forget_limits(actor);
        let other = self.new_object(bucket);
        self.may(actor, &["s3:DeleteObject"], vec![format!("{arn}/{other}")]);
        let keys = json!({"Objects": [{"Key": other}, {"Key": object}]});
        self.does(
            actor,
            "s3:DeleteObjects",
            members(json!({"Bucket": name, "Delete": keys})),
        );
        let tagger = self.new_user_actor(0);
        self.forget_limits(tagger);
        let target = self.object_name();
        let mut tagged = self.bare(tagger, "s3:PutObject");
        tagged.with =
            members(json!({"Bucket": name, "Key": target, "Body": text_blob("tagged"), "Tagging": "stage=test"}));
        let needs = ["s3:PutObject", "s3:PutObjectTagging"]
            .map(|action| self.s3_need(action, bucket, Some(&target)))
            .to_vec();
        self.after_near_twin(Request { call: tagged, needs });
        let writer = self.new_user_actor(0);
        self.forget_limits(writer);
        if self.dice.below(3) == 0 {
            self.may(writer, &["s3:PutObject"], vec![format!("{arn}/*")]);
        }
        let mut put = self.bare(writer, "s3:PutObject");
        put.with = members(json!({"Bucket": name, "Key": self.object_name(), "Body": text_blob("streamed")}));
        put.shape = *self.dice.pick(&[
            Shape::Chunked,
            Shape::UnsignedTrailer,
            Shape::Presigned,
            Shape::PostForm,
        ]);
        self.call(put);
    }

    /// A stranger reads a bucket whose requesters pay, or whose public policy is restricted to its account (`svc:S-6`, `svc:S-9`).
    pub(super) fn strange_readers(&mut self) {
        let (bucket, object) = self.plain_bucket();
        let arn = self.bucket_arn(bucket);
        let restricted = self.dice.coin();
        self.buckets[bucket].requester_pays = !restricted;
        self.buckets[bucket].access = Some(PublicAccessBlockSpec {
            restrict_public_buckets: restricted,
            ..PublicAccessBlockSpec::default()
        });
        let everyone = Draft::allow(
            Principals::Everyone,
            vec!["s3:GetObject".to_owned()],
            vec![format!("{arn}/*")],
        );
        self.write(Place::Bucket(bucket), everyone);
        let stranger = self.new_user_actor(self.other_account());
        self.forget_limits(stranger);
        self.may(stranger, &["s3:GetObject"], vec!["*".to_owned()]);
        let nobody = self.anonymous_actor();
        let pays = self.dice.coin();
        for (actor, payer) in [(stranger, pays), (stranger, !pays), (nobody, false)] {
            let mut with = self.reading(bucket, &object);
            if payer && !restricted {
                with.insert("RequestPayer".to_owned(), json!("requester"));
            } else if payer {
                continue;
            }
            self.does(actor, "s3:GetObject", with);
        }
    }

    fn reading(&self, bucket: usize, object: &str) -> Map<String, Value> {
        members(json!({"Bucket": self.buckets[bucket].name, "Key": object}))
    }
}
