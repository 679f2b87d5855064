//! The rails: every request of a live run is looked at before it leaves. What would touch something that is not the run's, shut the
//! provisioner out (`permit`) or go over a ceiling (`spent`) is not sent; what makes something is in the journal first.

mod permit;
mod spent;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::account::Provisioner;
use super::journal::{Entry, Event, Journal, JournalError, Kind, Resource};
use super::options::{GLOBAL_REGION, LiveError, LiveOptions, TAG};
use super::policy::with_provisioner;
use super::request::{Wire, read};
use crate::target::TargetError;

use self::spent::{State, price_of};

pub(super) use self::spent::price_of_call;

/// The rails of one run, shared by everything that sends.
#[derive(Debug)]
pub(crate) struct Rails {
    options: LiveOptions,
    provisioner: Provisioner,
    access_key_id: String,
    state: Mutex<State>,
}

/// A request that may leave: what it makes or deletes.
#[derive(Debug, Default)]
pub(crate) struct Permit {
    makes: Option<Resource>,
    deletes: Option<Resource>,
}

impl Rails {
    /// Rails for a run, with the journal opened.
    ///
    /// # Errors
    /// [`LiveError::Journal`].
    pub(crate) fn new(
        options: LiveOptions,
        provisioner: Provisioner,
        access_key_id: String,
    ) -> Result<Self, LiveError> {
        let journal = Journal::open(&options.journal, &options.run).map_err(|error| of_journal(&options, &error))?;
        let own_keys = journal
            .left()
            .into_iter()
            .filter(|entry| entry.resource.kind == Kind::Key && entry.resource.account == options.account.as_str())
            .filter_map(|entry| entry.id)
            .collect();
        Ok(Self {
            provisioner,
            access_key_id,
            state: Mutex::new(State {
                journal,
                started: Instant::now(),
                calls: 0,
                keys: 0,
                micro_dollars: 0,
                own_keys,
                tokens: 0,
            }),
            options,
        })
    }

    /// What was allowed.
    pub(crate) fn options(&self) -> &LiveOptions {
        &self.options
    }

    /// The principal that every key policy keeps.
    pub(crate) fn provisioner(&self) -> &str {
        &self.provisioner.arn
    }

    /// Whether these are the credentials of the provisioner.
    pub(crate) fn is_provisioner(&self, access_key_id: &str) -> bool {
        self.access_key_id == access_key_id
    }

    /// Keys that are kept, and other things that are or may be there.
    pub(crate) fn leftovers(&self) -> (usize, usize) {
        let (keys, others): (Vec<Entry>, Vec<Entry>) = self
            .left()
            .into_iter()
            .partition(|entry| entry.resource.kind == Kind::Key && entry.id.is_some());
        (keys.len(), others.len())
    }

    /// Ids of the keys that are the run's or an earlier one's.
    pub(crate) fn own_keys(&self) -> BTreeSet<String> {
        self.state().own_keys.clone()
    }

    /// Keys that are there and those that may still be made.
    pub(crate) fn keys_to_be_had(&self) -> u64 {
        let state = self.state();
        let more = self.options.ceilings.keys.saturating_sub(state.keys);
        state.own_keys.len() as u64 + more
    }

    /// Calls, keys and costs so far.
    pub(crate) fn spent(&self) -> (u64, u64, u64) {
        let state = self.state();
        (state.calls, state.keys, state.micro_dollars)
    }

    /// Lets a request leave, or not. What it makes is on the disk when this returns.
    ///
    /// # Errors
    /// [`TargetError::Refused`] ends the run; [`TargetError::Unsupported`] says what cannot be done on AWS.
    pub(crate) fn admit(&self, request: &Request<Bytes>, region: &str) -> Result<Permit, TargetError> {
        let wire = read(request);
        if text_of(request).contains("BypassPolicyLockoutSafetyCheck") && bypasses(&wire) {
            return Err(TargetError::unsupported("the lockout check is never bypassed on AWS"));
        }
        let global = matches!(wire, Wire::Query { .. } | Wire::Organizations);
        if region != self.options.region.as_str() && !(global && region == GLOBAL_REGION) {
            return Err(TargetError::unsupported(format!("the Region `{region}` on AWS")));
        }
        let mut state = self.state();
        let permit = self.permit(&wire, &state)?;
        let price = price_of(&wire);
        state
            .charge(&self.options, &permit, price)
            .map_err(|error| refused(&error))?;
        if let Some(resource) = &permit.makes {
            state
                .journal
                .write(Event::Intended, resource.clone(), None)
                .map_err(|error| refused(&of_journal(&self.options, &error)))?;
        }
        Ok(permit)
    }

