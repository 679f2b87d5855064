//! Deletes what the journal lists and nothing else, as often as it is asked: names, buckets with their objects, users, roles, groups,
//! policies, and keys by scheduling their deletion. What does not carry the tag is somebody else's and stays.

use http::Method;
use serde_json::{Value, json};

use super::journal::{Entry, Event, Kind};
use super::options::{NAME_PREFIX, TAG};
use super::rails::Rails;
use super::raw::{Raw, RawFailure, RawResult, blocks, element, elements, encoded};
use crate::target::TargetError;

/// Days until a key is really deleted: as few as AWS allows.
const PENDING_DAYS: u64 = 7;
/// Pages of a list, at most.
const PAGES: usize = 1_000;

/// What to leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanOptions {
    /// Keys stay, for the next run.
    pub keep_keys: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// What is gone now, in words.
    pub gone: Vec<String>,
    /// What is still there, and why.
    pub left: Vec<String>,
    /// What was refused: it does not carry the tag.
    pub refused: Vec<String>,
    /// Keys that were left on purpose.
    pub kept: usize,
}

/// Deletes what the journal of the rails lists.
///
/// # Errors
/// [`TargetError`] when nothing can be asked any more. What AWS refuses is in the answer.
pub(crate) async fn clean(raw: &Raw, rails: &Rails, options: CleanOptions) -> Result<Cleaned, TargetError> {
    let mut cleaned = Cleaned::default();
    // Groups hold users, and users and roles hold policies; the journal's order of kinds is the order of deletion.
    for entry in rails.left() {
        if entry.resource.kind == Kind::Key && options.keep_keys && entry.id.is_some() {
            cleaned.kept += 1;
            continue;
        }
        let words = words(&entry);
        let broom = Broom {
            raw,
            rails,
            entry: &entry,
        };
        let swept = match Box::pin(broom.sweep()).await {
            // The rails hold it back: it is none of the run's.
            Err(TargetError::Unsupported { capability }) => {
                cleaned.refused.push(format!("{words}: {capability}"));
                continue;
            }
            swept => swept?,
        };
        match swept {
            Swept::Gone => {
                rails.note(Event::Gone, &entry.resource)?;
                cleaned.gone.push(words);
            }
            Swept::NotTagged => cleaned
                .refused
                .push(format!("{words} does not carry the tag `{TAG}`: it is somebody else's")),
            Swept::Refused(failure) => cleaned.left.push(format!("{words}: {failure}")),
        }
    }
    Ok(cleaned)
}

enum Swept {
    Gone,
    NotTagged,
    Refused(RawFailure),
}

struct Broom<'a> {
    raw: &'a Raw,
    rails: &'a Rails,
    entry: &'a Entry,
}

/// Stops at the first refusal that is none of an absence.
macro_rules! done {
    ($answer:expr) => {
        match $answer {
            Err(failure) if !failure.is_absence() => return Ok(Swept::Refused(failure)),
            other => other.ok(),
        }
    };
}

