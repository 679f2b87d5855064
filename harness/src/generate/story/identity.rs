//! Stories in which an administrator changes the policies of a user or role between two uses.

use serde_json::{Value, json};

use super::super::request::Request;
use super::super::scene::Scene;
use super::super::statement::{Draft, Principals, document};
use super::super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// A use, a change by IAM, the use again.
    pub(super) fn identity_change(&mut self) {
        let key = self.new_key(0);
        let context = self.encryption_context();
        let ciphertext = self.encrypts(key, &context);
        let account = self.caller_account();
        let user = if self.dice.coin() {
            self.new_user_actor(account)
        } else {
            self.new_role_actor(account)
        };
        let use_request = self.use_of_key(user, key, &context, &ciphertext);
        let use_request = self.perform(use_request);
        let admin = self.new_actor(account);
        let Some(change) = self.identity_change_request(admin, user, &use_request) else {
            return;
        };
        self.permit(&change);
        if self.dice.below(6) == 0 {
            self.break_once(&change);
        }
        self.call(change.call);
        self.call(use_request.call.clone());
        self.perhaps_twist(&use_request);
    }

    fn identity_change_request(&mut self, admin: usize, user: usize, use_request: &Request) -> Option<Request> {
        let identity = self.actors[user].identity?;
        let kind = if self.identities[identity].role { "Role" } else { "User" };
        let name = self.identities[identity].name.clone();
        let actions: Vec<String> = use_request.needs.iter().map(|need| need.action.clone()).collect();
        let (operation, parameters): (String, Vec<(&str, Value)>) = match self.dice.below(6) {
            0 => {
                let (arn, _) = *self.dice.pick(words::MANAGED_POLICIES);
                (format!("Attach{kind}Policy"), vec![("PolicyArn", json!(arn))])
            }
            1 => {
                let arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
                (
                    format!("Put{kind}PermissionsBoundary"),
                    vec![("PermissionsBoundary", json!(arn))],
                )
            }
            2 => {
                let tags: Vec<Value> = self
                    .tags()
                    .into_iter()
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                (format!("Tag{kind}"), vec![("Tags", Value::Array(tags))])
            }
            choice => {
                let resource = vec!["*".to_owned()];
                let draft = if choice < 5 {
                    Draft::allow(Principals::Absent, actions, resource)
                } else {
                    Draft::deny(Principals::Absent, actions, resource)
                };
                let policy = document(&mut self.dice, std::slice::from_ref(&draft));
                let mut policy = serde_json::to_value(policy).ok()?;
                if self.dice.below(4) == 0 {
                    policy = json!(self.broken_policy(&draft.actions[0], "*"));
                }
                (
                    format!("Put{kind}Policy"),
                    vec![("PolicyName", json!("emergency")), ("PolicyDocument", policy)],
                )
            }
        };
        let mut call = self.bare(admin, &format!("iam:{operation}"));
        call.with.insert(format!("{kind}Name"), json!(name));
        call.with
            .extend(parameters.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let need = self.any_need(&format!("iam:{operation}"));
        Some(Request {
            call,
            needs: vec![need],
        })
    }

    /// A policy text that is to be refused.
    pub(super) fn broken_policy(&mut self, action: &str, resource: &str) -> String {
        self.dice
            .pick(words::BROKEN_POLICIES)
            .replace("{action}", action)
            .replace("{resource}", resource)
    }
}
