//! Policies that AWS would refuse to save, in the world and in session policies of callers: told at load, with the very place in the
//! file, AWS's code and its words. The parameters of calls are not looked at: what must be refused has to be writable.
//!
//! What a policy may hold is said by `policy::validation`; how a text of the file becomes the text of a policy, and the way back, by
//! `written`; what references stand for until there is a world, by `stand_in`.

use std::ops::Range;

use jiff::civil::Date;

use super::super::load::{Problem, ProblemKind};
use super::super::tree::{Key, Node};
use super::super::{Case, WorldSpec};
use super::stand_in::StandIns;
use super::written::Written;
use super::{MOST_PROBLEMS, entries, members};
use crate::name::AccountId;
use crate::policy::length_without_white_space;
use crate::policy::{Document, InlineOwner, PolicyError, PolicyErrorKind, PolicyKind, PrincipalForm};
use crate::s3::policy_resource::{INVALID_RESOURCE, foreign_resource};

/// Checks every policy of a Case's world and of its callers.
pub(super) fn check(document: &Node, case: &Case, text: &str, found: &mut Vec<Problem>) {
    let (Some(world), Some(spec)) = (document.get("world"), &case.world) else {
        return;
    };
    let mut checker = Checker {
        spec,
        stand_ins: StandIns::of(spec),
        as_of: case.as_of.unwrap_or(crate::world::CURRENT_DATE),
        text,
        found,
    };
    for (id, account) in members(world, "accounts") {
        if let Ok(id) = AccountId::new(id.text.as_str()) {
            checker.account(account, &id);
        }
    }
    if let Some(root) = world
        .get("organization")
        .and_then(|organization| organization.get("root"))
    {
        checker.unit(root);
    }
    for step in entries(document, "steps") {
        let Some(principal) = step.get("as") else { continue };
        let federated = principal.get("federated_user");
        for policy in [Some(principal), federated]
            .into_iter()
            .flatten()
            .filter_map(|of| of.get("policy"))
        {
            checker.policy(policy, PolicyKind::Session, None);
        }
    }
}

