//! The rails: every request of a live run is looked at before it leaves. What would touch something that is not the run's, shut the
//! provisioner out or go over a ceiling is not sent; what makes something is in the journal first.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::account::Provisioner;
use super::journal::{Entry, Event, Journal, JournalError, Kind, Resource};
use super::options::{GLOBAL_REGION, LiveError, LiveOptions, NAME_PREFIX, TAG};
use super::policy::{keeps, with_provisioner};
use super::request::{Wire, read};
use crate::target::TargetError;

/// Operations of KMS that need no key of the run.
const KMS_FREE: [&str; 4] = ["GenerateRandom", "ListAliases", "ListKeys", "DescribeCustomKeyStores"];
/// What no live run sends, whoever asks: it costs, or cannot be taken back, or is not the run's alone.
const KMS_NEVER: [&str; 10] = [
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DisconnectCustomKeyStore",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RotateKeyOnDemand",
    "UpdateCustomKeyStore",
    "UpdatePrimaryRegion",
];
/// Parameters that name an entity of IAM.
const IAM_NAMES: [&str; 3] = ["GroupName", "RoleName", "UserName"];

/// The rails of one run, shared by everything that sends.
#[derive(Debug)]
pub(crate) struct Rails {
    options: LiveOptions,
    provisioner: Provisioner,
    access_key_id: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    journal: Journal,
    started: Instant,
    calls: u64,
    keys: u64,
    micro_dollars: u64,
    /// Ids of the keys that are the run's.
    own_keys: BTreeSet<String>,
    /// Tokens given to keys so far.
    tokens: u64,
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

    fn permit(&self, wire: &Wire, state: &State) -> Result<Permit, TargetError> {
        match wire {
            Wire::Kms { operation, with } => self.kms(operation, with, state),
            Wire::Query { operation, with } => self.query(operation, with),
            Wire::S3 {
                reads,
                bucket,
                makes_bucket,
                deletes_bucket,
            } => {
                let Some(bucket) = bucket else {
                    return if *reads {
                        Ok(Permit::default())
                    } else {
                        Err(not_ours("a bucket"))
                    };
                };
                if !bucket.starts_with(NAME_PREFIX) {
                    return if *reads {
                        Ok(Permit::default())
                    } else {
                        Err(not_ours("a bucket"))
                    };
                }
                let resource = self.resource(Kind::Bucket, bucket);
                Ok(Permit {
                    makes: makes_bucket.then(|| resource.clone()),
                    deletes: deletes_bucket.then_some(resource),
                })
            }
            Wire::Organizations => Ok(Permit::default()),
            Wire::Other => Err(TargetError::unsupported(
                "a service other than KMS, S3, IAM and STS on AWS",
            )),
        }
    }

