//! What AWS takes as a name: lengths and characters of bucket names, object keys, IAM names, sessions, tags. The loader says so with a
//! place, `World::new` without one. Whether a name is known is `validate::names`'s to say; what a policy may hold `policy`'s.

use std::collections::BTreeMap;

use super::{AccountSpec, StepPrincipal, WorldSpec};

/// A name that AWS would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IllegalName {
    /// Where it stands, as members from the world or the principal downward.
    pub(crate) path: Vec<String>,
    /// Whether the last member's own name is meant, not its value.
    pub(crate) is_member: bool,
    /// What it belongs to, as a reference without braces: `bucket.example`.
    pub(crate) what: String,
    /// What is wrong.
    pub(crate) why: String,
}

/// How many characters, and which.
struct NameRule {
    words: &'static str,
    least: usize,
    most: usize,
    allowed: fn(char) -> bool,
    characters: &'static str,
}

const fn rule(
    words: &'static str,
    least: usize,
    most: usize,
    allowed: fn(char) -> bool,
    characters: &'static str,
) -> NameRule {
    NameRule {
        words,
        least,
        most,
        allowed,
        characters,
    }
}

// IAM and STS API references, parameter constraints.
const USER: NameRule = rule("user name", 1, 64, is_iam, IAM_WORDS);
const ROLE: NameRule = rule("role name", 1, 64, is_iam, IAM_WORDS);
const GROUP: NameRule = rule("group name", 1, 128, is_iam, IAM_WORDS);
const POLICY: NameRule = rule("policy name", 1, 128, is_iam, IAM_WORDS);
const ROLE_SESSION: NameRule = rule("role session name", 2, 64, is_iam, IAM_WORDS);
const SOURCE_IDENTITY: NameRule = rule("source identity", 2, 64, is_iam, IAM_WORDS);
const FEDERATED_USER: NameRule = rule("federated user name", 2, 32, is_iam, IAM_WORDS);
// KMS API reference.
const ALIAS: NameRule = rule(
    "alias",
    7,
    256,
    |letter| is_word(letter) || matches!(letter, '/' | '-'),
    "letters, digits and `/_-`",
);
const GRANT: NameRule = rule(
    "grant name",
    1,
    256,
    |letter| is_word(letter) || matches!(letter, ':' | '/' | '-'),
    "letters, digits and `:/_-`",
);
// Lambda and AWS Backup API references.
const FUNCTION: NameRule = rule(
    "function name",
    1,
    64,
    |letter| is_word(letter) || letter == '-',
    "letters, digits, `-` and `_`",
);
const VAULT: NameRule = rule(
    "backup vault name",
    2,
    50,
    |letter| is_word(letter) || letter == '-',
    "letters, digits, `-` and `_`",
);
// Every service has the same lengths of tags.
const TAG_KEY: NameRule = rule("tag key", 1, 128, |_| true, "any");
const TAG_VALUE: NameRule = rule("tag value", 0, 256, |_| true, "any");

const IAM_WORDS: &str = "letters, digits and `_+=,.@-`";

/// Most bytes of an object key (S3 user guide, object keys).
const LONGEST_OBJECT_KEY: usize = 1024;
/// Most tags of anything but an object.
const MOST_TAGS: usize = 50;
/// Most tags of an object (S3 user guide, object tagging).
const MOST_OBJECT_TAGS: usize = 10;
/// Longest path of an IAM entity.
const LONGEST_PATH: usize = 512;

/// Every name of a world that AWS would not take, in the order of the accounts.
pub(crate) fn of_world(world: &WorldSpec) -> Vec<IllegalName> {
    let mut found = Vec::new();
    for (id, account) in &world.accounts {
        let mut names = Names {
            path: vec!["accounts".to_owned(), id.to_string()],
            found: &mut found,
        };
        names.identities(account);
        names.keys(account);
        names.buckets(account);
        for name in account.functions.keys() {
            names.member(&["functions", name], format!("function.{name}"), FUNCTION.fault(name));
        }
        for name in account.backup_vaults.keys() {
            names.member(
                &["backup_vaults", name],
                format!("backup_vault.{name}"),
                VAULT.fault(name),
            );
        }
    }
    found
}

