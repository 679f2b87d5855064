//! Object Lock: the bucket's configuration, retention and legal hold of object versions, and whether they may be
//! deleted or their protection lowered. Which permission that takes is `permissions`'.

use http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::authorization::{self, Facts, Place};
use super::bucket::{Bucket, ObjectVersion, Versioning};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, iso_time, set_header, xml};
use super::xml::{Element, XmlWriter};
use crate::protocol::{Authenticated, Response};
use crate::state::State;

/// Header that names the retention mode of a new object.
pub(crate) const MODE_HEADER: &str = "x-amz-object-lock-mode";
/// Header that says how long a new object is retained.
pub(crate) const UNTIL_HEADER: &str = "x-amz-object-lock-retain-until-date";
/// Header that puts a legal hold on a new object.
pub(crate) const HOLD_HEADER: &str = "x-amz-object-lock-legal-hold";
/// Header that asks to override governance retention.
const BYPASS_HEADER: &str = "x-amz-bypass-governance-retention";

/// Longest default retention.
const MOST_YEARS: u32 = 100;

/// A retention mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// May be overridden with `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody may override it.
    Compliance,
}

const MODES: &[(Mode, &str)] = &[(Mode::Governance, "GOVERNANCE"), (Mode::Compliance, "COMPLIANCE")];

impl Mode {
    fn parse(name: &str) -> Option<Self> {
        MODES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    fn name(self) -> &'static str {
        MODES.iter().find(|row| row.0 == self).map_or("COMPLIANCE", |row| row.1)
    }
}

/// Retention of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) mode: Mode,
    pub(crate) until: Timestamp,
}

/// What protects one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) retention: Option<Retention>,
    /// `None` where nobody ever said anything about one.
    pub(crate) legal_hold: Option<bool>,
}

impl Lock {
    /// Whether there is a legal hold.
    pub(crate) fn has_hold(self) -> bool {
        self.legal_hold == Some(true)
    }

    /// Whether anything protects the version now.
    pub(crate) fn is_active(self, now: Timestamp) -> bool {
        self.has_hold() || self.retention.is_some_and(|retention| retention.until > now)
    }
}

/// Object Lock of a bucket; it cannot be switched off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LockConfiguration {
    default: Option<DefaultRetention>,
}

/// Retention of objects that are put without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DefaultRetention {
    mode: Mode,
    period: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Days(u32),
    Years(u32),
}

/// What a request wants of an object's lock, as its condition keys show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestedLock {
    /// `s3:object-lock-mode`.
    pub(crate) mode: Option<String>,
    /// `s3:object-lock-retain-until-date`.
    pub(crate) until: Option<String>,
    /// `s3:object-lock-legal-hold`.
    pub(crate) legal_hold: Option<String>,
}

impl RequestedLock {
    /// The headers of an upload.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            mode: text(MODE_HEADER),
            until: text(UNTIL_HEADER),
            legal_hold: text(HOLD_HEADER),
        }
    }

    /// `s3:object-lock-remaining-retention-days`: whole days from now.
    pub(crate) fn remaining_days(&self, now: Timestamp) -> Option<i64> {
        let until: Timestamp = self.until.as_deref()?.parse().ok()?;
        Some((until.as_second() - now.as_second()).div_euclid(86_400))
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn read(&self, now: Timestamp) -> Result<Lock, S3Error> {
        let retention = match (&self.mode, &self.until) {
            (None, None) => None,
            (Some(mode), Some(until)) => Some(read_retention(mode, until, now)?),
            (mode, until) => {
                let (name, value) = match (mode, until) {
                    (Some(mode), _) => (MODE_HEADER, mode.as_str()),
                    (_, until) => (UNTIL_HEADER, until.as_deref().unwrap_or_default()),
                };
                return Err(S3Error::invalid_argument(
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                    name,
                    value,
                ));
            }
        };
        let legal_hold = match self.legal_hold.as_deref() {
            None => None,
            Some(status) => Some(read_hold(status).ok_or_else(|| {
                S3Error::invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", HOLD_HEADER, status)
            })?),
        };
        Ok(Lock { retention, legal_hold })
    }
}

fn read_hold(status: &str) -> Option<bool> {
    match status {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => None,
    }
}

