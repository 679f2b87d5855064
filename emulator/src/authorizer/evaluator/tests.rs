//! The form of evaluator cases, bullet by bullet. The micro-cases themselves are in the authorizer's tests.

mod rulings;
mod saves;

use serde_json::{Value, json};

use super::{Answer, EvaluatorDecision, FormError, evaluate_form};
use crate::authorizer::Settings;

const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/1";

fn ask(form: &Value) -> Answer {
    let mut answers = evaluate_form(form, &Settings::default()).expect("the form is right");
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn get(principal: &str, context: Value, policies: Value) -> Answer {
    ask(&json!({
        "request": {"principal": principal, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": context},
        "policies": policies,
    }))
}

fn allow_if(condition: Value) -> Value {
    json!({"identity": [{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}]}]})
}

fn bucket(principal: Value) -> Value {
    json!({"resource": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}]}})
}

const USER: &str = "arn:aws:iam::111111111111:user/x/u";
const ROLE: &str = "arn:aws:iam::111111111111:role/p/R";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/R/s";

#[test]
fn derived_keys_are_filled_in_and_only_those() {
    for (principal, key, value) in [
        (USER, "aws:PrincipalArn", USER),
        (USER, "aws:PrincipalType", "User"),
        (USER, "aws:username", "u"),
        (USER, "aws:PrincipalAccount", "111111111111"),
        (USER, "aws:PrincipalIsAWSService", "false"),
        (USER, "aws:ViaAWSService", "false"),
        (USER, "aws:ResourceAccount", "111111111111"),
        (SESSION, "aws:PrincipalArn", "arn:aws:iam::111111111111:role/R"),
        (SESSION, "aws:PrincipalType", "AssumedRole"),
        (ROLE, "aws:PrincipalArn", ROLE),
        (
            "arn:aws:sts::111111111111:federated-user/f",
            "aws:PrincipalType",
            "FederatedUser",
        ),
        ("arn:aws:iam::111111111111:root", "aws:userid", "111111111111"),
        ("arn:aws:iam::111111111111:root", "aws:PrincipalType", "Account"),
    ] {
        let mut policies = allow_if(json!({"StringEquals": {key: value}}));
        policies["session"] =
            json!([{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]);
        assert_eq!(
            get(principal, json!({}), policies).decision.word(),
            "allow",
            "{principal} {key}"
        );
    }
    for key in [
        "aws:SourceIp",
        "aws:SecureTransport",
        "aws:CurrentTime",
        "aws:TokenIssueTime",
    ] {
        let absent = allow_if(json!({"Null": {key: "true"}}));
        assert_eq!(get(USER, json!({}), absent).decision.word(), "allow", "{key}");
    }
}

#[test]
fn an_id_that_is_not_told_is_there_all_the_same() {
    // H2-E5, iam:K-10.
    for (principal, condition, expected) in [
        (USER, json!({"Null": {"aws:userid": "false"}}), "allow"),
        (USER, json!({"StringLike": {"aws:userid": "AIDA*"}}), "allow"),
        (
            USER,
            json!({"StringEqualsIfExists": {"aws:userid": "x"}}),
            "implicit_deny",
        ),
        (USER, json!({"StringNotEquals": {"aws:userid": "AIDA"}}), "allow"),
        (SESSION, json!({"StringLike": {"aws:userid": "AROA*:s"}}), "allow"),
        (ROLE, json!({"StringLike": {"aws:userid": "AROA*:*"}}), "allow"),
    ] {
        assert_eq!(
            get(principal, json!({}), allow_if(condition.clone())).decision.word(),
            expected,
            "{principal} {condition}"
        );
    }
}

#[test]
fn every_level_must_allow_also_one_without_policies() {
    // iam:L-03; of RCPs, `RCPFullAWSAccess` is always there (iam:L-11).
    for (member, expected, blamed) in [
        ("service_control", "implicit_deny", Some("service_control")),
        ("resource_control", "allow", None),
    ] {
        let mut policies = allow_if(json!({}));
        policies[member] = json!([[], []]);
        let answer = get(USER, json!({}), policies);
        assert_eq!((answer.decision.word(), answer.blamed), (expected, blamed), "{member}");
    }
}

#[test]
fn a_value_in_the_context_wins_and_null_removes() {
    let equals = |value: &str| allow_if(json!({"StringEquals": {"aws:username": value}}));
    assert_eq!(
        get(USER, json!({"AWS:UserName": "v"}), equals("v")).decision.word(),
        "allow"
    );
    assert_eq!(
        get(USER, json!({"AWS:UserName": "v"}), equals("u")).decision.word(),
        "implicit_deny"
    );
    let absent = allow_if(json!({"Null": {"aws:username": "true"}}));
    assert_eq!(
        get(USER, json!({"aws:username": null}), absent).decision.word(),
        "allow"
    );
}

#[test]
fn a_bare_role_is_some_session_of_it() {
    for (principal, expected) in [
        (json!({"AWS": ROLE}), "allow"),
        (json!({"AWS": "arn:aws:iam::111111111111:role/R"}), "implicit_deny"),
        (json!({"AWS": "111111111111"}), "implicit_deny"),
        (json!({"AWS": SESSION}), "implicit_deny"),
        (json!("*"), "allow"),
    ] {
        assert_eq!(
            get(ROLE, json!({}), bucket(principal.clone())).decision.word(),
            expected,
            "{principal}"
        );
    }
}

#[test]
fn a_session_is_known_by_role_name_until_the_path_is_told() {
    let of = |role: &str| bucket(json!({"AWS": format!("arn:aws:iam::111111111111:role/{role}")}));
    let told = json!({"aws:PrincipalArn": ROLE});
    for (context, role, expected) in [
        (json!({}), "R", "allow"),
        (json!({}), "p/R", "allow"),
        (json!({}), "p/S", "implicit_deny"),
        (told.clone(), "p/R", "allow"),
        (told, "R", "implicit_deny"),
    ] {
        assert_eq!(
            get(SESSION, context.clone(), of(role)).decision.word(),
            expected,
            "{role} {context}"
        );
    }
}

#[test]
fn unique_ids_come_from_the_user_id() {
    let policy = bucket(json!({"AWS": "AROAOLDOLDOLDOLDOLDOL"}));
    let id = |id: &str| json!({"aws:userid": format!("{id}:s")});
    assert_eq!(
        get(SESSION, id("AROAOLDOLDOLDOLDOLDOL"), policy.clone())
            .decision
            .word(),
        "allow"
    );
    assert_eq!(
        get(SESSION, id("AROANEWNEWNEWNEWNEWNE"), policy.clone())
            .decision
            .word(),
        "implicit_deny"
    );
    assert_eq!(get(SESSION, json!({}), policy).decision.word(), "implicit_deny");
}

#[test]
fn scalars_and_lists_follow_the_type_of_the_key() {
    let any = allow_if(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}));
    let plain = |key: &str| allow_if(json!({"StringEquals": {key: "a"}}));
    for (context, policies, expected) in [
        (json!({"aws:TagKeys": "a"}), any, "allow"),
        (json!({"aws:TagKeys": "a"}), plain("aws:TagKeys"), "implicit_deny"),
        (json!({"aws:UserAgent": "a"}), plain("aws:UserAgent"), "allow"),
        (json!({"aws:UserAgent": ["a"]}), plain("aws:UserAgent"), "implicit_deny"),
        (
            json!({"x:n": 5}),
            allow_if(json!({"NumericEquals": {"x:n": 5.0}})),
            "allow",
        ),
        (
            json!({"x:b": false}),
            allow_if(json!({"Bool": {"x:b": "false"}})),
            "allow",
        ),
    ] {
        assert_eq!(
            get(USER, context.clone(), policies).decision.word(),
            expected,
            "{context}"
        );
    }
    // Two spellings of one key equal nothing, but the key is there.
    let both = json!({"aws:RequestTag/k": "a", "aws:RequestTag/K": "a"});
    assert_eq!(
        get(USER, both.clone(), plain("aws:RequestTag/k")).decision.word(),
        "implicit_deny"
    );
    let present = allow_if(json!({"Null": {"aws:RequestTag/k": "false"}}));
    assert_eq!(get(USER, both, present).decision.word(), "allow");
}

