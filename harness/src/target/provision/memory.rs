//! Builds a world out of one that was built before: what both have stays, and only what differs is sent. For shrinking, which asks about
//! hundreds of worlds that each differ in one part from the smallest one so far, on a target whose state can be gone back to.
//!
//! The calls that build a world are written down in two parts, up to the first key policy and from there on, and the state is kept after
//! each. Building another world walks along them: a call that is there is answered from the page. One whose document alone differs, and
//! one that undoes something that the other world does not have, are sent to the state that was kept: the last one, or where key policies
//! differ, which may lock the provisioner out, the one before them. Any other difference, and any refusal on this way, means that the world
//! is built whole.

use std::sync::{Arc, Mutex, PoisonError};

use countersign_emulator::{Emulator, Snapshot};
use countersign_model::name::{AccountId, Region};
use serde_json::{Map, Value, json};

use super::Provisioner;
use crate::target::TargetError;
use crate::target::driver::Answer;

/// A world as it was built.
#[derive(Debug, Clone)]
pub(in crate::target) struct Memory {
    /// The calls before the first key policy.
    made: Vec<Made>,
    /// A state after those of this world or another, and what it lacks to be that of this one. Whoever sends what it lacks puts the
    /// better state in its place.
    open: Arc<Mutex<(Snapshot, Vec<Edit>)>>,
    /// Key policies, and states that are arranged.
    closing: Vec<Made>,
    /// The state after all.
    closed: Snapshot,
}

impl Memory {
    fn open_state(&self) -> (Snapshot, Vec<Edit>) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A call that built a part of the world, and its answer.
#[derive(Debug, Clone)]
struct Made {
    account: AccountId,
    region: Region,
    call: String,
    with: Map<String, Value>,
    answer: Answer,
}

impl Made {
    fn is(&self, account: &AccountId, region: &Region, call: &str) -> bool {
        self.account == *account && self.region == *region && self.call == call
    }
}

/// What a provisioner remembers, and where it is.
#[derive(Debug)]
pub(in crate::target) struct Recall<'a> {
    emulator: &'a Emulator,
    phase: Phase<'a>,
    made: Vec<Made>,
    closing: Vec<Made>,
    /// The state before the first key policy, once it is reached, and what it lacks.
    open: Option<(Snapshot, Vec<Edit>)>,
    /// The state in the end.
    closed: Option<Snapshot>,
}

#[derive(Debug)]
enum Phase<'a> {
    /// Walks along another world's calls; nothing is sent yet.
    Walking {
        before: &'a Memory,
        at: usize,
        /// Places of the calls that this world goes without.
        gone: Vec<usize>,
        /// Calls that say something else in this world.
        put: Vec<Edit>,
    },
    /// Walks along the key policies, with the edits that are to be sent.
    Closing { before: &'a Memory, edits: Vec<Edit> },
    /// Sends every call.
    Sending,
}

/// Where the answer to a call comes from.
pub(super) enum Source {
    /// From the page.
    Page(Answer),
    /// From the target.
    Target,
    /// From the target, which has to be brought before the first key policy first.
    Elsewhere,
}

/// A call that makes one world another.
#[derive(Debug, Clone)]
struct Edit {
    account: AccountId,
    region: Region,
    call: String,
    with: Map<String, Value>,
}

/// Calls that put a document under a name in place of what was there: what they say is sent again, and the names that say where.
const REPLACE: &[(&str, &[&str])] = &[
    ("iam:CreatePolicy", &["PolicyName"]),
    ("iam:PutGroupPolicy", &["GroupName", "PolicyName"]),
    ("iam:PutRolePolicy", &["RoleName", "PolicyName"]),
    ("iam:PutUserPolicy", &["UserName", "PolicyName"]),
    ("iam:UpdateAssumeRolePolicy", &["RoleName"]),
    ("s3:PutBucketEncryption", &["Bucket"]),
    ("s3:PutBucketPolicy", &["Bucket"]),
    ("s3:PutBucketTagging", &["Bucket"]),
];

