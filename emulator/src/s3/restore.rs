//! Archived objects: what keeps them from being read, and RestoreObject, which brings a copy back for some days. Here a
//! restoration is complete at once. It never involves KMS (`svc:9.4`).

use http::StatusCode;
use jiff::SignedDuration;

use super::authorization::Facts;
use super::bucket::{Content, ObjectVersion};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, http_time, set_header, set_version_header};
use super::xml::Element;
use crate::protocol::Response;
use crate::state::State;

/// Storage classes whose objects cannot be read as they are.
const ARCHIVED: &[&str] = &["GLACIER", "DEEP_ARCHIVE"];
/// Retrieval tiers.
const TIERS: &[&str] = &["Expedited", "Standard", "Bulk"];
/// Most days a copy stays.
const MOST_DAYS: i64 = 36_500;

/// Whether the bytes of a version are within reach.
///
/// # Errors
/// `InvalidObjectState` for an archived object without a restored copy.
pub(crate) fn check_readable(state: &State, version: &ObjectVersion, content: &Content) -> Result<(), S3Error> {
    let archived = ARCHIVED.contains(&content.storage_class.as_str());
    let restored = version.restored_until.is_some_and(|until| until > state.now());
    if archived && !restored {
        return Err(invalid_state(
            "The operation is not valid for the object's storage class",
            content,
        ));
    }
    Ok(())
}

/// `x-amz-restore` of a read.
pub(crate) fn add_header(state: &State, version: &ObjectVersion, response: &mut Response) {
    if let Some(until) = version.restored_until.filter(|until| *until > state.now()) {
        let value = format!("ongoing-request=\"false\", expiry-date=\"{}\"", http_time(until));
        set_header(response, "x-amz-restore", &value);
    }
}

/// RestoreObject: 202 for a new copy, 200 when one is there and only its days change.
pub(crate) fn restore_object(exchange: &mut Exchange<'_>) -> Answer {
    let malformed = || S3Error::fixed("MalformedXML");
    let (version_id, archived, restored, state_error) = {
        let (_, version) = exchange.require_object(Facts::default())?;
        let content = super::write::content_of(version)?;
        (
            version.version_id.clone(),
            ARCHIVED.contains(&content.storage_class.as_str()),
            version.restored_until.is_some_and(|until| until > exchange.state.now()),
            invalid_state("Restore is not allowed for the object's current storage class", content),
        )
    };
    let root = Element::parse_root(&exchange.request.body, "RestoreRequest")?;
    if root.child("SelectParameters").is_some() || root.child_text("Type") == Some("SELECT") {
        return Err(S3Error::fixed("NotImplemented").with("Header", "SelectParameters"));
    }
    let days = root
        .child_text("Days")
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|days| (1..=MOST_DAYS).contains(days))
        .ok_or_else(malformed)?;
    let tier = root
        .child("GlacierJobParameters")
        .and_then(|parameters| parameters.child_text("Tier"));
    if tier.is_some_and(|tier| !TIERS.contains(&tier)) {
        return Err(malformed());
    }
    if !archived {
        return Err(state_error);
    }
    let now = exchange.state.now();
    let until = now
        .checked_add(SignedDuration::from_hours(24 * days))
        .map_err(|_| malformed())?;
    let (_, key) = super::write::owned_names(exchange);
    let bucket = exchange.bucket_mut()?;
    let version = bucket
        .version_mut(&key, Some(&version_id))
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    version.restored_until = Some(until);
    let mut response = empty(if restored { StatusCode::OK } else { StatusCode::ACCEPTED });
    set_version_header(&mut response, bucket, &version_id);
    Ok(response)
}

fn invalid_state(message: &str, content: &Content) -> S3Error {
    S3Error::new("InvalidObjectState", 403, message).with("StorageClass", content.storage_class.clone())
}
