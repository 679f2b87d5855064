//! The condition keys of an S3 check (`svc:S-40`…`svc:S-48`): headers, parameters and tags, those that the table says exist for the action.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::bucket::{Bucket, ObjectVersion};
use super::request::Request;
use super::table::table;
use crate::case::Shape;
use crate::context::{Context, ContextValue};
use crate::name::AccountId;

impl Request<'_> {
    /// The condition keys of a check: those that the table says exist for the action (`svc:S-26`, `svc:S-40`…`svc:S-48`).
    pub(super) fn keys(&self, action: &str, bucket: &Bucket, object: Option<&ObjectVersion>) -> Context {
        let mut keys = self.keys_of_request(action, &bucket.owner);
        // The resource is the bucket owner's, even where an object has another owner.
        keys.set("aws:ResourceAccount", bucket.owner.as_str());
        if let Some(object) = object
            && listed_keys(action).is_none_or(|listed| listed.contains("s3:ExistingObjectTag/<key>"))
        {
            keys.set_family(
                "s3:ExistingObjectTag/",
                object.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
        if let Some(tags) = self.request_tags()
            && table().action_has_key(action, "s3:RequestObjectTagKeys")
        {
            keys.set_family(
                "s3:RequestObjectTag/",
                tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
            keys.set(
                "s3:RequestObjectTagKeys",
                ContextValue::Many(tags.into_keys().collect()),
            );
        }
        if bucket.abac {
            let tags = bucket.tags.effective(&self.state.clock);
            keys.set_family(
                "s3:BucketTag/",
                tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
            keys.set_family(
                "aws:ResourceTag/",
                tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
        keys
    }

    /// The keys that follow from the request alone; `owner` is whose buckets it is about.
    pub(super) fn keys_of_request(&self, action: &str, owner: &AccountId) -> Context {
        let mut all: Vec<(&'static str, ContextValue)> = vec![("s3:ResourceAccount", owner.as_str().into())];
        if !self.actor.is_anonymous() {
            all.push(("s3:authType", auth_type(self.shape).into()));
            all.push(("s3:signatureversion", "AWS4-HMAC-SHA256".into()));
            all.push(("s3:signatureAge", "0".into()));
        }
        for (parameter, key) in HEADER_KEYS {
            match self.with.value(parameter) {
                Some(Value::String(text)) => all.push((key, text.as_str().into())),
                Some(Value::Number(number)) if number.is_i64() => all.push((key, number.to_string().into())),
                _ => {}
            }
        }
        if let Ok(Some(source)) = self.with.text("CopySource") {
            let path = source.trim_start_matches('/').split('?').next();
            all.push(("s3:x-amz-copy-source", path.unwrap_or_default().into()));
        }
        self.object_lock_keys(&mut all);
        let creates = matches!(
            self.operation.name.as_str(),
            "PutObject" | "PostObject" | "CopyObject" | "CompleteMultipartUpload"
        );
        all.push(("s3:ObjectCreationOperation", creates.into()));
        let listed = listed_keys(action);
        let mut keys = Context::new();
        for (key, value) in all {
            if listed.is_none_or(|listed| listed.contains(key)) {
                keys.set(key, value);
            }
        }
        keys
    }

    /// The keys of Object Lock that stand in a body, and the days that a retention asks for.
    fn object_lock_keys(&self, all: &mut Vec<(&'static str, ContextValue)>) {
        for (structure, member, key) in BODY_KEYS {
            if let Ok(Some(inner)) = self.with.inside(structure)
                && let Ok(Some(text)) = inner.text(member)
            {
                all.push((key, text.into()));
            }
        }
        // What a body says stands behind what a header says.
        let until = all
            .iter()
            .rev()
            .find(|(key, _)| *key == "s3:object-lock-retain-until-date");
        let until = match until {
            Some((_, ContextValue::One(text))) => text.parse::<Timestamp>().ok(),
            _ => None,
        };
        if let Some(until) = until {
            let seconds = until.duration_since(self.state.clock.now).as_secs();
            let days = seconds.div_euclid(86_400) + i64::from(seconds.rem_euclid(86_400) > 0);
            all.push(("s3:object-lock-remaining-retention-days", days.to_string().into()));
        }
    }

    /// The tags that the request brings: in the header of a write, or in the body of PutObjectTagging.
    pub(super) fn request_tags(&self) -> Option<BTreeMap<String, String>> {
        if let Ok(Some(header)) = self.with.text("Tagging") {
            return Some(parse_tag_header(header));
        }
        self.with
            .inside("Tagging")
            .ok()
            .flatten()?
            .tags("TagSet", "Key", "Value")
            .ok()
            .flatten()
    }
}

/// Members of a request body that are condition keys: structure, member, key.
const BODY_KEYS: &[(&str, &str, &str)] = &[
    ("Retention", "Mode", "s3:object-lock-mode"),
    ("Retention", "RetainUntilDate", "s3:object-lock-retain-until-date"),
    ("LegalHold", "Status", "s3:object-lock-legal-hold"),
];

/// Request headers that are condition keys under their own names.
const HEADER_KEYS: &[(&str, &str)] = &[
    ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
    ("SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
    (
        "SSECustomerAlgorithm",
        "s3:x-amz-server-side-encryption-customer-algorithm",
    ),
    ("ACL", "s3:x-amz-acl"),
    ("GrantFullControl", "s3:x-amz-grant-full-control"),
    ("GrantRead", "s3:x-amz-grant-read"),
    ("GrantReadACP", "s3:x-amz-grant-read-acp"),
    ("GrantWrite", "s3:x-amz-grant-write"),
    ("GrantWriteACP", "s3:x-amz-grant-write-acp"),
    ("MetadataDirective", "s3:x-amz-metadata-directive"),
    ("StorageClass", "s3:x-amz-storage-class"),
    ("WebsiteRedirectLocation", "s3:x-amz-website-redirect-location"),
    ("ObjectOwnership", "s3:x-amz-object-ownership"),
    ("ObjectLockMode", "s3:object-lock-mode"),
    ("ObjectLockRetainUntilDate", "s3:object-lock-retain-until-date"),
    ("ObjectLockLegalHoldStatus", "s3:object-lock-legal-hold"),
    ("IfMatch", "s3:if-match"),
    ("IfNoneMatch", "s3:if-none-match"),
    ("Prefix", "s3:prefix"),
    ("Delimiter", "s3:delimiter"),
    ("MaxKeys", "s3:max-keys"),
    ("VersionId", "s3:versionid"),
];

/// The keys that exist for an action; none if the table does not list them: such an action carries every key.
fn listed_keys(action: &str) -> Option<&'static BTreeSet<String>> {
    let keys = &table().actions().get(action)?.condition_keys;
    keys.contains("s3:ResourceAccount").then_some(keys)
}

/// `s3:authType` (`svc:S-46`).
fn auth_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Header | Shape::Chunked | Shape::UnsignedTrailer => "REST-HEADER",
        Shape::Presigned => "REST-QUERY-STRING",
        Shape::PostForm => "POST",
    }
}

/// `a=b&c=d`, percent-encoded.
pub(super) fn parse_tag_header(header: &str) -> BTreeMap<String, String> {
    header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key, true), percent_decode(value, true))
        })
        .collect()
}

/// Percent-decoding; what is not well-formed stays as it is.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let hexadecimal = bytes
            .get(place + 1..place + 3)
            .filter(|_| bytes[place] == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hexadecimal {
            Some(byte) => {
                decoded.push(byte);
                place += 3;
            }
            None => {
                decoded.push(if plus_is_space && bytes[place] == b'+' {
                    b' '
                } else {
                    bytes[place]
                });
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_headers_are_query_strings() {
        let tags = parse_tag_header("a=b&security=top%20secret&empty=&x+y=1");
        assert_eq!(tags.get("security").map(String::as_str), Some("top secret"));
        assert_eq!(tags.get("x y").map(String::as_str), Some("1"));
        assert_eq!(tags.len(), 4);
        assert_eq!(percent_decode("100%", false), "100%");
        assert_eq!(percent_decode("a+b%2B", false), "a+b+");
    }
}
