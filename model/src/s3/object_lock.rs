//! Object Lock and archived storage classes: what keeps an object from being deleted or read, whatever the policies allow.

use jiff::Timestamp;
use serde_json::json;

use super::bucket::{Keeping, ObjectVersion, Retention, RetentionMode};
use super::request::{Place, Request};
use super::{empty, error, error_without_text};
use crate::world::actor::time_text;
use crate::world::parameters::Parameters;
use crate::world::trace::{Answer, Stop};

/// The bucket was made without Object Lock (S3 error responses).
const NO_OBJECT_LOCK: &str = "Bucket is missing Object Lock Configuration";
/// A protected version (observed: s3-objectlock).
const PROTECTED: &str = "Access Denied because object protected by object lock.";
/// Storage classes whose objects must be restored before they are read.
const ARCHIVED: &[&str] = &["GLACIER", "DEEP_ARCHIVE"];

impl Request<'_> {
    pub(super) fn get_object_retention(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.lock_enabled(&place)?;
        match self.existing(&place)?.keeping.retention {
            Some(retention) => Ok(json!({"Retention": {
                "Mode": retention.mode.name(),
                "RetainUntilDate": time_text(retention.until),
            }})),
            None => Err(no_lock_configuration()),
        }
    }

    /// A stronger retention is always welcome; a weaker one needs s3:BypassGovernanceRetention, and is impossible in compliance mode.
    pub(super) fn put_object_retention(&mut self) -> Answer {
        let new = match self.with.inside("Retention")? {
            Some(inner) => retention(&inner, "Mode", "RetainUntilDate")?,
            None => return Err(error_without_text("MalformedXML", 400)),
        };
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.lock_enabled(&place)?;
        let old = self.existing(&place)?.keeping.retention;
        if let Some(new) = new
            && new.until <= self.state.clock.now
        {
            return Err(error(
                "InvalidArgument",
                400,
                "The retain until date must be in the future!",
            ));
        }
        let weaker = old.is_some_and(|old| {
            old.until > self.state.clock.now
                && new.is_none_or(|new| {
                    new.until < old.until
                        || (old.mode == RetentionMode::Compliance && new.mode == RetentionMode::Governance)
                })
        });
        if weaker {
            self.may_bypass(&place, old)?;
        }
        self.keep(&place, |keeping| keeping.retention = new);
        Ok(empty())
    }

    pub(super) fn get_object_legal_hold(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.lock_enabled(&place)?;
        match self.existing(&place)?.keeping.legal_hold {
            Some(on) => Ok(json!({"LegalHold": {"Status": if on { "ON" } else { "OFF" }}})),
            None => Err(no_lock_configuration()),
        }
    }

    pub(super) fn put_object_legal_hold(&mut self) -> Answer {
        let inner = self
            .with
            .inside("LegalHold")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let on = legal_hold(inner.text("Status")?)?.ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let place = self.open_object()?;
        self.authorize(&place)?;
        self.lock_enabled(&place)?;
        self.existing(&place)?;
        self.keep(&place, |keeping| keeping.legal_hold = Some(on));
        Ok(empty())
    }

    /// Only an archived object can be restored.
    pub(super) fn restore_object(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        if !is_archived(&object) {
            return Err(error(
                "InvalidObjectState",
                403,
                "Restore is not allowed for the object's current storage class",
            ));
        }
        if object.keeping.restored {
            // Accepted only where there is something to do (API_RestoreObject).
            self.trace.status = Some(200);
        }
        self.keep(&place, |keeping| keeping.restored = true);
        Ok(empty())
    }

    /// What the headers of a write say about keeping the new object.
    pub(super) fn keeping_of_request(&mut self, bucket: &str) -> Result<Keeping, Stop> {
        let with = self.with;
        let keeping = Keeping {
            storage_class: with.text("StorageClass")?.map(str::to_owned),
            restored: false,
            retention: retention(&with, "ObjectLockMode", "ObjectLockRetainUntilDate")?,
            legal_hold: legal_hold(with.text("ObjectLockLegalHoldStatus")?)?,
        };
        if (keeping.retention.is_some() || keeping.legal_hold.is_some()) && !self.bucket(bucket).object_lock {
            return Err(error("InvalidRequest", 400, NO_OBJECT_LOCK));
        }
        Ok(keeping)
    }

    /// Whether a version may go: not under a legal hold, not before its retention ends.
    pub(super) fn may_be_deleted(&mut self, place: &Place) -> Result<(), Stop> {
        let Some(version) = &place.version else {
            // Without a version nothing is lost: a marker is put on top, or there is no Object Lock.
            return Ok(());
        };
        let key = place.key.clone().unwrap_or_default();
        let Some(keeping) = self
            .bucket(&place.bucket)
            .readable(&key, Some(version))
            .map(|object| object.keeping.clone())
        else {
            return Ok(());
        };
        if keeping.legal_hold == Some(true) {
            return Err(error("AccessDenied", 403, PROTECTED));
        }
        match keeping.retention {
            Some(retention) if retention.until > self.state.clock.now => self.may_bypass(place, Some(retention)),
            _ => Ok(()),
        }
    }

    /// An archived object cannot be read.
    pub(super) fn must_not_be_archived(object: &ObjectVersion) -> Result<(), Stop> {
        if is_archived(object) && !object.keeping.restored {
            return Err(error(
                "InvalidObjectState",
                403,
                "The operation is not valid for the object's storage class",
            ));
        }
        Ok(())
    }

    /// Governance mode gives way to the header and its permission, compliance mode to nobody.
    fn may_bypass(&mut self, place: &Place, retention: Option<Retention>) -> Result<(), Stop> {
        let governance = retention.is_some_and(|retention| retention.mode == RetentionMode::Governance);
        if governance && self.with.is_true("BypassGovernanceRetention")? {
            return self.check("s3:BypassGovernanceRetention", place);
        }
        Err(error("AccessDenied", 403, PROTECTED))
    }

    fn lock_enabled(&self, place: &Place) -> Result<(), Stop> {
        if self.bucket(&place.bucket).object_lock {
            Ok(())
        } else {
            Err(error("InvalidRequest", 400, NO_OBJECT_LOCK))
        }
    }

    /// Changes how a version is kept.
    fn keep(&mut self, place: &Place, change: impl FnOnce(&mut Keeping)) {
        let key = place.key.clone().unwrap_or_default();
        let bucket = self.bucket_mut(&place.bucket);
        if let Some(version) = bucket.version_mut(&key, place.version.as_deref()) {
            change(&mut version.keeping);
        }
    }
}

