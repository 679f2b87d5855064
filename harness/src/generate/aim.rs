//! Whom and what a breakage hits: principals of a Deny, neighbours, actions and resources. What is broken is `breakage`'s to say.

use super::request::{Need, Target};
use super::scene::{ActorKind, Scene};
use super::statement::Principals;
use super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// Whom a Deny names: the caller, what stands behind it, its account, everyone, or everyone but somebody else.
    pub(super) fn denied_principals(&mut self, actor: usize) -> Principals {
        if let ActorKind::Service { name, .. } = self.actors[actor].kind.clone() {
            return if self.dice.coin() {
                Principals::Everyone
            } else {
                Principals::Service(vec![name])
            };
        }
        let account = self.actors[actor].account;
        match (self.dice.below(10), self.principal_arn(actor), self.caller_arn(actor)) {
            (0..=2, Some(arn), _) => Principals::Aws(vec![arn]),
            (3, _, Some(arn)) => Principals::Aws(vec![arn]),
            (4..=6, Some(_), _) => self.account_principals(account),
            (7, Some(_), _) => {
                let sibling = self.sibling(actor, account);
                let arn = self.identity_arn(sibling);
                Principals::NotAws(vec![arn, self.accounts[account].root_arn()])
            }
            // The account alone spares its root user only (`iam:P-55`).
            (8, Some(_), _) if self.dice.below(3) == 0 => Principals::NotAws(vec![self.accounts[account].root_arn()]),
            _ => Principals::Everyone,
        }
    }

    /// A trust policy knows no NotPrincipal (`iam:P-51`).
    pub(super) fn denied_principals_of_trust(&mut self, actor: usize) -> Principals {
        match self.denied_principals(actor) {
            Principals::NotAws(_) => Principals::Everyone,
            principals => principals,
        }
    }

    pub(super) fn account_principals(&mut self, account: usize) -> Principals {
        let id = &self.accounts[account];
        Principals::Aws(vec![if self.dice.below(4) == 0 {
            id.as_str().to_owned()
        } else {
            id.root_arn()
        }])
    }

    pub(super) fn sibling_principals(&mut self, actor: usize) -> Principals {
        let account = self.actors[actor].account;
        let sibling = self.sibling(actor, account);
        Principals::Aws(vec![self.identity_arn(sibling)])
    }

    /// Another user or role of the account; a new one if there is none.
    pub(super) fn sibling(&mut self, actor: usize, account: usize) -> usize {
        let own = self.actors[actor].identity;
        let others: Vec<usize> = (0..self.identities.len())
            .filter(|one| Some(*one) != own && self.identities[*one].account == account)
            .collect();
        if others.is_empty() {
            return if self.dice.coin() {
                self.new_role(account)
            } else {
                self.new_user(account)
            };
        }
        *self.dice.pick(&others)
    }

    pub(super) fn denied_action(&mut self, need: &Need, exact: bool) -> String {
        let wider = words::wider_actions(&need.action);
        if !exact && !wider.is_empty() && self.dice.below(3) == 0 {
            self.dice.pick(&wider).clone()
        } else {
            need.action.clone()
        }
    }

    pub(super) fn denied_resource(&mut self, bucket: usize, need: &Need) -> String {
        match &need.target {
            Target::Object(_, object) => {
                let object = object.clone();
                self.object_pattern(bucket, &object)
            }
            _ => self.bucket_arn(bucket),
        }
    }

    pub(super) fn own_resource(&mut self, need: &Need) -> String {
        if self.dice.coin() {
            return "*".to_owned();
        }
        match need.target.clone() {
            Target::Key(key) => self.key_arn(key),
            Target::Bucket(bucket) => self.bucket_arn(bucket),
            Target::Object(bucket, object) => self.object_pattern(bucket, &object),
            Target::Role(role) => self.identity_arn(role),
            Target::Alias(..) | Target::Any => "*".to_owned(),
        }
    }
}
