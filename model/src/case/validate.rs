//! What can be said about a Case without running it: names, references, rule ids, operations, switches, scalars. Every problem has
//! its place. Whether AWS would hold the world is `World::new`'s to say.

mod names;
mod policies;
mod scalars;
mod stand_in;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::legal::{self, IllegalName};
use super::load::{Problem, ProblemKind, nearest};
use super::tree::{Key, Node, NodeValue};
use super::{Case, Step, StepKind};
use crate::name::Arn;
use crate::quirks::{QuirkError, Quirks};
use crate::rule;

/// After so many problems no more are looked for: nobody reads them, and a hostile file has as many as it likes.
const MOST_PROBLEMS: usize = super::load::MAX_PROBLEMS;

/// Facts of a request's network and time that a step may state; everything else is derived.
const CONTEXT_KEYS: [&str; 8] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:VpcSourceIp",
];

/// Operations of the services that have no table in `spec/`.
const OTHER_OPERATIONS: [(&str, &[&str]); 5] = [
    (
        "iam",
        &[
            "AddUserToGroup",
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "CreateGroup",
            "CreatePolicy",
            "CreateRole",
            "CreateUser",
            "DeleteGroup",
            "DeleteGroupPolicy",
            "DeletePolicy",
            "DeleteRole",
            "DeleteRolePermissionsBoundary",
            "DeleteRolePolicy",
            "DeleteUser",
            "DeleteUserPermissionsBoundary",
            "DeleteUserPolicy",
            "DetachGroupPolicy",
            "DetachRolePolicy",
            "DetachUserPolicy",
            "GetGroup",
            "GetGroupPolicy",
            "GetRole",
            "GetRolePolicy",
            "GetUser",
            "GetUserPolicy",
            "PutGroupPolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "PutUserPermissionsBoundary",
            "PutUserPolicy",
            "RemoveUserFromGroup",
            "TagRole",
            "TagUser",
            "UntagRole",
            "UntagUser",
            "UpdateAssumeRolePolicy",
        ],
    ),
    ("sts", &["AssumeRole", "GetCallerIdentity"]),
    (
        "lambda",
        &[
            "CreateFunction",
            "DeleteFunction",
            "GetFunctionConfiguration",
            "UpdateFunctionConfiguration",
        ],
    ),
    ("backup", &["CreateBackupVault", "DescribeBackupJob", "StartBackupJob"]),
    (
        "dynamodb",
        &["CreateTable", "DeleteTable", "DescribeTable", "ListTables"],
    ),
];

/// Every operation that a step may call, `service:Name`.
pub fn operations() -> &'static BTreeSet<String> {
    static OPERATIONS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let tables = [
            ("kms", include_str!("../../spec/kms_operations.json")),
            ("s3", include_str!("../../spec/s3_operations.json")),
        ];
        let mut operations = BTreeSet::new();
        for (service, text) in tables {
            let table: serde_json::Value =
                serde_json::from_str(text).expect("the tables are part of this crate and tests read them");
            let names = table.get("operations").and_then(serde_json::Value::as_object);
            operations.extend(
                names
                    .into_iter()
                    .flat_map(|names| names.keys())
                    .map(|name| format!("{service}:{name}")),
            );
        }
        for (service, names) in OTHER_OPERATIONS {
            operations.extend(names.iter().map(|name| format!("{service}:{name}")));
        }
        operations
    });
    &OPERATIONS
}

/// All problems of a document that has the shape of a Case.
pub(super) fn problems(document: &Node, case: &Case, text: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    header(document, case, &mut found);
    form(document, case, &mut found);
    requests(document, &mut found);
    values(document, &mut found);
    steps(document, case, &mut found);
    scalars::check(document, text, &mut found);
    names::check(document, case, text, &mut found);
    legal_names(document, case, &mut found);
    policies::check(document, case, text, &mut found);
    found.truncate(MOST_PROBLEMS);
    found
}

