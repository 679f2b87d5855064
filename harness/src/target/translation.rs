//! A case in other names: what stands in namespaces that cases share (users, roles, groups, policies, buckets, functions, vaults, aliases,
//! accounts) gets names of its own, everywhere in the case, before it runs. The model runs the case in both forms: only where both come to
//! the same is the target asked. Ids that nobody can choose are bound instead (`differential::Binding`).

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::Case;
use serde_json::{Map, Value, json};

/// Maps of an account whose names stand in namespaces that cases share.
const NAMED: [&str; 7] = [
    "users",
    "roles",
    "groups",
    "managed_policies",
    "buckets",
    "functions",
    "backup_vaults",
];
/// Parameters that make something of that name.
const MADE: [(&str, &str); 8] = [
    ("iam:CreateUser", "UserName"),
    ("iam:CreateRole", "RoleName"),
    ("iam:CreateGroup", "GroupName"),
    ("iam:CreatePolicy", "PolicyName"),
    ("s3:CreateBucket", "Bucket"),
    ("kms:CreateAlias", "AliasName"),
    ("lambda:CreateFunction", "FunctionName"),
    ("backup:CreateBackupVault", "BackupVaultName"),
];

/// The condition key that says whether a request comes over TLS.
pub(crate) const SECURE_TRANSPORT: &str = "aws:SecureTransport";

/// AWS's policy that allows everything.
const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A case as it is run on a target, and the way back.
#[derive(Debug, Clone)]
pub struct Translation {
    /// The case in the target's names.
    pub case: Case,
    /// What the case would need to run as it is written, for the steps where the two forms come to different ends.
    pub instead_of: String,
    /// Texts of the target's names with what they stand for.
    back: Vec<(String, String)>,
}

/// What is changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Letters that are put before every name; taken away again with the suffix.
    pub prefix: String,
    /// Letters and digits that are put behind every name; none to leave names alone.
    pub suffix: String,
    /// Other account ids.
    pub accounts: BTreeMap<String, String>,
    /// Whether the date of behaviour is left out.
    pub without_date: bool,
    /// Whether the switches of disputed rules are left out.
    pub without_quirks: bool,
    /// The time that it is on the target, where the case depends on it.
    pub clock: Option<jiff::Timestamp>,
    /// Whether every call says that it comes without TLS.
    pub plain_http: bool,
    /// Whether AWS's AdministratorAccess is written out as a policy of whoever has it: the target has no policies of AWS.
    pub without_managed: bool,
}

impl Translation {
    /// The case with the changes; none if nothing changes, or the result is no case any more.
    pub fn of(case: &Case, changes: &Changes) -> Option<Self> {
        let mut tree = serde_json::to_value(case).ok()?;
        let mut instead_of = Vec::new();
        if changes.without_date && case.as_of.is_some() {
            tree.as_object_mut()?.remove("as_of");
            instead_of.push("as_of");
        }
        if changes.without_quirks && !case.quirks.is_empty() {
            tree.as_object_mut()?.remove("quirks");
            instead_of.push("quirks");
        }
        if let Some(clock) = changes.clock {
            tree.get_mut("world")?
                .as_object_mut()?
                .insert("clock".to_owned(), clock.to_string().into());
            instead_of.push("clock");
        }
        if changes.plain_http {
            for step in tree.get_mut("steps")?.as_array_mut()? {
                say_plain(step);
            }
            instead_of.push("secure_transport");
        }
        if changes.without_managed && write_out_administrators(&mut tree) {
            instead_of.push("aws_managed_policies");
        }
        let mut words: BTreeMap<String, String> = BTreeMap::new();
        if !changes.suffix.is_empty() {
            for name in shared_names(&tree) {
                let renamed = match name.strip_prefix("alias/") {
                    Some(rest) => format!("alias/{}{rest}{}", changes.prefix, changes.suffix),
                    None => format!("{}{name}{}", changes.prefix, changes.suffix),
                };
                words.insert(name, renamed);
            }
        }
        words.extend(changes.accounts.iter().map(|(from, to)| (from.clone(), to.clone())));
        if !words.is_empty() {
            instead_of.push("names of its own");
            for part in ["world", "steps"] {
                if let Some(tree) = tree.get_mut(part) {
                    *tree = renamed(std::mem::take(tree), &words, &mut Vec::new());
                }
            }
        }
        if instead_of.is_empty() {
            return None;
        }
        let mut back: Vec<(String, String)> = changes
            .accounts
            .iter()
            .map(|(from, to)| (to.clone(), from.clone()))
            .collect();
        if !changes.suffix.is_empty() {
            back.push((changes.suffix.clone(), String::new()));
            if !changes.prefix.is_empty() {
                back.push((changes.prefix.clone(), String::new()));
            }
        }
        Some(Self {
            case: serde_json::from_value(tree).ok()?,
            instead_of: instead_of.join(" or "),
            back,
        })
    }

