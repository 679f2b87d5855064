//! Stories of an administrator of identities: users, roles, groups and their policies are made, read, changed and taken away, with a
//! stranger who tries the same.

use serde_json::{Map, Value, json};

use super::super::request::Request;
use super::super::scene::Scene;
use super::super::statement::{Draft, Principals, document};
use super::super::vocabulary as words;
use super::pair::Order;

/// What kind of thing a chain of calls is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    User,
    Role,
    Group,
    Policy,
    Table,
    Function,
}

/// Calls that follow each other, with weights. `{kind}` stands for `User`, `Role` or `Group`.
const CHAINS: &[(u32, &[Of], &[&str])] = &[
    (3, &[Of::User, Of::Role], &["Create{kind}", "Get{kind}", "Delete{kind}"]),
    (
        4,
        &[Of::User, Of::Role],
        &["Put{kind}Policy", "Get{kind}Policy", "Delete{kind}Policy"],
    ),
    (3, &[Of::User, Of::Role], &["Attach{kind}Policy", "Detach{kind}Policy"]),
    (
        3,
        &[Of::User, Of::Role],
        &["Put{kind}PermissionsBoundary", "Delete{kind}PermissionsBoundary"],
    ),
    (3, &[Of::User, Of::Role], &["Tag{kind}", "Untag{kind}"]),
    (1, &[Of::Role], &["UpdateAssumeRolePolicy", "GetRole"]),
    (
        3,
        &[Of::Group],
        &[
            "CreateGroup",
            "AddUserToGroup",
            "GetGroup",
            "RemoveUserFromGroup",
            "DeleteGroup",
        ],
    ),
    (
        3,
        &[Of::Group],
        &["CreateGroup", "PutGroupPolicy", "GetGroupPolicy", "DeleteGroupPolicy"],
    ),
    (
        2,
        &[Of::Group],
        &["CreateGroup", "AttachGroupPolicy", "DetachGroupPolicy"],
    ),
    (2, &[Of::Policy], &["CreatePolicy", "DeletePolicy"]),
    (
        1,
        &[Of::Table],
        &["CreateTable", "DescribeTable", "ListTables", "DeleteTable"],
    ),
    (1, &[Of::Function], &["CreateFunction", "DeleteFunction"]),
];