/// Names that AWS would not take, of the world and of the callers.
fn legal_names(document: &Node, case: &Case, found: &mut Vec<Problem>) {
    let mut report = |root: &Node, illegal: Vec<IllegalName>| {
        for illegal in illegal.into_iter().take(MOST_PROBLEMS) {
            let span = span_of(root, &illegal.path, illegal.is_member);
            found.push(Problem::new(ProblemKind::Value(illegal.why), span));
        }
    };
    if let (Some(world), Some(node)) = (&case.world, document.get("world")) {
        report(node, legal::of_world(world));
    }
    let nodes = document.get("steps").map_or(&[][..], Node::entries);
    for (step, node) in case.steps.iter().zip(nodes) {
        if let (Step::Call(call), Some(node)) = (step, node.get("as")) {
            let mut illegal = legal::of_principal(&call.principal);
            // What a reference stands for is known only when the step runs.
            illegal.retain(|illegal| !illegal.why.contains("{{"));
            report(node, illegal);
        }
    }
}

/// The place of a member, or of its name; of as much of the path as there is.
fn span_of(root: &Node, path: &[String], is_member: bool) -> Range<usize> {
    let mut node = root;
    let mut span = root.label();
    for (depth, name) in path.iter().enumerate() {
        let Some((key, below)) = node.members().iter().find(|(key, _)| key.text == *name) else {
            return span;
        };
        let is_last = depth + 1 == path.len();
        span = if is_last && is_member {
            key.span.clone()
        } else {
            below.label()
        };
        node = below;
    }
    span
}

fn members<'a>(node: &'a Node, name: &str) -> &'a [(Key, Node)] {
    node.get(name).map_or(&[], Node::members)
}

fn entries<'a>(node: &'a Node, name: &str) -> &'a [Node] {
    node.get(name).map_or(&[], Node::entries)
}

/// The place of a member, or of the whole document.
fn place(document: &Node, member: &str) -> Range<usize> {
    document.get(member).map_or_else(|| document.label(), Node::label)
}

fn header(document: &Node, case: &Case, found: &mut Vec<Problem>) {
    if case.countersign != 1 {
        let kind = ProblemKind::Value(format!("format version {} is not known", case.countersign));
        found.push(Problem::new(kind, place(document, "countersign")).help("this suite reads version 1"));
    }
    let dotted = |id: &str| {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        };
        id.split('.').all(part)
    };
    if !dotted(&case.id) {
        let kind = ProblemKind::Value(format!(
            "`{}` is not a dotted name of small letters, digits, `-` and `_`",
            case.id
        ));
        found.push(Problem::new(kind, place(document, "id")));
    }
    let sources = document.get("source").map_or(&[][..], Node::entries);
    for (source, node) in case.source.iter().zip(sources) {
        if source.document.is_none() && source.url.is_none() && source.issue.is_none() && source.repository.is_none() {
            let kind = ProblemKind::Value("a source names a document, url, issue or repository".to_owned());
            found.push(Problem::new(kind, node.label()));
        }
    }
    let rules = document.get("rules").map_or(&[][..], Node::entries);
    for (id, node) in case.rules.iter().zip(rules) {
        if found.len() >= MOST_PROBLEMS {
            return;
        }
        if rule::find(id).is_none() {
            let known = rule::catalogue().keys().map(rule::RuleId::as_str);
            found.push(Problem::new(ProblemKind::UnknownRule(id.clone()), node.label()).nearest(id, known));
        }
    }
    let mut quirks = Quirks::default();
    for (key, node) in document.get("quirks").map_or(&[][..], Node::members) {
        let Some(value) = case.quirks.get(&key.text) else {
            continue;
        };
        match quirks.set(&key.text, value) {
            Ok(()) => {}
            Err(QuirkError::Unknown { name, .. }) => {
                let kind = ProblemKind::Quirk(format!("unknown quirk `{name}`"));
                found.push(Problem::new(kind, key.span.clone()).nearest(&name, Quirks::NAMES.iter().copied()));
            }
            Err(error) => found.push(Problem::new(ProblemKind::Quirk(error.to_string()), node.label())),
        }
    }
}