/// Calls that another one undoes, with the members that it takes.
const UNDO: &[(&str, &str, &[&str])] = &[
    (
        "iam:AddUserToGroup",
        "iam:RemoveUserFromGroup",
        &["GroupName", "UserName"],
    ),
    (
        "iam:AttachGroupPolicy",
        "iam:DetachGroupPolicy",
        &["GroupName", "PolicyArn"],
    ),
    (
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        &["RoleName", "PolicyArn"],
    ),
    (
        "iam:AttachUserPolicy",
        "iam:DetachUserPolicy",
        &["UserName", "PolicyArn"],
    ),
    ("iam:CreateGroup", "iam:DeleteGroup", &["GroupName"]),
    ("iam:CreateRole", "iam:DeleteRole", &["RoleName"]),
    ("iam:CreateUser", "iam:DeleteUser", &["UserName"]),
    (
        "iam:PutGroupPolicy",
        "iam:DeleteGroupPolicy",
        &["GroupName", "PolicyName"],
    ),
    (
        "iam:PutRolePermissionsBoundary",
        "iam:DeleteRolePermissionsBoundary",
        &["RoleName"],
    ),
    ("iam:PutRolePolicy", "iam:DeleteRolePolicy", &["RoleName", "PolicyName"]),
    (
        "iam:PutUserPermissionsBoundary",
        "iam:DeleteUserPermissionsBoundary",
        &["UserName"],
    ),
    ("iam:PutUserPolicy", "iam:DeleteUserPolicy", &["UserName", "PolicyName"]),
    ("kms:CreateAlias", "kms:DeleteAlias", &["AliasName"]),
    ("s3:CreateBucket", "s3:DeleteBucket", &["Bucket"]),
    ("s3:PutBucketEncryption", "s3:DeleteBucketEncryption", &["Bucket"]),
    ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", &["Bucket"]),
    ("s3:PutBucketTagging", "s3:DeleteBucketTagging", &["Bucket"]),
    ("s3:PutObject", "s3:DeleteObject", &["Bucket", "Key"]),
];

/// Settings that go with the thing that they are about, under the member that names it, and the calls that make the thing. Undone together
/// with it or not at all.
const GO_WITH: &[(&str, &str, &str)] = &[
    ("iam:UpdateAssumeRolePolicy", "iam:CreateRole", "RoleName"),
    ("s3:DeleteBucketPolicy", "s3:CreateBucket", "Bucket"),
    ("s3:PutBucketAbac", "s3:CreateBucket", "Bucket"),
    ("s3:PutBucketAcl", "s3:CreateBucket", "Bucket"),
    ("s3:PutBucketOwnershipControls", "s3:CreateBucket", "Bucket"),
    ("s3:PutBucketRequestPayment", "s3:CreateBucket", "Bucket"),
    ("s3:PutPublicAccessBlock", "s3:CreateBucket", "Bucket"),
];

impl<'a> Recall<'a> {
    /// Remembers what is built, out of what was built before where there is something.
    pub(in crate::target) fn new(emulator: &'a Emulator, before: Option<&'a Memory>) -> Self {
        Self {
            emulator,
            phase: before.map_or(Phase::Sending, |before| Phase::Walking {
                before,
                at: 0,
                gone: Vec::new(),
                put: Vec::new(),
            }),
            made: Vec::new(),
            closing: Vec::new(),
            open: None,
            closed: None,
        }
    }

    /// What was remembered of the whole world.
    pub(super) fn into_memory(self) -> Option<Memory> {
        Some(Memory {
            made: self.made,
            open: Arc::new(Mutex::new(self.open?)),
            closing: self.closing,
            closed: self.closed?,
        })
    }
}

