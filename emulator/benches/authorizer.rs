//! What a decision costs: parsing and compiling policies, and evaluating one question, with allocations counted.
//!
//! W1: a role session calls `kms:GenerateDataKey`; two identity statements, a key policy that delegates.
//! W2: fifty identity statements with wildcards and two conditions each; every one fits action, resource and the
//! text condition, and only the last fits the address. W2 by text: all fit the address, and only the last the text.
//!
//! `cargo bench -p countersign-emulator --bench authorizer`
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::sync::Arc;

use countersign_emulator::authorizer::{
    AccessRequest, AttachedPolicy, Caller, Context, Policy, PolicyKind, PolicySets, ResourcePolicyMode, Settings,
    Verdict, authorize,
};
use countersign_emulator::names::AccountId;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const KEY: &str = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// One question with everything it needs.
struct Question {
    caller: Caller,
    action: &'static str,
    resource: String,
    owner: AccountId,
    mode: ResourcePolicyMode,
    context: Context,
    sets: PolicySets,
    settings: Settings,
}

impl Question {
    fn verdict(&self) -> Verdict {
        let request = AccessRequest {
            caller: &self.caller,
            action: self.action,
            resource: &self.resource,
            resource_account: Some(&self.owner),
            mode: self.mode,
            context: &self.context,
        };
        authorize(black_box(&request), black_box(&self.sets), black_box(&self.settings))
    }
}

/// The keys that the emulator gives a role session's direct call.
fn context() -> Context {
    let mut context = Context::new();
    for (key, value) in [
        ("aws:currenttime", "2026-11-22T00:00:00Z"),
        ("aws:epochtime", "1795305600"),
        ("aws:principalaccount", "123456789012"),
        ("aws:principalarn", "arn:aws:iam::123456789012:role/service/RoleB"),
        ("aws:principalisawsservice", "false"),
        ("aws:principaltype", "AssumedRole"),
        ("aws:requestedregion", "ap-northeast-1"),
        ("aws:resourceaccount", "123456789012"),
        ("aws:securetransport", "true"),
        ("aws:sourceip", "10.49.7.7"),
        ("aws:tokenissuetime", "2026-11-21T23:00:00Z"),
        ("aws:useragent", "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0"),
        ("aws:userid", "AROAEXAMPLEEXAMPLE12:DownloadSession"),
        ("aws:viaawsservice", "false"),
        ("kms:calleraccount", "123456789012"),
        ("kms:keyorigin", "AWS_KMS"),
        ("kms:keyspec", "SYMMETRIC_DEFAULT"),
        ("kms:keyusage", "ENCRYPT_DECRYPT"),
    ] {
        context.set(key, value);
    }
    context
}

fn role_session() -> Caller {
    Caller::RoleSession {
        account: account(),
        arn: "arn:aws:sts::123456789012:assumed-role/RoleB/DownloadSession".into(),
        role_arn: "arn:aws:iam::123456789012:role/service/RoleB".into(),
        role_path_known: true,
        role_unique_id: "AROAEXAMPLEEXAMPLE12".into(),
        service_linked: false,
    }
}

fn account() -> AccountId {
    AccountId::parse("123456789012").expect("twelve digits")
}

fn stored(kind: PolicyKind, text: &str) -> Arc<Policy> {
    let policy = Policy::stored(kind, text);
    assert!(policy.unusable().is_none(), "{text}");
    Arc::new(policy)
}

fn w1_identity() -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"Key","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"{KEY}"}},
        {{"Sid":"Bucket","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],
         "Resource":["arn:aws:s3:::my-example-bucket","arn:aws:s3:::my-example-bucket/*"]}}]}}"#
    )
}

const W1_KEY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}"#;

fn w1() -> Question {
    let sets = PolicySets {
        identity: vec![AttachedPolicy::inline(stored(
            PolicyKind::IdentityInline,
            &w1_identity(),
        ))],
        resource: Some(stored(PolicyKind::KeyPolicy, W1_KEY_POLICY)),
        ..PolicySets::default()
    };
    Question {
        caller: role_session(),
        action: "kms:GenerateDataKey",
        resource: KEY.into(),
        owner: account(),
        mode: ResourcePolicyMode::KeyPolicy { aws_managed: false },
        context: context(),
        sets,
        settings: Settings::default(),
    }
}

