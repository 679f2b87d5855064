//! IAM's XML shapes: users, groups, roles, policies, pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::IamError;
use super::store::{Group, ManagedPolicy, Role, User};
use crate::authorizer::Policy;
use crate::protocol::XmlWriter;
use crate::protocol::query::Parameters;
use crate::state::State;

/// RFC 3986, as IAM encodes documents.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Default and highest page size.
const DEFAULT_PAGE: usize = 100;
const HIGHEST_PAGE: usize = 1000;

/// Fields of a user.
pub(super) fn user(xml: &mut XmlWriter, user: &User, with_details: bool) {
    xml.element("Path", &user.path)
        .element("UserName", &user.name)
        .element("UserId", &user.user_id)
        .element("Arn", &user.arn)
        .element("CreateDate", &date(user.created_at));
    if with_details {
        boundary(xml, user.permissions_boundary.current().as_deref());
        tags(xml, &user.tags);
    }
}

/// Fields of a group.
pub(super) fn group(xml: &mut XmlWriter, group: &Group) {
    xml.element("Path", &group.path)
        .element("GroupName", &group.name)
        .element("GroupId", &group.group_id)
        .element("Arn", &group.arn)
        .element("CreateDate", &date(group.created_at));
}

/// Fields of a role.
pub(super) fn role(xml: &mut XmlWriter, state: &State, role: &Role, with_details: bool) {
    xml.element("Path", &role.path)
        .element("RoleName", &role.name)
        .element("RoleId", &role.role_id)
        .element("Arn", &role.arn)
        .element("CreateDate", &date(role.created_at))
        .element("AssumeRolePolicyDocument", &document(role.trust.current(), state))
        .optional("Description", role.description.as_deref())
        .element("MaxSessionDuration", &role.max_session_duration.to_string());
    if with_details {
        boundary(xml, role.permissions_boundary.current().as_deref());
        tags(xml, &role.tags);
        xml.nested("RoleLastUsed", |_| {});
    }
}

/// Fields of a managed policy.
pub(super) fn managed_policy(xml: &mut XmlWriter, policy: &ManagedPolicy, counts: (usize, usize)) {
    xml.element("PolicyName", &policy.name)
        .element("PolicyId", &policy.policy_id)
        .element("Arn", &policy.arn)
        .element("Path", &policy.path)
        .element("DefaultVersionId", &format!("v{}", policy.default_version))
        .element("AttachmentCount", &counts.0.to_string())
        .element("PermissionsBoundaryUsageCount", &counts.1.to_string())
        .element("IsAttachable", "true")
        .optional("Description", policy.description.as_deref())
        .element("CreateDate", &date(policy.created_at))
        .element("UpdateDate", &date(policy.updated_at));
    tags(xml, &policy.tags);
}

/// A policy document, URL-encoded, principals that are gone as unique ids (iam:P-40).
pub(super) fn document(policy: &Policy, state: &State) -> String {
    utf8_percent_encode(&policy.displayed_text(&state.iam), DOCUMENT).to_string()
}

/// `Tags`.
pub(super) fn tags(xml: &mut XmlWriter, tags: &BTreeMap<String, String>) {
    if tags.is_empty() {
        return;
    }
    xml.nested("Tags", |list| {
        for (key, value) in tags {
            list.nested("member", |member| {
                member.element("Key", key).element("Value", value);
            });
        }
    });
}

/// An instant as the Query protocol writes it.
pub(super) fn date(instant: Timestamp) -> String {
    Timestamp::from_second(instant.as_second())
        .unwrap_or(instant)
        .to_string()
}

/// Writes one page of `items`: `<NAME><member>…`, `IsTruncated`, `Marker`.
pub(super) fn page<T>(
    xml: &mut XmlWriter,
    parameters: &Parameters,
    name: &str,
    items: &[T],
    mut write: impl FnMut(&mut XmlWriter, &T),
) -> Result<(), IamError> {
    let window = Window::read(parameters, items.len())?;
    xml.nested(name, |list| {
        for item in window.of(items) {
            list.nested("member", |member| write(member, item));
        }
    });
    window.write_end(xml);
    Ok(())
}

/// The part of a listing that one page shows.
pub(super) struct Window {
    first: usize,
    next: usize,
    total: usize,
}

impl Window {
    /// Reads `MaxItems` and `Marker` of a listing of `total` items.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(super) fn read(parameters: &Parameters, total: usize) -> Result<Self, IamError> {
        let limit = match parameters.get("MaxItems").map(str::parse::<usize>) {
            None => DEFAULT_PAGE,
            Some(Ok(limit)) if (1..=HIGHEST_PAGE).contains(&limit) => limit,
            Some(_) => return Err(IamError::new("ValidationError", "MaxItems must be between 1 and 1000.")),
        };
        let first = match parameters.get("Marker") {
            None => 0,
            Some(marker) => read_marker(marker).ok_or_else(|| IamError::new("ValidationError", "Invalid Marker."))?,
        };
        let first = first.min(total);
        Ok(Self {
            first,
            next: total.min(first.saturating_add(limit)),
            total,
        })
    }

    /// The items of the page.
    pub(super) fn of<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        &items[self.first..self.next]
    }

    /// `IsTruncated` and `Marker`.
    pub(super) fn write_end(&self, xml: &mut XmlWriter) {
        let more = self.next < self.total;
        xml.element("IsTruncated", if more { "true" } else { "false" });
        if more {
            xml.element("Marker", &format!("marker-{}", self.next));
        }
    }
}

/// [`page`] for lists whose members are plain texts.
pub(super) fn texts(
    xml: &mut XmlWriter,
    parameters: &Parameters,
    name: &str,
    items: &[String],
) -> Result<(), IamError> {
    page(xml, parameters, name, items, |xml, text| {
        xml.text(text);
    })
}

fn read_marker(marker: &str) -> Option<usize> {
    marker.strip_prefix("marker-")?.parse().ok()
}

fn boundary(xml: &mut XmlWriter, arn: Option<&str>) {
    if let Some(arn) = arn {
        xml.nested("PermissionsBoundary", |boundary| {
            boundary
                .element("PermissionsBoundaryType", "Policy")
                .element("PermissionsBoundaryArn", arn);
        });
    }
}
