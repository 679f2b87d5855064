//! Conditional writes: `If-None-Match: *` writes only where nothing is, `If-Match` only over the object that was read (`svc:S-52`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::bucket::{ObjectEncryption, ObjectVersion};
use super::error;
use super::request::{Place, Request};
use crate::world::trace::Stop;

const DOES_NOT_HOLD: &str = "At least one of the pre-conditions you specified did not hold";

impl Request<'_> {
    /// Who compares with what is there has to be allowed to read it.
    pub(super) fn may_compare(&mut self, place: &Place) -> Result<(), Stop> {
        if self.with.has("IfMatch") {
            self.trace.rule("svc:S-52");
            self.check("s3:GetObject", place)?;
        }
        Ok(())
    }

    /// Whether what is there is what the headers say.
    pub(super) fn precondition_holds(&mut self, place: &Place) -> Result<(), Stop> {
        let (none_match, wanted) = (self.with.text("IfNoneMatch")?, self.with.text("IfMatch")?);
        let key = place.key.as_deref().unwrap_or_default();
        let current = self.bucket(&place.bucket).readable(key, None);
        let (is_there, tag) = (current.is_some(), current.and_then(entity_tag));
        if none_match == Some("*") {
            self.trace.rule("svc:S-52");
            if is_there {
                return Err(error("PreconditionFailed", 412, DOES_NOT_HOLD));
            }
        }
        match wanted {
            None => Ok(()),
            Some(_) if !is_there => Err(error("NoSuchKey", 404, "The specified key does not exist.")),
            Some(wanted) if tag.is_some_and(|tag| tag == wanted.trim_matches('"')) => Ok(()),
            Some(_) => Err(error("PreconditionFailed", 412, DOES_NOT_HOLD)),
        }
    }
}

/// The entity tag of an object, where it follows from the object: under SSE-S3 the MD5 of the body, elsewhere S3's own.
fn entity_tag(object: &ObjectVersion) -> Option<String> {
    if object.encryption != ObjectEncryption::S3 {
        return None;
    }
    let digest = Md5::digest(STANDARD.decode(&object.body).ok()?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
