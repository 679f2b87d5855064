//! The changes worth trying on a denied case: data about the case, made from the trace of its failing check. None of them is known to
//! help; the search puts each to the model.

mod deny;
mod limit;
mod public_access;

use std::collections::BTreeSet;

use countersign_model::case::Step;
use countersign_model::name::Arn;
use countersign_model::outcome::{Check, CheckDecision, GateVerdict, PolicySet, StatementTrace};
use serde_json::{Value, json};

use super::fact::facts;
use super::site::{Site, account_path};
use super::subject::{Question, Run};
use super::tree::{Edit, Path, get};
use public_access::public_access;

/// Codes that say the state of a key stands in the way, not a policy.
const KEY_STATE_CODES: &[&str] = &["DisabledException", "KMSInvalidStateException", "KMS.DisabledException"];

/// Operations that a grant can permit, as the API reference lists them.
const GRANT_OPERATIONS: &[&str] = &[
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetPublicKey",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// The changes that could bring a denied run forward, in the order in which they are tried.
pub(super) fn candidates(run: &Run) -> Vec<Edit> {
    let Some(check) = run.ruling.failing() else {
        let mut edits = key_states(run);
        edits.extend(public_access(run));
        return edits;
    };
    let desk = Desk { run, check };
    let mut edits = match check.decision {
        CheckDecision::ExplicitDeny => desk.undo_denies(),
        CheckDecision::ImplicitDeny | CheckDecision::Allow => desk.permit(),
    };
    edits.extend(public_access(run));
    let mut seen = BTreeSet::new();
    edits.retain(|edit| seen.insert(edit.identity()));
    edits
}

/// A key that is not enabled, where that is what stands in the way.
fn key_states(run: &Run) -> Vec<Edit> {
    let code = run.ruling.code.as_deref().unwrap_or("");
    let (true, Some(world)) = (KEY_STATE_CODES.contains(&code), run.world()) else {
        return Vec::new();
    };
    let keys = world.accounts.iter().flat_map(|(account, spec)| {
        let keys = spec.keys.iter().filter(|(_, key)| key.state.is_some());
        keys.map(move |(name, _)| (account, name))
    });
    keys.filter_map(|(account, name)| {
        let path = account_path(account).member("keys").member(name).member("state");
        Edit::remove(format!("let the key `{name}` be enabled"), path, &run.tree)
    })
    .collect()
}

/// One failing check of a run.
struct Desk<'r> {
    run: &'r Run,
    check: &'r Check,
}

