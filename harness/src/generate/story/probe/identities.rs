//! Probes of identities: roles that assume themselves, users who help themselves, tags and policies that sessions bring along, accounts
//! that no SCP binds.

use serde_json::{Value, json};

use super::super::super::request::KmsCall;
use super::super::super::scene::{ActorKind, Place, Scene};
use super::super::super::statement::{Condition, Draft, Principals, document};
use super::super::super::vocabulary::{self as words, kms_operation};
use super::members;

impl Scene<'_, '_, '_> {
    /// A role assumes itself; its trust policy names somebody else (`iam:L-73`).
    pub(super) fn self_assumption(&mut self) {
        let role = self.new_role(0);
        let trusted = if self.dice.below(4) == 0 {
            role
        } else {
            self.new_role(0)
        };
        let trust = Draft::allow(
            Principals::Aws(vec![self.identity_arn(trusted)]),
            vec!["sts:AssumeRole".to_owned()],
            Vec::new(),
        );
        self.write(Place::Trust(role), trust);
        let arn = self.identity_arn(role);
        for identity in [role, trusted] {
            let actor = self.session_actor(identity);
            if identity == role || trusted != role {
                self.may(actor, &["sts:AssumeRole"], vec![arn.clone()]);
            }
            let session = format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(1000));
            self.does(
                actor,
                "sts:AssumeRole",
                members(json!({"RoleArn": arn, "RoleSessionName": session})),
            );
        }
    }

    /// A role is assumed with tags or a source identity; one of the permissions may be missing (`iam:L-74`).
    pub(super) fn session_of_tags(&mut self) {
        let role = self.new_role(0);
        let arn = self.identity_arn(role);
        let all = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
        for missing in [None, Some(1), Some(2)] {
            let actor = self.new_user_actor(0);
            let named = self.identity_arn(self.actors[actor].identity.unwrap_or(role));
            let actions: Vec<String> = all
                .iter()
                .enumerate()
                .filter(|(at, _)| Some(*at) != missing)
                .map(|(_, action)| (*action).to_owned())
                .collect();
            self.write(
                Place::Trust(role),
                Draft::allow(Principals::Aws(vec![named]), actions, Vec::new()),
            );
            let session = format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(1000));
            let mut with = json!({"RoleArn": arn, "RoleSessionName": session});
            if missing != Some(2) {
                with["Tags"] = json!([{"Key": "team", "Value": *self.dice.pick(words::WORDS)}]);
            }
            if missing != Some(1) {
                with["SourceIdentity"] = json!(*self.dice.pick(words::USERS));
            }
            self.does(actor, "sts:AssumeRole", members(with));
        }
    }

    /// A user changes what it or another one may, with no permission, with a near one, or with the right one.
    pub(super) fn self_service(&mut self) {
        let user = self.new_user_actor(0);
        let Some(own) = self.actors[user].identity else { return };
        let role = self.new_role(0);
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 0 {
            let other = self.new_user(0);
            let subject = if self.dice.below(3) > 0 { own } else { other };
            let name = self.identities[subject].name.clone();
            let full = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
            let policy = self.generous_policy();
            let (operation, near, with) = match self.dice.below(6) {
                0 => (
                    "PutUserPolicy",
                    "iam:GetUserPolicy",
                    json!({"UserName": name, "PolicyName": "mine", "PolicyDocument": policy}),
                ),
                1 => (
                    "AttachUserPolicy",
                    "iam:DetachUserPolicy",
                    json!({"UserName": name, "PolicyArn": full}),
                ),
                2 => (
                    "DeleteUserPermissionsBoundary",
                    "iam:PutUserPermissionsBoundary",
                    json!({"UserName": name}),
                ),
                3 => (
                    "PutUserPermissionsBoundary",
                    "iam:DeleteUserPermissionsBoundary",
                    json!({"UserName": name, "PermissionsBoundary": full}),
                ),
                4 => {
                    let trust = self.open_trust();
                    (
                        "UpdateAssumeRolePolicy",
                        "iam:GetRole",
                        json!({"RoleName": self.identities[role].name, "PolicyDocument": trust}),
                    )
                }
                _ => (
                    "PutUserPolicy",
                    "iam:GetUserPolicy",
                    json!({"UserName": name, "PolicyName": "more", "PolicyDocument": policy}),
                ),
            };
            let right = format!("iam:{operation}");
            match self.dice.below(5) {
                0 => self.may(user, &[right.as_str()], vec!["*".to_owned()]),
                1 => self.may(user, &[near], vec!["*".to_owned()]),
                _ => {}
            }
            self.does(user, &right, members(with));
        }
    }

    fn generous_policy(&mut self) -> Value {
        let draft = Draft::allow(
            Principals::Absent,
            vec!["s3:GetObject".to_owned()],
            vec!["*".to_owned()],
        );
        serde_json::to_value(document(&mut self.dice, &[draft])).unwrap_or_default()
    }

    fn open_trust(&mut self) -> Value {
        let root = self.accounts[0].root_arn();
        let draft = Draft::allow(
            Principals::Aws(vec![root]),
            vec!["sts:AssumeRole".to_owned()],
            Vec::new(),
        );
        serde_json::to_value(document(&mut self.dice, &[draft])).unwrap_or_default()
    }

    /// Callers of two accounts under different SCPs use one key or bucket (`iam:L-44`, `iam:L-49`).
    pub(super) fn other_unit(&mut self) {
        self.organization = true;
        // Below the unit that holds the first account; or below the root, where the first account manages the organization.
        let node = usize::from(self.dice.coin());
        if node == 1 {
            self.apart = true;
        } else {
            self.manages = true;
        }
        let denied = *self
            .dice
            .pick(&["kms:Encrypt", "s3:ListAllMyBuckets", "kms:GenerateDataKey"]);
        let mut scp = Draft::deny(Principals::Absent, vec![denied.to_owned()], vec!["*".to_owned()]);
        if self.dice.below(4) == 0 {
            scp.actions = vec![denied.replace("Encrypt", "En*")];
        }
        self.write(Place::Scp(node), scp);
        let key = self.new_key(0);
        let accounts: Vec<usize> = (0..self.accounts.len()).collect();
        for account in accounts {
            let actor = self.new_role_actor(account);
            let mut request = if denied.starts_with("kms:") {
                let operation = kms_operation(denied.trim_start_matches("kms:"));
                self.kms_request(actor, operation, key, &KmsCall::default())
            } else {
                self.on_account(actor, "s3:ListBuckets", Default::default(), &[denied])
            };
            request.call.with.remove("DryRun");
            self.perform_unbroken(request);
        }
    }

    /// A session's tags against its role's, and a policy of the account passed as session policy (`iam:K-91`, `iam:L-76`).
    pub(super) fn tagged_sessions(&mut self) {
        let role = self.new_role(0);
        let key = self.new_key(0);
        self.identities[role].tags = [("team".to_owned(), "red".to_owned())].into();
        self.policies.remove(&Place::Boundary(role));
        let mut allow = Draft::allow(
            Principals::Absent,
            vec!["kms:Encrypt".to_owned(), "kms:GenerateDataKey".to_owned()],
            vec!["*".to_owned()],
        );
        allow.conditions.push(Condition {
            operator: "StringEquals".to_owned(),
            key: "aws:PrincipalTag/team".to_owned(),
            values: vec![(*self.dice.pick(&["blue", "red"])).to_owned()],
        });
        self.write(Place::Identity(role), allow);
        for (number, team) in ["blue", "red", "blue"].into_iter().enumerate() {
            let actor = self.named_session_actor(role, format!("s-{number}"));
            self.policies.remove(&Place::Session(actor));
            if let ActorKind::Role { tags, policy_arns, .. } = &mut self.actors[actor].kind {
                if team == "blue" {
                    *tags = [("team".to_owned(), team.to_owned())].into();
                } else {
                    tags.clear();
                }
                if number == 2 {
                    policy_arns.push("arn:aws:iam::aws:policy/AmazonS3FullAccess");
                }
            }
            let name = *self.dice.pick(&["Encrypt", "GenerateDataKey"]);
            let mut request = self.kms_request(actor, kms_operation(name), key, &KmsCall::default());
            request.call.with.remove("DryRun");
            request.call.with.insert("KeyId".to_owned(), json!(self.key_arn(key)));
            self.open_key(key);
            self.call(request.call);
        }
    }
}
