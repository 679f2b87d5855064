//! Stories in which somebody saves policies: by every call that takes one, texts that are fine and texts that a careful service refuses.

use serde_json::{Value, json};

use super::super::request::{Need, Request, Target};
use super::super::scene::Scene;
use super::super::statement::{Draft, Principals, document};
use super::super::vocabulary as words;

/// A kind of policy and the texts of that kind that are to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
    Managed,
    Trust,
    Key,
    Bucket,
    Session,
}

/// How often each is saved.
const KINDS: &[(u32, Kind)] = &[
    (3, Kind::User),
    (2, Kind::Role),
    (3, Kind::Managed),
    (5, Kind::Trust),
    (3, Kind::Key),
    (3, Kind::Bucket),
    (2, Kind::Session),
];

impl Scene<'_, '_, '_> {
    /// Somebody saves one policy after another.
    pub(super) fn policy_writing(&mut self) {
        let writer = self.new_actor(0);
        let goal = self.steps.len() + 3 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 0 {
            let kind = self.dice.weighted(KINDS);
            let request = self.saving_request(writer, kind);
            self.permit(&request);
            if self.dice.below(5) == 0 {
                self.break_once(&request);
            }
            self.call(request.call);
        }
    }

    fn saving_request(&mut self, writer: usize, kind: Kind) -> Request {
        let policy = |policy: Value| ("PolicyDocument", policy);
        let number = self.dice.below(1000);
        match kind {
            Kind::User => {
                let user = self.new_user(0);
                let name = self.identities[user].name.clone();
                let text = self.identity_text();
                let with = [
                    ("UserName", json!(name)),
                    ("PolicyName", json!("written")),
                    policy(text),
                ];
                self.iam_request(writer, "PutUserPolicy", with.into())
            }
            Kind::Role => {
                let role = self.new_role(0);
                let name = self.identities[role].name.clone();
                let text = self.identity_text();
                let with = [
                    ("RoleName", json!(name)),
                    ("PolicyName", json!("written")),
                    policy(text),
                ];
                self.iam_request(writer, "PutRolePolicy", with.into())
            }
            Kind::Managed => {
                let text = self.identity_text();
                let with = [("PolicyName", json!(format!("written-{number}"))), policy(text)];
                self.iam_request(writer, "CreatePolicy", with.into())
            }
            Kind::Trust if self.dice.coin() => {
                let text = self.resource_text(words::BROKEN_TRUST_POLICIES, "sts:AssumeRole", None);
                let name = format!("fresh-{number}");
                let with = [("RoleName", json!(name)), ("AssumeRolePolicyDocument", text)];
                self.iam_request(writer, "CreateRole", with.into())
            }
            Kind::Trust => {
                let role = self.new_role(0);
                let name = self.identities[role].name.clone();
                let text = self.resource_text(words::BROKEN_TRUST_POLICIES, "sts:AssumeRole", None);
                let with = [("RoleName", json!(name)), policy(text)];
                self.iam_request(writer, "UpdateAssumeRolePolicy", with.into())
            }
            Kind::Key => {
                let key = self.new_key(0);
                let text = self.resource_text(words::BROKEN_KEY_POLICIES, "kms:Decrypt", Some("*".to_owned()));
                let mut call = self.bare(writer, "kms:PutKeyPolicy");
                call.with.insert("KeyId".to_owned(), json!(self.key_id(key)));
                call.with.insert("Policy".to_owned(), text);
                let need = self.key_need("PutKeyPolicy", key, None, None);
                Request {
                    call,
                    needs: vec![need],
                }
            }
            Kind::Bucket => {
                let bucket = self.new_bucket(0, None);
                let resource = format!("{}/*", self.bucket_arn(bucket));
                let text = self.resource_text(words::BROKEN_BUCKET_POLICIES, "s3:GetObject", Some(resource));
                let mut call = self.bare(writer, "s3:PutBucketPolicy");
                call.with
                    .insert("Bucket".to_owned(), json!(self.buckets[bucket].name.clone()));
                call.with.insert("Policy".to_owned(), text);
                let need = self.s3_need("s3:PutBucketPolicy", bucket, None);
                Request {
                    call,
                    needs: vec![need],
                }
            }
            Kind::Session => {
                let role = self.new_role(0);
                let mut call = self.bare(writer, "sts:AssumeRole");
                call.with.insert("RoleArn".to_owned(), json!(self.identity_arn(role)));
                call.with.insert("RoleSessionName".to_owned(), json!("written"));
                let text = self.identity_text();
                // The parameter is a text whatever is in it.
                let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
                call.with.insert("Policy".to_owned(), json!(text));
                let need = Need {
                    target: Target::Role(role),
                    ..self.any_need("sts:AssumeRole")
                };
                Request {
                    call,
                    needs: vec![need],
                }
            }
        }
    }

    fn iam_request(&mut self, writer: usize, operation: &str, with: Vec<(&'static str, Value)>) -> Request {
        let mut call = self.bare(writer, &format!("iam:{operation}"));
        call.with
            .extend(with.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let need = self.any_need(&format!("iam:{operation}"));
        Request {
            call,
            needs: vec![need],
        }
    }

    /// An identity policy, in every other case one that is to be refused.
    fn identity_text(&mut self) -> Value {
        let action = (*self.dice.pick(&["kms:Decrypt", "s3:GetObject", "kms:Get*"])).to_owned();
        if self.dice.coin() {
            return json!(self.broken_policy(&action, "*"));
        }
        let draft = Draft::allow(Principals::Absent, vec![action], vec!["*".to_owned()]);
        self.text_of(draft)
    }

    /// A policy with principals, in every other case one that is to be refused.
    fn resource_text(&mut self, broken: &[&str], action: &str, resource: Option<String>) -> Value {
        let root = self.accounts[0].root_arn();
        if self.dice.coin() {
            let text = self
                .dice
                .pick(broken)
                .replace("{root}", &root)
                .replace("{account}", self.accounts[0].as_str())
                .replace("{action}", action)
                .replace("{resource}", resource.as_deref().unwrap_or("*"));
            return json!(text);
        }
        let actions = if action.starts_with("kms:") { "kms:*" } else { action };
        let draft = Draft::allow(
            Principals::Aws(vec![root]),
            vec![actions.to_owned()],
            resource.into_iter().collect(),
        );
        self.text_of(draft)
    }

    fn text_of(&mut self, draft: Draft) -> Value {
        let policy = document(&mut self.dice, &[draft]);
        serde_json::to_value(policy).unwrap_or_else(|_| json!({}))
    }
}