impl Broom<'_> {
    async fn sweep(&self) -> Result<Swept, TargetError> {
        let name = self.entry.resource.name.as_str();
        match self.entry.resource.kind {
            Kind::Alias => {
                done!(self.raw.kms("DeleteAlias", &json!({"AliasName": name})).await?);
                Ok(Swept::Gone)
            }
            Kind::Bucket => self.bucket(name).await,
            Kind::User => self.user(name).await,
            Kind::Role => self.role(name).await,
            Kind::Group => self.group(name).await,
            Kind::Policy => self.policy(name).await,
            Kind::Key => self.key(name).await,
        }
    }

    async fn bucket(&self, name: &str) -> Result<Swept, TargetError> {
        match self
            .raw
            .s3("GetBucketTagging", Method::GET, name, None, "tagging=")
            .await?
        {
            Ok(tags) if !elements(&tags, "Key").iter().any(|key| key == TAG) => return Ok(Swept::NotTagged),
            // Between a bucket and its tags a run may have ended; then it has none at all.
            Ok(_) => {}
            Err(failure) if failure.code == "NoSuchTagSet" => {}
            Err(failure) if failure.is_absence() => return Ok(Swept::Gone),
            Err(failure) => return Ok(Swept::Refused(failure)),
        }
        done!(
            self.raw
                .s3("DeleteBucketPolicy", Method::DELETE, name, None, "policy=")
                .await?
        );
        for _ in 0..PAGES {
            let Some(listed) = done!(
                self.raw
                    .s3("ListObjectVersions", Method::GET, name, None, "versions=")
                    .await?
            ) else {
                break;
            };
            let mut some = false;
            for block in blocks(&listed, "Version")
                .into_iter()
                .chain(blocks(&listed, "DeleteMarker"))
            {
                let Some(key) = element(block, "Key") else { continue };
                some = true;
                let version = element(block, "VersionId").unwrap_or_default();
                let query = if version.is_empty() {
                    String::new()
                } else {
                    format!("versionId={}", encoded(&version, false))
                };
                // A version is named: deleting it twice leaves the same.
                done!(
                    self.raw
                        .s3("DeleteObjectVersion", Method::DELETE, name, Some(&key), &query)
                        .await?
                );
            }
            if !some {
                break;
            }
        }
        done!(self.raw.s3("DeleteBucket", Method::DELETE, name, None, "").await?);
        Ok(Swept::Gone)
    }

    async fn user(&self, name: &str) -> Result<Swept, TargetError> {
        let user = ("UserName", name);
        match self.tags("ListUserTags", user).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Swept::NotTagged),
            Err(failure) if failure.is_absence() => return Ok(Swept::Gone),
            Err(failure) => return Ok(Swept::Refused(failure)),
        }
        for (list, member, delete) in [
            ("ListAccessKeys", "AccessKeyId", "DeleteAccessKey"),
            ("ListUserPolicies", "member", "DeleteUserPolicy"),
            ("ListAttachedUserPolicies", "PolicyArn", "DetachUserPolicy"),
            ("ListGroupsForUser", "GroupName", "RemoveUserFromGroup"),
        ] {
            let parameter = if member == "member" { "PolicyName" } else { member };
            let listed = done!(self.raw.query("iam", list, &[user]).await?).unwrap_or_default();
            for value in elements(&listed, member) {
                done!(self.raw.query("iam", delete, &[user, (parameter, &value)]).await?);
            }
        }
        done!(self.raw.query("iam", "DeleteUserPermissionsBoundary", &[user]).await?);
        done!(self.raw.query("iam", "DeleteUser", &[user]).await?);
        Ok(Swept::Gone)
    }

    async fn role(&self, name: &str) -> Result<Swept, TargetError> {
        let role = ("RoleName", name);
        match self.tags("ListRoleTags", role).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Swept::NotTagged),
            Err(failure) if failure.is_absence() => return Ok(Swept::Gone),
            Err(failure) => return Ok(Swept::Refused(failure)),
        }
        for (list, member, parameter, delete) in [
            ("ListRolePolicies", "member", "PolicyName", "DeleteRolePolicy"),
            ("ListAttachedRolePolicies", "PolicyArn", "PolicyArn", "DetachRolePolicy"),
        ] {
            let listed = done!(self.raw.query("iam", list, &[role]).await?).unwrap_or_default();
            for value in elements(&listed, member) {
                done!(self.raw.query("iam", delete, &[role, (parameter, &value)]).await?);
            }
        }
        done!(self.raw.query("iam", "DeleteRolePermissionsBoundary", &[role]).await?);
        done!(self.raw.query("iam", "DeleteRole", &[role]).await?);
        Ok(Swept::Gone)
    }

    /// Groups have no tags: the name, which begins with the prefix, and the journal must do.
    async fn group(&self, name: &str) -> Result<Swept, TargetError> {
        if !name.starts_with(NAME_PREFIX) {
            return Ok(Swept::NotTagged);
        }
        let group = ("GroupName", name);
        for (list, member, parameter, delete) in [
            ("GetGroup", "UserName", "UserName", "RemoveUserFromGroup"),
            ("ListGroupPolicies", "member", "PolicyName", "DeleteGroupPolicy"),
            (
                "ListAttachedGroupPolicies",
                "PolicyArn",
                "PolicyArn",
                "DetachGroupPolicy",
            ),
        ] {
            let listed = done!(self.raw.query("iam", list, &[group]).await?).unwrap_or_default();
            for value in elements(&listed, member) {
                done!(self.raw.query("iam", delete, &[group, (parameter, &value)]).await?);
            }
        }
        done!(self.raw.query("iam", "DeleteGroup", &[group]).await?);
        Ok(Swept::Gone)
    }

    async fn policy(&self, arn: &str) -> Result<Swept, TargetError> {
        let policy = ("PolicyArn", arn);
        match self.tags("ListPolicyTags", policy).await? {
            Ok(true) => {}
            Ok(false) => return Ok(Swept::NotTagged),
            Err(failure) if failure.is_absence() => return Ok(Swept::Gone),
            Err(failure) => return Ok(Swept::Refused(failure)),
        }
        let listed = done!(self.raw.query("iam", "ListPolicyVersions", &[policy]).await?).unwrap_or_default();
        for block in blocks(&listed, "member") {
            if element(block, "IsDefaultVersion").as_deref() == Some("true") {
                continue;
            }
            if let Some(version) = element(block, "VersionId") {
                let parameters = [policy, ("VersionId", version.as_str())];
                done!(self.raw.query("iam", "DeletePolicyVersion", &parameters).await?);
            }
        }
        done!(self.raw.query("iam", "DeletePolicy", &[policy]).await?);
        Ok(Swept::Gone)
    }

    /// A key whose answer was lost is found by its tag.
    async fn key(&self, token: &str) -> Result<Swept, TargetError> {
        let id = match &self.entry.id {
            Some(id) => id.clone(),
            None => match self.key_with(token).await? {
                Ok(Some(id)) => id,
                Ok(None) => return Ok(Swept::Gone),
                Err(failure) => return Ok(Swept::Refused(failure)),
            },
        };
        match self.raw.kms("ListResourceTags", &json!({"KeyId": id})).await? {
            Ok(tags) if has_tag(&tags, token) => {}
            Ok(_) => return Ok(Swept::NotTagged),
            Err(failure) if failure.is_absence() => return Ok(Swept::Gone),
            Err(failure) => return Ok(Swept::Refused(failure)),
        }
        self.rails.adopt_key(token, &id)?;
        let parameters = json!({"KeyId": id, "PendingWindowInDays": PENDING_DAYS});
        match self.raw.kms("ScheduleKeyDeletion", &parameters).await? {
            // It is waiting already.
            Err(failure) if failure.code == "KMSInvalidStateException" => {
                let described = done!(self.raw.kms("DescribeKey", &json!({"KeyId": id})).await?).unwrap_or_default();
                let state = described.pointer("/KeyMetadata/KeyState").and_then(Value::as_str);
                if state.is_some_and(|state| state.starts_with("Pending")) {
                    Ok(Swept::Gone)
                } else {
                    Ok(Swept::Refused(failure))
                }
            }
            Err(failure) if !failure.is_absence() => Ok(Swept::Refused(failure)),
            _ => Ok(Swept::Gone),
        }
    }

    async fn key_with(&self, token: &str) -> RawResult<Option<String>> {
        let mut marker: Option<String> = None;
        for _ in 0..PAGES {
            let parameters = match &marker {
                Some(marker) => json!({"Marker": marker}),
                None => json!({}),
            };
            let listed = match self.raw.kms("ListKeys", &parameters).await? {
                Ok(listed) => listed,
                Err(failure) => return Ok(Err(failure)),
            };
            let keys = listed
                .get("Keys")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            for key in keys {
                let Some(id) = key.get("KeyId").and_then(Value::as_str) else {
                    continue;
                };
                // A key whose tags cannot be read is none of the run's: those keep the provisioner.
                if let Ok(tags) = self.raw.kms("ListResourceTags", &json!({"KeyId": id})).await?
                    && has_tag(&tags, token)
                {
                    return Ok(Ok(Some(id.to_owned())));
                }
            }
            marker = listed.get("NextMarker").and_then(Value::as_str).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(Ok(None))
    }

    async fn tags(&self, operation: &str, of: (&str, &str)) -> RawResult<bool> {
        let listed = self.raw.query("iam", operation, &[of]).await?;
        Ok(listed.map(|listed| elements(&listed, "Key").iter().any(|key| key == TAG)))
    }
}

fn has_tag(tags: &Value, token: &str) -> bool {
    let tags = tags.get("Tags").and_then(Value::as_array);
    tags.into_iter().flatten().any(|tag| {
        let text = |name: &str| tag.get(name).and_then(Value::as_str);
        text("TagKey") == Some(TAG) && text("TagValue") == Some(token)
    })
}

fn words(entry: &Entry) -> String {
    let kind = match entry.resource.kind {
        Kind::Alias => "",
        Kind::Bucket => "bucket ",
        Kind::User => "user ",
        Kind::Role => "role ",
        Kind::Group => "group ",
        Kind::Policy => "policy ",
        Kind::Key => "key ",
    };
    format!("{kind}`{}`", entry.id.as_deref().unwrap_or(&entry.resource.name))
}
