//! Object tags: metadata, never a KMS call.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::{Place, Request};
use super::{empty, error_without_text};
use crate::world::trace::Answer;

impl Request<'_> {
    pub(super) fn get_object_tagging(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        let tags: Vec<Value> = object
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        Ok(json!({"TagSet": tags}))
    }

    pub(super) fn put_object_tagging(&mut self) -> Answer {
        let place = self.open_object()?;
        let tags = self
            .request_tags()
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        if tags.len() > 10 {
            return Err(error_without_text("BadRequest", 400));
        }
        self.authorize(&place)?;
        self.existing(&place)?;
        self.set_tags(&place, tags);
        Ok(empty())
    }

    pub(super) fn delete_object_tagging(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.existing(&place)?;
        self.set_tags(&place, BTreeMap::new());
        Ok(empty())
    }

    fn set_tags(&mut self, place: &Place, tags: BTreeMap<String, String>) {
        let key = place.key.clone().unwrap_or_default();
        let bucket = self.bucket_mut(&place.bucket);
        if let Some(version) = bucket.version_mut(&key, place.version.as_deref()) {
            version.tags = tags;
        }
    }
}
