//! The micro-cases of `iam:§8` from T-095 on: NotPrincipal, role assumption, endpoints, unusable policies,
//! and the faults of the authorizer.

use super::*;

#[test]
fn not_principal_t_095_to_t_097() {
    let deny_but = |list: &str| {
        format!(
            r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{list}]}},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}"#
        )
    };
    let account_and_role = format!(r#""{ROLE_ARN}","arn:aws:iam::{A}:root""#);
    let all_levels = format!(r#""{SESSION_ARN}",{account_and_role}"#);
    let allow = to("Allow", "R", "");
    let with = |id, list: &str| case(id, session()).resource_policy(&[&deny_but(list), &allow]);
    with("T-095", &account_and_role).expect("XD(RBP)");
    with("T-095 lenient", &account_and_role)
        .quirk(|quirks| quirks.notprincipal_strict = false)
        .expect("ALLOW");
    with("T-096", &all_levels).expect("ALLOW");
    with("T-097", &all_levels).boundary(&[ALLOW_ALL]).expect("XD(RBP)");
    // Errata P-50: an Allow leaves out whoever is listed at any level.
    let allow_but = |list: &str| {
        format!(r#"{{"Effect":"Allow","NotPrincipal":{list},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}"#)
    };
    case("P-50 listed", session())
        .resource_policy(&[&allow_but(&principal("A:root"))])
        .expect("ID(IDP)");
    case("P-50 star", Caller::Anonymous)
        .resource_policy(&[&allow_but("\"*\"")])
        .expect("ID(RBP)");
    case("P-50 other", Caller::Anonymous)
        .resource_policy(&[&allow_but(&principal("A:root"))])
        .expect("ALLOW");
    case("P-55", user())
        .identity(&[GET])
        .resource_policy(&[&deny_but(&format!("\"{A}\""))])
        .expect("XD(RBP)");
    case("P-55 root", root())
        .resource_policy(&[&deny_but(&format!("\"{A}\""))])
        .expect("ALLOW");
}

#[test]
fn role_assumption_t_098_to_t_104() {
    let trust = |who: &str| {
        let who = principal(who);
        format!(r#"{{"Effect":"Allow","Principal":{who},"Action":"sts:AssumeRole"}}"#)
    };
    let assume = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
    case("T-098", user())
        .assume_role()
        .resource_policy(&[&trust("u")])
        .expect("ALLOW");
    case("T-099", user())
        .assume_role()
        .resource_policy(&[&trust("u")])
        .boundary(&[SILENT])
        .expect("ID(PB)");
    case("T-099 OQ-34", user())
        .assume_role()
        .resource_policy(&[&trust("u")])
        .boundary(&[SILENT])
        .quirk(|quirks| quirks.assume_role_needs_boundary = false)
        .expect("ALLOW");
    case("T-100", user())
        .assume_role()
        .resource_policy(&[&trust("A:root")])
        .expect("ID(IDP)");
    case("L-71", user())
        .assume_role()
        .resource_policy(&[&trust("A:root")])
        .identity(&[assume])
        .expect("ALLOW");
    case("T-101", user())
        .assume_role()
        .resource_policy(&[&trust("lambda.amazonaws.com")])
        .identity(&[ALLOW_ALL])
        .expect("ID(trust)");
    case("T-102", session())
        .assume_role()
        .resource_policy(&[&trust("u")])
        .identity(&[assume])
        .expect("ID(trust)");
    case("P-61", service("lambda.ap-east-1.amazonaws.com"))
        .assume_role()
        .resource_policy(&[&trust("lambda.amazonaws.com")])
        .expect("ALLOW");

    struct World;
    impl PrincipalResolver for World {
        fn unique_id_of(&self, arn: &str) -> Option<String> {
            (arn == ROLE_ARN).then(|| ROLE_ID.to_owned())
        }
        fn arn_of(&self, unique_id: &str) -> Option<String> {
            (unique_id == ROLE_ID).then(|| ROLE_ARN.to_owned())
        }
    }
    let rules = SaveRules {
        as_of: Settings::CURRENT,
        principals: &World,
    };
    let saved = Arc::new(Policy::save(PolicyKind::Trust, &text_of(&[&trust("R")]), &rules).expect("R exists"));
    let recreated = || session_of(ROLE_ARN, "s", "AROANEWNEWNEWNEWNEW1");
    let assumed_by = |id, caller| {
        let mut case = case(id, caller).assume_role().identity(&[assume]);
        case.sets.resource = Some(Arc::clone(&saved));
        case
    };
    assumed_by("P-40", session()).expect("ALLOW");
    assumed_by("T-103", recreated()).expect("ID(trust)");
    assert_eq!(saved.displayed_text(&World), saved.text());
    assert_eq!(
        saved.displayed_text(&NoPrincipals),
        saved.text().replace(ROLE_ARN, ROLE_ID)
    );
    let by_id = Policy::save(
        PolicyKind::Trust,
        &text_of(&[&trust(&format!(r#"{{"AWS":["{A}","{ROLE_ID}"]}}"#))]),
        &rules,
    );
    let by_id = by_id.expect("R exists");
    assert_eq!(
        by_id.displayed_text(&World),
        by_id
            .text()
            .replace(ROLE_ID, ROLE_ARN)
            .replace(&format!("\"{A}\""), &format!("\"arn:aws:iam::{A}:root\"")),
        "P-40, P-03"
    );
    let by_key = to(
        "Allow",
        "*",
        r#","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/R"}}"#,
    );
    case("T-104", recreated()).resource_policy(&[&by_key]).expect("ALLOW");
}

#[test]
fn endpoints_and_the_rest_t_107_to_t_127() {
    let everything = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    case("T-107", user())
        .identity(&[GET])
        .endpoint(true, &[everything])
        .expect("ALLOW");
    let puts = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
    case("T-108", user())
        .identity(&[GET])
        .endpoint(true, &[puts])
        .expect("ID(VPCEP)");
    let owners =
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"*","Resource":"*"}"#;
    case("T-109", user())
        .identity(&[GET])
        .endpoint(true, &[owners])
        .expect("ID(VPCEP)");
    case("T-109 root", root()).endpoint(true, &[owners]).expect("ALLOW");
    case("T-109 interface", user())
        .identity(&[GET])
        .endpoint(false, &[owners])
        .expect("ALLOW");
    let deny_all = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    case("T-110", session())
        .endpoint(true, &[everything, deny_all])
        .resource_policy(&[&to("Allow", "R/s", "")])
        .expect("XD(VPCEP)");
    let deny_get = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
    let all_deny = case("T-111", user())
        .scp(&[ALLOW_ALL, deny_get])
        .identity(&[GET, deny_get])
        .resource_policy(&[&to("Deny", "*", "")]);
    let verdict = all_deny.verdict();
    let denial = verdict.denial().expect("three sets deny");
    let expected = [PolicyType::ServiceControl, PolicyType::Identity, PolicyType::Resource];
    assert_eq!(denial.all, expected.into_iter().collect(), "T-111");
    all_deny.expect("XD(SCP)");
    let inline = case("T-112", user()).identity(&[GET, deny_get]).verdict();
    assert_eq!(
        inline.denial().and_then(|denial| denial.policy_arn.clone()),
        None,
        "T-112"
    );

    let reads = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#;
    let writes = r#"{"Effect":"Allow","Action":"s3:Put*","Resource":"*"}"#;
    let two = |id| {
        case(id, session())
            .identity(&[ALLOW_ALL])
            .session_policy(&[reads])
            .session_policy(&[writes])
            .asks("s3:PutObject", "arn:aws:s3:::b/k")
    };
    two("T-115").expect("ALLOW");
    two("T-115 OQ-31")
        .quirk(|quirks| quirks.session_policies_intersect = true)
        .expect("ID(SP)");
    case("T-116", user())
        .resource_policy(&[&to("Deny", "A:root", ""), &to("Allow", "u", "")])
        .expect("XD(RBP)");
    case("T-117", federated())
        .resource_policy(&[&to("Deny", "u", ""), &to("Allow", "fed", "")])
        .expect("XD(RBP)");
    case("T-118", session())
        .resource_policy(&[&to("Deny", "R", ""), &to("Allow", "R/s", "")])
        .expect("XD(RBP)");
    let nested = "arn:aws:iam::111111111111:role/a/b/R";
    case("T-119", session_of(nested, "s", ROLE_ID))
        .resource_policy(&[&to("Allow", nested, "")])
        .expect("ALLOW");
    case("T-127", user())
        .identity(&[r#"{"Effect":"Deny","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#])
        .expect("ALLOW");
    case("G-06", user())
        .identity(&[
            r#"{"Effect":"Allow","Action":"ec2:*","Action":"s3:Get*","Resource":"arn:aws:sqs","Resource":"*"}"#,
        ])
        .expect("ALLOW");
}

#[test]
fn unusable_policies_stop_the_evaluation_e_22() {
    for (id, text) in [
        ("not JSON", "{"),
        (
            "E-01",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Comment":1}}"#,
        ),
        (
            "E-03",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#,
        ),
        (
            "E-04",
            r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        ),
        ("E-05", r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#),
        (
            "E-06",
            r#"{"Statement":{"Effect":"Allow","Action":["*","GetObject"],"Resource":"*"}}"#,
        ),
        (
            "E-07",
            r#"{"Statement":{"Effect":"Allow","Action":["*","s*:GetObject"],"Resource":"*"}}"#,
        ),
        (
            "E-08",
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":["*","b"]}}"#,
        ),
        (
            "E-10",
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":["*","arn:aws:s*:::b"]}}"#,
        ),
        (
            "E-12",
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
        ),
    ] {
        let mut unusable = case("E-22", user()).identity(&[GET]);
        let policy = Policy::stored(PolicyKind::IdentityInline, text);
        assert!(policy.unusable().is_some(), "{id}");
        unusable.sets.identity.push(AttachedPolicy::inline(Arc::new(policy)));
        unusable.expect("ERROR");
    }
    // E-02, quotas and dates that do not parse are no evaluation errors.
    for text in [
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":[],"Resource":[]}}"#,
        r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"soon"}}}}"#,
    ] {
        let mut usable = case("E-22", user()).identity(&[GET]);
        let policy = Policy::stored(PolicyKind::IdentityManaged, text);
        usable.sets.identity.push(AttachedPolicy::inline(Arc::new(policy)));
        usable.expect("ALLOW");
    }
    // Keys that differ by letter case are refused at save only; both must hold (OQ-1).
    let twice = r#"{"StringEquals":{"aws:username":"u","AWS:UserName":"v"}}"#;
    case("OQ-1", user())
        .identity(&[&get_if("Allow", twice)])
        .expect("ID(IDP)");
    case("OQ-1", user())
        .identity(&[&get_if("Allow", &twice.replace("\"v\"", "\"u\""))])
        .expect("ALLOW");
    // A set that does not apply to the caller is not collected, so it cannot fail.
    let mut rootly = case("E-22 root", root());
    rootly
        .sets
        .identity
        .push(AttachedPolicy::inline(Arc::new(Policy::stored(
            PolicyKind::IdentityInline,
            "{",
        ))));
    rootly.expect("ALLOW");
    let nameless = Policy::stored(PolicyKind::BucketPolicy, &text_of(&[GET]));
    assert!(nameless.unusable().is_some(), "a bucket policy without principal");
}

#[test]
fn faults_break_exactly_their_rule() {
    let deny_get = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
    case("L-10", user())
        .identity(&[GET, deny_get])
        .fault("identity-deny-ignored")
        .expect("ALLOW");
    case("L-10 RBP", user())
        .identity(&[GET])
        .resource_policy(&[&to("Deny", "u", "")])
        .fault("identity-deny-ignored")
        .expect("XD(RBP)");
    case("L-13", user())
        .identity(&[GET])
        .boundary(&[SILENT])
        .fault("boundary-skipped")
        .expect("ALLOW");
    case("L-76", session())
        .identity(&[GET])
        .session_policy(&[SILENT])
        .fault("session-policy-skipped")
        .expect("ALLOW");
    case("P-32", user())
        .resource_policy(&[&to("Deny", "A:root", ""), &to("Allow", "u", "")])
        .fault("account-principal-in-deny-misses")
        .expect("ALLOW");
    case("P-32 user", user())
        .resource_policy(&[&to("Deny", "u", ""), &to("Allow", "u", "")])
        .fault("account-principal-in-deny-misses")
        .expect("XD(RBP)");
    let absent = get_if("Deny", r#"{"StringNotEquals":{"aws:PrincipalTag/t":"x"}}"#);
    case("C-11", user())
        .identity(&[GET, &absent])
        .fault("absent-key-negated-false")
        .expect("ALLOW");
    let optional = get_if("Deny", r#"{"StringNotEqualsIfExists":{"aws:PrincipalTag/t":"x"}}"#);
    case("C-41", user())
        .identity(&[GET, &optional])
        .fault("absent-key-negated-false")
        .expect("XD(IDP)");
}

/// `iam:G-06`: of several Effects the last is looked at; every Action and Resource counts, faults included; any other
/// member twice has no reading. On save all of this is refused.
#[test]
fn repeated_members_of_stored_documents_g_06() {
    let with = |members: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#);
    let rest = r#""Action":"s3:GetObject","Resource":"*""#;
    for (members, usable) in [
        (
            format!(r#""Effect":"Sometimes","Effect":{{"a":1,"a":2}},"Effect":"Allow",{rest}"#),
            true,
        ),
        (format!(r#""Effect":"Allow","Effect":"Sometimes",{rest}"#), false),
        (format!(r#""Effect":"Allow","Effect":{{"a":1,"a":2}},{rest}"#), false),
        (format!(r#""Effect":"Allow",{rest},"Action":"nonsense""#), false),
        (format!(r#""Effect":"Allow","Action":"nonsense",{rest}"#), false),
        (format!(r#""Effect":"Allow",{rest},"Resource":"nonsense""#), false),
        (format!(r#""Effect":"Allow",{rest},"Action":"s3:PutObject""#), true),
        (
            r#""Effect":"Allow","NotAction":"ec2:*","NotAction":"sqs:*","NotResource":"arn:aws:s3:::x","NotResource":"arn:aws:s3:::y""#.to_owned(),
            true,
        ),
        (r#""Effect":"Allow","NotAction":"ec2:*","NotAction":"nonsense","Resource":"*""#.to_owned(), false),
        (format!(r#""Effect":"Allow","Sid":"a","Sid":"a",{rest}"#), false),
        (
            format!(r#""Effect":"Allow","Condition":{{}},"Condition":{{}},{rest}"#),
            false,
        ),
        (
            format!(r#""Effect":"Allow","Condition":{{"Bool":{{}},"Bool":{{}}}},{rest}"#),
            false,
        ),
        (
            format!(
                r#""Effect":"Allow","Condition":{{"Bool":{{"aws:SecureTransport":"true","aws:SecureTransport":"true"}}}},{rest}"#
            ),
            false,
        ),
    ] {
        let text = with(&members);
        let policy = crate::authorizer::Policy::stored(crate::authorizer::PolicyKind::IdentityInline, &text);
        assert_eq!(policy.unusable().is_none(), usable, "{text}");
        if usable {
            case("G-06", user()).identity(&[&format!("{{{members}}}")]).expect("ALLOW");
        }
    }
    let twice =
        format!(r#"{{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{{"Effect":"Allow",{rest}}}]}}"#);
    let policy = crate::authorizer::Policy::stored(crate::authorizer::PolicyKind::IdentityInline, &twice);
    assert!(policy.unusable().is_some());
}