    fn kms(&self, operation: &str, with: &Value, state: &State) -> Result<Permit, TargetError> {
        let text = |name: &str| with.get(name).and_then(Value::as_str);
        if KMS_NEVER.contains(&operation) {
            return Err(TargetError::unsupported(format!("kms:{operation} on AWS")));
        }
        if let Some(policy) = text("Policy")
            && matches!(operation, "CreateKey" | "PutKeyPolicy")
            && !keeps(policy, &self.provisioner.arn)
        {
            return Err(TargetError::unsupported(
                "a key policy that may shut the provisioner out",
            ));
        }
        if operation == "CreateKey" {
            let tags = with.get("Tags").and_then(Value::as_array);
            let token = tags.into_iter().flatten().find_map(|tag| {
                let named = tag.get("TagKey").and_then(Value::as_str) == Some(TAG);
                tag.get("TagValue").and_then(Value::as_str).filter(|_| named)
            });
            let token = token.ok_or_else(|| TargetError::unsupported("making keys outside the world on AWS"))?;
            return Ok(Permit {
                makes: Some(self.resource(Kind::Key, token)),
                deletes: None,
            });
        }
        let own_alias = |alias: &str| {
            alias
                .rsplit_once("alias/")
                .is_some_and(|(_, name)| name.starts_with(NAME_PREFIX))
        };
        let own = |key: &str| {
            let id = key.rsplit_once("key/").map_or(key, |(_, id)| id);
            state.own_keys.contains(id) || own_alias(key)
        };
        let reads = ["Get", "List", "Describe"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        for member in ["KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"] {
            if let Some(key) = text(member)
                && !own(key)
                && !reads
                && !(key.contains("alias/aws/") && ["Encrypt", "Decrypt", "ReEncrypt"].contains(&operation))
            {
                return Err(not_ours("a key"));
            }
        }
        let named = text("KeyId").is_some() || text("TargetKeyId").is_some();
        let alias = text("AliasName");
        if let Some(alias) = alias
            && !own_alias(alias)
        {
            return Err(not_ours("an alias"));
        }
        // Decrypt finds its key in the ciphertext, RetireGrant in the token: both came from keys of the run.
        let found_otherwise = ["Decrypt", "ReEncrypt", "RetireGrant", "ListRetirableGrants"].contains(&operation);
        if !named && alias.is_none() && !reads && !found_otherwise && !KMS_FREE.contains(&operation) {
            return Err(not_ours("a key"));
        }
        let alias = alias.map(|alias| self.resource(Kind::Alias, alias));
        Ok(match operation {
            "CreateAlias" => Permit {
                makes: alias,
                deletes: None,
            },
            "DeleteAlias" => Permit {
                makes: None,
                deletes: alias,
            },
            _ => Permit::default(),
        })
    }

    fn query(&self, operation: &str, with: &std::collections::BTreeMap<String, String>) -> Result<Permit, TargetError> {
        let reads = ["Get", "List"].iter().any(|verb| operation.starts_with(verb));
        if reads {
            return Ok(Permit::default());
        }
        if operation.starts_with("AssumeRole") {
            let arn = with.get("RoleArn").map(String::as_str).unwrap_or_default();
            let role = arn.rsplit('/').next().unwrap_or_default();
            let ours = arn.contains(&format!(":{}:role/", self.options.account)) && role.starts_with(NAME_PREFIX);
            return if ours {
                Ok(Permit::default())
            } else {
                Err(not_ours("a role"))
            };
        }
        let named: Vec<&str> = IAM_NAMES
            .iter()
            .filter_map(|name| with.get(*name).map(String::as_str))
            .collect();
        if named.iter().any(|name| !name.starts_with(NAME_PREFIX)) {
            return Err(not_ours("a user, role or group"));
        }
        let first = named.first().copied();
        let policy = match operation {
            "CreatePolicy" => with
                .get("PolicyName")
                .filter(|name| name.starts_with(NAME_PREFIX))
                .map(|name| {
                    let path = with.get("Path").map_or("/", String::as_str);
                    format!("arn:aws:iam::{}:policy{path}{name}", self.options.account)
                }),
            "DeletePolicy" | "CreatePolicyVersion" | "DeletePolicyVersion" | "SetDefaultPolicyVersion" => with
                .get("PolicyArn")
                .filter(|arn| arn.rsplit('/').next().is_some_and(|name| name.starts_with(NAME_PREFIX)))
                .cloned(),
            _ if first.is_none() => return Err(TargetError::unsupported(format!("iam:{operation} on AWS"))),
            _ => None,
        };
        let about_policies = operation.ends_with("Policy") && matches!(operation, "CreatePolicy" | "DeletePolicy")
            || operation.contains("PolicyVersion");
        if about_policies && policy.is_none() {
            return Err(not_ours("a policy"));
        }
        if matches!(operation, "CreateUser" | "CreateRole" | "CreatePolicy") {
            let tagged = with
                .iter()
                .any(|(name, value)| name.starts_with("Tags.member.") && name.ends_with(".Key") && value == TAG);
            if !tagged {
                return Err(TargetError::unsupported(
                    "making users, roles and policies outside the world on AWS",
                ));
            }
        }
        let entity = |kind| first.map(|name| self.resource(kind, name));
        let (makes, deletes) = match operation {
            "CreateUser" => (entity(Kind::User), None),
            "CreateRole" => (entity(Kind::Role), None),
            "CreateGroup" => (entity(Kind::Group), None),
            "CreatePolicy" => (policy.map(|arn| self.resource(Kind::Policy, &arn)), None),
            "DeleteUser" => (None, entity(Kind::User)),
            "DeleteRole" => (None, entity(Kind::Role)),
            "DeleteGroup" => (None, entity(Kind::Group)),
            "DeletePolicy" => (None, policy.map(|arn| self.resource(Kind::Policy, &arn))),
            _ => (None, None),
        };
        Ok(Permit { makes, deletes })
    }
}

impl State {
    /// Counts a request, unless that goes over a ceiling.
    fn charge(&mut self, options: &LiveOptions, permit: &Permit, price: u64) -> Result<(), LiveError> {
        let ceilings = options.ceilings;
        let over = |ceiling: String| Err(LiveError::Ceiling { ceiling });
        let key = u64::from(permit.makes.as_ref().is_some_and(|made| made.kind == Kind::Key));
        if self.calls >= ceilings.calls {
            return over(format!("{} calls", ceilings.calls));
        }
        if self.started.elapsed().as_secs() >= ceilings.minutes.saturating_mul(60) {
            return over(format!("{} minutes", ceilings.minutes));
        }
        if self.keys + key > ceilings.keys {
            return over(format!("{} keys", ceilings.keys));
        }
        if self.micro_dollars.saturating_add(price) > ceilings.micro_dollars {
            return over(format!("{:.2} US dollars", ceilings.micro_dollars as f64 / 1e6));
        }
        self.calls += 1;
        self.keys += key;
        self.micro_dollars += price;
        Ok(())
    }
}

/// What a request costs at most, at list prices of the dearest Region, in millionths of a dollar. A key counts for a whole month.
pub(super) fn price_of_call(operation: &str) -> u64 {
    match operation {
        "kms:CreateKey" => 1_000_000,
        "kms:GenerateDataKeyPair" | "kms:GenerateDataKeyPairWithoutPlaintext" => 1_200,
        kms if kms.starts_with("kms:") => 15,
        s3 if s3.starts_with("s3:") => 10,
        _ => 0,
    }
}

fn price_of(wire: &Wire) -> u64 {
    match wire {
        Wire::Kms { operation, .. } => price_of_call(&format!("kms:{operation}")),
        Wire::S3 { .. } => price_of_call("s3:"),
        Wire::Query { .. } | Wire::Organizations | Wire::Other => 0,
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

fn not_ours(what: &str) -> TargetError {
    TargetError::unsupported(format!("touching {what} that is not the run's on AWS"))
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

#[cfg(test)]
mod tests {
    use super::super::options::{Ceilings, PROVISIONER_SID};
    use super::*;

    const ACCOUNT: &str = "111122223333";
    const ME: &str = "arn:aws:iam::111122223333:user/tester";

    fn rails(name: &str, ceilings: Ceilings) -> Rails {
        let folder = std::env::temp_dir().join(format!("countersign-rails-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let options = LiveOptions {
            account: countersign_model::name::AccountId::new(ACCOUNT).expect("twelve digits"),
            region: countersign_model::name::Region::new("us-east-1").expect("a Region"),
            ceilings,
            journal: folder.join("journal.jsonl"),
            run: "r".to_owned(),
            rehearsal: None,
        };
        let provisioner = Provisioner { arn: ME.to_owned() };
        Rails::new(options, provisioner, "AKIAME".to_owned()).expect("a new journal")
    }

    fn kms(operation: &str, with: &Value) -> Request<Bytes> {
        Request::post("https://kms.us-east-1.amazonaws.com/")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(Bytes::from(with.to_string()))
            .expect("a request")
    }

    fn iam(form: &str) -> Request<Bytes> {
        Request::post("https://iam.amazonaws.com/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .expect("a request")
    }

    fn s3(method: &str, path: &str) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(format!("https://s3.us-east-1.amazonaws.com{path}"))
            .body(Bytes::new())
            .expect("a request")
    }

    fn ok(body: &str) -> Response<Bytes> {
        Response::new(Bytes::from(body.to_owned()))
    }

    #[test]
    fn what_is_not_the_runs_is_not_touched() {
        let rails = rails("touch", Ceilings::default());
        let kept = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{PROVISIONER_SID}","Effect":"Allow","Principal":{{"AWS":"{ME}"}},"Action":"kms:*","Resource":"*"}}]}}"#
        );
        let held_back = [
            ("another's key", kms("ScheduleKeyDeletion", &json!({"KeyId": "theirs"}))),
            (
                "another's key by ARN",
                kms(
                    "DisableKey",
                    &json!({"KeyId": "arn:aws:kms:us-east-1:111122223333:key/theirs"}),
                ),
            ),
            (
                "another's alias",
                kms(
                    "UpdateAlias",
                    &json!({"AliasName": "alias/prod", "TargetKeyId": "theirs"}),
                ),
            ),
            ("an alias of AWS", kms("CreateGrant", &json!({"KeyId": "alias/aws/s3"}))),
            ("a key without a tag", kms("CreateKey", &json!({}))),
            ("replicas", kms("ReplicateKey", &json!({"KeyId": "own"}))),
            ("no key at all", kms("PutKeyPolicy", &json!({"Policy": kept}))),
            (
                "a policy without the provisioner",
                kms("PutKeyPolicy", &json!({"KeyId": "own", "Policy": "{\"Statement\":[]}"})),
            ),
            (
                "the lockout check",
                kms(
                    "PutKeyPolicy",
                    &json!({"KeyId": "own", "Policy": kept, "BypassPolicyLockoutSafetyCheck": true}),
                ),
            ),
            ("another's user", iam("Action=DeleteUser&UserName=admin")),
            (
                "another's role",
                iam("Action=PutRolePolicy&RoleName=admin&PolicyName=countersign-p&PolicyDocument=x"),
            ),
            ("a user without a tag", iam("Action=CreateUser&UserName=countersign-a")),
            (
                "another's policy",
                iam("Action=DeletePolicy&PolicyArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Apolicy%2Fprod"),
            ),
            (
                "account settings",
                iam("Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=6"),
            ),
            (
                "another's role in STS",
                iam("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fadmin"),
            ),
            (
                "another account's role",
                iam("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Fcountersign-r"),
            ),
            ("another's bucket", s3("DELETE", "/prod")),
            ("another's object", s3("PUT", "/prod/key")),
            (
                "the account's Block Public Access",
                s3("PUT", "/v20180820/configuration/publicAccessBlock"),
            ),
            ("a function", s3("POST", "/2015-03-31/functions")),
        ];
        rails.adopt_key("token", "own").expect("the journal can be written");
        let before = std::fs::read(rails.options.journal.as_path()).expect("it is there");
        for (what, request) in held_back {
            let answer = rails.admit(&request, "us-east-1");
            assert!(
                matches!(answer, Err(TargetError::Unsupported { .. })),
                "{what}: {answer:?}"
            );
        }
        let elsewhere = rails.admit(&kms("ListKeys", &json!({})), "eu-west-1");
        assert!(
            matches!(elsewhere, Err(TargetError::Unsupported { .. })),
            "{elsewhere:?}"
        );
        assert_eq!(rails.spent(), (0, 0, 0));
        assert_eq!(
            std::fs::read(rails.options.journal.as_path()).expect("it is there"),
            before
        );
        for (what, request) in [
            (
                "reading another's",
                kms("DescribeKey", &json!({"KeyId": "alias/aws/s3"})),
            ),
            (
                "its own key",
                kms("PutKeyPolicy", &json!({"KeyId": "own", "Policy": kept})),
            ),
            (
                "its own alias",
                kms("DeleteAlias", &json!({"AliasName": "alias/countersign-a"})),
            ),
            (
                "its own user",
                iam("Action=PutUserPolicy&UserName=countersign-a&PolicyName=p&PolicyDocument=x"),
            ),
            ("its own bucket", s3("PUT", "/countersign-b/key")),
            ("lists", s3("GET", "/")),
        ] {
            let answer = rails.admit(&request, "us-east-1");
            assert!(answer.is_ok(), "{what}: {answer:?}");
        }
    }

    #[test]
    fn what_is_made_is_in_the_journal_before_it_is_made_and_until_it_is_gone() {
        let rails = rails("journal", Ceilings::default());
        let made = [
            (
                Kind::User,
                iam(
                    "Action=CreateUser&UserName=countersign-u&Tags.member.1.Key=countersign%3Arun&Tags.member.1.Value=r",
                ),
            ),
            (Kind::Group, iam("Action=CreateGroup&GroupName=countersign-g")),
            (Kind::Bucket, s3("PUT", "/countersign-b")),
            (
                Kind::Alias,
                kms(
                    "CreateAlias",
                    &json!({"AliasName": "alias/countersign-a", "TargetKeyId": "own"}),
                ),
            ),
            (
                Kind::Key,
                kms("CreateKey", &json!({"Tags": [{"TagKey": TAG, "TagValue": "r.1"}]})),
            ),
        ];
        rails.adopt_key("before", "own").expect("the journal can be written");
        let entry_of = |kind| {
            let journal = Journal::open(&rails.options.journal, "reader").expect("it can be read");
            let left = journal.left();
            left.into_iter()
                .find(|entry| entry.resource.kind == kind && entry.resource.name != "before")
        };
        for (kind, request) in made {
            let permit = rails.admit(&request, "us-east-1").expect("it is the run's");
            assert_eq!(
                entry_of(kind).map(|entry| entry.event),
                Some(Event::Intended),
                "{kind:?}"
            );
            let answer = ok(r#"{"KeyMetadata":{"KeyId":"new"}}"#);
            rails.answered(&permit, &answer).expect("the journal can be written");
            let entry = entry_of(kind).expect("it is there");
            assert_eq!(entry.event, Event::Made, "{kind:?}");
            assert_eq!(entry.id.as_deref(), (kind == Kind::Key).then_some("new"), "{kind:?}");
        }
        assert!(rails.own_keys().contains("new"));
        let refused = rails
            .admit(&iam("Action=CreateGroup&GroupName=countersign-h"), "us-east-1")
            .expect("it is the run's");
        let mut answer = ok("<Code>AccessDenied</Code>");
        *answer.status_mut() = http::StatusCode::FORBIDDEN;
        rails.answered(&refused, &answer).expect("the journal can be written");
        let gone = rails
            .admit(&iam("Action=DeleteUser&UserName=countersign-u"), "us-east-1")
            .expect("it is the run's");
        rails.answered(&gone, &ok("")).expect("the journal can be written");
        assert_eq!(entry_of(Kind::User), None);
        assert_eq!(rails.leftovers(), (2, 3), "two keys; a group, a bucket and an alias");
    }

    #[test]
    fn nothing_goes_over_a_ceiling() {
        let reached = |ceilings: Ceilings, allowed: usize| {
            let rails = rails("ceiling", ceilings);
            let key = kms("CreateKey", &json!({"Tags": [{"TagKey": TAG, "TagValue": "r.1"}]}));
            for _ in 0..allowed {
                rails.admit(&key, "us-east-1").expect("below the ceiling");
            }
            let answer = rails.admit(&key, "us-east-1");
            assert!(
                matches!(answer, Err(TargetError::Refused { .. })),
                "{ceilings:?}: {answer:?}"
            );
        };
        let high = Ceilings {
            keys: 100,
            calls: 100,
            minutes: 100,
            micro_dollars: 100_000_000,
        };
        reached(Ceilings { keys: 2, ..high }, 2);
        reached(Ceilings { calls: 3, ..high }, 3);
        reached(Ceilings { minutes: 0, ..high }, 0);
        reached(
            Ceilings {
                micro_dollars: 1_500_000,
                ..high
            },
            1,
        );
    }

    #[test]
    fn the_provisioners_calls_carry_what_they_owe() {
        let rails = rails("furnish", Ceilings::default());
        let furnished = |operation: &str, with: Value| {
            let mut with = with.as_object().cloned().unwrap_or_default();
            rails.furnish(operation, &mut with).map(|()| Value::Object(with))
        };
        let user = furnished("iam:CreateUser", json!({"UserName": "u"})).expect("it can be tagged");
        assert_eq!(user["Tags"], json!([{"Key": TAG, "Value": "r"}]));
        let keys: Vec<Value> = (0..2)
            .map(|_| {
                furnished("kms:CreateKey", json!({"BypassPolicyLockoutSafetyCheck": true})).expect("it can be tagged")
            })
            .collect();
        assert_ne!(keys[0]["Tags"], keys[1]["Tags"], "each key has a token of its own");
        assert_eq!(keys[0].get("BypassPolicyLockoutSafetyCheck"), None);
        let put = furnished(
            "kms:PutKeyPolicy",
            json!({"KeyId": "k", "Policy": "{\"Statement\":[]}"}),
        );
        assert!(put.is_ok_and(|put| put["Policy"].as_str().is_some_and(|policy| keeps(policy, ME))));
        let deny = json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}]});
        let locked = furnished("kms:PutKeyPolicy", json!({"KeyId": "k", "Policy": deny.to_string()}));
        assert!(matches!(locked, Err(TargetError::Unsupported { .. })), "{locked:?}");
    }
}