    /// Takes note of the answer to a request that was let through.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when the journal cannot be written.
    pub(crate) fn answered(&self, permit: &Permit, answer: &Response<Bytes>) -> Result<(), TargetError> {
        let success = answer.status().is_success();
        let mut state = self.state();
        let mut note = |event, resource: &Resource, id: Option<String>| {
            state
                .journal
                .write(event, resource.clone(), id)
                .map_err(|error| refused(&of_journal(&self.options, &error)))
        };
        if let Some(resource) = &permit.makes {
            if success {
                let id = (resource.kind == Kind::Key).then(|| key_id_of(answer)).flatten();
                note(Event::Made, resource, id.clone())?;
                state.own_keys.extend(id);
            } else if answer.status().is_client_error() && !exists_already(answer) {
                note(Event::Gone, resource, None)?;
            }
        } else if let Some(resource) = &permit.deletes
            && success
        {
            note(Event::Gone, resource, None)?;
        }
        Ok(())
    }

    /// A key of an earlier run that is still there, or one whose answer was lost, is known to be the run's.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when the journal cannot be written.
    pub(crate) fn adopt_key(&self, token: &str, id: &str) -> Result<(), TargetError> {
        let mut state = self.state();
        let resource = self.resource(Kind::Key, token);
        state
            .journal
            .write(Event::Made, resource, Some(id.to_owned()))
            .map_err(|error| refused(&of_journal(&self.options, &error)))?;
        state.own_keys.insert(id.to_owned());
        Ok(())
    }

    /// Everything that is or may be there, in the order of deletion.
    pub(super) fn left(&self) -> Vec<Entry> {
        let account = self.options.account.as_str();
        let mut left = self.state().journal.left();
        left.retain(|entry| entry.resource.account == account);
        left
    }

    /// Writes down what became of a thing.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when the journal cannot be written.
    pub(super) fn note(&self, event: Event, resource: &Resource) -> Result<(), TargetError> {
        self.state()
            .journal
            .write(event, resource.clone(), None)
            .map_err(|error| refused(&of_journal(&self.options, &error)))
    }

    /// Gives a call of the provisioner what it owes on AWS: the tag of the run, a key policy that keeps the provisioner, and never the
    /// parameter that would let one lock it out.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] for a key policy that may shut the provisioner out whatever else stands in it.
    pub(crate) fn furnish(&self, operation: &str, with: &mut Map<String, Value>) -> Result<(), TargetError> {
        with.remove("BypassPolicyLockoutSafetyCheck");
        if matches!(operation, "kms:CreateKey" | "kms:PutKeyPolicy")
            && let Some(policy) = with.get("Policy").filter(|policy| !policy.is_null())
        {
            let text = policy.as_str().map_or_else(|| policy.to_string(), str::to_owned);
            let kept = with_provisioner(&text, &self.provisioner.arn)
                .ok_or_else(|| TargetError::unsupported("a key policy that may shut the provisioner out"))?;
            with.insert("Policy".to_owned(), Value::String(kept));
        }
        let run = self.options.run.clone();
        let (key, value, tag) = match operation {
            "kms:CreateKey" => {
                let mut state = self.state();
                state.tokens += 1;
                ("TagKey", "TagValue", format!("{run}.{}", state.tokens))
            }
            "iam:CreateUser" | "iam:CreateRole" | "iam:CreatePolicy" => ("Key", "Value", run),
            "s3:PutBucketTagging" => {
                if let Some(Value::Array(tags)) = with.get_mut("Tagging").and_then(|tagging| tagging.get_mut("TagSet"))
                {
                    tags.push(json!({"Key": TAG, "Value": run}));
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let tags = with.entry("Tags").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(tags) = tags {
            tags.retain(|tag| tag.get(key).and_then(Value::as_str) != Some(TAG));
            tags.push(json!({key: TAG, value: tag}));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resource(&self, kind: Kind, name: &str) -> Resource {
        let region = match kind {
            Kind::Alias | Kind::Bucket | Kind::Key => self.options.region.as_str(),
            Kind::User | Kind::Role | Kind::Group | Kind::Policy => GLOBAL_REGION,
        };
        Resource {
            kind,
            account: self.options.account.to_string(),
            region: region.to_owned(),
            name: name.to_owned(),
        }
    }
}

fn bypasses(wire: &Wire) -> bool {
    match wire {
        Wire::Kms { with, .. } => with
            .get("BypassPolicyLockoutSafetyCheck")
            .is_some_and(|value| *value != Value::Bool(false)),
        _ => true,
    }
}

fn text_of(request: &Request<Bytes>) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(request.body())
}

fn key_id_of(answer: &Response<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    body.pointer("/KeyMetadata/KeyId")?.as_str().map(str::to_owned)
}

/// A thing that is there already was made by an attempt whose answer was lost.
fn exists_already(answer: &Response<Bytes>) -> bool {
    let text = String::from_utf8_lossy(answer.body());
    [
        "EntityAlreadyExists",
        "AlreadyExistsException",
        "BucketAlreadyOwnedByYou",
    ]
    .iter()
    .any(|code| text.contains(code))
}

pub(super) fn refused(error: &LiveError) -> TargetError {
    TargetError::Refused {
        message: error.to_string(),
        next_step: error.next_step().to_owned(),
    }
}

fn of_journal(options: &LiveOptions, error: &JournalError) -> LiveError {
    LiveError::Journal {
        path: options.journal.display().to_string(),
        reason: error.to_string(),
    }
}
