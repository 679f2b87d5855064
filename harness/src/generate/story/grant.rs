//! The life of a grant: it is made, used, misused, retired or revoked, and used again.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::{GrantConstraintsSpec, GrantSpec};
use serde_json::{Value, json};

use super::super::fact::{Fact, Known};
use super::super::request::{KmsCall, Request};
use super::super::scene::{ActorKind, Place, Scene, StepDraft, segment};
use super::super::statement::{Draft, Principals};
use super::super::vocabulary::kms_operation;

/// What a story knows of its grant.
struct Plot {
    key: usize,
    grantee: usize,
    operations: Vec<String>,
    context: BTreeMap<String, String>,
    ciphertext: Option<String>,
    /// How steps name the grant's id and token.
    id: String,
    token: String,
}

impl Scene<'_, '_, '_> {
    /// One grant from its making to its end.
    pub(super) fn grant_life(&mut self) {
        if self.steps.is_empty() && self.settings.noise > 0 && self.dice.below(14) == 0 {
            self.propagation = Some("5m");
        }
        let key = self.new_key(0);
        let account = self.caller_account();
        let grantee = match self.dice.below(12) {
            0..=2 => self.new_user_actor(account),
            3 => self.new_federated_actor(account),
            _ => self.new_role_actor(account),
        };
        let operations = self.granted_operations();
        let context = self.encryption_context();
        let reads = operations.iter().any(|one| one == "Decrypt" || one == "ReEncryptFrom");
        let ciphertext = reads.then(|| self.encrypts(key, &context));
        let spec = self.grant_spec(grantee, &operations, &context);
        let (id, token) = if self.dice.below(9) < 5 {
            self.creates_grant(key, &spec)
        } else {
            let name = self.add_grant(key, spec, Vec::new());
            let key = segment(&self.keys[key].name);
            (
                format!("{{{{key{key}.grant.{name}.id}}}}"),
                format!("{{{{key{key}.grant.{name}.token}}}}"),
            )
        };
        let plot = Plot {
            key,
            grantee,
            operations,
            context,
            ciphertext,
            id,
            token,
        };
        let request = self.granted_use(&plot);
        if self.dice.below(10) < 4 {
            self.break_grant(&request, &plot);
        }
        self.let_grantee_through(&request);
        self.call(request.call.clone());
        if self.propagation.is_some() && self.dice.coin() && self.room() > 1 {
            self.steps.push(StepDraft::Advance("10m"));
            self.call(request.call.clone());
        }
        self.near_use(&plot, &request);
        if self.dice.below(4) == 0 {
            self.lists_grants(&plot);
        }
        if self.dice.below(5) < 3 && self.room() > 0 {
            self.ends_grant(&plot);
            let again = if self.dice.coin() {
                request
            } else {
                self.granted_use(&plot)
            };
            self.call(again.call);
        } else if self.dice.below(4) == 0 {
            self.near_use(&plot, &request);
        }
    }

    fn granted_operations(&mut self) -> Vec<String> {
        let main = *self.dice.pick(&[
            "Decrypt",
            "Decrypt",
            "Decrypt",
            "GenerateDataKey",
            "GenerateDataKey",
            "Encrypt",
            "GenerateDataKeyWithoutPlaintext",
            "DescribeKey",
        ]);
        let mut operations: BTreeSet<&str> = [main].into();
        let more = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "DescribeKey",
            "RetireGrant",
            "CreateGrant",
            "ReEncryptFrom",
            "ReEncryptTo",
        ];
        if self.dice.below(3) > 0 {
            operations.extend(self.dice.some(&more, 1, 2));
        }
        operations.into_iter().map(str::to_owned).collect()
    }

    fn grant_spec(&mut self, grantee: usize, operations: &[String], context: &BTreeMap<String, String>) -> GrantSpec {
        let grantee_principal = match self.dice.below(12) {
            0 => Some(self.accounts[self.actors[grantee].account].root_arn()),
            1..=6 => self.caller_arn(grantee),
            _ => self.principal_arn(grantee),
        };
        let subset = || {
            context
                .iter()
                .take(1)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let constraints = match self.dice.below(10) {
            0..=2 if !context.is_empty() => Some(GrantConstraintsSpec {
                encryption_context_equals: Some(context.clone()),
                ..GrantConstraintsSpec::default()
            }),
            3..=5 if !context.is_empty() => Some(GrantConstraintsSpec {
                encryption_context_subset: Some(subset()),
                ..GrantConstraintsSpec::default()
            }),
            6 => {
                let wrong = self.some_encryption_context();
                Some(GrantConstraintsSpec {
                    encryption_context_subset: Some(wrong),
                    ..GrantConstraintsSpec::default()
                })
            }
            _ => None,
        };
        let retiring_principal = match self.dice.below(6) {
            0 => self.principal_arn(grantee),
            1 => self.caller_arn(grantee),
            2 => Some(self.accounts[self.actors[grantee].account].root_arn()),
            _ => None,
        };
        let name = (self.dice.below(6) == 0)
            .then(|| format!("{}-{}", self.dice.pick(&["tmp", "job", "share"]), self.dice.below(100)));
        GrantSpec {
            grantee_principal,
            retiring_principal,
            operations: operations.to_vec(),
            constraints,
            name,
            ..GrantSpec::default()
        }
    }

    /// Somebody creates the grant; answers how to name its id and token.
    fn creates_grant(&mut self, key: usize, spec: &GrantSpec) -> (String, String) {
        let account = if self.crosses() && self.dice.below(8) == 0 {
            self.other_account()
        } else {
            0
        };
        let issuer = self.new_actor(account);
        let request = self.create_grant_request(issuer, key, spec);
        let grant = self.saved_name("grant");
        let token = self.saved_name("token");
        let mut request = request;
        request.call.save = [
            (grant.clone(), "GrantId".to_owned()),
            (token.clone(), "GrantToken".to_owned()),
        ]
        .into();
        self.permit(&request);
        if self.dice.below(4) == 0 {
            self.lean_on_fact(&request);
        }
        if self.dice.below(9) == 0 {
            self.break_once(&request);
        }
        self.call(request.call.clone());
        if spec.name.is_some() && self.dice.below(3) == 0 {
            // The same name again: the same grant, another token (`svc:G-7`).
            let mut again = request.call;
            again.save.clear();
            if self.dice.below(3) == 0 {
                again.with.insert("Operations".to_owned(), json!(["DescribeKey"]));
            }
            self.call(again);
        }
        (format!("{{{{saved.{grant}}}}}"), format!("{{{{saved.{token}}}}}"))
    }

    fn create_grant_request(&mut self, issuer: usize, key: usize, spec: &GrantSpec) -> Request {
        let mut call = self.bare(issuer, "kms:CreateGrant");
        let own = self.keys[key].account == self.actors[issuer].account;
        let identifier = if own && self.dice.below(3) == 0 {
            self.key_id(key)
        } else {
            self.key_arn(key)
        };
        call.with.insert("KeyId".to_owned(), json!(identifier));
        if let Ok(Value::Object(parameters)) = serde_json::to_value(spec) {
            call.with.extend(parameters);
        }
        let mut need = self.key_need("CreateGrant", key, None, None);
        need.facts
            .push(Fact::new("kms:GrantOperations", Known::Many(spec.operations.clone())));
        if let Some(grantee) = &spec.grantee_principal {
            need.facts.push(Fact::text("kms:GranteePrincipal", grantee));
            need.facts.push(match &spec.retiring_principal {
                Some(arn) => Fact::text("kms:RetiringPrincipal", arn),
                None => Fact::absent("kms:RetiringPrincipal"),
            });
        }
        need.facts.push(match &spec.constraints {
            Some(constraints) if constraints.encryption_context_equals.is_some() => {
                Fact::text("kms:GrantConstraintType", "EncryptionContextEquals")
            }
            Some(constraints) if constraints.encryption_context_subset.is_some() => {
                Fact::text("kms:GrantConstraintType", "EncryptionContextSubset")
            }
            _ => Fact::absent("kms:GrantConstraintType"),
        });
        Request {
            call,
            needs: vec![need],
        }
    }

    /// A use that the grant permits.
    fn granted_use(&mut self, plot: &Plot) -> Request {
        let usable: Vec<&'static str> = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "DescribeKey",
        ]
        .into_iter()
        .filter(|name| plot.operations.iter().any(|one| one == name))
        .collect();
        let name = if usable.is_empty() {
            "DescribeKey"
        } else {
            *self.dice.pick(&usable)
        };
        self.grant_request(plot, plot.grantee, name)
    }

    fn grant_request(&mut self, plot: &Plot, actor: usize, name: &str) -> Request {
        let kms = KmsCall {
            context: plot.context.clone(),
            ciphertext: plot.ciphertext.clone(),
            destination: None,
        };
        let mut request = self.kms_request(actor, kms_operation(name), plot.key, &kms);
        let wanted = if self.propagation.is_some() { 2 } else { 8 };
        if self.dice.below(wanted) == 0 {
            request.call.with.insert("GrantTokens".to_owned(), json!([plot.token]));
        }
        request
    }

    /// Boundary and session policy that come with the grantee know nothing of KMS: half of the time they are widened.
    fn let_grantee_through(&mut self, request: &Request) {
        let actor = request.call.actor;
        let mut places = vec![Place::Session(actor)];
        places.extend(self.actors[actor].identity.map(Place::Boundary));
        for place in places {
            if self.policies.get(&place).is_some_and(Vec::is_empty) && self.dice.below(3) > 0 {
                let actions = vec!["kms:*".to_owned(), "s3:GetObject".to_owned()];
                self.write(place, Draft::allow(Principals::Absent, actions, vec!["*".to_owned()]));
            }
        }
    }

    /// A Deny in the way of the grant, a disabled key, or anything else on the path.
    fn break_grant(&mut self, request: &Request, plot: &Plot) {
        match self.dice.below(8) {
            0..=4 => {
                self.explicit_deny(request, 0);
            }
            5 => self.keys[plot.key].state = Some("Disabled".to_owned()),
            _ => self.break_once(request),
        }
    }

    /// A use that only just misses: another session, a sibling, another context, another operation.
    fn near_use(&mut self, plot: &Plot, request: &Request) {
        if self.room() == 0 {
            return;
        }
        match self.dice.below(8) {
            0..=2 => {
                if let (ActorKind::Role { .. }, Some(identity)) =
                    (&self.actors[plot.grantee].kind, self.actors[plot.grantee].identity)
                {
                    let other = self.session_actor(identity);
                    let mut call = request.call.clone();
                    call.actor = other;
                    self.call(call);
                } else {
                    self.twist(request);
                }
            }
            3 | 4 => {
                let mut plot_with_other_context = Plot {
                    context: self.some_encryption_context(),
                    ..plot.shallow()
                };
                if self.dice.coin() {
                    plot_with_other_context.context.extend(plot.context.clone());
                }
                let other = self.granted_use(&plot_with_other_context);
                self.call(other.call);
            }
            5 => {
                let names = [
                    "Encrypt",
                    "GenerateDataKey",
                    "DescribeKey",
                    "GenerateDataKeyWithoutPlaintext",
                ];
                let outside: Vec<&str> = names
                    .into_iter()
                    .filter(|name| plot.operations.iter().all(|one| one != name))
                    .collect();
                if let Some(name) = outside.first() {
                    let request = self.grant_request(plot, plot.grantee, name);
                    self.call(request.call);
                }
            }
            6 if plot.operations.iter().any(|one| one == "CreateGrant") => self.child_grant(plot),
            _ => self.twist(request),
        }
    }

    /// The grantee passes on what it has, or a little more (`svc:G-6`).
    fn child_grant(&mut self, plot: &Plot) {
        let account = self.actors[plot.grantee].account;
        let child = self.new_role_actor(account);
        let mut operations: Vec<String> = plot
            .operations
            .iter()
            .filter(|one| *one != "CreateGrant")
            .cloned()
            .collect();
        if operations.is_empty() || self.dice.below(4) == 0 {
            operations.push("GenerateDataKeyWithoutPlaintext".to_owned());
            operations.dedup();
        }
        let spec = GrantSpec {
            grantee_principal: self.principal_arn(child),
            operations,
            constraints: (!plot.context.is_empty() && self.dice.coin()).then(|| GrantConstraintsSpec {
                encryption_context_equals: Some(plot.context.clone()),
                ..GrantConstraintsSpec::default()
            }),
            ..GrantSpec::default()
        };
        let request = self.create_grant_request(plot.grantee, plot.key, &spec);
        self.call(request.call);
        if self.room() > 0 {
            let child_plot = Plot {
                grantee: child,
                ..plot.shallow()
            };
            let request = self.granted_use(&child_plot);
            self.call(request.call);
        }
    }

    fn lists_grants(&mut self, plot: &Plot) {
        let actor = if self.dice.coin() {
            self.new_actor(0)
        } else {
            plot.grantee
        };
        let request = self.kms_request(actor, kms_operation("ListGrants"), plot.key, &KmsCall::default());
        if actor == plot.grantee && self.dice.coin() {
            self.call(request.call);
        } else {
            self.perform(request);
        }
    }

    /// The grantee is deleted and made anew under its name: a stranger to the grant (`svc:G-15`).
    fn recreates_grantee(&mut self, plot: &Plot) -> bool {
        let Some(identity) = self.actors[plot.grantee].identity else {
            return false;
        };
        if !self.identities[identity].role || self.room() < 3 {
            return false;
        }
        if self
            .policies
            .get(&Place::Identity(identity))
            .is_some_and(|list| !list.is_empty())
        {
            return false;
        }
        self.identities[identity].bare = true;
        let name = self.identities[identity].name.clone();
        let account = self.identities[identity].account;
        let admin = self.root_actor(account);
        let mut delete = self.bare(admin, "iam:DeleteRole");
        delete.with.insert("RoleName".to_owned(), json!(name));
        let mut create = self.bare(admin, "iam:CreateRole");
        create.with.insert("RoleName".to_owned(), json!(name));
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"AWS": self.accounts[account].root_arn()},
                "Action": "sts:AssumeRole",
            }],
        });
        create.with.insert("AssumeRolePolicyDocument".to_owned(), trust);
        self.call(delete);
        self.call(create);
        true
    }

    /// The grant is retired or revoked, by one of those who may, or by one who may not.
    fn ends_grant(&mut self, plot: &Plot) {
        if self.dice.below(10) == 0 && self.recreates_grantee(plot) {
            return;
        }
        if self.dice.coin() {
            let account = if self.crosses() && self.dice.below(6) == 0 {
                self.other_account()
            } else {
                0
            };
            let actor = self.new_actor(account);
            let mut call = self.bare(actor, "kms:RevokeGrant");
            call.with.insert("KeyId".to_owned(), json!(self.key_arn(plot.key)));
            call.with.insert("GrantId".to_owned(), json!(plot.id));
            let need = self.key_need("RevokeGrant", plot.key, None, None);
            let request = Request {
                call,
                needs: vec![need],
            };
            self.permit(&request);
            if self.dice.below(6) == 0 {
                self.break_once(&request);
            }
            self.call(request.call);
            return;
        }
        let actor = match self.dice.below(6) {
            0..=2 => plot.grantee,
            3 => self.root_actor(0),
            4 => {
                let account = self.actors[plot.grantee].account;
                self.root_actor(account)
            }
            _ => self.new_actor(0),
        };
        let mut call = self.bare(actor, "kms:RetireGrant");
        if self.dice.coin() {
            call.with.insert("GrantToken".to_owned(), json!(plot.token));
        } else {
            call.with.insert("KeyId".to_owned(), json!(self.key_arn(plot.key)));
            call.with.insert("GrantId".to_owned(), json!(plot.id));
        }
        let need = self.key_need("RetireGrant", plot.key, None, None);
        let request = Request {
            call,
            needs: vec![need],
        };
        if actor != plot.grantee && self.dice.below(3) > 0 {
            self.allow_identity(&request, &[0]);
        }
        if self.dice.below(8) == 0 {
            self.explicit_deny(&request, 0);
        }
        self.call(request.call);
    }
}

impl Plot {
    fn shallow(&self) -> Self {
        Self {
            key: self.key,
            grantee: self.grantee,
            operations: self.operations.clone(),
            context: self.context.clone(),
            ciphertext: self.ciphertext.clone(),
            id: self.id.clone(),
            token: self.token.clone(),
        }
    }
}
