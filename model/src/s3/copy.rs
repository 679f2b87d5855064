//! CopyObject: two sides, two keys, one requester (`svc:S-18`).

use serde_json::json;

use super::bucket::{ObjectEncryption, ObjectVersion};
use super::condition_keys::percent_decode;
use super::customer_key::KeyFor;
use super::request::{Place, Request};
use super::table::{KeyChoice, Side};
use super::{encryption, error, error_without_text};
use crate::world::trace::{Answer, Stop};

impl Request<'_> {
    pub(super) fn copy_object(&mut self) -> Answer {
        let place = self.open_object()?;
        let source = self.open_source()?;
        let choice = self.choose_encryption(&place.bucket)?;
        let source_key = self.customer_key(KeyFor::Source)?;
        self.refuse_copy_onto_itself(&source, &place)?;
        self.authorize_side(&source, Side::Source)?;
        self.authorize_side(&place, Side::Target)?;
        self.customer_keys_are_taken(&place, choice.customer_key.as_ref())?;
        let acl = self.check_request_acl("s3:PutObject", &place, false)?;
        let keeping = self.keeping_of_request(&place.bucket)?;
        let object = self.existing(&source)?;
        Self::must_not_be_archived(&object)?;
        self.trace.rule("svc:S-18");
        self.opens(&object.encryption, source_key.as_ref())?;
        self.decrypt(&object.encryption, KeyChoice::StoredSource)?;
        let encryption = self.encrypt(&place, choice)?;
        let tags = match self.with.text("TaggingDirective")? {
            Some("REPLACE") => self.request_tags().unwrap_or_default(),
            _ => object.tags.clone(),
        };
        let owner = self.owner_of_new(&place.bucket, acl);
        let version_id = self.new_version_id(&place.bucket);
        let mut output = json!({});
        encryption::show(&encryption, &mut output);
        if version_id != "null" {
            output["VersionId"] = json!(version_id);
        }
        let version = ObjectVersion {
            version_id,
            delete_marker: false,
            body: object.body,
            encryption,
            tags,
            acl: acl.unwrap_or_default(),
            owner,
            keeping,
        };
        let key = place.key.clone().unwrap_or_default();
        self.bucket_mut(&place.bucket).put(&key, version);
        Ok(output)
    }

    /// The source of a copy: `bucket/key`, perhaps with a leading slash and `?versionId=`.
    pub(super) fn open_source(&mut self) -> Result<Place, Stop> {
        let text = self.with.needed_text("CopySource")?;
        let (path, version) = match text.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (text, None),
        };
        let (bucket, key) = path
            .trim_start_matches('/')
            .split_once('/')
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .ok_or_else(|| error_without_text("InvalidArgument", 400))?;
        let (bucket, key) = (percent_decode(bucket, false), percent_decode(key, false));
        if self.state.bucket(&bucket).is_none() {
            return Err(error("NoSuchBucket", 404, "The specified bucket does not exist"));
        }
        Ok(Place {
            bucket,
            key: Some(key),
            version,
        })
    }

    /// A copy onto itself must change something.
    fn refuse_copy_onto_itself(&self, source: &Place, place: &Place) -> Result<(), Stop> {
        let same = source.bucket == place.bucket && source.key == place.key && source.version.is_none();
        let changes = self.with.has("ServerSideEncryption")
            || self.with.has("SSECustomerAlgorithm")
            || self.with.has("StorageClass")
            || self.with.text("MetadataDirective")? == Some("REPLACE")
            || self.with.has("WebsiteRedirectLocation");
        if same && !changes {
            return Err(error(
                "InvalidRequest",
                400,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, \
                 storage class, website redirect location or encryption attributes.",
            ));
        }
        Ok(())
    }

    /// Whether a stored encryption needs KMS at all.
    pub(super) fn is_kms(encryption: &ObjectEncryption) -> bool {
        matches!(encryption, ObjectEncryption::Kms { .. })
    }
}