struct Checker<'a> {
    spec: &'a WorldSpec,
    stand_ins: StandIns<'a>,
    as_of: Date,
    text: &'a str,
    found: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn account(&mut self, account: &Node, id: &AccountId) {
        self.all(members(account, "managed_policies"), PolicyKind::Managed, id);
        for (kind, owner) in [
            ("users", InlineOwner::User),
            ("groups", InlineOwner::Group),
            ("roles", InlineOwner::Role),
        ] {
            for (_, entity) in members(account, kind) {
                self.all(members(entity, "policies"), PolicyKind::Inline, id);
                self.inline_quota(members(entity, "policies"), owner, id);
                if let Some(trust) = entity.get("trust") {
                    self.policy(trust, PolicyKind::Trust, Some(id));
                }
            }
        }
        for (member, kind) in [
            ("keys", PolicyKind::Key),
            ("buckets", PolicyKind::Bucket),
            ("vpc_endpoints", PolicyKind::VpcEndpoint),
        ] {
            for (name, entity) in members(account, member) {
                if let Some(policy) = entity.get("policy") {
                    let bucket = (kind == PolicyKind::Bucket).then_some(name.text.as_str());
                    self.policy_of(policy, kind, Some(id), bucket);
                }
            }
        }
    }

    fn unit(&mut self, unit: &Node) {
        for (member, kind) in [
            ("scp", PolicyKind::ServiceControl),
            ("rcp", PolicyKind::ResourceControl),
        ] {
            for policy in entries(unit, member) {
                self.policy(policy, kind, None);
            }
        }
        for (_, below) in members(unit, "units") {
            self.unit(below);
        }
    }

    fn all(&mut self, policies: &[(Key, Node)], kind: PolicyKind, account: &AccountId) {
        for (_, policy) in policies {
            self.policy(policy, kind, Some(account));
        }
    }

    /// What all inline policies of one entity may have together (`iam:1.9`, `iam:G-80`).
    fn inline_quota(&mut self, policies: &[(Key, Node)], owner: InlineOwner, account: &AccountId) {
        let mut length = 0;
        for (_, node) in policies {
            let written = Written::of(node, |reference| self.stand_ins.value(reference, Some(account)));
            // A guess says nothing about a quota.
            if written.is_a_guess() {
                return;
            }
            length += length_without_white_space(written.text());
        }
        let quota = PolicyKind::inline_quota(owner);
        if let (true, Some((key, _))) = (length > quota, policies.first()) {
            let what = format!(
                "AWS would refuse these inline policies: LimitExceeded: {length} characters exceed the quota of {quota}"
            );
            self.report(Problem::new(ProblemKind::Policy(what), key.span.clone()).help("rule `iam:G-80`"));
        }
    }

    fn policy(&mut self, node: &Node, kind: PolicyKind, account: Option<&AccountId>) {
        self.policy_of(node, kind, account, None);
    }

    /// A policy, with the name of the bucket that it is for.
    fn policy_of(&mut self, node: &Node, kind: PolicyKind, account: Option<&AccountId>, bucket: Option<&str>) {
        if self.found.len() >= MOST_PROBLEMS {
            return;
        }
        let written = Written::of(node, |reference| self.stand_ins.value(reference, account));
        let around = written.span();
        // What is wrong already, such as an unknown name, would only be told again.
        if self.found.iter().any(|problem| around.contains(&problem.span.start)) {
            return;
        }
        match Document::save(written.text(), kind, self.as_of) {
            Err(error) if error.kind == PolicyErrorKind::TooLong && written.is_a_guess() => {}
            Err(error) => self.refused(&written, &error),
            Ok(document) => {
                let stranger = document.principals().find(|entry| !self.exists(&entry.form));
                if let Some(entry) = stranger {
                    self.refused(&written, &entry.unknown(kind));
                } else if let Some(resource) = bucket.and_then(|bucket| foreign_resource(&document, bucket)) {
                    let what = format!(
                        "AWS would refuse this bucket policy: MalformedPolicy: {INVALID_RESOURCE}: `{resource}`"
                    );
                    let span = written.place(written.text().find(resource).unwrap_or(0), self.text);
                    self.report(Problem::new(ProblemKind::Policy(what), span));
                }
            }
        }
    }

    /// Whether a user or role that a policy names is in the world (`iam:P-43`, `svc:P-4`). Ids are `World::new`'s to judge.
    fn exists(&self, form: &PrincipalForm) -> bool {
        let account = |id: &AccountId| self.spec.accounts.get(id);
        match form {
            PrincipalForm::User {
                account: id,
                path,
                name,
            } => account(id)
                .and_then(|account| account.users.get(name))
                .is_some_and(|user| user.path.as_deref().unwrap_or("/") == path),
            PrincipalForm::Role {
                account: id,
                path,
                name,
            } => account(id)
                .and_then(|account| account.roles.get(name))
                .is_some_and(|role| super::stand_in::role_path(role) == *path),
            PrincipalForm::AssumedRole { account: id, role, .. } => {
                account(id).is_some_and(|account| account.roles.contains_key(role))
            }
            _ => true,
        }
    }

    fn refused(&mut self, written: &Written, error: &PolicyError) {
        let span = written.place(error.offset, self.text);
        let reason = if error.message.is_empty() {
            let entry = error.rule.entry();
            entry.map_or_else(|| error.rule.to_string(), |entry| entry.statement.clone())
        } else {
            error.message.clone()
        };
        let what = format!(
            "AWS would refuse this {}: {}: {reason}",
            error.policy.words(),
            error.code()
        );
        let problem = Problem::new(ProblemKind::Policy(what), span);
        self.report(problem.help(format!("rule `{}`", error.rule)));
    }

    fn report(&mut self, problem: Problem) {
        self.found.push(problem);
    }
}

