//! Action, resource and variable vectors: `iam:§12.4`, `iam:§12.5`.

use super::*;
use crate::authorizer::asked::Asked;

/// Whether the pattern covers the resource; `None` when a variable has no value.
fn covers(pattern: &ResourcePattern, resource: &str, context: &Context) -> Option<bool> {
    let mut case = case("pattern", user()).asks("s3:GetObject", resource);
    case.context = context.clone();
    pattern.matches(&Asked::of(&case.request(), &case.settings))
}

/// Whether the clause applies.
fn applies(clause: &ResourceClause, effect: Effect, resource: &str, context: &Context, settings: Settings) -> bool {
    let mut case = case("clause", user()).asks("s3:GetObject", resource);
    (case.context, case.settings) = (context.clone(), settings);
    clause.matches(effect, &Asked::of(&case.request(), &case.settings))
}

#[test]
fn action_vectors() {
    let table: &[(&str, &str, &str, bool)] = &[
        ("AG-01", "*", "s3:GetObject", true),
        ("AG-02", "s3:*", "s3:GetObject", true),
        ("AG-02", "s3:*", "s3express:CreateSession", false),
        ("AG-03", "S3:GETobject", "s3:GetObject", true),
        ("AG-04", "s3:Get*Tagging", "s3:GetObjectTagging", true),
        ("AG-04", "s3:Get*Tagging", "s3:GetObject", false),
        ("AG-05", "s3:?etObject", "s3:GetObject", true),
        ("AG-06", "s3:GetObject?", "s3:GetObject", false),
        ("AG-09", "s3:GetObject,PutObject", "s3:GetObject", false),
        ("svc:K-23", "kms:Get*", "kms:GenerateDataKey", false),
        (
            "svc:K-23",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            false,
        ),
        ("svc:K-23", "kms:GenerateDataKey*", "kms:GenerateDataKeyPair", true),
        ("svc:K-23", "kms:Revoke*", "kms:RetireGrant", false),
        ("VV-13", "s3:${aws:username}", "s3:u", false),
    ];
    for (id, pattern, action, expected) in table {
        assert_eq!(
            ActionPattern::compile(pattern).matches(action),
            *expected,
            "{id} {pattern} {action}"
        );
    }
    let not = |patterns: &[&str], action: &'static str| {
        let patterns = patterns.iter().map(|text| ActionPattern::compile(text)).collect();
        let request = case("AG", user()).asks(action, "*");
        ActionClause::NotAction(patterns).matches(&Asked::of(&request.request(), &request.settings))
    };
    assert!(!not(&["iam:*", "sts:*"], "iam:GetUser"), "AG-07");
    assert!(not(&["iam:*", "sts:*"], "s3:GetObject"), "AG-07");
    assert!(!not(&["*"], "s3:GetObject"), "AG-08");
    assert!(!not(&[], "s3:GetObject"), "OQ-7");
}