fn w2_identity() -> String {
    let mut statements = String::new();
    for index in 0..50 {
        let comma = if index == 0 { "" } else { "," };
        write!(
            statements,
            r#"{comma}{{"Effect":"Allow","Action":["s3:List*","s3:*Object"],
            "Resource":["arn:aws:s3:::other-{index}-*","arn:aws:s3:::my-*-bucket/team-?/*.json"],
            "Condition":{{"StringLike":{{"aws:UserAgent":["Boto3/{index}*","aws-sdk-*lang/rust*"]}},
            "IpAddress":{{"aws:SourceIp":["192.0.2.{index}/32","10.{index}.0.0/16"]}}}}}}"#
        )
        .expect("a string takes everything");
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn w2() -> Question {
    let sets = PolicySets {
        identity: vec![AttachedPolicy::inline(stored(
            PolicyKind::IdentityManaged,
            &w2_identity(),
        ))],
        ..PolicySets::default()
    };
    Question {
        caller: role_session(),
        action: "s3:GetObject",
        resource: "arn:aws:s3:::my-example-bucket/team-7/2026/11/22/report.json".into(),
        owner: account(),
        mode: ResourcePolicyMode::Optional,
        context: context(),
        sets,
        settings: Settings::default(),
    }
}

/// W2 the other way round: what is compared last is what differs.
fn w2_by_text() -> Question {
    let mut text = w2_identity();
    for index in 0..50 {
        text = text.replace(&format!("10.{index}.0.0/16"), "10.49.0.0/16");
    }
    for index in 0..49 {
        let own = format!("\"Boto3/{index}*\",\"aws-sdk-*lang/rust*\"");
        assert!(text.contains(&own));
        text = text.replace(&own, &format!("\"Boto3/{index}*\",\"aws-sdk-*lang/r{index}*\""));
    }
    let mut question = w2();
    question.sets.identity = vec![AttachedPolicy::inline(stored(PolicyKind::IdentityManaged, &text))];
    question
}

/// W2 with variables in place of literal text: nothing of it can be decided at compile time.
fn w3() -> Question {
    let text = w2_identity()
        .replace("team-?/", "${kms:KeyOrigin, 'team'}/")
        .replace("aws-sdk-*", "${aws:Nothing, 'aws'}-sdk-*");
    let mut question = w2();
    question.resource = "arn:aws:s3:::my-example-bucket/AWS_KMS/2026/11/22/report.json".into();
    question.sets.identity = vec![AttachedPolicy::inline(stored(PolicyKind::IdentityManaged, &text))];
    question
}

fn measure(bencher: Bencher<'_, '_>, question: &Question) {
    assert!(question.verdict().is_allowed(), "{:?}", question.verdict());
    bencher.bench_local(|| question.verdict());
}

#[divan::bench(sample_count = 1000)]
fn evaluate_w1_role_and_delegating_key(bencher: Bencher<'_, '_>) {
    measure(bencher, &w1());
}

#[divan::bench(sample_count = 1000)]
fn evaluate_w2_fifty_statements(bencher: Bencher<'_, '_>) {
    measure(bencher, &w2());
}

#[divan::bench(sample_count = 1000)]
fn evaluate_w2_fifty_statements_by_text(bencher: Bencher<'_, '_>) {
    measure(bencher, &w2_by_text());
}

#[divan::bench(sample_count = 1000)]
fn evaluate_w3_fifty_statements_with_variables(bencher: Bencher<'_, '_>) {
    measure(bencher, &w3());
}

/// The last address is elsewhere: fifty statements, none of which applies, and a denial with its blame.
#[divan::bench(sample_count = 1000)]
fn evaluate_w2_denied(bencher: Bencher<'_, '_>) {
    let mut question = w2();
    question.context.set("aws:sourceip", "10.50.0.1");
    assert!(question.verdict().denial().is_some());
    bencher.bench_local(|| question.verdict());
}

#[divan::bench(sample_count = 1000)]
fn compile_w1(bencher: Bencher<'_, '_>) {
    let identity = w1_identity();
    bencher.bench_local(|| {
        (
            Policy::stored(PolicyKind::IdentityInline, black_box(&identity)),
            Policy::stored(PolicyKind::KeyPolicy, black_box(W1_KEY_POLICY)),
        )
    });
}

#[divan::bench(sample_count = 300)]
fn compile_w2(bencher: Bencher<'_, '_>) {
    let identity = w2_identity();
    bencher.bench_local(|| Policy::stored(PolicyKind::IdentityManaged, black_box(&identity)));
}
