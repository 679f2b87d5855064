//! Making a part of the world on a target that does not always answer: a call whose answer was lost is looked for before it is made
//! again, one that was carried out already is no refusal, and one that comes before what it needs has propagated waits.

use std::time::Duration;

use countersign_model::case::Shape;
use countersign_model::name::{AccountId, Region};
use serde_json::{Map, Value, json};

use super::{Provisioner, Source, plain};
use crate::live::{Raw, pool};
use crate::target::driver::{Answer, Call};
use crate::target::{Settling, TargetError};

/// Times a part of the world is tried whose answers are lost.
const TRIES: u32 = 8;

/// What a second call says when the first one was carried out.
const DONE_BEFORE: &[(&str, &str)] = &[
    ("backup:CreateBackupVault", "AlreadyExistsException"),
    ("iam:CreateGroup", "EntityAlreadyExists"),
    ("iam:CreatePolicy", "EntityAlreadyExists"),
    ("iam:CreateRole", "EntityAlreadyExists"),
    ("iam:CreateServiceLinkedRole", "InvalidInput"),
    ("iam:CreateUser", "EntityAlreadyExists"),
    ("kms:CreateAlias", "AlreadyExistsException"),
    // The provisioner could put the policy once: what keeps it from doing so again is that policy.
    ("kms:PutKeyPolicy", "AccessDeniedException"),
    ("kms:RevokeGrant", "NotFoundException"),
    ("kms:ScheduleKeyDeletion", "KMSInvalidStateException"),
    ("lambda:CreateFunction", "ResourceConflictException"),
    ("s3:CreateBucket", "BucketAlreadyOwnedByYou"),
];

/// What a service says while it does not see yet what was made a moment ago.
const TOO_EARLY: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "InvalidParameterValueException",
    "MalformedPolicy",
    "MalformedPolicyDocumentException",
    "NoSuchEntity",
];

