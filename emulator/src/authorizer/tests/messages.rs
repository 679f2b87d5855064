//! The wording of denials by service, date and relation (`iam:§6R`, `svc:§12`, contract).

use super::*;
use jiff::civil::{Date, date};

const NOW: Date = Settings::CURRENT;

fn message(case: &Case, relation: Relation, as_of: Date) -> String {
    let settings = Settings { as_of, ..case.settings };
    let verdict = authorize(&case.request(), &case.sets, &settings);
    verdict
        .denial()
        .expect("the case is denied")
        .message(&case.request(), relation, &settings)
}

#[test]
fn s3_quotes_the_resource_and_tells_insiders_only() {
    let case = case("S-36", session()).identity(&[SILENT]);
    let full = "User: arn:aws:sts::111111111111:assumed-role/R/s is not authorized to perform: s3:GetObject on resource: \
                \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action";
    assert_eq!(message(&case, Relation::SameAccount, NOW), full);
    assert_eq!(message(&case, Relation::SameOrganization, NOW), full);
    assert_eq!(message(&case, Relation::Stranger, NOW), "Access Denied");
    assert_eq!(message(&case, Relation::SameAccount, date(2024, 1, 1)), full);
    assert_eq!(
        message(&case, Relation::SameAccount, date(2023, 12, 31)),
        "Access Denied"
    );
    let anonymous = super::case("anonymous", Caller::Anonymous);
    assert_eq!(message(&anonymous, Relation::SameAccount, NOW), "Access Denied");
    let list = super::case("list", user()).asks("s3:ListAllMyBuckets", "arn:aws:s3:::*");
    assert_eq!(
        message(&list, Relation::SameAccount, NOW),
        "User: arn:aws:iam::111111111111:user/u is not authorized to perform: s3:ListAllMyBuckets because no \
         identity-based policy allows the s3:ListAllMyBuckets action"
    );
}

#[test]
fn every_type_has_its_clause() {
    let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    let deny_everyone = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    let put = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
    let trusts = r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}"#;
    let distrusts = r#"{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}"#;
    let before_arns = date(2026, 8, 12);
    for (case, clause) in [
        (
            case("SCP", user()).scp(&[SILENT]),
            "because no service control policy allows the s3:GetObject action",
        ),
        (
            case("SCP", user()).scp(&[deny]),
            "with an explicit deny in a service control policy",
        ),
        (
            case("RCP", user()).rcp(&[&deny_everyone.replace("\"Action\":\"*\"", "\"Action\":\"s3:*\"")]),
            "with an explicit deny in a resource control policy",
        ),
        (
            case("VPCEP", user()).identity(&[GET]).endpoint(true, &[put]),
            "because no VPC endpoint policy allows the s3:GetObject action",
        ),
        (
            case("VPCEP", user()).endpoint(true, &[deny_everyone]),
            "with an explicit deny in a VPC endpoint policy",
        ),
        (
            case("PB", user()).identity(&[GET]).boundary(&[SILENT]),
            "because no permissions boundary allows the s3:GetObject action",
        ),
        (
            case("PB", user()).boundary(&[deny]),
            "with an explicit deny in a permissions boundary",
        ),
        (
            case("SP", session()).identity(&[GET]).session_policy(&[SILENT]),
            "because no session policy allows the s3:GetObject action",
        ),
        (
            case("SP", session()).session_policy(&[deny]),
            "with an explicit deny in a session policy",
        ),
        (
            case("IDP", user()).identity(&[deny]),
            "with an explicit deny in an identity-based policy",
        ),
        (
            case("RBP", user()).owned_by_b().identity(&[GET]),
            "because no resource-based policy allows the s3:GetObject action",
        ),
        (
            case("RBP", user()).resource_policy(&[deny_everyone]),
            "with an explicit deny in a resource-based policy",
        ),
        (
            case("trust", user())
                .assume_role()
                .identity(&[ALLOW_ALL])
                .resource_policy(&[trusts]),
            "because no role trust policy allows the sts:AssumeRole action",
        ),
        (
            case("trust", user()).assume_role().resource_policy(&[distrusts]),
            "with an explicit deny in the role trust policy",
        ),
    ] {
        let text = message(&case, Relation::SameAccount, before_arns);
        assert!(text.ends_with(&format!(" {clause}")), "{}: {text}", case.id);
    }
}

#[test]
fn s3_appends_the_arn_of_the_denying_policy_since_august_2026() {
    let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    let scp = case("R-03", user()).scp(&[deny]);
    let since = date(2026, 8, 13);
    assert!(
        message(&scp, Relation::SameAccount, since)
            .ends_with("service control policy: arn:aws:organizations::1:policy/p-scp")
    );
    assert!(message(&scp, Relation::SameAccount, date(2026, 8, 12)).ends_with("service control policy"));
    let boundary = case("R-03", user()).boundary(&[deny]);
    assert!(
        message(&boundary, Relation::SameAccount, since)
            .ends_with("permissions boundary: arn:aws:iam::111111111111:policy/PB")
    );
    let inline = case("R-04", user()).identity(&[deny]);
    assert!(message(&inline, Relation::SameAccount, since).ends_with("identity-based policy"));
    let implicit = case("R-04", user()).identity(&[GET]).boundary(&[SILENT]);
    assert!(message(&implicit, Relation::SameAccount, since).ends_with("the s3:GetObject action"));
    let key = case("other services never", user()).key().scp(&[deny]);
    assert!(message(&key, Relation::SameAccount, since).ends_with("service control policy"));
}

#[test]
fn kms_changes_its_mind_about_delegation() {
    let account = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:*","Resource":"*"}"#;
    let case = case("X-2", session()).key().resource_policy(&[account]);
    let base = "User: arn:aws:sts::111111111111:assumed-role/R/s is not authorized to perform: kms:Decrypt on resource: \
                arn:aws:kms:us-east-1:111111111111:key/k";
    for (as_of, reason) in [
        (date(2021, 10, 31), ""),
        (
            date(2021, 11, 1),
            " because no resource-based policy allows the kms:Decrypt action",
        ),
        (
            date(2022, 12, 31),
            " because no resource-based policy allows the kms:Decrypt action",
        ),
        (
            date(2023, 1, 1),
            " because no identity-based policy allows the kms:Decrypt action",
        ),
        (NOW, " because no identity-based policy allows the kms:Decrypt action"),
    ] {
        // KMS tells strangers as much as anyone.
        assert_eq!(
            message(&case, Relation::Stranger, as_of),
            format!("{base}{reason}"),
            "{as_of}"
        );
    }
    let explicit = super::case("X-6", session())
        .key()
        .resource_policy(&[r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#]);
    assert_eq!(
        message(&explicit, Relation::SameAccount, NOW),
        format!("{base} with an explicit deny in a resource-based policy")
    );
}

#[test]
fn evaluation_errors_name_the_type_and_the_reason() {
    let mut case = case("L-99", user()).identity(&[GET]);
    case.sets.resource = Some(Arc::new(Policy::stored(PolicyKind::BucketPolicy, "{")));
    let Verdict::Error(error) = case.verdict() else {
        panic!("an unusable bucket policy is no answer")
    };
    assert_eq!(
        error.to_string(),
        "evaluation stopped at an unusable resource-based policy: Policies must be valid JSON and the first byte must be '{'"
    );
}
