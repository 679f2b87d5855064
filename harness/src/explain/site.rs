//! Where in a case a policy stands that a trace speaks of: in the policies of an evaluator case, in the world, or in an earlier step
//! that put it there. Whether a policy matters is the model's to say; this only finds it.

use countersign_model::case::{CallStep, OrganizationUnitSpec, Step, StepPrincipal, WorldSpec};
use countersign_model::name::{AccountId, Arn};
use countersign_model::outcome::{Check, Outcome, PolicySet, StatementTrace};
use serde_json::Value;

use super::subject::Run;
use super::tree::{Path, get};

/// A policy document of a case, or the place where one would stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Site {
    /// Its place.
    pub(super) path: Path,
    /// What it is, for people.
    pub(super) words: String,
}

/// The user or role whose policies decide for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) account: AccountId,
    pub(super) is_role: bool,
    pub(super) name: String,
}

impl Holder {
    /// Where it stands in a world.
    pub(super) fn path(&self) -> Path {
        let kind = if self.is_role { "roles" } else { "users" };
        account_path(&self.account).member(kind).member(&self.name)
    }

    /// `role` or `user`, and the name.
    pub(super) fn words(&self) -> String {
        format!("{} `{}`", if self.is_role { "role" } else { "user" }, self.name)
    }

    /// `Role` or `User`, as IAM's operations spell it.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_role { "Role" } else { "User" }
    }
}