fn read_retention(mode: &str, until: &str, now: Timestamp) -> Result<Retention, S3Error> {
    let mode =
        Mode::parse(mode).ok_or_else(|| S3Error::invalid_argument("Unknown wormMode directive.", MODE_HEADER, mode))?;
    let instant: Timestamp = until.parse().map_err(|_| {
        S3Error::invalid_argument(
            "The retain until date must be provided in ISO 8601 format",
            UNTIL_HEADER,
            until,
        )
    })?;
    if instant <= now {
        return Err(S3Error::invalid_argument(
            "The retain until date must be in the future!",
            UNTIL_HEADER,
            until,
        ));
    }
    Ok(Retention { mode, until: instant })
}

/// The lock of an object that a request writes: its headers, else the default of the bucket.
///
/// # Errors
/// `InvalidRequest` for lock headers on a bucket without Object Lock, `InvalidArgument` for what cannot be read.
pub(crate) fn of_upload(state: &State, request: &Authenticated, bucket: &Bucket) -> Result<Lock, S3Error> {
    let wanted = RequestedLock::of_headers(&request.headers);
    let Some(configuration) = bucket.object_lock else {
        return if wanted.is_empty() {
            Ok(Lock::default())
        } else {
            Err(no_configuration())
        };
    };
    let mut lock = wanted.read(state.now())?;
    if lock.retention.is_none() {
        lock.retention = configuration.default.and_then(|default| default.from(state.now()));
    }
    Ok(lock)
}

impl DefaultRetention {
    /// `None` only where the calendar ends.
    fn from(self, now: Timestamp) -> Option<Retention> {
        let span = match self.period {
            Period::Days(days) => Span::new().try_days(i64::from(days)),
            Period::Years(years) => Span::new().try_years(i64::from(years)),
        };
        let until = now.to_zoned(TimeZone::UTC).checked_add(span.ok()?).ok()?;
        Some(Retention {
            mode: self.mode,
            until: until.timestamp(),
        })
    }
}

/// Whether a version may be removed for good. A caller who asks to override governance retention must be allowed to.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn check_removal(exchange: &Exchange<'_>, place: Place<'_>) -> Result<(), S3Error> {
    let Some(version) = place.existing.filter(|_| place.version_id.is_some()) else {
        return Ok(());
    };
    let now = exchange.state.now();
    if version.lock.has_hold() {
        return Err(locked());
    }
    match version.lock.retention.filter(|retention| retention.until > now) {
        None => Ok(()),
        Some(retention) if retention.mode == Mode::Compliance => Err(locked()),
        Some(_) => check_bypass(exchange, place),
    }
}

fn check_bypass(exchange: &Exchange<'_>, place: Place<'_>) -> Result<(), S3Error> {
    let asked = exchange
        .request
        .header(BYPASS_HEADER)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !asked {
        return Err(locked());
    }
    authorization::ask(
        exchange.state,
        exchange.request,
        exchange.operation,
        "s3:BypassGovernanceRetention",
        place,
        Facts::default(),
    )
}

fn locked() -> S3Error {
    S3Error::access_denied("Access Denied because object protected by object lock.")
}

fn no_configuration() -> S3Error {
    S3Error::invalid_request("Bucket is missing Object Lock Configuration")
}

/// Lock headers of a read, for callers who may see them.
pub(crate) fn add_headers(exchange: &Exchange<'_>, version: &ObjectVersion, response: &mut Response) {
    let Ok(bucket) = exchange.bucket() else { return };
    let (_, key) = exchange.names();
    let place = Place {
        bucket,
        key: Some(key),
        existing: Some(version),
        version_id: None,
    };
    let may = |action: &str| {
        authorization::ask(
            exchange.state,
            exchange.request,
            exchange.operation,
            action,
            place,
            Facts::default(),
        )
        .is_ok()
    };
    if let Some(retention) = version.lock.retention
        && may("s3:GetObjectRetention")
    {
        set_header(response, MODE_HEADER, retention.mode.name());
        set_header(response, UNTIL_HEADER, &iso_time(retention.until));
    }
    if bucket.object_lock.is_some() && version.lock.has_hold() && may("s3:GetObjectLegalHold") {
        set_header(response, HOLD_HEADER, "ON");
    }
}

