//! Listing objects and versions: never a KMS call (`svc:S-17`).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bucket::Bucket;
use super::error_without_text;
use super::request::{Place, Request};
use crate::world::trace::{Answer, Stop};

impl Request<'_> {
    pub(super) fn list_objects(&mut self) -> Answer {
        let place = self.open_for_listing()?;
        self.authorize(&place)?;
        self.trace.rule("svc:S-17");
        let limit = self.limit()?;
        let prefix = self.with.text("Prefix")?.unwrap_or_default();
        let delimiter = self.with.text("Delimiter")?;
        let bucket = self.bucket(&place.bucket);
        let mut contents: Vec<Value> = Vec::new();
        let mut common: BTreeSet<String> = BTreeSet::new();
        for key in current_keys(bucket).filter(|key| key.starts_with(prefix)) {
            if contents.len() + common.len() >= limit {
                break;
            }
            match group(key, prefix, delimiter) {
                Some(group) => {
                    common.insert(group);
                }
                None => {
                    let size = bucket
                        .readable(key, None)
                        .map_or(0, super::bucket::ObjectVersion::length);
                    contents.push(json!({"Key": key, "Size": size}));
                }
            }
        }
        let count = contents.len() + common.len();
        let mut output = json!({"Name": bucket.name});
        if self.operation.name == "ListObjectsV2" {
            output["KeyCount"] = json!(count);
        }
        if !contents.is_empty() {
            output["Contents"] = json!(contents);
        }
        if !common.is_empty() {
            output["CommonPrefixes"] = common.iter().map(|prefix| json!({"Prefix": prefix})).collect();
        }
        Ok(output)
    }

    pub(super) fn list_object_versions(&mut self) -> Answer {
        let place = self.open_for_listing()?;
        self.authorize(&place)?;
        let limit = self.limit()?;
        let prefix = self.with.text("Prefix")?.unwrap_or_default();
        let bucket = self.bucket(&place.bucket);
        let (mut versions, mut markers): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        for (key, list) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
            // Newest first, as S3 lists them.
            for (age, version) in list.iter().rev().enumerate() {
                if versions.len() + markers.len() >= limit {
                    break;
                }
                let mut entry = json!({"Key": key, "VersionId": version.version_id, "IsLatest": age == 0});
                if version.delete_marker {
                    markers.push(entry);
                } else {
                    entry["Size"] = json!(version.length());
                    versions.push(entry);
                }
            }
        }
        let mut output = json!({"Name": bucket.name});
        if !versions.is_empty() {
            output["Versions"] = json!(versions);
        }
        if !markers.is_empty() {
            output["DeleteMarkers"] = json!(markers);
        }
        Ok(output)
    }

    fn open_for_listing(&mut self) -> Result<Place, Stop> {
        Ok(Place {
            key: None,
            version: None,
            ..self.open()?
        })
    }

    fn limit(&self) -> Result<usize, Stop> {
        match self.with.integer("MaxKeys")? {
            None => Ok(1000),
            Some(number) => usize::try_from(number)
                .map(|limit| limit.min(1000))
                .map_err(|_| error_without_text("InvalidArgument", 400)),
        }
    }
}

/// Keys whose current version can be read, in order.
fn current_keys(bucket: &Bucket) -> impl Iterator<Item = &String> {
    bucket
        .objects
        .iter()
        .filter(|(_, versions)| versions.last().is_some_and(|version| !version.delete_marker))
        .map(|(key, _)| key)
}

/// The common prefix that a key falls under, if the delimiter stands behind the prefix.
fn group(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = &key[prefix.len()..];
    rest.find(delimiter)
        .map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]))
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn keys_are_grouped_behind_the_prefix() {
        assert_eq!(group("a/b/c", "a/", Some("/")), Some("a/b/".to_owned()));
        assert_eq!(group("a/b", "a/", Some("/")), None);
        assert_eq!(group("a/b", "", None), None);
    }
}
