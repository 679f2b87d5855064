//! Writing, reading and deleting objects.

use serde_json::{Value, json};

use super::acl::CannedAcl;
use super::bucket::{Keeping, ObjectVersion, Ownership, Versioning};
use super::customer_key::KeyFor;
use super::request::{Place, Request};
use super::table::KeyChoice;
use super::{empty, encryption, error_without_text};
use crate::name::AccountId;
use crate::outcome::CheckDecision;
use crate::world::symbol;
use crate::world::trace::{Answer, Stop};

impl Request<'_> {
    pub(super) fn put_object(&mut self) -> Answer {
        let body = self.with.blob("Body")?.unwrap_or_default();
        let place = self.open_object()?;
        let choice = self.choose_encryption(&place.bucket)?;
        self.authorize(&place)?;
        self.may_compare(&place)?;
        self.customer_keys_are_taken(&place, choice.customer_key.as_ref())?;
        let acl = self.check_request_acl("s3:PutObject", &place, false)?;
        let keeping = self.keeping_of_request(&place.bucket)?;
        self.precondition_holds(&place)?;
        let encryption = self.encrypt(&place, choice)?;
        let tags = self.request_tags().unwrap_or_default();
        let owner = self.owner_of_new(&place.bucket, acl);
        let version_id = self.new_version_id(&place.bucket);
        let mut output = empty();
        encryption::show(&encryption, &mut output);
        if version_id != "null" {
            output["VersionId"] = json!(version_id);
        }
        let version = ObjectVersion {
            version_id,
            delete_marker: false,
            body,
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

    pub(super) fn get_object(&mut self) -> Answer {
        let place = self.open_object()?;
        let key = self.customer_key(KeyFor::Read)?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        Self::must_not_be_archived(&object)?;
        self.opens(&object.encryption, key.as_ref())?;
        self.decrypt(&object.encryption, KeyChoice::Stored)?;
        let mut output = json!({"Body": object.body, "ContentLength": object.length()});
        encryption::show(&object.encryption, &mut output);
        self.show_version(&object, &mut output);
        Ok(output)
    }

    pub(super) fn head_object(&mut self) -> Answer {
        let place = self.open_object()?;
        let key = self.customer_key(KeyFor::Read)?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        self.opens(&object.encryption, key.as_ref())?;
        self.must_be_signed(&object.encryption)?;
        self.decrypt(&object.encryption, KeyChoice::Stored)?;
        let mut output = json!({"ContentLength": object.length()});
        encryption::show(&object.encryption, &mut output);
        self.show_version(&object, &mut output);
        Ok(output)
    }

    /// What the expression selects is not modelled: only who may read.
    pub(super) fn select_object_content(&mut self) -> Answer {
        let place = self.open_object()?;
        let key = self.customer_key(KeyFor::Read)?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        Self::must_not_be_archived(&object)?;
        self.opens(&object.encryption, key.as_ref())?;
        self.decrypt(&object.encryption, KeyChoice::Stored)?;
        Ok(empty())
    }

    pub(super) fn get_object_attributes(&mut self) -> Answer {
        let place = self.open_object()?;
        let key = self.customer_key(KeyFor::Read)?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        self.opens(&object.encryption, key.as_ref())?;
        self.decrypt(&object.encryption, KeyChoice::Stored)?;
        let asked = self.with.texts("ObjectAttributes")?.unwrap_or_default();
        let mut output = empty();
        if asked.iter().any(|attribute| attribute == "ObjectSize") {
            output["ObjectSize"] = json!(object.length());
        }
        Ok(output)
    }

    pub(super) fn delete_object(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.may_be_deleted(&place)?;
        Ok(self.delete(&place))
    }

    /// Every entry is authorized for itself; a refused one is an error inside a successful answer.
    pub(super) fn delete_objects(&mut self) -> Answer {
        let place = self.open()?;
        let delete = self
            .with
            .inside("Delete")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let quiet = delete.is_true("Quiet")?;
        self.check_requester_pays(&place.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for entry in delete.structures("Objects")? {
            let key = entry.needed_text("Key")?.to_owned();
            let version = entry.text("VersionId")?.map(str::to_owned);
            let action = if version.is_some() {
                "s3:DeleteObjectVersion"
            } else {
                "s3:DeleteObject"
            };
            let entry_place = Place {
                bucket: place.bucket.clone(),
                key: Some(key.clone()),
                version,
            };
            let check = self.decide(action, &entry_place);
            let allowed = check.decision == CheckDecision::Allow;
            self.trace.check(check);
            if allowed && self.may_be_deleted(&entry_place).is_ok() {
                self.delete(&entry_place);
                deleted.push(json!({"Key": key}));
            } else {
                errors.push(json!({"Key": key, "Code": "AccessDenied"}));
            }
        }
        let mut output = empty();
        if !quiet && !deleted.is_empty() {
            output["Deleted"] = json!(deleted);
        }
        if !errors.is_empty() {
            output["Errors"] = json!(errors);
        }
        Ok(output)
    }

    /// Deletes a version for good, or the current one: by a marker where versions are kept. A missing object is no error.
    fn delete(&mut self, place: &Place) -> Value {
        let key = place.key.clone().unwrap_or_default();
        let mut output = empty();
        if let Some(version) = &place.version {
            self.bucket_mut(&place.bucket).remove_version(&key, version);
            return output;
        }
        let versioning = self.bucket(&place.bucket).versioning;
        if versioning == Versioning::Never {
            self.bucket_mut(&place.bucket).remove_version(&key, "null");
            return output;
        }
        let version_id = self.new_version_id(&place.bucket);
        if version_id != "null" {
            output["VersionId"] = json!(version_id);
        }
        output["DeleteMarker"] = json!(true);
        let owner = self.owner_of_new(&place.bucket, None);
        let marker = ObjectVersion {
            version_id,
            delete_marker: true,
            body: String::new(),
            encryption: super::bucket::ObjectEncryption::S3,
            tags: std::collections::BTreeMap::new(),
            acl: CannedAcl::Private,
            owner,
            keeping: Keeping::default(),
        };
        self.bucket_mut(&place.bucket).put(&key, marker);
        output
    }

    pub(super) fn put_object_acl(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.existing(&place)?;
        let acl = self
            .check_request_acl("s3:PutObjectAcl", &place, true)?
            .unwrap_or_default();
        let key = place.key.clone().unwrap_or_default();
        let bucket = self.bucket_mut(&place.bucket);
        if let Some(version) = bucket.version_mut(&key, place.version.as_deref()) {
            version.acl = acl;
        }
        Ok(empty())
    }

    /// The request's bucket and object.
    pub(super) fn open_object(&mut self) -> Result<Place, Stop> {
        self.with.needed_text("Key")?;
        self.open()
    }

    /// Who owns a new object (`svc:S-4`).
    pub(super) fn owner_of_new(&self, bucket: &str, acl: Option<CannedAcl>) -> AccountId {
        let bucket = self.bucket(bucket);
        let writer = self.actor.account().unwrap_or(&bucket.owner);
        match bucket.ownership() {
            Ownership::BucketOwnerEnforced => bucket.owner.clone(),
            Ownership::BucketOwnerPreferred if acl == Some(CannedAcl::BucketOwnerFullControl) => bucket.owner.clone(),
            Ownership::BucketOwnerPreferred | Ownership::ObjectWriter => writer.clone(),
        }
    }

    /// A version id where versions are kept, else `null`.
    pub(super) fn new_version_id(&mut self, bucket: &str) -> String {
        if self.bucket(bucket).versioning == Versioning::Enabled {
            let seed = self.state.next_seed("version");
            let id = symbol::opaque_id("version", &seed);
            self.state.symbol(id)
        } else {
            "null".to_owned()
        }
    }

    pub(super) fn show_version(&self, object: &ObjectVersion, output: &mut Value) {
        if object.version_id != "null" {
            output["VersionId"] = json!(object.version_id);
        }
    }
}