/// Several spans as one.
pub(super) fn around(spans: impl Iterator<Item = Range<usize>>) -> Range<usize> {
    let nothing = Range {
        start: usize::MAX,
        end: 0,
    };
    spans.fold(nothing, |all, span| all.start.min(span.start)..all.end.max(span.end))
}

#[cfg(test)]
mod tests {
    use super::super::super::load::{CaseError, Syntax, load_str};

    /// Loads a file that must be refused for one policy, and says what stands at the place.
    #[track_caller]
    fn refused(text: &str, syntax: Syntax) -> (String, String, (usize, usize)) {
        let error: CaseError = load_str("case", text, syntax).expect_err(text);
        let [problem] = error.problems() else {
            panic!("{error}");
        };
        assert_eq!(problem.kind.code(), "policy", "{error}");
        let at = text
            .get(problem.span.clone())
            .expect("the place is in the file")
            .to_owned();
        (problem.kind.to_string(), at, error.position(problem))
    }

    const HEAD: &str = "countersign: 1\nid: test.case\nworld:\n  accounts:\n    \"111122223333\":\n";

    #[test]
    fn a_mapping_is_refused_at_the_very_value() {
        for (world, at, position, message) in [
            (
                "      users:\n        u:\n          policies:\n            p: {Version: \"2012-10-17\", Statement: [{Effect: allow, Action: \"s3:*\", Resource: \"*\"}]}\n",
                "allow",
                (9, 61),
                "inline policy: MalformedPolicyDocument: The policy failed legacy parsing",
            ),
            (
                "      roles:\n        r:\n          trust:\n            Version: \"2012-10-17\"\n            Statement:\n            - Effect: Allow\n              Principal: \"*\"\n              Action: sts:AssumeRole\n              Resource: \"*\"\n",
                "Resource",
                (14, 15),
                "trust policy: MalformedPolicyDocument: Has prohibited field Resource",
            ),
            (
                "      keys: {k: {policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {AWS: [\"{{root.arn}}\", \"arn:aws:iam::111122223333:role/ghost\"]}, Action: \"kms:*\", Resource: \"*\"}]}}}\n",
                "\"arn:aws:iam::111122223333:role/ghost\"",
                (6, 112),
                "key policy: MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.",
            ),
            (
                "      users: {u: {}}\n      buckets: {shared-files: {policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"s3:GetObject\", Resource: \"*\"}]}}}\n",
                "Effect",
                (7, 77),
                "bucket policy: MalformedPolicy: Missing required field Principal",
            ),
        ] {
            let (told, place, line_and_column) = refused(&format!("{HEAD}{world}"), Syntax::Yaml);
            assert!(told.ends_with(message), "{told}");
            assert_eq!((place.as_str(), line_and_column), (at, position), "{world}");
        }
    }

    #[test]
    fn a_verbatim_policy_is_refused_inside_the_text_where_that_is_exact() {
        let json = r#"{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"s3:*","Resource":"*"}]}"#;
        let single = format!("{HEAD}      users: {{u: {{policies: {{p: '{json}'}}}}}}\n");
        let literal = format!(
            "{HEAD}      users:\n        u:\n          policies:\n            p: |\n              {{\n                \"Version\": \"2012-10-17\",\n                \"Statement\": [{{\"Effect\": \"allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}}]\n              }}\n"
        );
        let double = format!(
            "{HEAD}      users: {{u: {{policies: {{p: \"{}\"}}}}}}\n",
            json.replace('"', "\\\"")
        );
        for (text, at, position) in [
            (single.as_str(), "\"allow\"", (6, 81)),
            (literal.as_str(), "\"allow\"", (12, 42)),
            (double.as_str(), "\\\"allow\\\"", (6, 89)),
        ] {
            let (_, place, line_and_column) = refused(text, Syntax::Yaml);
            assert_eq!((place.as_str(), line_and_column), (at, position), "{text}");
        }
        // A folded text is another one than it looks: the place is its start.
        let folded = format!(
            "{HEAD}      users:\n        u:\n          policies:\n            p: >\n              {{\"Version\": \"2012-10-17\",\n              \"Statement\": []}}\n"
        );
        let (told, place, (line, _)) = refused(&folded, Syntax::Yaml);
        assert!(told.ends_with("Syntax errors in policy."), "{told}");
        assert!((9..=10).contains(&line), "{line}: {place}");
        let file = format!(
            r#"{{"countersign": 1, "id": "test.case", "world": {{"accounts": {{"111122223333": {{"users": {{"u": {{"policies": {{"p": {}}}}}}}}}}}}}}}"#,
            serde_json::Value::from(json)
        );
        let (_, place, _) = refused(&file, Syntax::Json);
        assert_eq!(place, "\\\"allow\\\"");
    }