/// Every name of a step's principal that STS would not take. References are resolved, or left out by the caller.
pub(crate) fn of_principal(principal: &StepPrincipal) -> Vec<IllegalName> {
    let mut found = Vec::new();
    let mut names = Names {
        path: Vec::new(),
        found: &mut found,
    };
    match principal {
        StepPrincipal::Role {
            name,
            session,
            source_identity,
            tags,
            ..
        } => {
            let what = format!("role.{name}");
            names.value(&["session"], what.clone(), ROLE_SESSION.fault(session));
            if let Some(identity) = source_identity {
                let fault = SOURCE_IDENTITY.fault(identity).or_else(|| {
                    let reserved = identity.starts_with("aws:");
                    reserved.then(|| format!("`{identity}` is no source identity: the prefix `aws:` is AWS's own"))
                });
                names.value(&["source_identity"], what.clone(), fault);
            }
            names.tags(&["tags"], &what, tags, MOST_TAGS);
        }
        StepPrincipal::FederatedUser { name, .. } => {
            names.value(
                &["federated_user", "name"],
                format!("federated_user.{name}"),
                FEDERATED_USER.fault(name),
            );
        }
        StepPrincipal::User { .. }
        | StepPrincipal::Root { .. }
        | StepPrincipal::Service { .. }
        | StepPrincipal::Anonymous => {}
    }
    found
}

/// What is wrong with a bucket name (S3 user guide, general purpose bucket naming rules); nothing if S3 takes it.
pub(crate) fn bucket_name(name: &str) -> Option<String> {
    const RESERVED_STARTS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
    const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    let is_end =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let is_address = name.split('.').count() == 4
        && name
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let why = if !(3..=63).contains(&name.len()) {
        "one has 3 to 63 characters"
    } else if !name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '-'))
    {
        "one has small letters, digits, `.` and `-` only"
    } else if !is_end(name.chars().next()) || !is_end(name.chars().next_back()) {
        "one begins and ends with a letter or a digit"
    } else if name.contains("..") {
        "no two dots stand side by side"
    } else if is_address {
        "one does not look like an IP address"
    } else if RESERVED_STARTS.iter().any(|start| name.starts_with(start))
        || RESERVED_ENDS.iter().any(|end| name.ends_with(end))
    {
        "beginnings and endings such as this are reserved by AWS"
    } else {
        return None;
    };
    Some(format!("`{}` is no bucket name: {why}", shortened(name)))
}

struct Names<'a> {
    path: Vec<String>,
    found: &'a mut Vec<IllegalName>,
}

impl Names<'_> {
    fn identities(&mut self, account: &AccountSpec) {
        for name in account.managed_policies.keys() {
            self.member(
                &["managed_policies", name],
                format!("managed_policy.{name}"),
                POLICY.fault(name),
            );
        }
        for (name, user) in &account.users {
            let what = format!("user.{name}");
            self.member(&["users", name], what.clone(), USER.fault(name));
            self.path(&["users", name, "path"], &what, user.path.as_deref());
            self.policies(&["users", name, "policies"], &what, user.policies.keys());
            self.tags(&["users", name, "tags"], &what, &user.tags, MOST_TAGS);
        }
        for (name, group) in &account.groups {
            let what = format!("group.{name}");
            self.member(&["groups", name], what.clone(), GROUP.fault(name));
            self.path(&["groups", name, "path"], &what, group.path.as_deref());
            self.policies(&["groups", name, "policies"], &what, group.policies.keys());
        }
        for (name, role) in &account.roles {
            let what = format!("role.{name}");
            self.member(&["roles", name], what.clone(), ROLE.fault(name));
            self.path(&["roles", name, "path"], &what, role.path.as_deref());
            self.policies(&["roles", name, "policies"], &what, role.policies.keys());
            self.tags(&["roles", name, "tags"], &what, &role.tags, MOST_TAGS);
        }
    }

    fn keys(&mut self, account: &AccountSpec) {
        for (name, key) in &account.keys {
            let what = format!("key.{name}");
            for alias in &key.aliases {
                // The prefix has a check of its own.
                let fault = alias.strip_prefix("alias/").and_then(|_| ALIAS.fault(alias));
                self.value(&["keys", name, "aliases"], format!("{what}.aliases"), fault);
            }
            for (grant, spec) in &key.grants {
                let fault = spec.name.as_deref().and_then(|text| GRANT.fault(text));
                self.value(
                    &["keys", name, "grants", grant, "Name"],
                    format!("{what}.grants.{grant}"),
                    fault,
                );
            }
            self.tags(&["keys", name, "tags"], &what, &key.tags, MOST_TAGS);
        }
    }

    fn buckets(&mut self, account: &AccountSpec) {
        for (name, bucket) in &account.buckets {
            let what = format!("bucket.{name}");
            self.member(&["buckets", name], what.clone(), bucket_name(name));
            self.tags(&["buckets", name, "tags"], &what, &bucket.tags, MOST_TAGS);
            for (key, object) in &bucket.objects {
                let what = format!("{what}.objects.{key}");
                let fault = (key.is_empty() || key.len() > LONGEST_OBJECT_KEY).then(|| {
                    format!(
                        "`{}` is no object key: one has 1 to {LONGEST_OBJECT_KEY} bytes",
                        shortened(key)
                    )
                });
                self.member(&["buckets", name, "objects", key], what.clone(), fault);
                self.tags(
                    &["buckets", name, "objects", key, "tags"],
                    &what,
                    &object.tags,
                    MOST_OBJECT_TAGS,
                );
            }
        }
    }

    fn policies<'n>(&mut self, at: &[&str], what: &str, names: impl Iterator<Item = &'n String>) {
        for name in names {
            let path: Vec<&str> = at.iter().copied().chain([name.as_str()]).collect();
            self.member(&path, format!("{what}.policies.{name}"), POLICY.fault(name));
        }
    }

    /// `/`, or `/…/` in printable ASCII.
    fn path(&mut self, at: &[&str], what: &str, path: Option<&str>) {
        let Some(path) = path else { return };
        let fine = path.starts_with('/')
            && path.ends_with('/')
            && path.len() <= LONGEST_PATH
            && path.chars().all(|letter| letter.is_ascii_graphic());
        let fault = (!fine).then(|| {
            format!(
                "`{}` is no path: one begins and ends with `/` and has up to {LONGEST_PATH} printable characters",
                shortened(path)
            )
        });
        self.value(at, format!("{what}.path"), fault);
    }

    fn tags(&mut self, at: &[&str], what: &str, tags: &BTreeMap<String, String>, most: usize) {
        let what = format!("{what}.tags");
        if tags.len() > most {
            self.value(
                at,
                what.clone(),
                Some(format!("{} tags are more than the {most} that AWS takes", tags.len())),
            );
        }
        for (key, value) in tags {
            let path: Vec<&str> = at.iter().copied().chain([key.as_str()]).collect();
            let reserved = key.to_ascii_lowercase().starts_with("aws:");
            let fault = TAG_KEY
                .fault(key)
                .or_else(|| reserved.then(|| format!("`{key}` is no tag key: the prefix `aws:` is AWS's own")));
            self.member(&path, what.clone(), fault);
            if !value.contains("{{") {
                self.value(&path, what.clone(), TAG_VALUE.fault(value));
            }
        }
    }

    fn member(&mut self, path: &[&str], what: String, fault: Option<String>) {
        self.report(path, true, what, fault);
    }

    fn value(&mut self, path: &[&str], what: String, fault: Option<String>) {
        self.report(path, false, what, fault);
    }

    fn report(&mut self, path: &[&str], is_member: bool, what: String, fault: Option<String>) {
        if let Some(why) = fault {
            let path = self
                .path
                .iter()
                .cloned()
                .chain(path.iter().map(|part| (*part).to_owned()))
                .collect();
            self.found.push(IllegalName {
                path,
                is_member,
                what,
                why,
            });
        }
    }
}