impl Provisioner<'_> {
    /// Where the answer to a call comes from.
    ///
    /// # Errors
    /// [`TargetError::Adapter`] when this world cannot be made of the other one.
    pub(super) fn recalled(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Source, TargetError> {
        let Some(recall) = &mut self.recall else {
            return Ok(Source::Target);
        };
        match &mut recall.phase {
            Phase::Sending => Ok(Source::Target),
            Phase::Walking { before, at, gone, put } => {
                let rest = before.made.get(*at..).unwrap_or_default();
                let (skipped, found, replaced) =
                    place_of(rest, account, region, call, with).ok_or_else(another_world)?;
                gone.extend(*at..*at + skipped);
                if replaced {
                    put.push(replacing(found, with).ok_or_else(another_world)?);
                }
                *at += skipped + 1;
                recall.made.push(Made {
                    with: with.clone(),
                    ..found.clone()
                });
                Ok(Source::Page(found.answer.clone()))
            }
            Phase::Closing { before, .. } => {
                let next = before.closing.get(recall.closing.len());
                let Some(found) = next.filter(|made| made.is(account, region, call) && made.with == *with) else {
                    return Ok(Source::Elsewhere);
                };
                recall.closing.push(found.clone());
                Ok(Source::Page(found.answer.clone()))
            }
        }
    }

    /// Writes down a call that was sent.
    pub(super) fn remember(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
        answer: &Answer,
    ) {
        if let Some(recall) = &mut self.recall {
            let page = if recall.open.is_none() {
                &mut recall.made
            } else {
                &mut recall.closing
            };
            page.push(Made {
                account: account.clone(),
                region: region.clone(),
                call: call.to_owned(),
                with: with.clone(),
                answer: answer.clone(),
            });
        }
    }

    /// Key policies come now.
    ///
    /// # Errors
    /// [`TargetError::Adapter`] when this world cannot be made of the other one.
    pub(super) fn before_key_policies(&mut self) -> Result<(), TargetError> {
        let Some(recall) = &mut self.recall else { return Ok(()) };
        match std::mem::replace(&mut recall.phase, Phase::Sending) {
            Phase::Walking {
                before,
                at,
                mut gone,
                put,
            } => {
                gone.extend(at..before.made.len());
                let gone: Vec<&Made> = gone.iter().filter_map(|place| before.made.get(*place)).collect();
                let undone = undoing(&before.made, &gone).ok_or_else(another_world)?;
                // What is said anew first; then what is taken away, the last first.
                let edits = put.into_iter().chain(undone.into_iter().rev()).collect();
                recall.phase = Phase::Closing { before, edits };
            }
            phase => {
                recall.phase = phase;
                recall.open = Some((recall.emulator.snapshot(), Vec::new()));
            }
        }
        Ok(())
    }

    /// The world is complete: what was only walked along becomes the state of the target, and all is kept.
    ///
    /// # Errors
    /// What a call that makes one world the other comes to.
    pub(super) async fn come_true(&mut self) -> Result<(), TargetError> {
        let Some(recall) = &mut self.recall else { return Ok(()) };
        if let Phase::Closing { before, edits } = &recall.phase {
            let before = *before;
            // Grants and aliases are the key policy's business.
            let by_policy = edits.iter().any(|edit| edit.call.starts_with("kms:"));
            if recall.closing.len() < before.closing.len() || by_policy {
                Box::pin(self.go_before_key_policies()).await?;
            } else {
                let edits = edits.clone();
                recall.phase = Phase::Sending;
                let (open, mut owed) = before.open_state();
                owed.extend(edits.iter().cloned());
                recall.open = Some((open, owed));
                recall.emulator.restore(&before.closed);
                Box::pin(self.send_edits(&edits)).await?;
            }
        }
        if let Some(recall) = &mut self.recall {
            recall.closed = Some(recall.emulator.snapshot());
        }
        Ok(())
    }

    /// Brings the target before the first key policy of this world and sends those that were only walked along.
    ///
    /// # Errors
    /// As for [`Provisioner::come_true`].
    pub(super) async fn go_before_key_policies(&mut self) -> Result<(), TargetError> {
        let Some(recall) = &mut self.recall else { return Ok(()) };
        let Phase::Closing { before, edits } = std::mem::replace(&mut recall.phase, Phase::Sending) else {
            return Ok(());
        };
        let (open, owed) = before.open_state();
        recall.emulator.restore(&open);
        let (emulator, walked) = (recall.emulator, recall.closing.clone());
        Box::pin(self.send_edits(&owed)).await?;
        if !owed.is_empty() {
            *before.open.lock().unwrap_or_else(PoisonError::into_inner) = (emulator.snapshot(), Vec::new());
        }
        Box::pin(self.send_edits(&edits)).await?;
        if let Some(recall) = &mut self.recall {
            recall.open = Some((recall.emulator.snapshot(), Vec::new()));
        }
        for made in walked {
            if made.call == ARRANGE {
                Box::pin(self.arrange(&made.with)).await?;
                continue;
            }
            let answer = Box::pin(self.send(&made.account, &made.region, &made.call, &made.with)).await?;
            if answer.result.is_err() {
                return Err(another_world());
            }
        }
        Ok(())
    }

    async fn send_edits(&mut self, edits: &[Edit]) -> Result<(), TargetError> {
        for edit in edits {
            let answer = Box::pin(self.send(&edit.account, &edit.region, &edit.call, &edit.with)).await?;
            if answer.result.is_err() {
                return Err(another_world());
            }
        }
        Ok(())
    }
}