impl Scene<'_, '_, '_> {
    /// One chain of calls, each with its refused twin where there is room.
    pub(super) fn people(&mut self) {
        let admin = self.new_actor(0);
        let services = self.settings.services;
        let weights: Vec<(u32, usize)> = CHAINS
            .iter()
            .enumerate()
            .filter(|(_, (_, kinds, _))| services || !matches!(kinds, [Of::Table | Of::Function]))
            .map(|(at, (weight, ..))| (*weight, at))
            .collect();
        let (_, kinds, calls) = CHAINS[self.dice.weighted(&weights)];
        let kind = *self.dice.pick(kinds);
        let (name, user) = self.subject(kind, calls[0].starts_with("Create"));
        for call in calls {
            if self.room() == 0 {
                return;
            }
            let operation = call.replace("{kind}", kind_name(kind));
            let request = self.chain_request(admin, kind, &operation, &name, &user);
            if self.dice.below(3) > 0 && self.room() > 1 {
                self.pair(request, Order::RefusedFirst);
            } else {
                self.perform_unbroken(request);
            }
        }
    }

    /// The name of what the chain is about, and a user for groups.
    fn subject(&mut self, kind: Of, made: bool) -> (String, String) {
        let user = if kind == Of::Group {
            let user = self.new_user(0);
            self.identities[user].name.clone()
        } else {
            String::new()
        };
        let number = self.dice.below(1000);
        let name = match kind {
            Of::User | Of::Role if !made => {
                let identity = if kind == Of::Role {
                    self.new_role(0)
                } else {
                    self.new_user(0)
                };
                self.identities[identity].bare = true;
                self.identities[identity].name.clone()
            }
            Of::Table => format!("table{number}"),
            Of::Function => format!("fn-{}", 2000 + number),
            _ => format!("made-{number}"),
        };
        (name, user)
    }

    fn chain_request(&mut self, actor: usize, kind: Of, operation: &str, name: &str, user: &str) -> Request {
        let service = match kind {
            Of::Table => "dynamodb",
            Of::Function => "lambda",
            _ => "iam",
        };
        let mut call = self.bare(actor, &format!("{service}:{operation}"));
        let mut with: Map<String, Value> = Map::new();
        let mut needs = vec![self.any_need(&format!("{service}:{operation}"))];
        match kind {
            Of::Table if operation == "ListTables" => {
                with.insert("Limit".to_owned(), json!(1 + self.dice.below(100)));
            }
            Of::Table => {
                with.insert("TableName".to_owned(), json!(name));
                if operation == "CreateTable" {
                    with.insert(
                        "AttributeDefinitions".to_owned(),
                        json!([{"AttributeName": "id", "AttributeType": "S"}]),
                    );
                    with.insert(
                        "KeySchema".to_owned(),
                        json!([{"AttributeName": "id", "KeyType": "HASH"}]),
                    );
                    with.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
                }
            }
            Of::Function => {
                with.insert("FunctionName".to_owned(), json!(name));
                if operation == "CreateFunction" {
                    let role = self.new_role(0);
                    with.insert("Role".to_owned(), json!(self.identity_arn(role)));
                    needs.push(self.any_need("iam:PassRole"));
                }
            }
            Of::Policy if operation == "DeletePolicy" => {
                let arn = format!("arn:aws:iam::{}:policy/{name}", self.accounts[0]);
                with.insert("PolicyArn".to_owned(), json!(arn));
            }
            Of::Policy => {
                with.insert("PolicyName".to_owned(), json!(name));
                with.insert("PolicyDocument".to_owned(), self.small_policy());
            }
            Of::User | Of::Role | Of::Group => {
                with.insert(format!("{}Name", kind_name(kind)), json!(name));
            }
        }
        match operation {
            "CreateRole" | "UpdateAssumeRolePolicy" => {
                let member = if operation == "CreateRole" {
                    "AssumeRolePolicyDocument"
                } else {
                    "PolicyDocument"
                };
                let root = self.accounts[0].root_arn();
                let trust = Draft::allow(
                    Principals::Aws(vec![root]),
                    vec!["sts:AssumeRole".to_owned()],
                    Vec::new(),
                );
                let trust = document(&mut self.dice, &[trust]);
                with.insert(member.to_owned(), serde_json::to_value(trust).unwrap_or_default());
            }
            "AddUserToGroup" | "RemoveUserFromGroup" => {
                with.insert("UserName".to_owned(), json!(user));
            }
            _ if operation.starts_with("Put") && operation.ends_with("Policy") => {
                with.insert("PolicyName".to_owned(), json!("written"));
                with.insert("PolicyDocument".to_owned(), self.small_policy());
            }
            _ if (operation.starts_with("Get") || operation.starts_with("Delete"))
                && operation.ends_with("Policy")
                && kind != Of::Policy =>
            {
                with.insert("PolicyName".to_owned(), json!("written"));
            }
            _ if operation.starts_with("Attach") || operation.starts_with("Detach") => {
                with.insert(
                    "PolicyArn".to_owned(),
                    json!("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
                );
            }
            _ if operation.starts_with("Put") && operation.ends_with("Boundary") => {
                let arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
                with.insert("PermissionsBoundary".to_owned(), json!(arn));
            }
            "TagUser" | "TagRole" => {
                let tag = json!({"Key": "team", "Value": *self.dice.pick(words::WORDS)});
                with.insert("Tags".to_owned(), json!([tag]));
            }
            "UntagUser" | "UntagRole" => {
                with.insert("TagKeys".to_owned(), json!(["team"]));
            }
            _ => {}
        }
        call.with = with;
        Request { call, needs }
    }

    fn small_policy(&mut self) -> Value {
        let action = (*self.dice.pick(words::OBJECT_NOISE)).to_owned();
        let draft = Draft::allow(Principals::Absent, vec![action], vec!["*".to_owned()]);
        let policy = document(&mut self.dice, &[draft]);
        serde_json::to_value(policy).unwrap_or_default()
    }
}

fn kind_name(kind: Of) -> &'static str {
    match kind {
        Of::User => "User",
        Of::Role => "Role",
        _ => "Group",
    }
}