/// Mode and date, which come together.
fn retention(with: &Parameters<'_>, mode: &str, until: &str) -> Result<Option<Retention>, Stop> {
    match (with.text(mode)?, with.text(until)?) {
        (None, None) => Ok(None),
        (Some(mode), Some(date)) => {
            let mode = RetentionMode::named(mode).ok_or_else(|| error_without_text("InvalidArgument", 400))?;
            let date = date
                .parse::<Timestamp>()
                .map_err(|_| with.wrong(until, "a time such as 2027-01-01T00:00:00Z is needed"))?;
            Ok(Some(Retention { mode, until: date }))
        }
        _ => Err(error_without_text("InvalidArgument", 400)),
    }
}

fn legal_hold(text: Option<&str>) -> Result<Option<bool>, Stop> {
    match text {
        None => Ok(None),
        Some("ON") => Ok(Some(true)),
        Some("OFF") => Ok(Some(false)),
        Some(_) => Err(error_without_text("InvalidArgument", 400)),
    }
}

fn is_archived(object: &ObjectVersion) -> bool {
    let class = object.keeping.storage_class.as_deref();
    class.is_some_and(|class| ARCHIVED.contains(&class))
}

fn no_lock_configuration() -> Stop {
    error(
        "NoSuchObjectLockConfiguration",
        404,
        "The specified object does not have a ObjectLock configuration",
    )
}