/// PutObjectLockConfiguration: on a bucket with versioning; never taken back.
pub(crate) fn put_configuration(exchange: &mut Exchange<'_>) -> Answer {
    let versioning = exchange.require_bucket()?.versioning;
    let malformed = || S3Error::fixed("MalformedXML");
    let root = Element::parse_root(&exchange.request.body, "ObjectLockConfiguration")?;
    if root.child_text("ObjectLockEnabled") != Some("Enabled") {
        return Err(malformed());
    }
    let default = match root.child("Rule") {
        None => None,
        Some(rule) => {
            let retention = rule.child("DefaultRetention").ok_or_else(malformed)?;
            let mode = retention
                .child_text("Mode")
                .and_then(Mode::parse)
                .ok_or_else(malformed)?;
            let number = |name: &str, most: u32| {
                let text = retention.child_text(name);
                text.map(|text| {
                    let number = text.parse::<u32>().ok();
                    number
                        .filter(|number| (1..=most).contains(number))
                        .ok_or_else(malformed)
                })
                .transpose()
            };
            let period = match (number("Days", MOST_YEARS * 365)?, number("Years", MOST_YEARS)?) {
                (Some(days), None) => Period::Days(days),
                (None, Some(years)) => Period::Years(years),
                _ => return Err(malformed()),
            };
            Some(DefaultRetention { mode, period })
        }
    };
    if versioning != Versioning::Enabled {
        return Err(S3Error::new(
            "InvalidBucketState",
            409,
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ));
    }
    exchange.bucket_mut()?.object_lock = Some(LockConfiguration { default });
    Ok(empty(StatusCode::OK))
}

/// GetObjectLockConfiguration.
pub(crate) fn get_configuration(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let configuration = bucket.object_lock.ok_or_else(|| {
        S3Error::new(
            "ObjectLockConfigurationNotFoundError",
            404,
            "Object Lock configuration does not exist for this bucket",
        )
        .with("BucketName", bucket.name.clone())
    })?;
    let mut document = XmlWriter::document();
    document.open_root("ObjectLockConfiguration");
    document.text("ObjectLockEnabled", "Enabled");
    if let Some(default) = configuration.default {
        document.open("Rule");
        document.open("DefaultRetention");
        document.text("Mode", default.mode.name());
        match default.period {
            Period::Days(days) => document.text("Days", &days.to_string()),
            Period::Years(years) => document.text("Years", &years.to_string()),
        }
        document.close("DefaultRetention");
        document.close("Rule");
    }
    document.close("ObjectLockConfiguration");
    Ok(xml(document.finish()))
}

/// PutObjectRetention: retention may be prolonged; anything else is a way round it.
pub(crate) fn put_retention(exchange: &mut Exchange<'_>) -> Answer {
    let root = Element::parse_root(&exchange.request.body, "Retention")?;
    let wanted = RequestedLock {
        mode: root.child_text("Mode").map(str::to_owned),
        until: root.child_text("RetainUntilDate").map(str::to_owned),
        legal_hold: None,
    };
    let now = exchange.state.now();
    let (place_version, version_id) = {
        let (bucket, version) = exchange.require_object(Facts {
            lock: Some(&wanted),
            ..Facts::default()
        })?;
        if bucket.object_lock.is_none() {
            return Err(no_configuration());
        }
        (version.clone(), version.version_id.clone())
    };
    let new = match (&wanted.mode, &wanted.until) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(read_retention(mode, until, now).map_err(|error| S3Error {
            details: Vec::new(),
            ..error
        })?),
        _ => return Err(S3Error::fixed("MalformedXML")),
    };
    let lowered = place_version
        .lock
        .retention
        .filter(|old| old.until > now)
        .filter(|old| match new {
            None => true,
            Some(new) => new.until < old.until || (old.mode != new.mode && new.mode == Mode::Governance),
        });
    match lowered {
        None => {}
        Some(old) if old.mode == Mode::Compliance => return Err(locked()),
        Some(_) => {
            let bucket = exchange.bucket()?;
            let (_, key) = exchange.names();
            check_bypass(
                exchange,
                Place {
                    bucket,
                    key: Some(key),
                    existing: Some(&place_version),
                    version_id: None,
                },
            )?;
        }
    }
    change(exchange, &version_id, |lock| lock.retention = new)
}