    /// A text of the target in the names of the case as it is written.
    pub fn back(&self, text: &str) -> String {
        self.back
            .iter()
            .fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// The same for every text of a value.
    pub fn back_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.back(text)),
            Value::Array(list) => list.iter().map(|element| self.back_json(element)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| (self.back(name), self.back_json(member)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}

/// Gives everybody to whom AdministratorAccess is attached an inline policy that says the same. Answers whether there was anybody.
fn write_out_administrators(tree: &mut Value) -> bool {
    let mut any = false;
    let accounts = tree.pointer_mut("/world/accounts").and_then(Value::as_object_mut);
    for account in accounts.into_iter().flat_map(Map::values_mut) {
        for kind in ["users", "roles", "groups"] {
            let members = account.get_mut(kind).and_then(Value::as_object_mut);
            for holder in members
                .into_iter()
                .flat_map(Map::values_mut)
                .filter_map(Value::as_object_mut)
            {
                let Some(attached) = holder.get_mut("attached").and_then(Value::as_array_mut) else {
                    continue;
                };
                let before = attached.len();
                attached.retain(|arn| arn != ADMINISTRATOR_ACCESS);
                if attached.len() == before {
                    continue;
                }
                any = true;
                let policies = holder.entry("policies").or_insert_with(|| Value::Object(Map::new()));
                if let Some(policies) = policies.as_object_mut() {
                    let everything = json!({
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                    });
                    policies.insert("AdministratorAccess".to_owned(), everything);
                }
            }
        }
    }
    any
}

/// The step with the fact that its request comes without TLS, unless it says something about that itself.
fn say_plain(step: &mut Value) {
    let Some(step) = step.as_object_mut().filter(|step| step.contains_key("call")) else {
        return;
    };
    let context = step.entry("context").or_insert_with(|| Value::Object(Map::new()));
    if let Some(facts) = context.as_object_mut()
        && !facts.keys().any(|key| key.eq_ignore_ascii_case(SECURE_TRANSPORT))
    {
        facts.insert(SECURE_TRANSPORT.to_owned(), "false".into());
    }
}

/// Every name of the case that stands in a namespace that cases share.
fn shared_names(tree: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let accounts = tree.pointer("/world/accounts").and_then(Value::as_object);
    for account in accounts.into_iter().flat_map(Map::values) {
        for map in NAMED {
            let members = account.get(map).and_then(Value::as_object);
            names.extend(members.into_iter().flat_map(Map::keys).cloned());
        }
        let keys = account.get("keys").and_then(Value::as_object);
        for alias in keys
            .into_iter()
            .flat_map(Map::values)
            .filter_map(|key| key.get("aliases")?.as_array())
            .flatten()
        {
            names.extend(alias.as_str().map(str::to_owned));
        }
    }
    let steps = tree.get("steps").and_then(Value::as_array);
    for step in steps.into_iter().flatten() {
        let call = step.get("call").and_then(Value::as_str).unwrap_or_default();
        for (_, parameter) in MADE.iter().filter(|(operation, _)| *operation == call) {
            let name = step.pointer(&format!("/with/{parameter}")).and_then(Value::as_str);
            names.extend(name.map(str::to_owned));
        }
    }
    // What AWS itself names keeps its name; a reference is renamed where it points to.
    names.retain(|name| {
        !name.is_empty()
            && !name.starts_with("alias/aws/")
            && !name.starts_with("AWSServiceRole")
            && !name.contains("{{")
            && name.chars().all(|letter| !letter.is_control())
    });
    names
}

/// The tree with every word in its texts renamed, and names of things where they are member names: in the maps of an account, of grants
/// and of saved values. Other member names are the format's, or those of AWS.
fn renamed(value: Value, words: &BTreeMap<String, String>, path: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => Value::String(replaced(&text, words)),
        Value::Array(list) => list.into_iter().map(|element| renamed(element, words, path)).collect(),
        Value::Object(members) => {
            let named = names_things(path);
            let mut result = Map::with_capacity(members.len());
            for (name, member) in members {
                path.push(name.clone());
                let member = renamed(member, words, path);
                path.pop();
                let name = if named { replaced(&name, words) } else { name };
                result.insert(name, member);
            }
            Value::Object(result)
        }
        other => other,
    }
}

fn names_things(path: &[String]) -> bool {
    match path {
        [first] => first == "accounts",
        [first, _, map] => first == "accounts" && map != "public_access_block" || map == "grants",
        [.., last] => matches!(last.as_str(), "save" | "grants" | "units"),
        [] => false,
    }
}

/// The text with every word replaced that stands alone: no letter, digit, `-` or `_` beside it. Leftmost first, of several at one place the
/// longest.
fn replaced(text: &str, words: &BTreeMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut before: Option<char> = None;
    while !rest.is_empty() {
        let alone_before = before.is_none_or(|letter| !is_of_word(letter));
        let longest = words
            .iter()
            .filter(|_| alone_before)
            .filter(|(word, _)| {
                rest.strip_prefix(word.as_str())
                    .is_some_and(|after| after.chars().next().is_none_or(|letter| !is_of_word(letter)))
            })
            .max_by_key(|(word, _)| word.len());
        if let Some((word, renamed)) = longest {
            result.push_str(renamed);
            before = word.chars().last();
            rest = &rest[word.len()..];
            continue;
        }
        let mut letters = rest.chars();
        before = letters.next();
        result.extend(before);
        rest = letters.as_str();
    }
    result
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_'
}

#[cfg(test)]
mod tests {
    use countersign_model::case::{Syntax, load_str};

