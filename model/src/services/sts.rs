//! STS: who am I, and AssumeRole under the role's trust policy (`iam:L-70`…`iam:L-80`). The credentials themselves are not modelled.

use serde_json::json;

use super::{Call, request_tag_keys};
use crate::context::Context;
use crate::evaluate::Caller;
use crate::name::{AccountId, Arn};
use crate::policy::{Document, PolicyErrorKind, PolicyKind};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::policy::{StoredPolicy, managed};
use crate::world::state::State;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

/// Runs one STS operation.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let mut call = Call {
        state,
        trace,
        actor,
        with,
        denied_code: "AccessDenied",
        denied_status: 403,
    };
    match name {
        "GetCallerIdentity" => call.get_caller_identity(),
        "AssumeRole" => call.assume_role(),
        other => Err(StepError::Operation(format!("sts:{other}")).into()),
    }
}

impl Call<'_> {
    /// Always answers, even under a Deny (`iam:L-80`).
    fn get_caller_identity(&mut self) -> Answer {
        let account = self.own_account()?;
        self.authorize("sts:GetCallerIdentity", "*".to_owned(), Context::new())?;
        let id = self
            .actor
            .keys
            .text("aws:userid")
            .map(str::to_owned)
            .unwrap_or_default();
        Ok(json!({"Account": account, "Arn": self.actor.caller.message_name(), "UserId": id}))
    }

    fn assume_role(&mut self) -> Answer {
        let arn = self.with.needed_text("RoleArn")?.to_owned();
        let session = self.with.needed_text("RoleSessionName")?.to_owned();
        if session.len() < 2 || session.len() > 64 || !session.bytes().all(is_session_character) {
            return Err(Refusal::error("ValidationError", 400, None).into());
        }
        if matches!(self.actor.caller, Caller::Root { .. }) {
            self.trace.rule("iam:L-63");
            return Err(Refusal::error(
                "AccessDenied",
                403,
                "Roles may not be assumed by root accounts.".to_owned(),
            )
            .into());
        }
        let Some(owner) = Arn::new(arn.as_str()).ok().and_then(|arn| arn.account()) else {
            return Err(Refusal::error("ValidationError", 400, format!("{arn} is invalid")).into());
        };
        let (trust, keys) = self.trust_and_keys(&arn, &owner, &session)?;
        self.authorize_trust("sts:AssumeRole", arn.clone(), &owner, &trust, keys.clone())?;
        // Tags and a source identity are permissions of their own (iam:L-74).
        if !self.with.structures("Tags")?.is_empty() {
            self.trace.rule("iam:L-74");
            self.authorize_trust("sts:TagSession", arn.clone(), &owner, &trust, keys.clone())?;
        }
        // A source identity goes with the session through every role it takes (iam:K-90).
        if self.with.has("SourceIdentity") || self.actor.keys.text("aws:SourceIdentity").is_some() {
            self.trace.rule("iam:L-74");
            self.authorize_trust("sts:SetSourceIdentity", arn.clone(), &owner, &trust, keys)?;
        }
        self.keep_source_identity()?;
        self.check_session_policies()?;
        let name = arn.rsplit('/').next().unwrap_or_default();
        Ok(json!({"AssumedRoleUser": {"Arn": format!("arn:aws:sts::{owner}:assumed-role/{name}/{session}")}}))
    }

    /// Once set, a source identity cannot be changed, only carried on (`iam:K-24`, `iam:K-90`); AWS's words are not known. Told to those
    /// who may assume the role otherwise.
    fn keep_source_identity(&mut self) -> Result<(), Stop> {
        let carried = self.actor.keys.text("aws:SourceIdentity");
        match (carried, self.with.text("SourceIdentity")?) {
            (Some(carried), Some(asked)) if carried != asked => {
                self.trace.rule("iam:K-90");
                Err(Refusal::denied("AccessDenied", 403, None, None).into())
            }
            _ => Ok(()),
        }
    }

    /// The trust policy of the role (silent about everything if there is no such role), and the keys of the request (`iam:5.3`).
    fn trust_and_keys(&self, arn: &str, owner: &AccountId, session: &str) -> Result<(StoredPolicy, Context), Stop> {
        let tags = self.with.tags("Tags", "Key", "Value")?.unwrap_or_default();
        let mut keys = if tags.is_empty() {
            Context::new()
        } else {
            request_tag_keys(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        };
        keys.set("sts:RoleSessionName", session);
        for (parameter, key) in [
            ("ExternalId", "sts:ExternalId"),
            ("SourceIdentity", "sts:SourceIdentity"),
        ] {
            if let Some(text) = self.with.text(parameter)? {
                keys.set(key, text);
            }
        }
        if let Some(names) = self.with.texts("TransitiveTagKeys")? {
            keys.set("sts:TransitiveTagKeys", names);
        }
        let name = arn.rsplit('/').next().unwrap_or_default();
        let role = self
            .state
            .role(owner, name)
            .filter(|role| format!("arn:aws:iam::{owner}:role{}{name}", role.path) == *arn);
        let Some(role) = role else {
            return Ok((StoredPolicy::silent(Document::empty(PolicyKind::Trust)), keys));
        };
        let own = role.tags.effective(&self.state.clock);
        keys.set_family(
            "aws:ResourceTag/",
            own.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        );
        Ok((role.trust.effective(&self.state.clock).as_ref().clone(), keys))
    }

    /// Session policies are looked at after the permission to assume (`iam:G-80`).
    fn check_session_policies(&mut self) -> Result<(), Stop> {
        if let Some(text) = self.with.policy("Policy")? {
            StoredPolicy::save(self.state, &text, PolicyKind::Session).map_err(|error| {
                self.trace.rules.insert(error.rule.clone());
                let message = (!error.message.is_empty()).then(|| error.message.clone());
                let code = match error.kind {
                    PolicyErrorKind::PackedTooLarge | PolicyErrorKind::TooLong => "PackedPolicyTooLarge",
                    PolicyErrorKind::Characters => "ValidationError",
                    PolicyErrorKind::Malformed | PolicyErrorKind::InvalidPrincipal => "MalformedPolicyDocument",
                };
                Stop::from(Refusal::error(code, 400, message))
            })?;
        }
        for entry in self.with.structures("PolicyArns")? {
            let arn = entry.needed_text("arn")?;
            if managed(self.state, arn).is_none() {
                return Err(Refusal::error("MalformedPolicyDocument", 400, None).into());
            }
        }
        Ok(())
    }
}

fn is_session_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b',' | b'.' | b'@' | b'-')
}