impl Provisioner<'_> {
    /// Makes a call until it is known to have been carried out, or refused.
    ///
    /// # Errors
    /// [`TargetError::Ambiguous`] when that cannot be found out, and what [`crate::target::driver::Driver::call`] gives.
    pub(super) async fn make(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Answer, TargetError> {
        match self.recalled(account, region, call, with)? {
            Source::Page(answer) => return Ok(answer),
            Source::Elsewhere => Box::pin(self.go_before_key_policies()).await?,
            Source::Target => {}
        }
        if let Some(answer) = Box::pin(self.out_of_the_pool(account, call, with)).await? {
            return Ok(answer);
        }
        let answer = Box::pin(self.make_anew(account, region, call, with)).await?;
        self.remember(account, region, call, with, &answer);
        if call == "s3:CreateBucket" && answer.result.is_ok() && self.driver.line().rails().is_some() {
            // A bucket gets its tag as soon as it is there.
            let tags = object(json!({"Bucket": with.get("Bucket"), "Tagging": {"TagSet": []}}));
            self.send(account, region, "s3:PutBucketTagging", &tags).await?;
        }
        Ok(answer)
    }

    /// On AWS a key of an earlier run, if one fits.
    async fn out_of_the_pool(
        &mut self,
        account: &AccountId,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Option<Answer>, TargetError> {
        let line = std::sync::Arc::clone(self.driver.line());
        let Some(rails) = line.rails().filter(|_| call == "kms:CreateKey") else {
            return Ok(None);
        };
        let credentials = (self.means.administrator)(account)?;
        let raw = Raw::new(
            std::sync::Arc::clone(&line),
            credentials,
            rails.options().region.as_str(),
        );
        let own = rails.own_keys();
        let in_use = own
            .into_iter()
            .filter(|id| self.binding.symbol_of(id).is_some())
            .collect();
        let taken = pool::take(&raw, rails, with, &in_use).await?;
        Ok(taken.map(success))
    }

    async fn make_anew(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Answer, TargetError> {
        let mut unknown = false;
        let mut tries = 0;
        let (mut waited, mut pauses) = (Duration::ZERO, 0);
        loop {
            if unknown && let Some(output) = Box::pin(self.made_before(account, region, call, with)).await? {
                return Ok(success(output));
            }
            let answer = match self.send(account, region, call, with).await {
                Err(TargetError::Ambiguous { .. }) if tries < TRIES => {
                    tries += 1;
                    unknown = true;
                    continue;
                }
                answer => answer?,
            };
            unknown |= answer.repeated;
            let code = match &answer.result {
                Ok(_) => return Ok(answer),
                Err(failure) => failure.code.clone().unwrap_or_default(),
            };
            if unknown && DONE_BEFORE.contains(&(call, code.as_str())) {
                let output = Box::pin(self.made_before(account, region, call, with)).await?;
                return Ok(success(output.unwrap_or_default()));
            }
            match self.means.settling {
                Some(settling) if TOO_EARLY.contains(&code.as_str()) && waited < settling.within => {
                    let pause = settling.pause(pauses).min(settling.within - waited);
                    self.wait(settling, pause).await?;
                    waited += pause;
                    pauses += 1;
                }
                _ => return Ok(answer),
            }
        }
    }

    pub(super) async fn send(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Answer, TargetError> {
        let (service, name) = call.split_once(':').unwrap_or(("", call));
        let call = Call {
            service,
            name,
            with,
            region: region.as_str(),
            credentials: Some((self.means.administrator)(account)?),
            shape: Shape::Header,
            headers: Vec::new(),
        };
        match plain::call(self.driver.line(), &call).await? {
            Some(answer) => Ok(answer),
            None => self.driver.call(call).await,
        }
    }

    /// Lets time pass on the target and for its signers.
    async fn wait(&mut self, settling: Settling, time: Duration) -> Result<(), TargetError> {
        let (true, Some(control)) = (settling.case_clock, self.means.control) else {
            tokio::time::sleep(time).await;
            return Ok(());
        };
        self.clock = self
            .clock
            .checked_add(time)
            .map_err(|error| TargetError::adapter(format!("the clock cannot move: {error}")))?;
        let line = std::sync::Arc::clone(self.driver.line());
        line.facts().clock = Some(self.clock);
        let mut settings = Map::new();
        settings.insert("clock".to_owned(), json!(self.clock.to_string()));
        control.case(&line, &settings).await
    }

    /// Whether what a call was to make is there, and the output that the call would have given as far as provisioning reads it.
    async fn made_before(
        &mut self,
        account: &AccountId,
        region: &Region,
        call: &str,
        with: &Map<String, Value>,
    ) -> Result<Option<Value>, TargetError> {
        let member = |name: &str| with.get(name).cloned().unwrap_or_default();
        let (read, parameters) = match call {
            "iam:CreateUser" => ("iam:GetUser", json!({"UserName": member("UserName")})),
            "iam:CreateRole" => ("iam:GetRole", json!({"RoleName": member("RoleName")})),
            "iam:CreateServiceLinkedRole" => {
                let service = member("AWSServiceName");
                let name = self.spec.accounts.get(account).and_then(|holdings| {
                    let mut roles = holdings.roles.iter();
                    roles.find(|(_, role)| role.service_linked.as_deref() == service.as_str())
                });
                ("iam:GetRole", json!({"RoleName": name.map(|(name, _)| name)}))
            }
            "s3:PutObject" => (
                "s3:HeadObject",
                json!({"Bucket": member("Bucket"), "Key": member("Key")}),
            ),
            "kms:CreateKey" => return self.key_made_before(account, region).await,
            "kms:CreateGrant" => {
                self.drop_grant_made_before(account, region, with).await?;
                return Ok(None);
            }
            _ => return Ok(None),
        };
        let found = self.send(account, region, read, &object(parameters)).await?;
        Ok(found.result.ok())
    }

    /// The customer's key that the binding does not know: keys are made one at a time.
    async fn key_made_before(&mut self, account: &AccountId, region: &Region) -> Result<Option<Value>, TargetError> {
        let listed = self.send(account, region, "kms:ListKeys", &Map::new()).await?;
        let keys = listed.result.unwrap_or_default();
        for id in texts(&keys, "Keys", "KeyId") {
            if self.binding.symbol_of(&id).is_some() {
                continue;
            }
            let described = self
                .send(account, region, "kms:DescribeKey", &object(json!({"KeyId": id})))
                .await?;
            let customers = |output: &Value| {
                output.pointer("/KeyMetadata/KeyManager").and_then(Value::as_str) != Some("AWS")
                    && output.pointer("/KeyMetadata/KeyState").and_then(Value::as_str) != Some("PendingDeletion")
            };
            if let Ok(output) = described.result
                && customers(&output)
            {
                return Ok(Some(output));
            }
        }
        Ok(None)
    }

    /// A grant's token is shown once: a grant whose answer was lost is revoked and made anew.
    async fn drop_grant_made_before(
        &mut self,
        account: &AccountId,
        region: &Region,
        with: &Map<String, Value>,
    ) -> Result<(), TargetError> {
        let key = json!({"KeyId": with.get("KeyId")});
        let listed = self.send(account, region, "kms:ListGrants", &object(key)).await?;
        let grants = listed.result.unwrap_or_default();
        let grants = grants
            .get("Grants")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for grant in grants {
            // No name is listed as an empty one.
            let text = |of: Option<&Value>| of.and_then(Value::as_str).unwrap_or_default().to_owned();
            let same = ["GranteePrincipal", "RetiringPrincipal", "Name"]
                .iter()
                .all(|name| text(grant.get(*name)) == text(with.get(*name)));
            let id = grant.get("GrantId").and_then(Value::as_str).unwrap_or_default();
            if same && self.binding.symbol_of(id).is_none() {
                let parameters = json!({"KeyId": with.get("KeyId"), "GrantId": id});
                self.send(account, region, "kms:RevokeGrant", &object(parameters))
                    .await?;
            }
        }
        Ok(())
    }
}

fn success(output: Value) -> Answer {
    Answer {
        status: 200,
        result: Ok(output),
        repeated: true,
    }
}

fn texts(output: &Value, list: &str, member: &str) -> Vec<String> {
    let members = output.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |one: &Value| one.get(member).and_then(Value::as_str).map(str::to_owned);
    members.iter().filter_map(text).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
