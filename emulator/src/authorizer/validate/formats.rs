//! The form of actions and resources (`iam:§1.5`, `iam:§1.6`). Whether they are there at all is checked
//! elsewhere.

use super::super::arn;
use super::super::policy::{PolicyError, PolicyErrorKind};
use super::shape::{Shape, StatementShape};
use super::wording::{self, of};

/// The partition of the accounts here; `*` stands for all of them (errata `iam:G-51`). A policy that names another
/// partition is refused, and unusable where it is stored (`iam:E-09`).
const PARTITIONS: &[&str] = &["aws", "*"];

/// What an IAM resource may start with (`iam:E-11`).
const IAM_RESOURCE_TYPES: &[&str] = &[
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// S3 resources that have a Region (errata `iam:G-54`).
const S3_REGIONAL_TYPES: &[&str] = &["accesspoint/", "access-grants/"];

/// `iam:E-06`, `iam:E-07`.
pub(super) fn check_actions(statement: &StatementShape<'_>) -> Result<(), PolicyError> {
    statement
        .texts(["Action", "NotAction"])
        .try_for_each(|(action, offset)| check_action(action, offset))
}

fn check_action(action: &str, offset: usize) -> Result<(), PolicyError> {
    let refuse = |message: &str| Err(of(PolicyErrorKind::Action, message, offset));
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    };
    if name.contains(':') {
        return refuse("Actions/Condition can contain only one colon.");
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if vendor.is_empty() || !vendor.bytes().all(legal) {
        return refuse(&format!("Vendor {vendor} is not valid"));
    }
    Ok(())
}

/// `iam:E-15`: only actions of STS, and no bare `*`.
pub(super) fn check_trust_actions(statement: &StatementShape<'_>) -> Result<(), PolicyError> {
    for (action, offset) in statement.texts(["Action", "NotAction"]) {
        let is_sts = action
            .get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("sts:"));
        if !is_sts {
            let message = "AssumeRole policy may only specify STS AssumeRole actions.";
            return Err(of(PolicyErrorKind::Action, message, offset));
        }
        check_action(action, offset)?;
    }
    Ok(())
}

/// The first of `iam:E-08` to `iam:E-11` in the document.
pub(super) fn first_resource_error(shape: &Shape<'_>) -> Option<PolicyError> {
    resources(shape).find_map(|(resource, offset)| check_resource(resource, offset).err())
}

/// Where the first resource is that has `::` with fewer than five colons, or an empty service (`iam:E-03`).
pub(super) fn first_too_few_colons(shape: &Shape<'_>) -> Option<usize> {
    resources(shape)
        .find(|(resource, _)| has_too_few_colons(resource))
        .map(|(_, offset)| offset)
}

fn has_too_few_colons(resource: &str) -> bool {
    let colons = resource.bytes().filter(|byte| *byte == b':').count();
    let empty_service = resource.split(':').nth(2).is_some_and(str::is_empty);
    (colons < 5 && resource.contains("::")) || empty_service
}

/// Incomplete ARNs where nothing completes them (`iam:G-53`, `iam:OQ-6`).
pub(super) fn check_complete(shape: &Shape<'_>) -> Result<(), PolicyError> {
    match resources(shape).find(|(resource, _)| *resource != "*" && arn::split(resource).is_none()) {
        Some((_, offset)) => Err(wording::legacy_parsing(offset)),
        None => Ok(()),
    }
}

/// What becomes of an incomplete ARN in a policy that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incomplete {
    /// It is completed (`iam:G-52`), so what there is of it is checked.
    Completed,
    /// It matches nothing (errata `iam:OQ-6`).
    MatchesNothing,
    /// It makes the document unusable (`iam:G-53`).
    Refused,
}