/// A case is a world with steps, or policies with requests.
fn form(document: &Node, case: &Case, found: &mut Vec<Problem>) {
    let mut wrong = |message: &str, member: &str| {
        found.push(Problem::new(
            ProblemKind::Form(message.to_owned()),
            place(document, member),
        ));
    };
    match (&case.evaluate, &case.world) {
        (None, None) => wrong("a case has a `world` with `steps`, or `evaluate`", "id"),
        (Some(_), Some(_)) => wrong("`evaluate` excludes `world`", "evaluate"),
        (None, Some(_)) if case.expect.is_some() => wrong("`expect` beside a `world` belongs to its steps", "expect"),
        _ => {}
    }
    let Some(evaluate) = &case.evaluate else { return };
    if !case.steps.is_empty() {
        wrong("`evaluate` excludes `steps`", "steps");
    }
    match (&evaluate.request, evaluate.requests.is_empty()) {
        (Some(_), false) => wrong("`request` excludes `requests`", "evaluate"),
        (None, true) if evaluate.saves.is_empty() => {
            wrong("`evaluate` needs `request`, `requests` or `saves`", "evaluate");
        }
        (None, false) if case.expect.is_some() => wrong("with `requests`, each request has its own `expect`", "expect"),
        (Some(request), true) if request.expect.is_some() && case.expect.is_some() => {
            wrong(
                "the expectation stands twice: in `request` and beside `evaluate`",
                "expect",
            );
        }
        _ => {}
    }
}

/// What an evaluator is asked about is an ARN or `*` (`iam:G-50`).
fn requests(document: &Node, found: &mut Vec<Problem>) {
    let Some(evaluate) = document.get("evaluate") else {
        return;
    };
    let listed = evaluate.get("requests").map_or(&[][..], Node::entries);
    let requests = evaluate.get("request").into_iter().chain(listed);
    for resource in requests.filter_map(|request| request.get("resource")) {
        let is_wrong = |text: &&str| *text != "*" && Arn::new(*text).is_err();
        if let Some(text) = resource.text().filter(is_wrong) {
            let kind = ProblemKind::Value(format!("`{text}` is neither an ARN nor `*`"));
            found.push(
                Problem::new(kind, resource.label())
                    .help("an ARN has six fields: `arn:partition:service:region:account:resource`"),
            );
        }
    }
}

fn steps(document: &Node, case: &Case, found: &mut Vec<Problem>) {
    let nodes = document.get("steps").map_or(&[][..], Node::entries);
    let mut step_names = BTreeSet::new();
    let mut saved = BTreeMap::new();
    for (step, node) in case.steps.iter().zip(nodes) {
        if found.len() >= MOST_PROBLEMS {
            return;
        }
        if let Some(name) = step.name()
            && !step_names.insert(name)
        {
            let kind = ProblemKind::Duplicate(format!("two steps are named `{name}`"));
            found.push(Problem::new(kind, place(node, "name")));
        }
        let advance = node.get("advance");
        if let Some(text) = advance.and_then(Node::text).filter(|text| !is_duration(text)) {
            found.push(bad_duration(text, place(node, "advance")));
        }
        let Step::Call(call) = step else { continue };
        let operation = call.call.as_str();
        if !operations().contains(operation) {
            let known = operations().iter().map(String::as_str);
            let problem = Problem::new(ProblemKind::UnknownOperation(operation.to_owned()), place(node, "call"));
            found.push(problem.nearest(operation, known));
        }
        for (key, value) in node.get("save").map_or(&[][..], Node::members) {
            if saved.insert(&key.text, ()).is_some() {
                let kind = ProblemKind::Duplicate(format!("`{}` is saved twice", key.text));
                found.push(Problem::new(kind, key.span.clone()).help("a name stands for one value in the whole case"));
            }
            if value.text().is_some_and(str::is_empty) {
                found.push(Problem::new(
                    ProblemKind::Value("the path of a saved value is empty".to_owned()),
                    value.label(),
                ));
            }
        }
        for (key, _) in node.get("context").map_or(&[][..], Node::members) {
            if !CONTEXT_KEYS.iter().any(|known| known.eq_ignore_ascii_case(&key.text)) {
                let kind = ProblemKind::Value(format!("`{}` is not a fact of the request's network or time", key.text));
                let problem = Problem::new(kind, key.span.clone());
                found.push(match nearest(&key.text, CONTEXT_KEYS) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!(
                        "these can be stated: {}; every other key is derived",
                        CONTEXT_KEYS.join(", ")
                    )),
                });
            }
        }
        let bypass = node
            .get("with")
            .map_or(&[][..], Node::members)
            .iter()
            .find(|(key, _)| key.text == "BypassPolicyLockoutSafetyCheck");
        if let Some((key, _)) = bypass {
            let tested = matches!(operation, "kms:CreateKey" | "kms:PutKeyPolicy" | "kms:ReplicateKey")
                && call.kind != StepKind::Setup;
            if !tested {
                found.push(Problem::new(ProblemKind::LockoutBypass, key.span.clone()));
            }
        }
    }
}