/// The name under which an arrangement is written down; no API has it.
pub(super) const ARRANGE: &str = "arrange";

/// The call that puts other parameters in place of those of one that was made.
fn replacing(made: &Made, with: &Map<String, Value>) -> Option<Edit> {
    let told = |with: &Map<String, Value>| {
        let rules = with.get("ServerSideEncryptionConfiguration");
        rules.is_some_and(|rules| rules.to_string().contains("BlockedEncryptionTypes"))
    };
    // What is blocked stays blocked until somebody says otherwise.
    if told(&made.with) || told(with) {
        return None;
    }
    let (call, with) = if made.call == "iam:CreatePolicy" {
        let output = made.answer.result.as_ref().ok()?;
        let version = json!({
            "PolicyArn": output.pointer("/Policy/Arn")?,
            "PolicyDocument": with.get("PolicyDocument")?,
            "SetAsDefault": true,
        });
        ("iam:CreatePolicyVersion", version.as_object()?.clone())
    } else {
        (made.call.as_str(), with.clone())
    };
    Some(Edit {
        account: made.account.clone(),
        region: made.region.clone(),
        call: call.to_owned(),
        with,
    })
}

/// Where a call stands among those that follow, whether it has to be sent again, and how many are left out before it.
fn place_of<'m>(
    rest: &'m [Made],
    account: &AccountId,
    region: &Region,
    call: &str,
    with: &Map<String, Value>,
) -> Option<(usize, &'m Made, bool)> {
    let candidates = || {
        rest.iter()
            .enumerate()
            .filter(|(_, made)| made.is(account, region, call))
    };
    if let Some((skipped, made)) = candidates().find(|(_, made)| made.with == *with) {
        return Some((skipped, made, false));
    }
    let (_, names) = REPLACE.iter().find(|(replacing, _)| *replacing == call)?;
    let (skipped, made) =
        candidates().find(|(_, made)| names.iter().all(|name| made.with.get(*name) == with.get(*name)))?;
    Some((skipped, made, true))
}

/// The calls that undo these; none where one of them cannot be undone alone.
fn undoing(all: &[Made], gone: &[&Made]) -> Option<Vec<Edit>> {
    let same = |one: &Made, other: &Made, member: &str| one.with.get(member) == other.with.get(member);
    let mut edits = Vec::new();
    for made in gone {
        if let Some((_, maker, name)) = GO_WITH.iter().find(|(call, ..)| *call == made.call) {
            gone.iter()
                .find(|other| other.call == *maker && same(other, made, name))?;
            continue;
        }
        // Deleted, a version of it would stay.
        let keeps_versions = |other: &Made| other.call == "s3:PutBucketVersioning" && same(other, made, "Bucket");
        if made.call == "s3:PutObject" && all.iter().any(keeps_versions) {
            return None;
        }
        let mut with = Map::new();
        let call = if made.call == "kms:CreateGrant" {
            let output = made.answer.result.as_ref().ok()?;
            with.insert("KeyId".to_owned(), made.with.get("KeyId")?.clone());
            with.insert("GrantId".to_owned(), output.get("GrantId")?.clone());
            "kms:RevokeGrant"
        } else if made.call == "iam:CreatePolicy" {
            let output = made.answer.result.as_ref().ok()?;
            with.insert("PolicyArn".to_owned(), output.pointer("/Policy/Arn")?.clone());
            "iam:DeletePolicy"
        } else {
            let (_, undo, members) = UNDO.iter().find(|(call, ..)| *call == made.call)?;
            for member in *members {
                with.insert((*member).to_owned(), made.with.get(*member)?.clone());
            }
            undo
        };
        edits.push(Edit {
            account: made.account.clone(),
            region: made.region.clone(),
            call: call.to_owned(),
            with,
        });
    }
    Some(edits)
}

/// The mark of a world that is built whole; nobody sees it but the one who falls back.
fn another_world() -> TargetError {
    TargetError::adapter("this world is not made of the one before it")
}