impl NameRule {
    fn fault(&self, name: &str) -> Option<String> {
        let length = name.chars().count();
        let why = if !(self.least..=self.most).contains(&length) {
            format!("one has {} to {} characters", self.least, self.most)
        } else if !name.chars().all(self.allowed) {
            format!("one has {} only", self.characters)
        } else {
            return None;
        };
        Some(format!("`{}` is no {}: {why}", shortened(name), self.words))
    }
}

/// Letters, digits and `_`.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// What IAM takes in names of users, roles, groups, policies and sessions.
fn is_iam(letter: char) -> bool {
    is_word(letter) || matches!(letter, '+' | '=' | ',' | '.' | '@' | '-')
}

/// A name as a message shows it: nobody reads more of a long one.
fn shortened(name: &str) -> String {
    const SHOWN: usize = 80;
    if name.chars().count() <= SHOWN {
        return name.to_owned();
    }
    format!("{}…", name.chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        for name in ["abc", "my.bucket-1", "1-2", "192.168.5.4a", "a.b.c.d"] {
            assert_eq!(bucket_name(name), None, "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            long.as_str(),
            "My-bucket",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "abc--ol-s3",
            "bücket",
            "a b",
        ] {
            assert!(bucket_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_of_iam_and_sts_have_lengths_and_characters() {
        let long = "a".repeat(65);
        for (rule, name, fine) in [
            (&USER, "a.b@example.com", true),
            (&USER, "a b", false),
            (&USER, long.as_str(), false),
            (&GROUP, long.as_str(), true),
            (&ROLE_SESSION, "s", false),
            (&ROLE_SESSION, "i-06593b38f6016a363", true),
            (&ROLE_SESSION, "a/b", false),
            (&FEDERATED_USER, &long[..33], false),
            (&VAULT, "v", false),
            (&FUNCTION, "f.g", false),
            (&ALIAS, "alias/a/b_c-d", true),
            (&ALIAS, "alias/a b", false),
            (&TAG_VALUE, "", true),
            (&TAG_KEY, "", false),
        ] {
            assert_eq!(rule.fault(name).is_none(), fine, "{} {name}", rule.words);
        }
    }
}