/// Fields whose texts come from a closed set of AWS.
fn values(document: &Node, found: &mut Vec<Problem>) {
    let Some(world) = document.get("world") else { return };
    if let Some(text) = world
        .get("propagation")
        .and_then(Node::text)
        .filter(|text| !is_duration(text))
    {
        found.push(bad_duration(text, place(world, "propagation")));
    }
    let accounts = world.get("accounts").map_or(&[][..], Node::members);
    for (_, account) in accounts {
        let of_kind = |kind: &str| {
            account
                .get(kind)
                .map_or(&[][..], Node::members)
                .iter()
                .map(|(_, node)| node)
        };
        for key in of_kind("keys") {
            one_of(key, "spec", KEY_SPECS, found);
            one_of(key, "usage", KEY_USAGES, found);
            one_of(
                key,
                "origin",
                &["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"],
                found,
            );
            one_of(key, "manager", &["CUSTOMER", "AWS"], found);
            one_of(key, "state", KEY_STATES, found);
            for alias in key.get("aliases").map_or(&[][..], Node::entries) {
                if alias.text().is_some_and(|text| !text.starts_with("alias/")) {
                    let kind = ProblemKind::Value("an alias is written with its prefix `alias/`".to_owned());
                    found.push(Problem::new(kind, alias.label()));
                }
            }
        }
        for bucket in of_kind("buckets") {
            one_of(
                bucket,
                "ownership",
                &["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
                found,
            );
            one_of(bucket, "versioning", &["Enabled", "Suspended"], found);
            if let Some(encryption) = bucket.get("encryption") {
                one_of(encryption, "sse", ENCRYPTIONS, found);
            }
            for (_, object) in bucket.get("objects").map_or(&[][..], Node::members) {
                one_of(object, "sse", ENCRYPTIONS, found);
            }
        }
    }
    for step in document.get("steps").map_or(&[][..], Node::entries) {
        for (key, state) in step.get("arrange").map_or(&[][..], Node::members) {
            let form = key
                .text
                .strip_prefix("key.")
                .and_then(|rest| rest.strip_suffix(".state"));
            if form.is_none_or(str::is_empty) {
                let kind = ProblemKind::Value(format!("`{}` cannot be arranged", key.text));
                found.push(Problem::new(kind, key.span.clone()).help("what can be arranged is `key.NAME.state`"));
            }
            known_text(state, KEY_STATES, found);
        }
    }
}

const KEY_STATES: &[&str] = &[
    "Creating",
    "Disabled",
    "Enabled",
    "PendingDeletion",
    "PendingImport",
    "PendingReplicaDeletion",
    "Unavailable",
    "Updating",
];
const KEY_USAGES: &[&str] = &[
    "ENCRYPT_DECRYPT",
    "SIGN_VERIFY",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
];
const KEY_SPECS: &[&str] = &[
    "SYMMETRIC_DEFAULT",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];
const ENCRYPTIONS: &[&str] = &["AES256", "aws:kms", "aws:kms:dsse"];

fn one_of(node: &Node, member: &str, known: &'static [&'static str], found: &mut Vec<Problem>) {
    if let Some(value) = node.get(member) {
        known_text(value, known, found);
    }
}

fn known_text(value: &Node, known: &'static [&'static str], found: &mut Vec<Problem>) {
    let NodeValue::Text(text) = &value.value else { return };
    if !known.contains(&text.as_str()) {
        let kind = ProblemKind::Value(format!("`{text}` is not one of {}", known.join(", ")));
        found.push(Problem::new(kind, value.label()).nearest(text, known.iter().copied()));
    }
}

/// A whole number and a unit: `30s`, `10m`, `1h`, `7d`.
fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    text.len() == digits.len() + 1
        && !digits.is_empty()
        && digits.len() <= 9
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn bad_duration(text: &str, span: Range<usize>) -> Problem {
    Problem::new(ProblemKind::Value(format!("`{text}` is not a duration")), span)
        .help("write `30s`, `10m`, `1h` or `7d`")
}
