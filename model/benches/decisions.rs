//! What a decision of the model costs, with its whole explanation: the two workloads that the emulator's authorizer is measured on.
//! The model is written to be read; here stands only how much that costs.
//!
//! W1: a role session calls `kms:GenerateDataKey`; two identity statements, a key policy that delegates.
//! W2: fifty identity statements with wildcards and two conditions each, of which only the last matches.
//!
//! `cargo bench -p countersign-model --bench decisions`
#![forbid(unsafe_code)]

use countersign_model::context::{Context, principal_keys};
use countersign_model::evaluate::{Caller, PolicyRef, PolicySets, Request, ResourcePolicy, Role, RoleSession, decide};
use countersign_model::name::{AccountId, Action, Partition};
use countersign_model::outcome::{Check, CheckDecision};
use countersign_model::policy::{Document, PolicyKind};
use countersign_model::quirks::Quirks;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use jiff::civil::{Date, date};

fn main() {
    divan::main();
}

const ACCOUNT: &str = "123456789012";
const KEY: &str = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const TODAY: Date = date(2026, 11, 22);

#[divan::bench(sample_count = 1000)]
fn decide_w1_role_and_delegating_key(bencher: Bencher<'_, '_>) {
    measure(bencher, &w1());
}

#[divan::bench(sample_count = 500)]
fn decide_w2_fifty_statements(bencher: Bencher<'_, '_>) {
    measure(bencher, &w2());
}

#[divan::bench(sample_count = 500)]
fn parse_w1_identity(bencher: Bencher<'_, '_>) {
    let text = w1_identity();
    bencher.bench_local(|| Document::parse(black_box(&text), PolicyKind::Inline));
}

#[divan::bench(sample_count = 100)]
fn parse_w2_identity(bencher: Bencher<'_, '_>) {
    let text = w2_identity();
    bencher.bench_local(|| Document::parse(black_box(&text), PolicyKind::Inline));
}

fn measure(bencher: Bencher<'_, '_>, question: &Question) {
    assert_eq!(question.check().decision, CheckDecision::Allow);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| question.check());
}

/// One question with everything it needs, policies parsed.
struct Question {
    caller: Caller,
    action: Action,
    resource: String,
    owner: AccountId,
    context: Context,
    identity: Document,
    key_policy: Option<Document>,
}

impl Question {
    fn check(&self) -> Check {
        let request = Request {
            caller: &self.caller,
            action: &self.action,
            resource: &self.resource,
            resource_account: Some(&self.owner),
            context: &self.context,
            via: None,
            as_of: TODAY,
        };
        let sets = PolicySets {
            identity: vec![named(&self.identity, "inline")],
            resource: self.key_policy.as_ref().map_or(ResourcePolicy::None, |policy| {
                ResourcePolicy::Key(named(policy, "key policy"))
            }),
            ..PolicySets::default()
        };
        decide(black_box(&request), black_box(&sets), black_box(&Quirks::default()))
    }
}

fn w1() -> Question {
    question(
        "kms:GenerateDataKey",
        KEY,
        &w1_identity(),
        Some(
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"EnableRoot","Effect":"Allow",
            "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}"#,
        ),
    )
}

fn w2() -> Question {
    let object = "arn:aws:s3:::my-example-bucket/team-7/2026/11/22/report.json";
    question("s3:GetObject", object, &w2_identity(), None)
}

fn w1_identity() -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"{KEY}"}},
        {{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],
         "Resource":["arn:aws:s3:::my-example-bucket","arn:aws:s3:::my-example-bucket/*"]}}]}}"#
    )
}

fn w2_identity() -> String {
    let statements: Vec<String> = (0..50)
        .map(|index| {
            format!(
                r#"{{"Effect":"Allow","Action":["s3:List*","s3:*Object"],
                "Resource":["arn:aws:s3:::other-{index}-*","arn:aws:s3:::my-*-bucket/team-?/*.json"],
                "Condition":{{"StringLike":{{"aws:UserAgent":["Boto3/{index}*","aws-sdk-*lang/rust*"]}},
                "IpAddress":{{"aws:SourceIp":["192.0.2.{index}/32","10.{index}.0.0/16"]}}}}}}"#
            )
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn question(action: &str, resource: &str, identity: &str, key_policy: Option<&str>) -> Question {
    let account = AccountId::new(ACCOUNT).expect("twelve digits");
    let caller = Caller::RoleSession(RoleSession {
        role: Role {
            account: account.clone(),
            partition: Partition::default(),
            path: Some("/service/".to_owned()),
            name: "RoleB".to_owned(),
            unique_id: Some("AROAEXAMPLEEXAMPLE12".to_owned()),
        },
        name: Some("DownloadSession".to_owned()),
        service_linked: false,
    });
    let mut context = principal_keys(&caller);
    for (key, value) in [
        ("aws:CurrentTime", "2026-11-22T00:00:00Z"),
        ("aws:RequestedRegion", "ap-northeast-1"),
        ("aws:ResourceAccount", ACCOUNT),
        ("aws:SecureTransport", "true"),
        ("aws:SourceIp", "10.49.7.7"),
        ("aws:UserAgent", "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0"),
        ("kms:CallerAccount", ACCOUNT),
    ] {
        context.set(key, value);
    }
    let parsed = |text: &str, kind| Document::parse(text, kind).expect("the workloads' policies can be used");
    Question {
        caller,
        action: Action::new(action).expect("the workloads name real actions"),
        resource: resource.to_owned(),
        owner: account,
        context,
        identity: parsed(identity, PolicyKind::Inline),
        key_policy: key_policy.map(|text| parsed(text, PolicyKind::Key)),
    }
}

fn named<'a>(document: &'a Document, name: &'a str) -> PolicyRef<'a> {
    PolicyRef {
        document,
        name,
        arn: None,
    }
}
