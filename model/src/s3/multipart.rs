//! Multipart uploads: the encryption is settled when the upload is created, every later call needs kms:Decrypt (`svc:S-16`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bucket::{ObjectEncryption, ObjectVersion, Upload};
use super::customer_key::KeyFor;
use super::request::{Place, Request};
use super::table::{KeyChoice, Side};
use super::{empty, encryption, error, error_without_text};
use crate::world::symbol;
use crate::world::trace::{Answer, Stop};

impl Request<'_> {
    pub(super) fn create_multipart_upload(&mut self) -> Answer {
        let place = self.open_object()?;
        let choice = self.choose_encryption(&place.bucket)?;
        self.authorize(&place)?;
        self.customer_keys_are_taken(&place, choice.customer_key.as_ref())?;
        let acl = self.check_request_acl("s3:PutObject", &place, false)?;
        let keeping = self.keeping_of_request(&place.bucket)?;
        self.trace.rule("svc:S-16");
        let encryption = self.encrypt(&place, choice)?;
        let seed = self.state.next_seed("upload");
        let id = symbol::opaque_id("upload", &seed);
        let id = self.state.symbol(id);
        let mut output = json!({"Bucket": place.bucket, "Key": place.key, "UploadId": id});
        encryption::show(&encryption, &mut output);
        let upload = Upload {
            key: place.key.clone().unwrap_or_default(),
            encryption,
            tags: self.request_tags().unwrap_or_default(),
            acl: acl.unwrap_or_default(),
            owner: self.owner_of_new(&place.bucket, acl),
            keeping,
            parts: BTreeMap::new(),
        };
        self.bucket_mut(&place.bucket).uploads.insert(id, upload);
        Ok(output)
    }

    pub(super) fn upload_part(&mut self) -> Answer {
        let body = self.with.blob("Body")?.unwrap_or_default();
        let number = self.part_number()?;
        let place = self.open_object()?;
        let key = self.customer_key(KeyFor::Write)?;
        self.authorize(&place)?;
        let (id, upload) = self.existing_upload(&place)?;
        self.trace.rule("svc:S-16");
        self.opens_upload(&upload.encryption, key.as_ref())?;
        self.decrypt(&upload.encryption, KeyChoice::Upload)?;
        Ok(self.store_part(&place, &id, number, body, false))
    }

    pub(super) fn upload_part_copy(&mut self) -> Answer {
        let number = self.part_number()?;
        let place = self.open_object()?;
        let source = self.open_source()?;
        let key = self.customer_key(KeyFor::Write)?;
        let source_key = self.customer_key(KeyFor::Source)?;
        self.authorize_side(&source, Side::Source)?;
        self.authorize_side(&place, Side::Target)?;
        let (id, upload) = self.existing_upload(&place)?;
        let object = self.existing(&source)?;
        self.trace.rule("svc:S-16");
        self.opens(&object.encryption, source_key.as_ref())?;
        self.opens_upload(&upload.encryption, key.as_ref())?;
        if Self::is_kms(&object.encryption) {
            self.decrypt(&object.encryption, KeyChoice::StoredSource)?;
        }
        self.decrypt(&upload.encryption, KeyChoice::Upload)?;
        let body = cut(&object.body, self.with.text("CopySourceRange")?)
            .ok_or_else(|| error_without_text("InvalidArgument", 400))?;
        Ok(self.store_part(&place, &id, number, body, true))
    }

    pub(super) fn complete_multipart_upload(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let (id, upload) = self.existing_upload(&place)?;
        let numbers = self.listed_parts()?;
        let mut body = Vec::new();
        for number in &numbers {
            let Some(part) = upload.parts.get(number) else {
                return Err(error_without_text("InvalidPart", 400));
            };
            body.extend(STANDARD.decode(part).unwrap_or_default());
        }
        self.trace.rule("svc:S-16");
        self.decrypt(&upload.encryption, KeyChoice::Upload)?;
        let version_id = self.new_version_id(&place.bucket);
        let mut output = json!({"Bucket": place.bucket, "Key": place.key});
        // The answer has no members for a customer's key.
        if !matches!(upload.encryption, ObjectEncryption::Customer { .. }) {
            encryption::show(&upload.encryption, &mut output);
        }
        if version_id != "null" {
            output["VersionId"] = json!(version_id);
        }
        let version = ObjectVersion {
            version_id,
            delete_marker: false,
            body: STANDARD.encode(body),
            encryption: upload.encryption,
            tags: upload.tags,
            acl: upload.acl,
            owner: upload.owner,
            keeping: upload.keeping,
        };
        let bucket = self.bucket_mut(&place.bucket);
        bucket.uploads.remove(&id);
        bucket.put(&upload.key, version);
        Ok(output)
    }

    pub(super) fn abort_multipart_upload(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let (id, _) = self.existing_upload(&place)?;
        self.bucket_mut(&place.bucket).uploads.remove(&id);
        Ok(empty())
    }

    pub(super) fn list_parts(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let (id, upload) = self.existing_upload(&place)?;
        self.decrypt(&upload.encryption, KeyChoice::Upload)?;
        let parts: Vec<Value> = upload
            .parts
            .iter()
            .map(|(number, body)| json!({"PartNumber": number, "Size": STANDARD.decode(body).map_or(0, |bytes| bytes.len())}))
            .collect();
        let mut output = json!({"Bucket": place.bucket, "Key": place.key, "UploadId": id});
        if !parts.is_empty() {
            output["Parts"] = json!(parts);
        }
        Ok(output)
    }

    /// Uploads under way, by key; never a KMS call.
    pub(super) fn list_multipart_uploads(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let prefix = self.with.text("Prefix")?.unwrap_or_default();
        let mut found: Vec<(&String, &String)> = self
            .bucket(&place.bucket)
            .uploads
            .iter()
            .map(|(id, upload)| (&upload.key, id))
            .filter(|(key, _)| key.starts_with(prefix))
            .collect();
        found.sort();
        let uploads: Vec<Value> = found
            .into_iter()
            .map(|(key, id)| json!({"Key": key, "UploadId": id}))
            .collect();
        let mut output = json!({"Bucket": place.bucket});
        if !uploads.is_empty() {
            output["Uploads"] = json!(uploads);
        }
        Ok(output)
    }

    fn existing_upload(&self, place: &Place) -> Result<(String, Upload), Stop> {
        let id = self.with.needed_text("UploadId")?.to_owned();
        let upload = self
            .bucket(&place.bucket)
            .uploads
            .get(&id)
            .filter(|upload| Some(&upload.key) == place.key.as_ref());
        match upload {
            Some(upload) => Ok((id, upload.clone())),
            None => Err(error(
                "NoSuchUpload",
                404,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
            )),
        }
    }

    fn part_number(&self) -> Result<i64, Stop> {
        match self.with.integer("PartNumber")? {
            Some(number @ 1..=10_000) => Ok(number),
            _ => Err(error(
                "InvalidArgument",
                400,
                "Part number must be an integer between 1 and 10000, inclusive",
            )),
        }
    }

    /// The part numbers of CompleteMultipartUpload, which must ascend.
    fn listed_parts(&self) -> Result<Vec<i64>, Stop> {
        let Some(list) = self.with.inside("MultipartUpload")? else {
            return Err(error_without_text("InvalidRequest", 400));
        };
        let numbers = list
            .structures("Parts")?
            .iter()
            .map(|part| Ok(part.integer("PartNumber")?.unwrap_or_default()))
            .collect::<Result<Vec<i64>, Stop>>()?;
        if numbers.is_empty() {
            return Err(error_without_text("MalformedXML", 400));
        }
        if numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(error_without_text("InvalidPartOrder", 400));
        }
        Ok(numbers)
    }

    fn store_part(&mut self, place: &Place, id: &str, number: i64, body: String, copied: bool) -> Value {
        let seed = self.state.next_seed("part");
        let tag = symbol::opaque_id("etag", &seed);
        let tag = self.state.symbol(tag);
        let bucket = self.bucket_mut(&place.bucket);
        let mut output = empty();
        if let Some(upload) = bucket.uploads.get_mut(id) {
            encryption::show(&upload.encryption, &mut output);
            upload.parts.insert(number, body);
        }
        if copied {
            output["CopyPartResult"] = json!({"ETag": tag});
        } else {
            output["ETag"] = json!(tag);
        }
        output
    }
}

/// `bytes=a-b` of a base64 body; none if the range is not one.
fn cut(base64: &str, range: Option<&str>) -> Option<String> {
    let Some(range) = range else {
        return Some(base64.to_owned());
    };
    let bytes = STANDARD.decode(base64).ok()?;
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
    Some(STANDARD.encode(bytes.get(from..=to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive() {
        let body = STANDARD.encode("abcdef");
        assert_eq!(cut(&body, Some("bytes=1-3")), Some(STANDARD.encode("bcd")));
        assert_eq!(cut(&body, None), Some(body.clone()));
        assert_eq!(cut(&body, Some("bytes=1-9")), None);
        assert_eq!(cut(&body, Some("all")), None);
    }
}
