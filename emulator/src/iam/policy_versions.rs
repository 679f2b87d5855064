//! Versions of managed policies: create, get, list, delete, and which one is the default.

use super::call::Call;
use super::error::IamError;
use super::managed::{find, own, read, save};
use super::render;
use super::store::{ManagedPolicy, PolicyVersion};
use crate::protocol::XmlWriter;
use crate::state::State;

/// Most versions of one managed policy (iam:§1.9).
const MOST_VERSIONS: usize = 5;

/// `iam:CreatePolicyVersion`: what is attached follows a new default version when that has propagated (svc:K-28).
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let text = call.required("PolicyDocument")?;
    let as_default = call.parameters.get("SetAsDefault") == Some("true");
    let arn = read(state, call)?;
    let managed = own(state, call, arn)?;
    let number = managed.last_version.saturating_add(1);
    let count = managed.versions.len();
    let policy = save(state, call, text)?;
    if count >= MOST_VERSIONS {
        return Err(IamError::new(
            "LimitExceeded",
            format!(
                "A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you must \
                 delete an existing version."
            ),
        ));
    }
    let when = state.change_time();
    let version = PolicyVersion {
        number,
        created_at: when.now,
        policy,
    };
    xml.nested("PolicyVersion", |xml| head(xml, &version, as_default));
    state.iam.change_policy(call.account, arn, when, |managed| {
        managed.versions.push(version);
        managed.last_version = number;
        if as_default {
            managed.default_version = number;
        }
    });
    Ok(())
}

/// `iam:GetPolicyVersion`.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let id = call.required("VersionId")?;
    let arn = read(state, call)?;
    let managed = find(state, call, arn)?;
    let version = version(managed, id)?;
    xml.nested("PolicyVersion", |xml| {
        xml.element("Document", &render::document(&version.policy, state));
        head(xml, version, version.number == managed.default_version);
    });
    Ok(())
}

/// `iam:ListPolicyVersions`, newest first.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = read(state, call)?;
    let managed = find(state, call, arn)?;
    let versions: Vec<&PolicyVersion> = managed.versions.iter().rev().collect();
    render::page(xml, call.parameters, "Versions", &versions, |xml, version| {
        head(xml, version, version.number == managed.default_version);
    })
}

/// `iam:DeletePolicyVersion`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let id = call.required("VersionId")?;
    let arn = read(state, call)?;
    let managed = own(state, call, arn)?;
    let number = version(managed, id)?.number;
    if number == managed.default_version {
        return Err(IamError::new(
            "DeleteConflict",
            "Cannot delete the default version of a policy.",
        ));
    }
    let when = state.change_time();
    state.iam.change_policy(call.account, arn, when, |managed| {
        managed.versions.retain(|version| version.number != number);
    });
    Ok(())
}

/// `iam:SetDefaultPolicyVersion`.
pub(super) fn set_default(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let id = call.required("VersionId")?;
    let arn = read(state, call)?;
    let number = version(own(state, call, arn)?, id)?.number;
    let when = state.change_time();
    state
        .iam
        .change_policy(call.account, arn, when, |managed| managed.default_version = number);
    Ok(())
}

/// What every answer says of a version.
fn head(xml: &mut XmlWriter, version: &PolicyVersion, is_default: bool) {
    xml.element("VersionId", &version.id())
        .element("IsDefaultVersion", if is_default { "true" } else { "false" })
        .element("CreateDate", &render::date(version.created_at));
}

fn version<'a>(managed: &'a ManagedPolicy, id: &str) -> Result<&'a PolicyVersion, IamError> {
    let version = managed.versions.iter().find(|version| version.id() == id);
    version.ok_or_else(|| {
        let message = format!(
            "Policy {} version {id} does not exist or is not attachable.",
            managed.arn
        );
        IamError::new("NoSuchEntity", message)
    })
}
