//! Stories in which roles are assumed: trust policies, identity policies, tags and external ids.

use serde_json::{Value, json};

use super::super::fact::Fact;
use super::super::request::{Need, Request, Target};
use super::super::scene::Scene;
use super::super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// Several callers assume a role, each with its own way to be allowed.
    pub(super) fn assume_role(&mut self) {
        let role = self.new_role(0);
        let goal = self.steps.len() + 3 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 0 {
            let account = self.caller_account();
            let actor = if self.dice.below(10) == 0 {
                // The role itself, which must be trusted like anybody else (`iam:L-73`).
                self.session_actor(role)
            } else if self.dice.coin() {
                self.new_user_actor(account)
            } else {
                self.new_actor(account)
            };
            let request = self.assume_request(actor, role);
            let request = self.perform(request);
            self.perhaps_twist(&request);
        }
    }

    fn assume_request(&mut self, actor: usize, role: usize) -> Request {
        let mut call = self.bare(actor, "sts:AssumeRole");
        let session = format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(1000));
        call.with.insert("RoleArn".to_owned(), json!(self.identity_arn(role)));
        call.with.insert("RoleSessionName".to_owned(), json!(session));
        let mut facts = vec![Fact::text("sts:RoleSessionName", &session)];
        if self.dice.below(3) == 0 {
            let id = format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(100));
            call.with.insert("ExternalId".to_owned(), json!(id));
            facts.push(Fact::text("sts:ExternalId", id));
        } else {
            facts.push(Fact::absent("sts:ExternalId"));
        }
        let mut actions = vec!["sts:AssumeRole"];
        if self.dice.below(6) == 0 {
            let tags = self.tags();
            for (key, value) in &tags {
                facts.push(Fact::text(format!("aws:RequestTag/{key}"), value));
            }
            let tags: Vec<Value> = tags
                .into_iter()
                .map(|(key, value)| json!({"Key": key, "Value": value}))
                .collect();
            call.with.insert("Tags".to_owned(), Value::Array(tags));
            actions.push("sts:TagSession");
        }
        if self.dice.below(12) == 0 {
            let name = *self.dice.pick(words::USERS);
            call.with.insert("SourceIdentity".to_owned(), json!(name));
            facts.push(Fact::text("sts:SourceIdentity", name));
            actions.push("sts:SetSourceIdentity");
        }
        let needs = actions
            .into_iter()
            .map(|action| Need {
                target: Target::Role(role),
                facts: facts.clone(),
                ..self.any_need(action)
            })
            .collect();
        Request { call, needs }
    }
}