impl Desk<'_> {
    /// Lets every set that is silent allow.
    fn permit(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        edits.extend(self.widened_statements());
        if self.says(PolicySet::Identity, GateVerdict::Silent) {
            edits.extend(self.identity_statement());
        }
        if !self.is_grant_only() {
            edits.extend(self.resource_statements());
        }
        edits.extend(self.grant());
        let limits = [
            (PolicySet::PermissionsBoundary, "permissions_boundary"),
            (PolicySet::Session, "session"),
            (PolicySet::VpcEndpoint, "vpc_endpoint"),
        ];
        for (set, name) in limits {
            if self.says(set, GateVerdict::Silent) {
                edits.extend(self.limit_statement(set, name));
            }
        }
        if self.says(PolicySet::ServiceControl, GateVerdict::Silent) {
            edits.extend(self.service_control_statements());
        }
        edits
    }

    fn says(&self, set: PolicySet, verdict: GateVerdict) -> bool {
        self.check
            .gates
            .iter()
            .any(|gate| gate.set == set && gate.verdict == verdict)
    }

    /// Retiring a grant is nothing a key policy permits.
    fn is_grant_only(&self) -> bool {
        self.check.action.as_str().eq_ignore_ascii_case("kms:RetireGrant")
    }

    /// Allow statements that fail by one part: the part is widened by what the request needs, or the request gets the fact.
    fn widened_statements(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let allowing = |trace: &&StatementTrace| trace.effect == "Allow" && trace.verdict != "applies";
        for trace in self.check.statements.iter().filter(allowing) {
            if !self.says(trace.set, GateVerdict::Silent) {
                continue;
            }
            let Some((site, path, statement)) = self.run.statement(self.check, trace) else {
                continue;
            };
            let place = format!("{} of {}", named(trace), site.words);
            let widened = |member: &str, value: String| {
                statement.get(member).is_some().then(|| {
                    let words = format!("add `{value}` to `{member}` in {place}");
                    Edit::append(words, path.member(member), value.into())
                })
            };
            match &*trace.verdict {
                "action does not match" => edits.extend(widened("Action", self.check.action.to_string())),
                "resource does not match" => edits.extend(widened("Resource", self.resource_text())),
                "principal does not match" if statement.get("Principal").is_some_and(Value::is_object) => {
                    for (member, text) in self.principals() {
                        if member != "*" {
                            let words = format!("add the principal `{text}` to {place}");
                            let path = path.member("Principal").member(&member);
                            edits.push(Edit::append(words, path, text.into()));
                        }
                    }
                }
                verdict if verdict.starts_with("condition is false") => {
                    edits.extend(facts(self.run, &statement, true));
                }
                _ => {}
            }
        }
        edits
    }

    /// An Allow in the caller's own policies.
    fn identity_statement(&self) -> Option<Edit> {
        let statement = self.statement(None, &self.resource_text());
        let tree = &self.run.tree;
        if self.run.journey.is_none() {
            let list = Path::of(["evaluate", "policies", "identity"]);
            let count = get(tree, &list)
                .and_then(|list| list.as_array().map(Vec::len))
                .unwrap_or(0);
            return Some(match count.checked_sub(1) {
                Some(last) => Edit::append(
                    format!("add a statement to `policies.identity[{last}]`"),
                    list.entry(last).member("Statement"),
                    statement,
                ),
                None => Edit::append("give the caller an identity policy", list, document(vec![statement])),
            });
        }
        let holder = self.run.holder(self.check)?;
        if get(tree, &holder.path()).is_none() {
            return self.put_by_root(&statement);
        }
        let policies = holder.path().member("policies");
        let inline = get(tree, &policies);
        let first = inline
            .as_ref()
            .and_then(Value::as_object)
            .and_then(|inline| inline.keys().next());
        Some(match first {
            Some(name) => Edit::append(
                format!("add a statement to the policy `{name}` of {}", holder.words()),
                policies.member(name).member("Statement"),
                statement,
            ),
            None => Edit::set(
                format!("give {} an inline policy", holder.words()),
                policies.member("allow"),
                document(vec![statement]),
                tree,
            ),
        })
    }

    /// A step for a user or role that the world does not have from the start: the account's root gives it the policy.
    fn put_by_root(&self, statement: &Value) -> Option<Edit> {
        let holder = self.run.holder(self.check)?;
        let Question::Step(position) = self.run.question else {
            return None;
        };
        let kind = holder.kind();
        let mut with = serde_json::Map::new();
        with.insert(format!("{kind}Name"), holder.name.clone().into());
        with.insert("PolicyName".to_owned(), "allow".into());
        with.insert("PolicyDocument".to_owned(), document(vec![statement.clone()]));
        Some(Edit::insert(
            format!("before the step, give {} an inline policy", holder.words()),
            Path::of(["steps"]).entry(position),
            json!({"as": {"root": holder.account}, "call": format!("iam:Put{kind}Policy"), "with": with}),
        ))
    }

    /// An Allow in the resource's policy, for the caller or for its account.
    fn resource_statements(&self) -> Vec<Edit> {
        let Some(site) = self.run.resource_site(self.check) else {
            return Vec::new();
        };
        let is_key = self.check.action.service().eq_ignore_ascii_case("kms");
        let is_trust = self.says_anything(PolicySet::Trust);
        let resource = if is_key {
            "*".to_owned()
        } else {
            self.check.resource.clone()
        };
        self.principals()
            .into_iter()
            .filter_map(|(member, text)| {
                let principal = if member == "*" {
                    json!("*")
                } else {
                    json!({ member: text })
                };
                let mut statement = self.statement(Some(principal), &resource);
                if is_trust {
                    statement.as_object_mut()?.shift_remove("Resource");
                }
                Some(self.added(&site, statement, &format!(" for `{text}`")))
            })
            .collect()
    }

    fn says_anything(&self, set: PolicySet) -> bool {
        self.check.gates.iter().any(|gate| gate.set == set)
    }

    /// The statement in the document at a place; where there is none yet, in a new one that keeps what holds without it.
    fn added(&self, site: &Site, statement: Value, for_whom: &str) -> Edit {
        let tree = &self.run.tree;
        let words = format!("add a statement to {}{for_whom}", site.words);
        if get(tree, &site.path).is_some_and(|there| !there.is_null()) {
            return Edit::append(words, site.path.member("Statement"), statement);
        }
        let mut statements = Vec::new();
        let in_world = self.run.journey.is_some();
        let account = Arn::new(self.check.resource.as_str())
            .ok()
            .and_then(|arn| arn.account());
        match account {
            // The default key policy delegates to the account; a policy of one's own must say so itself (`svc:P-7`).
            Some(account) if in_world && self.check.action.service() == "kms" => statements.push(json!({
                "Effect": "Allow",
                "Principal": {"AWS": account.root_arn()},
                "Action": "kms:*",
                "Resource": "*",
            })),
            // So does the default trust policy.
            Some(account) if in_world && self.says_anything(PolicySet::Trust) => statements.push(json!({
                "Effect": "Allow",
                "Principal": {"AWS": account.root_arn()},
                "Action": "sts:AssumeRole",
            })),
            _ => {}
        }
        statements.push(statement);
        Edit::set(
            format!("write {} with a statement{for_whom}", site.words),
            site.path.clone(),
            document(statements),
            tree,
        )
    }

    /// A KMS grant for the caller.
    fn grant(&self) -> Option<Edit> {
        let operation = self.check.action.operation();
        if !self.check.action.service().eq_ignore_ascii_case("kms")
            || !GRANT_OPERATIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(operation))
        {
            return None;
        }
        let (_, grantee) = self
            .principals()
            .into_iter()
            .find(|(member, text)| member == "AWS" && !text.ends_with(":root"))?;
        let words = format!("grant `{grantee}` the operation {operation}");
        if self.run.journey.is_none() {
            return Some(Edit::append(
                words,
                Path::of(["evaluate", "grants"]),
                json!({"grantee_principal": grantee, "operations": [operation]}),
            ));
        }
        let with = json!({"GranteePrincipal": grantee, "Operations": [operation]});
        if let Some((account, key)) = self.run.key_of(&self.check.resource) {
            let grants = account_path(&account).member("keys").member(&key).member("grants");
            let taken = |name: &str| get(&self.run.tree, &grants.member(name)).is_some();
            let name = std::iter::once("allow".to_owned())
                .chain((2..).map(|number| format!("allow{number}")))
                .find(|name| !taken(name))?;
            return Some(Edit::set(words, grants.member(&name), with, &self.run.tree));
        }
        let (Question::Step(position), Some(key)) = (self.run.question, self.saved_key()) else {
            return None;
        };
        let account = Arn::new(self.check.resource.as_str()).ok()?.account()?;
        let mut with = with;
        with.as_object_mut()?.shift_insert(0, "KeyId".to_owned(), key.into());
        Some(Edit::insert(
            format!("before the step, {words}"),
            Path::of(["steps"]).entry(position),
            json!({"as": {"root": account}, "call": "kms:CreateGrant", "with": with}),
        ))
    }

    /// The reference to a key that an earlier step made, if that step saved it.
    fn saved_key(&self) -> Option<String> {
        let walked = &self.run.journey.as_ref()?.walked;
        walked.iter().find_map(|(step, outcome)| {
            let Step::Call(call) = step else { return None };
            let arn = outcome.output.as_ref()?.pointer("/KeyMetadata/Arn")?.as_str()?;
            let saved = call
                .save
                .iter()
                .find(|(_, path)| ["KeyMetadata.Arn", "KeyMetadata.KeyId"].contains(&path.as_str()));
            (call.call.as_str() == "kms:CreateKey" && arn == self.check.resource)
                .then_some(saved)?
                .map(|(name, _)| format!("{{{{saved.{name}}}}}"))
        })
    }

    fn statement(&self, principal: Option<Value>, resource: &str) -> Value {
        let mut statement = json!({"Effect": "Allow"});
        if let Some(principal) = principal {
            statement["Principal"] = principal;
        }
        statement["Action"] = self.check.action.as_str().into();
        statement["Resource"] = resource.into();
        statement
    }

    /// The resource as an identity policy of the case can name it. Ids that the model invents are no names.
    fn resource_text(&self) -> String {
        let resource = self.check.resource.as_str();
        if self.run.journey.is_none() {
            return resource.to_owned();
        }
        match Arn::new(resource).ok() {
            Some(arn) if arn.field(2) == "kms" && arn.field(5).starts_with("key/") => {
                let Some((account, name)) = self.run.key_of(resource) else {
                    return "*".to_owned();
                };
                let given = self
                    .run
                    .world()
                    .and_then(|world| world.accounts.get(&account)?.keys.get(&name)?.id.as_ref());
                match given {
                    Some(_) => resource.to_owned(),
                    None => format!("{{{{{account}.key.{}.arn}}}}", reference_name(&name)),
                }
            }
            _ => resource.to_owned(),
        }
    }

    /// The caller as a policy can name it, the most useful name first: member of `Principal` and text.
    fn principals(&self) -> Vec<(String, String)> {
        let caller = self.check.caller.as_str();
        let aws = |text: String| ("AWS".to_owned(), text);
        let Some(arn) = Arn::new(caller).ok() else {
            let member = match caller {
                "anonymous" => return vec![("*".to_owned(), "*".to_owned())],
                service if service.ends_with(".amazonaws.com") => "Service",
                _ => "Federated",
            };
            return vec![(member.to_owned(), caller.to_owned())];
        };
        let Some(account) = arn.account() else {
            return Vec::new();
        };
        let root = aws(account.root_arn());
        match arn.field(5).split_once('/') {
            Some(("assumed-role", rest)) => {
                let name = rest.split('/').next().unwrap_or(rest);
                let mut named = vec![aws(self.role_arn(&account, name))];
                let limited = [PolicySet::PermissionsBoundary, PolicySet::Session];
                if limited.into_iter().any(|set| self.says(set, GateVerdict::Silent)) {
                    // A session that is named itself is not limited by them (`iam:L-32`).
                    named.push(aws(caller.to_owned()));
                }
                named.push(root);
                named
            }
            Some(("user" | "role" | "federated-user", _)) => vec![aws(caller.to_owned()), root],
            Some(("saml-provider" | "oidc-provider", _)) => vec![("Federated".to_owned(), caller.to_owned())],
            _ => vec![root],
        }
    }

    /// The ARN of a caller's role, whose path its session ARN does not tell.
    fn role_arn(&self, account: &countersign_model::name::AccountId, name: &str) -> String {
        let plain = format!("arn:aws:iam::{account}:role/{name}");
        if let Some(journey) = &self.run.journey {
            let reference = format!("{{{{{account}.role.{}.arn}}}}", reference_name(name));
            return journey.world.resolve_text(&reference).unwrap_or(plain);
        }
        let Some((_, request)) = self.run.request() else {
            return plain;
        };
        let given = request
            .context
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"));
        given.and_then(|(_, value)| value.as_str()).map_or(plain, str::to_owned)
    }
}

/// A name as references write it.
fn reference_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("[{name:?}]")
    }
}

/// A statement as people call it.
fn named(trace: &StatementTrace) -> String {
    match &trace.sid {
        Some(sid) => format!("the {} statement `{sid}`", trace.effect),
        None => format!("the {} statement {}", trace.effect, trace.position),
    }
}

fn document(statements: Vec<Value>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}