    use super::*;

    const STORY: &str = r#"
countersign: 1
id: test.names
as_of: 2025-01-08
world:
  accounts:
    "111122223333":
      users:
        alice: {policies: {own: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: ["{{bucket.logs.arn}}/alice/*", "arn:aws:s3:::logs-*", "arn:aws:iam::111122223333:user/alice"]}]}}}
      buckets: {logs: {}, logs-2: {}}
      keys: {alice: {aliases: [alias/logs]}}
steps:
  - {as: {user: alice}, call: iam:CreateUser, with: {UserName: bob}, save: {alice: User.Arn}}
  - {as: {user: bob}, call: s3:GetObject, with: {Bucket: logs-2, Key: "{{saved.alice}}"}}
  - {as: {user: alice}, call: kms:Encrypt, with: {KeyId: "{{key.alice.arn}}", Plaintext: {text: x}}}
"#;

    #[test]
    fn names_change_everywhere_and_come_back() {
        let case = load_str("case.yaml", STORY, Syntax::Yaml).expect("the story is a case");
        let changes = Changes {
            suffix: "x7".to_owned(),
            accounts: BTreeMap::from([("111122223333".to_owned(), "999900001111".to_owned())]),
            without_date: true,
            ..Changes::default()
        };
        let there = Translation::of(&case, &changes).expect("something changes");
        let text = serde_json::to_string(&there.case).expect("a case is JSON");
        for part in [
            "alicex7",
            "bucket.logsx7.arn",
            "arn:aws:s3:::logs-*",
            "arn:aws:iam::999900001111:user/alicex7",
            "logs-2x7",
            "alias/logsx7",
            "bobx7",
            "saved.alicex7",
            "key.alicex7.arn",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("111122223333") && !text.contains("as_of"), "{text}");
        assert_eq!(
            there.back("arn:aws:iam::999900001111:user/alicex7"),
            "arn:aws:iam::111122223333:user/alice"
        );
        assert_eq!(there.instead_of, "as_of or names of its own");
        assert!(countersign_model::world::World::new(&there.case).is_ok(), "{text}");
        assert!(Translation::of(&case, &Changes::default()).is_none());
    }

    #[test]
    fn time_and_transport_become_those_of_the_target() {
        let case = load_str("case.yaml", STORY, Syntax::Yaml).expect("the story is a case");
        let changes = Changes {
            clock: jiff::Timestamp::from_second(1_800_000_000).ok(),
            plain_http: true,
            ..Changes::default()
        };
        let there = Translation::of(&case, &changes).expect("something changes");
        let clock = there.case.world.as_ref().and_then(|world| world.clock);
        assert_eq!(clock.map(|clock| clock.as_second()), Some(1_800_000_000));
        let text = serde_json::to_string(&there.case).expect("a case is JSON");
        assert_eq!(text.matches(r#""aws:SecureTransport":"false""#).count(), 3, "{text}");
        assert_eq!(there.instead_of, "clock or secure_transport");
        assert!(countersign_model::world::World::new(&there.case).is_ok(), "{text}");
    }

    #[test]
    fn administrators_are_written_out() {
        let text = STORY.replace(
            "alice: {policies:",
            "alice: {attached: [\"arn:aws:iam::aws:policy/AdministratorAccess\"], policies:",
        );
        let case = load_str("case.yaml", &text, Syntax::Yaml).expect("the story is a case");
        let changes = Changes {
            without_managed: true,
            ..Changes::default()
        };
        let there = Translation::of(&case, &changes).expect("something changes");
        let text = serde_json::to_string(&there.case).expect("a case is JSON");
        assert!(
            !text.contains("arn:aws:iam::aws:policy") && text.contains("\"AdministratorAccess\":{"),
            "{text}"
        );
        let plain = load_str("case.yaml", STORY, Syntax::Yaml).expect("the story is a case");
        assert!(Translation::of(&plain, &changes).is_none());
    }

    #[test]
    fn a_word_is_replaced_where_it_stands_alone() {
        let words = BTreeMap::from([
            ("log".to_owned(), "LOG".to_owned()),
            ("log.a".to_owned(), "B".to_owned()),
        ]);
        for (text, expected) in [
            ("log", "LOG"),
            ("a/log/*", "a/LOG/*"),
            ("logs blog log-1 _log", "logs blog log-1 _log"),
            ("log.a log.b", "B LOG.b"),
            ("lög log", "lög LOG"),
            ("", ""),
        ] {
            assert_eq!(replaced(text, &words), expected, "{text}");
        }
    }
}
