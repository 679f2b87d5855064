//! Message texts by set, date and service.

use super::*;
use crate::name::Arn;

#[test]
fn messages_by_date() {
    let session = session_of("s");
    let delegating = on_resource(PolicyKind::Key, "Allow", &[A]);
    let key = PolicySets {
        resource: ResourcePolicy::Key(named(&delegating)),
        ..PolicySets::default()
    };
    let start = format!("User: {SESSION} is not authorized to perform: kms:Decrypt on resource: {KEY}");
    for (as_of, reason, blamed) in [
        (date(2021, 10, 31), "", PolicySet::Identity),
        (
            date(2021, 11, 1),
            " because no resource-based policy allows the kms:Decrypt action",
            PolicySet::Resource,
        ),
        (
            date(2022, 12, 31),
            " because no resource-based policy allows the kms:Decrypt action",
            PolicySet::Resource,
        ),
        (
            date(2023, 1, 1),
            " because no identity-based policy allows the kms:Decrypt action",
            PolicySet::Identity,
        ),
    ] {
        let check = Ask {
            as_of,
            ..Ask::key(&session)
        }
        .of(&key);
        assert_eq!(
            check.message.as_deref(),
            Some(format!("{start}{reason}").as_str()),
            "svc:X-3 on {as_of}"
        );
        assert_eq!(check.blamed, Some(blamed));
        assert!(check.failed.contains(&PolicySet::Identity));
    }
}

#[test]
fn messages_name_the_denying_policy() {
    // iam:R-03, iam:R-04: S3, since 2026-08-13, never resource policies.
    let user = Caller::User(user());
    let deny = identity("Deny", "*");
    let arn = Arn::new("arn:aws:iam::111111111111:policy/Y").expect("an ARN");
    let start = format!(
        "User: {USER} is not authorized to perform: s3:GetObject on resource: \"{OBJECT}\" with an explicit deny in "
    );
    let sets = |arn| PolicySets {
        permissions_boundary: Some(PolicyRef {
            document: &deny,
            name: "Y",
            arn,
        }),
        ..PolicySets::default()
    };
    let text = |as_of, owner, sets: &PolicySets<'_>| {
        Ask {
            as_of,
            owner,
            ..Ask::object(&user)
        }
        .of(sets)
        .message
        .expect("a denial has a message")
    };
    assert_eq!(
        text(date(2026, 8, 13), A, &sets(Some(&arn))),
        format!("{start}a permissions boundary: {arn}")
    );
    assert_eq!(
        text(date(2026, 8, 12), A, &sets(Some(&arn))),
        format!("{start}a permissions boundary")
    );
    assert_eq!(text(TODAY, A, &sets(None)), format!("{start}a permissions boundary"));
    assert_eq!(
        text(TODAY, B, &sets(Some(&arn))),
        format!("{start}a permissions boundary"),
        "strangers are told nothing"
    );
    let bucket = on_resource(PolicyKind::Bucket, "Deny", &["*"]);
    let sets = PolicySets {
        resource: ResourcePolicy::Optional(PolicyRef {
            document: &bucket,
            name: "b",
            arn: Some(&arn),
        }),
        ..PolicySets::default()
    };
    assert_eq!(text(TODAY, A, &sets), format!("{start}a resource-based policy"));
    // A managed policy that limits a session is told too: iam:R-03 names the type.
    let session = session_of("s");
    let limited = PolicySets {
        session: Some(vec![PolicyRef {
            document: &deny,
            name: "Y",
            arn: Some(&arn),
        }]),
        ..PolicySets::default()
    };
    let check = Ask {
        owner: A,
        ..Ask::object(&session)
    }
    .of(&limited);
    let told = check.message.expect("a denial has a message");
    assert!(
        told.ends_with(&format!("with an explicit deny in a session policy: {arn}")),
        "{told}"
    );
}

#[test]
fn words_for_every_type() {
    // iam:R-02
    let user = Caller::User(user());
    let action = Action::new("sts:AssumeRole").expect("an action");
    let context = Context::new();
    let request = Request {
        caller: &user,
        action: &action,
        resource: ROLE,
        resource_account: None,
        context: &context,
        via: None,
        as_of: TODAY,
    };
    let start = format!("User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
    for (set, silent, denies) in [
        (PolicySet::Identity, "identity-based policy", "an identity-based policy"),
        (PolicySet::Trust, "role trust policy", "the role trust policy"),
        (
            PolicySet::PermissionsBoundary,
            "permissions boundary",
            "a permissions boundary",
        ),
        (PolicySet::Session, "session policy", "a session policy"),
        (
            PolicySet::ServiceControl,
            "service control policy",
            "a service control policy",
        ),
        (PolicySet::VpcEndpoint, "VPC endpoint policy", "a VPC endpoint policy"),
        (PolicySet::Resource, "resource-based policy", "a resource-based policy"),
    ] {
        assert_eq!(
            denial_message(&request, CheckDecision::ImplicitDeny, Some(set), None),
            format!("{start} because no {silent} allows the sts:AssumeRole action")
        );
        assert_eq!(
            denial_message(&request, CheckDecision::ExplicitDeny, Some(set), None),
            format!("{start} with an explicit deny in {denies}")
        );
    }
}