#[test]
fn an_unusable_document_is_named_with_rule_and_place() {
    let good = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    for (policies, document, rule, place) in [
        (json!({"identity": [good, "{"]}), "identity[1]", "iam:E-01", "byte 1"),
        (
            json!({"identity": [{"Statement": {"Effect": "Allow", "Action": "GetObject", "Resource": "*"}}]}),
            "identity[0]",
            "iam:E-06",
            "/Statement/Action",
        ),
        (
            json!({"service_control": [[good], [good, {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}]]}),
            "service_control[1][1]",
            "iam:E-03",
            "/Statement/0/Effect",
        ),
        (
            json!({"identity": [good], "permissions_boundary": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": ["*", "x"]}]}}),
            "permissions_boundary",
            "iam:E-08",
            "/Statement/0/Resource/1",
        ),
        (
            json!({"resource": {"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}}),
            "resource",
            "iam:E-16",
            "/Statement/0",
        ),
        (
            json!({"resource": {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Comment": ""}]}}),
            "resource",
            "iam:E-01",
            "/Statement/0/Comment",
        ),
    ] {
        let answer = get(USER, json!({}), policies);
        let EvaluatorDecision::Error(found) = &answer.decision else {
            panic!("{document}: {answer:?}");
        };
        let found = (found.document.as_str(), found.rule, found.place.as_str());
        assert_eq!(found, (document, rule, place), "{answer:?}");
    }
}

#[test]
fn an_unusable_document_stops_everybody() {
    for principal in ["anonymous", "arn:aws:iam::111111111111:root", USER] {
        let answer = get(
            principal,
            json!({}),
            json!({"session": ["{"], "service_control": [["{"]]}),
        );
        let EvaluatorDecision::Error(found) = &answer.decision else {
            panic!("{principal}: {answer:?}");
        };
        assert_eq!(found.document, "session[0]", "the form's order");
    }
}

#[test]
fn a_session_list_that_is_empty_is_not_none() {
    let with = |session: Value| {
        let mut policies = allow_if(json!({}));
        policies["session"] = session;
        get(SESSION, json!({}), policies)
    };
    assert_eq!(with(Value::Null).decision.word(), "allow");
    let empty = with(json!([]));
    assert_eq!(
        (empty.decision.word(), empty.blamed),
        ("implicit_deny", Some("session"))
    );
    let mut intersecting = Settings::default();
    intersecting.quirks.session_policies_intersect = true;
    let mut policies = allow_if(json!({}));
    policies["session"] = json!([]);
    let form = json!({
        "request": {"principal": SESSION, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
        "policies": policies,
    });
    let answers = evaluate_form(&form, &intersecting).expect("the form is right");
    assert_eq!(answers[0].blamed, Some("session"), "OQ-31");
}

fn by_grant(principal: Value, action: &str, context: Value, grant: Value) -> Answer {
    ask(&json!({
        "request": {"principal": principal, "action": action, "resource": KEY, "context": context},
        "grants": [grant],
    }))
}

#[test]
fn grants_match_as_in_svc_g_14() {
    let other = "arn:aws:sts::111111111111:assumed-role/R/t";
    let foreign = "arn:aws:iam::222222222222:user/w";
    for (principal, grantee, expected) in [
        (json!(USER), USER, "allow"),
        (json!(USER), "arn:aws:iam::111111111111:user/u", "implicit_deny"),
        (json!(SESSION), ROLE, "allow"),
        (json!(SESSION), SESSION, "allow"),
        (json!(other), SESSION, "implicit_deny"),
        (json!(ROLE), SESSION, "implicit_deny"),
        (json!(foreign), foreign, "allow"),
        (json!(foreign), "222222222222", "implicit_deny"),
        (
            json!("arn:aws:iam::222222222222:root"),
            "arn:aws:iam::222222222222:root",
            "allow",
        ),
        (json!(USER), "*", "implicit_deny"),
        (
            json!({"service": "lambda.amazonaws.com"}),
            "lambda.us-east-1.amazonaws.com",
            "allow",
        ),
        (
            json!({"service": "lambda.amazonaws.com"}),
            "backup.amazonaws.com",
            "implicit_deny",
        ),
    ] {
        let grant = json!({"grantee_principal": grantee, "operations": ["Decrypt"]});
        let answer = by_grant(principal.clone(), "kms:Decrypt", json!({}), grant.clone());
        assert_eq!(answer.decision.word(), expected, "{principal} {grantee}");
        let elsewhere = by_grant(principal, "kms:Encrypt", json!({}), grant);
        assert_eq!(elsewhere.decision.word(), "implicit_deny", "{grantee}");
    }
}

#[test]
fn grant_constraints_hold_as_in_svc_g_10_to_g_13() {
    let equals = json!({"encryption_context_equals": {"Dept": "IT"}});
    let subset = json!({"encryption_context_subset": {"Dept": "IT"}});
    let it = json!({"kms:EncryptionContext:dept": "IT"});
    let more = json!({"kms:EncryptionContext:Dept": "IT", "kms:EncryptionContext:x": "y"});
    for (constraints, action, context, expected) in [
        (&equals, "kms:Decrypt", &it, "allow"),
        (&equals, "kms:Decrypt", &more, "implicit_deny"),
        (&subset, "kms:Decrypt", &more, "allow"),
        (
            &subset,
            "kms:Decrypt",
            &json!({"kms:EncryptionContext:Dept": "it"}),
            "implicit_deny",
        ),
        (&equals, "kms:Decrypt", &json!({}), "implicit_deny"),
        (&equals, "kms:DescribeKey", &json!({}), "allow"),
        (
            &json!({"source_arn": "arn:aws:x:::t"}),
            "kms:Decrypt",
            &json!({}),
            "allow",
        ),
    ] {
        let grant =
            json!({"grantee_principal": USER, "operations": ["Decrypt", "DescribeKey"], "constraints": constraints});
        let answer = by_grant(json!(USER), action, context.clone(), grant);
        assert_eq!(answer.decision.word(), expected, "{constraints} {action} {context}");
    }
    let service = json!({"service": "dynamodb.amazonaws.com"});
    let grant = json!({"grantee_principal": "dynamodb.amazonaws.com", "operations": ["Decrypt"],
        "constraints": {"source_arn": "arn:aws:dynamodb:us-east-1:111111111111:table/T1"}});
    for (source, expected) in [("T1", "allow"), ("T2", "implicit_deny")] {
        let context = json!({"aws:SourceArn": format!("arn:aws:dynamodb:us-east-1:111111111111:table/{source}")});
        let answer = by_grant(service.clone(), "kms:Decrypt", context, grant.clone());
        assert_eq!(answer.decision.word(), expected, "{source}");
    }
}

#[test]
fn services_have_rules_around_the_policies() {
    let all = json!([{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]);
    let none = json!([{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}]);
    let key = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]});
    let fed = "arn:aws:sts::111111111111:federated-user/f";
    let root = "arn:aws:iam::111111111111:root";
    let role = "arn:aws:iam::111111111111:role/R";
    let alias = "arn:aws:kms:us-east-1:111111111111:alias/aws/foo";
    let foreign = "arn:aws:iam::222222222222:user/w";
    for (rule, principal, action, resource, identity, expected) in [
        ("iam:L-80", USER, "sts:GetCallerIdentity", "*", &none, "allow"),
        ("iam:L-80", USER, "sts:GetSessionToken", "*", &none, "allow"),
        ("iam:L-78", fed, "iam:ListUsers", "*", &all, "implicit_deny"),
        ("iam:L-78", fed, "sts:AssumeRole", role, &all, "implicit_deny"),
        (
            "iam:L-78",
            SESSION,
            "sts:GetFederationToken",
            "*",
            &all,
            "implicit_deny",
        ),
        ("iam:L-63", root, "sts:AssumeRole", role, &all, "implicit_deny"),
        ("svc:K-30", USER, "kms:CreateAlias", alias, &all, "implicit_deny"),
        ("svc:K-18", USER, "kms:ListKeys", "*", &json!([]), "implicit_deny"),
        ("svc:K-9", foreign, "kms:TagResource", KEY, &all, "implicit_deny"),
        ("svc:K-8", foreign, "kms:Sign", KEY, &all, "allow"),
        ("svc:K-9", foreign, "kms:TagResource", KEY, &none, "explicit_deny"),
    ] {
        let answer = ask(&json!({
            "request": {"principal": principal, "action": action, "resource": resource},
            "policies": {"identity": identity, "session": all, "resource": if action.starts_with("kms:") { key.clone() } else { Value::Null }},
        }));
        assert_eq!(answer.decision.word(), expected, "{rule} {action}: {answer:?}");
    }
}

#[test]
fn what_is_not_of_the_form_is_refused() {
    let request = json!({"principal": USER, "action": "s3:GetObject", "resource": "*"});
    let mut stranger = request.clone();
    stranger["principal"] = json!("arn:aws:iam::111111111111:group/g");
    let mut account = request.clone();
    account["resource_account"] = json!("1");
    // Found by fuzzing: what only looks like a key's ARN was decided by key policy.
    let mut resource = request.clone();
    resource["resource"] = json!("ari:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    let mut context = request.clone();
    context["context"] = json!({"k": {}});
    let mut ambiguous = request.clone();
    ambiguous["context"] = json!({"aws:username": "u", "AWS:username": null});
    assert!(matches!(
        evaluate_form(&json!({}), &Settings::default()),
        Err(FormError::Requests)
    ));
    for (form, expected) in [
        (json!({"request": request, "polices": {}}), "unknown field `polices`"),
        (
            json!({"request": request, "policies": {"identities": []}}),
            "unknown field `identities`",
        ),
        (json!({"request": stranger}), "is not a principal that can call"),
        (json!({"request": resource}), "is neither an ARN nor `*`"),
        (json!({"request": account}), "`1` is not an account id"),
        (json!({"request": context}), "the context key `k`"),
        (
            json!({"request": ambiguous}),
            "`AWS:username` and `aws:username` differ only",
        ),
        (
            json!({"saves": [{"kind": "acl", "document": {}}]}),
            "unknown variant `acl`",
        ),
    ] {
        let error = evaluate_form(&form, &Settings::default()).expect_err("not of the form");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