/// What makes a resource unusable once it is stored. Where incomplete ARNs match nothing, only complete
/// ones and texts that are no ARN at all are looked at.
pub(super) fn check_stored_resources(
    statement: &StatementShape<'_>,
    incomplete: Incomplete,
) -> Result<(), PolicyError> {
    for (resource, offset) in statement.texts(["Resource", "NotResource"]) {
        let is_incomplete = resource.starts_with("arn:") && arn::split(resource).is_none();
        match incomplete {
            Incomplete::MatchesNothing if is_incomplete => continue,
            Incomplete::Refused if is_incomplete => return Err(wording::legacy_parsing(offset)),
            _ => {}
        }
        check_resource(resource, offset)?;
        // Where an incomplete ARN matches nothing, so does one whose service is empty.
        if incomplete != Incomplete::MatchesNothing && has_too_few_colons(resource) {
            return Err(wording::legacy_parsing(offset));
        }
    }
    Ok(())
}

/// Complete ARNs with an empty service, which nobody saves.
pub(super) fn check_services_named(statement: &StatementShape<'_>) -> Result<(), PolicyError> {
    let resources = statement.texts(["Resource", "NotResource"]);
    let mut complete = resources.filter(|(resource, _)| arn::split(resource).is_some());
    match complete.find(|(resource, _)| has_too_few_colons(resource)) {
        Some((_, offset)) => Err(wording::legacy_parsing(offset)),
        None => Ok(()),
    }
}

/// `iam:E-09`; missing fields are shown as `*`.
fn check_partition<'a>(
    partition: &str,
    others: impl Iterator<Item = Option<&'a str>>,
    offset: usize,
) -> Result<(), PolicyError> {
    if PARTITIONS.contains(&partition) {
        return Ok(());
    }
    let shown: Vec<&str> = others.map(|field| field.unwrap_or("*")).collect();
    let message = format!(
        "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{}\".",
        shown.join(":")
    );
    Err(of(PolicyErrorKind::Resource, &message, offset))
}

fn resources<'a>(shape: &'a Shape<'_>) -> impl Iterator<Item = (&'a str, usize)> {
    shape
        .statements
        .iter()
        .flat_map(|statement| statement.texts(["Resource", "NotResource"]))
}

fn check_resource(resource: &str, offset: usize) -> Result<(), PolicyError> {
    let refuse = |message: String| Err(of(PolicyErrorKind::Resource, &message, offset));
    if resource == "*" {
        return Ok(());
    }
    let mut fields = resource.splitn(6, ':');
    let arn_word = fields.next().unwrap_or_default();
    let Some(partition) = fields.next().filter(|_| arn_word == "arn") else {
        return refuse(format!("Resource {resource} must be in ARN format or \"*\"."));
    };
    let mut next = || fields.next();
    let (service, region, account, name) = (next(), next(), next(), next());
    check_partition(partition, [service, region, account, name].into_iter(), offset)?;
    let Some(service) = service.filter(|service| !service.contains(['*', '?'])) else {
        return refuse("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    };
    let has_region = region.is_some_and(|region| !region.is_empty());
    match service {
        "iam" if has_region => refuse(format!("IAM resource {resource} cannot contain region information.")),
        "iam" if !name.is_none_or(is_iam_resource) => refuse(format!(
            "IAM resource path must either be \"*\" or start with {}.",
            IAM_RESOURCE_TYPES.join(", ")
        )),
        "s3" if has_region && !name.is_some_and(is_regional_s3_resource) => {
            refuse(format!("Resource {resource} can not contain region information."))
        }
        _ => Ok(()),
    }
}

/// The type word may be `*`, but not a word with wildcards in it (errata `iam:G-51`); `root` is a resource too (errata
/// `iam:G-54`).
fn is_iam_resource(name: &str) -> bool {
    name == "root" || leaves_type_open(name) || IAM_RESOURCE_TYPES.iter().any(|start| name.starts_with(start))
}

fn is_regional_s3_resource(name: &str) -> bool {
    leaves_type_open(name) || S3_REGIONAL_TYPES.iter().any(|start| name.starts_with(start))
}

/// Whether nothing but stars stands for the type.
fn leaves_type_open(name: &str) -> bool {
    let word = name.split('/').next().unwrap_or_default();
    !word.is_empty() && word.trim_start_matches('*').is_empty()
}