#[test]
fn resource_vectors() {
    let key = "arn:aws:kms:us-east-1:111111111111:key/1";
    let s3 = |name: &str| format!("arn:aws:s3:::{name}");
    let table: &[(&str, String, String, bool)] = &[
        ("RG-01", "*".into(), s3("b/k"), true),
        ("RG-01", "*".into(), "*".into(), true),
        ("RG-02", s3("b/*"), s3("b/k"), true),
        ("RG-02", s3("b/*"), s3("b/x/y"), true),
        ("RG-02", s3("b/*"), s3("b"), false),
        ("RG-02", s3("b/*"), s3("bb/k"), false),
        ("RG-03", s3("b*"), s3("b"), true),
        ("RG-03", s3("b*"), s3("b/k"), true),
        ("RG-03", s3("b*"), s3("bb/k"), true),
        ("RG-04", s3("b/*/test/*"), s3("b/1///test///object.jpg"), true),
        ("RG-04", s3("b/*/test/*"), s3("b//test/o"), true),
        ("RG-04", s3("b/*/test/*"), s3("b/test/o"), false),
        ("RG-05", s3("b/????-test"), s3("b/2024-test"), true),
        ("RG-05", s3("b/????-test"), s3("b/24-test"), false),
        ("RG-06", "arn:aws:kms:*:111111111111:key/*".into(), key.into(), true),
        (
            "RG-06",
            "arn:aws:kms:*:111111111111:key/*".into(),
            key.replace(A, B),
            false,
        ),
        (
            "RG-06",
            "arn:aws:kms:*:111111111111:key/*".into(),
            key.replace("key/1", "alias/x"),
            false,
        ),
        ("RG-07", "arn:aws:kms:us-*:111111111111:key/*".into(), key.into(), true),
        (
            "RG-08",
            "arn:aws:logs:us-east-1:1:log-group:*".into(),
            "arn:aws:logs:us-east-1:1:log-group:a:log-stream:b".into(),
            true,
        ),
        ("RG-09", s3("b/K"), s3("b/k"), false),
        ("RG-10", "arn:aws:ec2:*:*:instance/*".into(), "*".into(), false),
        ("RG-12", "arn:aws:sqs".into(), "arn:aws:sqs:us-east-1:1:q".into(), true),
        ("RG-12", "arn:aws:sqs".into(), "arn:aws:sns:us-east-1:1:q".into(), false),
        ("RG-13", s3("b/${*}"), s3("b/*"), true),
        ("RG-13", s3("b/${*}"), s3("b/x"), false),
        ("errata G-51", "arn:*:s3:::b".into(), "arn:aws-cn:s3:::b".into(), true),
        ("M-22", "arn:aws:kms:*:key/*".into(), key.into(), false),
        ("OQ-14", "arn:aws:s3:::*".into(), "arn:aws:s3:::*".into(), true),
        ("G-55", "arn:aws:s3:::${aws:username}".into(), s3("u"), true),
        (
            "G-55",
            "arn:aws:kms:*:${aws:PrincipalAccount}:key/1".into(),
            key.into(),
            false,
        ),
        (
            "G-55",
            "arn:aws:s3::${aws:username}:b".into(),
            "arn:aws:s3::${aws:username}:b".into(),
            false,
        ),
    ];
    let context = context_of(&user());
    for (id, pattern, resource, expected) in table {
        let compiled = ResourcePattern::compile(pattern, true, true);
        assert_eq!(
            covers(&compiled, resource, &context),
            Some(*expected),
            "{id} {pattern} {resource}"
        );
    }
    let incomplete = ResourcePattern::compile("arn:aws:sqs", false, true);
    assert_eq!(
        covers(&incomplete, "arn:aws:sqs:us-east-1:1:q", &context),
        Some(false),
        "OQ-6"
    );

    let not = ResourceClause::NotResource(vec![ResourcePattern::compile("arn:aws:s3:::b/*", true, true)]);
    for (resource, expected) in [(s3("b/k"), false), (s3("c/k"), true), ("*".into(), true)] {
        assert_eq!(
            applies(&not, Effect::Deny, &resource, &context, Settings::default()),
            expected,
            "RG-11 {resource}"
        );
    }
}

#[test]
fn variable_vectors() {
    let matches = |text: &str, caller: &Caller, tag: Option<(&str, &str)>, name: &str| {
        let mut context = context_of(caller);
        if let Some((key, value)) = tag {
            context.add_member("aws:PrincipalTag/", key, value);
        }
        let pattern = ResourcePattern::compile(&format!("arn:aws:s3:::{text}"), true, true);
        covers(&pattern, &format!("arn:aws:s3:::{name}"), &context)
    };
    let own = "b/${aws:username}/*";
    assert_eq!(matches(own, &user(), None, "b/u/k"), Some(true), "VV-01");
    assert_eq!(matches(own, &user(), None, "b/v/k"), Some(false), "VV-01");
    assert_eq!(matches(own, &session(), None, "b/u/k"), None, "VV-02");
    let team = "b/${aws:PrincipalTag/team, 'company-wide'}";
    assert_eq!(matches(team, &user(), None, "b/company-wide"), Some(true), "VV-04");
    assert_eq!(
        matches(team, &user(), Some(("Team", "yellow")), "b/yellow"),
        Some(true),
        "VV-04"
    );
    assert_eq!(
        matches("b/${aws:PrincipalTag/t}/k", &user(), Some(("t", "*")), "b/x/k"),
        Some(false),
        "VV-11"
    );
    assert_eq!(
        matches(
            "b/${aws:PrincipalTag/t}",
            &user(),
            Some(("t", "${aws:username}")),
            "b/u"
        ),
        Some(false),
        "VV-12"
    );
    assert_eq!(matches("b/${AWS:UserName}", &user(), None, "b/u"), Some(true), "VV-17");
    let old = ResourcePattern::compile("arn:aws:s3:::b/${aws:username}/*", true, false);
    assert_eq!(
        covers(&old, "arn:aws:s3:::b/u/k", &context_of(&user())),
        Some(false),
        "VV-03"
    );

    let not = ResourceClause::NotResource(vec![ResourcePattern::compile(
        "arn:aws:s3:::b/${aws:PrincipalTag/t}/*",
        true,
        true,
    )]);
    let context = context_of(&user());
    for (quirk, deny, allow) in [
        ("fail_closed", true, false),
        ("applies", true, true),
        ("void", false, false),
    ] {
        let mut settings = Settings::default();
        settings
            .quirks
            .set("unresolved_not_resource", &quirk.into())
            .expect("a known word");
        let on = |effect| applies(&not, effect, "arn:aws:s3:::b/x/k", &context, settings);
        assert_eq!(
            (on(Effect::Deny), on(Effect::Allow)),
            (deny, allow),
            "VV-09 VV-10 {quirk}"
        );
    }
}