/// GetObjectRetention.
pub(crate) fn get_retention(exchange: &mut Exchange<'_>) -> Answer {
    let (bucket, version) = exchange.require_object(Facts::default())?;
    if bucket.object_lock.is_none() {
        return Err(no_configuration());
    }
    let retention = version.lock.retention.ok_or_else(no_lock)?;
    let mut document = XmlWriter::document();
    document.open_root("Retention");
    document.text("Mode", retention.mode.name());
    document.text("RetainUntilDate", &iso_time(retention.until));
    document.close("Retention");
    Ok(xml(document.finish()))
}

/// PutObjectLegalHold.
pub(crate) fn put_legal_hold(exchange: &mut Exchange<'_>) -> Answer {
    let root = Element::parse_root(&exchange.request.body, "LegalHold")?;
    let wanted = RequestedLock {
        legal_hold: root.child_text("Status").map(str::to_owned),
        ..RequestedLock::default()
    };
    let version_id = {
        let (bucket, version) = exchange.require_object(Facts {
            lock: Some(&wanted),
            ..Facts::default()
        })?;
        if bucket.object_lock.is_none() {
            return Err(no_configuration());
        }
        version.version_id.clone()
    };
    let hold = wanted
        .legal_hold
        .as_deref()
        .and_then(read_hold)
        .ok_or_else(|| S3Error::fixed("MalformedXML"))?;
    change(exchange, &version_id, |lock| lock.legal_hold = Some(hold))
}

/// GetObjectLegalHold.
pub(crate) fn get_legal_hold(exchange: &mut Exchange<'_>) -> Answer {
    let (bucket, version) = exchange.require_object(Facts::default())?;
    if bucket.object_lock.is_none() {
        return Err(no_configuration());
    }
    let hold = version.lock.legal_hold.ok_or_else(no_lock)?;
    let mut document = XmlWriter::document();
    document.open_root("LegalHold");
    document.text("Status", if hold { "ON" } else { "OFF" });
    document.close("LegalHold");
    Ok(xml(document.finish()))
}

fn no_lock() -> S3Error {
    S3Error::new(
        "NoSuchObjectLockConfiguration",
        404,
        "The specified object does not have a ObjectLock configuration",
    )
}

fn change(exchange: &mut Exchange<'_>, version_id: &str, change: impl FnOnce(&mut Lock)) -> Answer {
    let (_, key) = super::write::owned_names(exchange);
    let version = exchange
        .bucket_mut()?
        .version_mut(&key, Some(version_id))
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    change(&mut version.lock);
    Ok(empty(StatusCode::OK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_say() {
        let now: Timestamp = "2025-01-08T00:00:00Z".parse().expect("a literal time");
        let lock = |mode: Option<&str>, until: Option<&str>, hold: Option<&str>| RequestedLock {
            mode: mode.map(str::to_owned),
            until: until.map(str::to_owned),
            legal_hold: hold.map(str::to_owned),
        };
        let later = Some("2025-01-18T12:00:00Z");
        let good = lock(Some("GOVERNANCE"), later, Some("ON"));
        assert_eq!(good.remaining_days(now), Some(10));
        let read = good.read(now).expect("legal headers");
        assert!(read.has_hold());
        assert_eq!(read.retention.map(|retention| retention.mode), Some(Mode::Governance));
        assert_eq!(lock(None, None, None).read(now), Ok(Lock::default()));
        for bad in [
            lock(Some("GOVERNANCE"), None, None),
            lock(None, later, None),
            lock(Some("governance"), later, None),
            lock(Some("COMPLIANCE"), Some("2025-01-08T00:00:00Z"), None),
            lock(Some("COMPLIANCE"), Some("soon"), None),
            lock(None, None, Some("on")),
        ] {
            assert_eq!(
                bad.read(now).map_err(|error| error.code).unwrap_err(),
                "InvalidArgument",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn default_periods() {
        let now: Timestamp = "2024-02-29T00:00:00Z".parse().expect("a literal time");
        for (period, until) in [
            (Period::Days(1), "2024-03-01T00:00:00Z"),
            (Period::Years(1), "2025-02-28T00:00:00Z"),
        ] {
            let default = DefaultRetention {
                mode: Mode::Compliance,
                period,
            };
            let retention = default.from(now).expect("a date of the calendar");
            assert_eq!(retention.until.to_string(), until);
        }
        let forever = DefaultRetention {
            mode: Mode::Compliance,
            period: Period::Years(u32::MAX),
        };
        assert_eq!(forever.from(now), None);
    }
}