/// A document that an operation can put in place.
enum Document<'a> {
    Key(&'a str),
    Bucket(&'a str),
    Trust(&'a str),
    /// Kind and name of the holder, name of the policy.
    Inline(&'a str, &'a str, &'a str),
    Managed(&'a str),
}

impl Run {
    /// The policy a statement trace speaks of; none where the case does not write it (AWS managed policies, defaults).
    pub(super) fn policy_of(&self, check: &Check, trace: &StatementTrace) -> Option<Site> {
        let site = match (&self.journey, trace.set) {
            (None, _) => evaluator_site(&trace.policy)?,
            (Some(_), PolicySet::Resource | PolicySet::Trust) => self.resource_site(check)?,
            (Some(_), PolicySet::Identity | PolicySet::PermissionsBoundary) => {
                self.identity_site(check, &trace.policy)?
            }
            (Some(_), PolicySet::Session) => self.session_site(&trace.policy)?,
            (Some(_), PolicySet::ServiceControl | PolicySet::ResourceControl) => {
                self.organization_site(&trace.policy)?
            }
            (Some(_), PolicySet::VpcEndpoint) => self.endpoint_site(&trace.policy)?,
            _ => return None,
        };
        get(&self.tree, &site.path).is_some().then_some(site)
    }

    /// The statement a trace speaks of, with its place.
    pub(super) fn statement(&self, check: &Check, trace: &StatementTrace) -> Option<(Site, Path, Value)> {
        let site = self.policy_of(check, trace)?;
        let statements = site.path.member("Statement");
        let fits = |statement: &Value| {
            statement.get("Effect").and_then(Value::as_str) == Some(&*trace.effect)
                && statement.get("Sid").and_then(Value::as_str) == trace.sid.as_deref()
        };
        let at = |position: usize| {
            let path = statements.entry(position);
            get(&self.tree, &path).map(|statement| (path, statement))
        };
        let (path, statement) = at(trace.position)
            .filter(|(_, statement)| fits(statement))
            .or_else(|| {
                // For resources that a policy can only forbid the model counts the Deny statements alone (`svc:S-4`).
                let denies = (0..)
                    .map_while(at)
                    .filter(|(_, statement)| statement["Effect"] == "Deny");
                denies.take(trace.position + 1).last().filter(|(_, found)| fits(found))
            })?;
        Some((site, path, statement))
    }

    /// The policy of the resource a check is about, or where it would stand.
    pub(super) fn resource_site(&self, check: &Check) -> Option<Site> {
        if self.journey.is_none() {
            return Some(Site {
                path: Path::of(["evaluate", "policies", "resource"]),
                words: "the resource's policy".to_owned(),
            });
        }
        let arn = Arn::new(check.resource.as_str()).ok()?;
        let resource = arn.field(5);
        match (arn.field(2), resource.split_once('/')) {
            ("kms", Some(("key", _))) => {
                let put = self.put_by_step(&Document::Key(arn.as_str()), "the key policy");
                put.or_else(|| {
                    let (account, name) = self.key_of(arn.as_str())?;
                    Some(Site {
                        path: account_path(&account).member("keys").member(&name).member("policy"),
                        words: format!("the key policy of `{name}`"),
                    })
                })
            }
            ("s3", _) => {
                let bucket = resource.split('/').next().unwrap_or(resource);
                let put = self.put_by_step(&Document::Bucket(bucket), "the bucket policy");
                put.or_else(|| {
                    Some(Site {
                        path: self.bucket_path(bucket)?.member("policy"),
                        words: format!("the bucket policy of `{bucket}`"),
                    })
                })
            }
            ("iam", Some(("role", rest))) => {
                let name = rest.rsplit('/').next().unwrap_or(rest);
                let put = self.put_by_step(&Document::Trust(name), "the trust policy");
                put.or_else(|| {
                    let account = arn.account()?;
                    self.world()?.accounts.get(&account)?.roles.get(name)?;
                    Some(Site {
                        path: account_path(&account).member("roles").member(name).member("trust"),
                        words: format!("the trust policy of role `{name}`"),
                    })
                })
            }
            _ => None,
        }
    }

    /// The user or role whose identity policies count for a check; none for root, services and nobody.
    pub(super) fn holder(&self, check: &Check) -> Option<Holder> {
        let arn = Arn::new(check.caller.as_str()).ok()?;
        let account = arn.account()?;
        let (kind, rest) = arn.field(5).split_once('/')?;
        let (is_role, name) = match kind {
            "user" => (false, rest.rsplit('/').next()?.to_owned()),
            "role" => (true, rest.rsplit('/').next()?.to_owned()),
            "assumed-role" => (true, rest.split('/').next()?.to_owned()),
            "federated-user" => match self.journey.as_ref().map(|journey| &journey.step) {
                Some(Step::Call(call)) => match &call.principal {
                    StepPrincipal::FederatedUser { by, .. } if by != "root" => (false, by.clone()),
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        Some(Holder { account, is_role, name })
    }

    /// Account and name of a key of the world.
    pub(super) fn key_of(&self, arn: &str) -> Option<(AccountId, String)> {
        let arn = Arn::new(arn).ok()?;
        let account = arn.account()?;
        let id = arn.field(5).strip_prefix("key/")?;
        let spec = self.journey.as_ref()?.world.resolved_spec();
        let world = self.world()?;
        let (name, _) = spec.accounts.get(&account)?.keys.iter().find(|(name, key)| {
            let region = key.region.as_ref().unwrap_or(&spec.region);
            key.id.as_deref() == Some(id)
                && region.as_str() == arn.field(3)
                && world
                    .accounts
                    .get(&account)
                    .is_some_and(|account| account.keys.contains_key(*name))
        })?;
        Some((account, name.clone()))
    }

    /// A bucket of the world.
    pub(super) fn bucket_path(&self, bucket: &str) -> Option<Path> {
        let accounts = &self.world()?.accounts;
        let (account, _) = accounts
            .iter()
            .find(|(_, account)| account.buckets.contains_key(bucket))?;
        Some(account_path(account).member("buckets").member(bucket))
    }

    /// The world as the case writes it.
    pub(super) fn world(&self) -> Option<&WorldSpec> {
        self.case.world.as_ref()
    }

    /// The step that is asked about, as the case writes it.
    pub(super) fn step_path(&self) -> Option<Path> {
        match self.question {
            super::Question::Step(position) => Some(Path::of(["steps"]).entry(position)),
            super::Question::Request(_) => None,
        }
    }

    fn identity_site(&self, check: &Check, policy: &str) -> Option<Site> {
        if policy.starts_with("arn:") {
            let put = self.put_by_step(&Document::Managed(policy), "the managed policy");
            return put.or_else(|| {
                let arn = Arn::new(policy).ok()?;
                let account = arn.account()?;
                let name = arn.field(5).rsplit('/').next()?;
                self.world()?.accounts.get(&account)?.managed_policies.get(name)?;
                Some(Site {
                    path: account_path(&account).member("managed_policies").member(name),
                    words: format!("the managed policy `{name}`"),
                })
            });
        }
        let holder = self.holder(check)?;
        // Policies of groups are traced as `group/policy`; names of policies have no slash.
        if let Some((group, policy)) = policy.split_once('/') {
            let words = format!("the policy `{policy}` of group `{group}`");
            let put = self.put_by_step(&Document::Inline("Group", group, policy), &words);
            return put.or_else(|| {
                let path = account_path(&holder.account).member("groups").member(group);
                Some(Site {
                    path: path.member("policies").member(policy),
                    words,
                })
            });
        }
        let words = format!("the policy `{policy}` of {}", holder.words());
        let put = self.put_by_step(&Document::Inline(holder.kind(), &holder.name, policy), &words);
        put.or_else(|| {
            Some(Site {
                path: holder.path().member("policies").member(policy),
                words,
            })
        })
    }

    /// Session policies are those of the step's principal: the inline one comes first where there is one.
    fn session_site(&self, policy: &str) -> Option<Site> {
        let position: usize = policy.rsplit(' ').next()?.parse().ok()?;
        let principal = self.step_path()?.member("as");
        let inline = [
            principal.member("policy"),
            principal.member("federated_user").member("policy"),
        ];
        let inline = inline.into_iter().find(|path| get(&self.tree, path).is_some());
        match (inline, position) {
            (Some(path), 0) => Some(Site {
                path,
                words: "the session policy".to_owned(),
            }),
            (inline, position) => {
                let managed = principal
                    .member("policy_arns")
                    .entry(position - usize::from(inline.is_some()));
                let arn = get(&self.tree, &managed)?;
                let arn = Arn::new(arn.as_str()?).ok()?;
                let account = arn.account()?;
                let name = arn.field(5).rsplit('/').next()?;
                Some(Site {
                    path: account_path(&account).member("managed_policies").member(name),
                    words: format!("the managed policy `{name}`"),
                })
            }
        }
    }

    fn organization_site(&self, policy: &str) -> Option<Site> {
        let names = self.journey.as_ref()?.world.organization_names()?;
        let ((unit, kind, position), _) = names
            .policies
            .iter()
            .find(|(_, name)| name.arn == policy || name.name == policy)?;
        let mut path = Path::of(["world", "organization", "root"]);
        for name in unit.split('/').filter(|name| !name.is_empty()) {
            path = path.member("units").member(name);
        }
        let place = if unit.is_empty() {
            "the root".to_owned()
        } else {
            format!("unit `{unit}`")
        };
        Some(Site {
            path: path.member(kind).entry(*position),
            words: format!("{} {position} of {place}", kind.to_uppercase()),
        })
    }

    fn endpoint_site(&self, name: &str) -> Option<Site> {
        let accounts = &self.world()?.accounts;
        let (account, _) = accounts
            .iter()
            .find(|(_, account)| account.vpc_endpoints.contains_key(name))?;
        Some(Site {
            path: account_path(account)
                .member("vpc_endpoints")
                .member(name)
                .member("policy"),
            words: format!("the policy of VPC endpoint `{name}`"),
        })
    }

    /// The last step before the one asked about that put a document in place, if one did.
    fn put_by_step(&self, document: &Document<'_>, words: &str) -> Option<Site> {
        let walked = &self.journey.as_ref()?.walked;
        walked.iter().enumerate().rev().find_map(|(position, (step, outcome))| {
            let Step::Call(call) = step else { return None };
            if outcome.decision != countersign_model::case::Decision::Allow {
                return None;
            }
            let member = puts(call, outcome, document)?;
            let name = step
                .name()
                .map_or_else(|| format!("{}", position + 1), |name| format!("`{name}`"));
            Some(Site {
                path: Path::of(["steps"]).entry(position).member("with").member(member),
                words: format!("{words} that step {name} puts"),
            })
        })
    }
}

/// The levels of an organization from the root down to an account, each with its place and whether it has SCPs of its own.
pub(super) fn service_control_levels(world: &WorldSpec, account: &AccountId) -> Vec<(Path, bool)> {
    fn down(unit: &OrganizationUnitSpec, path: &Path, account: &AccountId, depth: usize) -> Option<Vec<(Path, bool)>> {
        let here = (path.member("scp"), !unit.scp.is_empty());
        if unit.accounts.contains(account) {
            return Some(vec![here]);
        }
        // AWS allows five levels of units; a file may hold no more than its own depth.
        if depth > 32 {
            return None;
        }
        unit.units.iter().find_map(|(name, below)| {
            let mut levels = down(below, &path.member("units").member(name), account, depth + 1)?;
            levels.insert(0, here.clone());
            Some(levels)
        })
    }
    world
        .organization
        .as_ref()
        .and_then(|organization| {
            down(
                &organization.root,
                &Path::of(["world", "organization", "root"]),
                account,
                0,
            )
        })
        .unwrap_or_default()
}

/// An account of the world.
pub(super) fn account_path(account: &AccountId) -> Path {
    Path::of(["world", "accounts", account.as_str()])
}

fn evaluator_site(policy: &str) -> Option<Site> {
    Some(Site {
        path: evaluator_path(policy)?,
        words: format!("`policies.{policy}`"),
    })
}

/// `identity[0]`, `resource`, `service_control[1][0]`: the names that traces of evaluator cases use are their places.
pub(super) fn evaluator_path(policy: &str) -> Option<Path> {
    let (name, rest) = policy.split_at(policy.find('[').unwrap_or(policy.len()));
    let mut path = Path::of(["evaluate", "policies", name]);
    for entry in rest.split(['[', ']']).filter(|entry| !entry.is_empty()) {
        path = path.entry(entry.parse().ok()?);
    }
    if name == "vpc_endpoint" {
        path = path.member("policy");
    }
    Some(path)
}

/// The parameter in which a call put the document in place, if it did.
fn puts(call: &CallStep, outcome: &Outcome, document: &Document<'_>) -> Option<&'static str> {
    let given = |name: &str, text: &str| call.with.get(name).and_then(Value::as_str) == Some(text);
    let made = |path: &str, text: &str| {
        outcome
            .output
            .as_ref()
            .and_then(|output| output.pointer(path))
            .and_then(Value::as_str)
            == Some(text)
    };
    match (document, call.call.as_str()) {
        (Document::Key(arn), "kms:PutKeyPolicy") => {
            let id = arn.rsplit('/').next().unwrap_or(arn);
            (given("KeyId", arn) || given("KeyId", id)).then_some("Policy")
        }
        (Document::Key(arn), "kms:CreateKey") => made("/KeyMetadata/Arn", arn).then_some("Policy"),
        (Document::Bucket(bucket), "s3:PutBucketPolicy") => given("Bucket", bucket).then_some("Policy"),
        (Document::Trust(role), "iam:UpdateAssumeRolePolicy") => given("RoleName", role).then_some("PolicyDocument"),
        (Document::Trust(role), "iam:CreateRole") => given("RoleName", role).then_some("AssumeRolePolicyDocument"),
        (Document::Inline(kind, holder, policy), operation) => {
            let puts = operation == format!("iam:Put{kind}Policy");
            (puts && given(&format!("{kind}Name"), holder) && given("PolicyName", policy)).then_some("PolicyDocument")
        }
        (Document::Managed(arn), "iam:CreatePolicy") => made("/Policy/Arn", arn).then_some("PolicyDocument"),
        _ => None,
    }
}
