//! Probes of who may end a grant, of how much a grant can say, of principals that were deleted and made again, and of key policies that
//! lock their writer out.

use std::collections::BTreeMap;

use countersign_model::case::GrantSpec;
use serde_json::{Value, json};

use super::super::super::request::KmsCall;
use super::super::super::scene::{Place, Scene, segment};
use super::super::super::statement::{Draft, Principals, document};
use super::super::super::vocabulary::kms_operation;
use super::members;

/// Most pairs that a constraint can have (`svc:G-10`).
const MOST_PAIRS: usize = 8;

impl Scene<'_, '_, '_> {
    /// Callers with this and that try to retire a grant (`svc:G-16`).
    pub(super) fn retirement(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let holder = self.new_role(0);
        let retiring = self.new_user_actor(0);
        self.forget_limits(retiring);
        let spec = GrantSpec {
            grantee_principal: Some(self.identity_arn(holder)),
            retiring_principal: self.principal_arn(retiring),
            operations: vec!["Encrypt".to_owned()],
            ..GrantSpec::default()
        };
        let name = self.add_grant(key, spec, Vec::new());
        let symbol = segment(&self.keys[key].name);
        let goal = self.steps.len() + 2;
        while self.steps.len() < goal && self.room() > 0 {
            let account = if self.dice.coin() { self.other_account() } else { 0 };
            let actor = match self.dice.below(4) {
                0 => self.new_user_actor(account),
                1 => {
                    // The key policy lets it, which is no way to retire.
                    let actor = self.new_role_actor(0);
                    let named = self.principal_arn(actor).unwrap_or_default();
                    let allow = Draft::allow(
                        Principals::Aws(vec![named]),
                        vec!["kms:RetireGrant".to_owned()],
                        vec!["*".to_owned()],
                    );
                    self.write(Place::Key(key), allow);
                    actor
                }
                2 => {
                    let actor = self.new_user_actor(account);
                    self.may(actor, &["kms:RetireGrant"], vec!["*".to_owned()]);
                    actor
                }
                _ => retiring,
            };
            if actor != retiring {
                self.forget_limits(actor);
            }
            let with = if self.dice.coin() {
                json!({"GrantToken": format!("{{{{key{symbol}.grant.{name}.token}}}}")})
            } else {
                json!({"KeyId": self.key_arn(key), "GrantId": format!("{{{{key{symbol}.grant.{name}.id}}}}")})
            };
            self.does(actor, "kms:RetireGrant", members(with));
        }
        let user = self.named_session_actor(holder, "after".to_owned());
        self.forget_limits(user);
        self.encrypts_plainly(user, key);
    }

    fn encrypts_plainly(&mut self, actor: usize, key: usize) {
        let mut request = self.kms_request(actor, kms_operation("Encrypt"), key, &KmsCall::default());
        request.call.with.remove("DryRun");
        request.call.with.insert("KeyId".to_owned(), json!(self.key_arn(key)));
        self.call(request.call);
    }

    /// Constraints of as many pairs as there can be, and of one more (`svc:G-10`).
    pub(super) fn many_pairs(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let holder = self.new_role(0);
        let admin = self.root_actor(0);
        for count in [MOST_PAIRS, MOST_PAIRS + 1 + self.dice.position(4)] {
            let pairs: BTreeMap<String, String> = (0..count)
                .map(|number| (format!("pair{number}"), format!("{}", self.dice.below(100))))
                .collect();
            let constraint = *self.dice.pick(&["EncryptionContextEquals", "EncryptionContextSubset"]);
            let with = json!({
                "KeyId": self.key_arn(key), "GranteePrincipal": self.identity_arn(holder),
                "Operations": ["Decrypt"], "Constraints": {constraint: pairs},
            });
            self.does(admin, "kms:CreateGrant", members(with));
        }
    }

    /// A role that a key policy, a bucket policy or a grant names is deleted and made again: another one (`iam:P-40`, `svc:G-15`).
    pub(super) fn recreated(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let role = self.new_role(0);
        self.identities[role].bare = true;
        self.identities[role].attached.clear();
        self.policies.remove(&Place::Boundary(role));
        let arn = self.identity_arn(role);
        if self.dice.coin() {
            let allow = Draft::allow(
                Principals::Aws(vec![arn]),
                vec!["kms:Encrypt".to_owned()],
                vec!["*".to_owned()],
            );
            self.write(Place::Key(key), allow);
        } else {
            let spec = GrantSpec {
                grantee_principal: Some(arn),
                operations: vec!["Encrypt".to_owned()],
                ..GrantSpec::default()
            };
            self.add_grant(key, spec, Vec::new());
        }
        let user = self.named_session_actor(role, "worker".to_owned());
        self.forget_limits(user);
        if self.dice.coin() {
            self.encrypts_plainly(user, key);
        }
        let admin = self.root_actor(0);
        let name = self.identities[role].name.clone();
        self.does(admin, "iam:DeleteRole", members(json!({"RoleName": name})));
        let root = self.accounts[0].root_arn();
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}],
        });
        let mut create = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        if let Some(path) = &self.identities[role].path {
            create["Path"] = json!(path);
        }
        self.does(admin, "iam:CreateRole", members(create));
        self.encrypts_plainly(user, key);
    }

    /// A key policy that no longer lets its writer change it (`svc:P-5`). No bypass of the check: a Case says that only where it tests it.
    pub(super) fn lockout(&mut self) {
        let key = self.new_key(0);
        self.open_key(key);
        let actor = if self.dice.coin() {
            self.root_actor(0)
        } else {
            self.new_role_actor(0)
        };
        self.forget_limits(actor);
        self.may(actor, &["kms:PutKeyPolicy"], vec!["*".to_owned()]);
        for _ in 0..2 {
            let root = self.accounts[0].root_arn();
            let actions: Vec<String> = match self.dice.below(3) {
                0 => vec!["kms:*".to_owned()],
                1 => vec!["kms:Encrypt".to_owned(), "kms:DescribeKey".to_owned()],
                _ => vec!["kms:Get*".to_owned(), "kms:Put*".to_owned()],
            };
            let principal = if self.dice.coin() {
                root
            } else {
                let sibling = self.new_role(0);
                self.identity_arn(sibling)
            };
            let draft = Draft::allow(Principals::Aws(vec![principal]), actions, vec!["*".to_owned()]);
            let policy: Value = serde_json::to_value(document(&mut self.dice, &[draft])).unwrap_or_default();
            let with = json!({"KeyId": self.key_arn(key), "Policy": policy});
            self.does(actor, "kms:PutKeyPolicy", members(with));
        }
    }
}