    #[test]
    fn references_shift_nothing() {
        let text = format!(
            "{HEAD}      users: {{u: {{}}}}\n      keys: {{k: {{policy: '{}'}}}}\n",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{{user.u.arn}}"},"Action":"kms:*","Resource":"*","Comment":1}]}"#
        );
        let (told, place, _) = refused(&text, Syntax::Yaml);
        assert_eq!(place, "\"Comment\"", "{told}");
    }

    #[test]
    fn what_only_the_running_world_can_know_is_left_to_it() {
        // The parameters of a call are to be refused when it is made; evaluator cases may hold broken documents on purpose.
        let text = format!(
            "{HEAD}      users: {{u: {{}}}}\n      keys: {{k: {{}}}}\nsteps:\n  - {{as: {{user: u}}, call: kms:PutKeyPolicy, with: {{KeyId: \"{{{{key.k.id}}}}\", Policy: \"not json\"}}}}\n"
        );
        assert!(load_str("case", &text, Syntax::Yaml).is_ok());
        let session = format!(
            "{HEAD}      roles: {{reader: {{}}}}\nsteps:\n  - {{as: {{role: reader, policy: \"not json\"}}, call: s3:ListBuckets, with: {{}}}}\n"
        );
        let (told, place, _) = refused(&session, Syntax::Yaml);
        assert!(told.contains("session policy: MalformedPolicyDocument"), "{told}");
        assert!(place.contains("not") || place == "n", "{place}");
    }

    #[test]
    fn quotas_count_what_the_file_says() {
        let statement = r#"{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::some-bucket/*"}"#;
        let policy = format!(
            "{{Version: \"2012-10-17\", Statement: [{}]}}",
            [statement; 16].join(", ")
        );
        let text = format!("{HEAD}      users: {{u: {{policies: {{one: {policy}, two: {policy}}}}}}}\n");
        let (told, place, _) = refused(&text, Syntax::Yaml);
        assert!(told.contains("LimitExceeded"), "{told}");
        assert_eq!(place, "one");
    }

    #[test]
    fn names_map_to_nothing_but_themselves() {
        use super::super::stand_in::StandIns;
        use crate::case::reference::{ReferenceKind, TextPart, parse_text};
        let text = format!(
            "{HEAD}      users: {{u: {{path: /team/}}}}\n      roles: {{r: {{service_linked: x.amazonaws.com}}}}\n"
        );
        let case = load_str("case", &text, Syntax::Yaml).expect("a right file");
        let spec = case.world.expect("it has a world");
        let stand_ins = StandIns::of(&spec);
        for (written, expected) in [
            ("{{user.u.arn}}", "arn:aws:iam::111122223333:user/team/u"),
            (
                "{{role.r.arn}}",
                "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/r",
            ),
            ("{{role.r.session.s.arn}}", "arn:aws:sts::111122223333:assumed-role/r/s"),
            ("{{root.arn}}", "arn:aws:iam::111122223333:root"),
            ("{{bucket.b.object[\"x/y\"].arn}}", "arn:aws:s3:::b/x/y"),
        ] {
            let parts = parse_text(written).expect("of the grammar");
            let [TextPart::Reference { reference, .. }] = parts.as_slice() else {
                panic!("{written}");
            };
            assert_ne!(reference.kind, ReferenceKind::Saved);
            assert_eq!(stand_ins.value(reference, None).text, expected);
        }
    }
}
