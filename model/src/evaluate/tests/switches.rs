//! Switches: each flips a decision or a blame.

use super::*;

#[test]
fn switches() {
    let silent = identity("Allow", "ec2:*");
    let all = identity("Allow", "*");
    let (user, session, federated) = (Caller::User(user()), session_of("s"), federated());
    let star = on_resource(PolicyKind::Bucket, "Allow", &["*"]);
    let role = on_resource(PolicyKind::Bucket, "Allow", &[ROLE]);
    let trust = document(
        PolicyKind::Trust,
        &[format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{USER}"}},"Action":"sts:AssumeRole""#
        )],
    );
    let service_star = Caller::Service {
        name: "x.amazonaws.com".to_owned(),
        names: Vec::new(),
    };
    let empty_key = Document::empty(PolicyKind::Key);
    let deny_lists_account = document(
        PolicyKind::Bucket,
        &[r#""Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"*""#.to_owned()],
    );
    let rcp = on_resource(PolicyKind::ResourceControl, "Deny", &["*"]);
    let empty_not = document(
        PolicyKind::Managed,
        &[r#""Effect":"Allow","NotAction":[],"Resource":"*""#.to_owned()],
    );
    let lower = on_resource(PolicyKind::Bucket, "Allow", &["arn:aws:iam::111111111111:role/r"]);
    let optional = |document| ResourcePolicy::Optional(named(document));
    let key_grant = |grantee| PolicySets {
        permissions_boundary: Some(named(&silent)),
        resource: ResourcePolicy::Key(named(&empty_key)),
        grant: Some(GrantFact { grantee, name: "g" }),
        ..PolicySets::default()
    };
    let base = PolicySets::default;
    let assume = |caller| Ask {
        action: "sts:AssumeRole",
        resource: ROLE,
        ..Ask::object(caller)
    };
    let list = |caller| Ask {
        action: "s3:ListAllMyBuckets",
        resource: "arn:aws:s3:::*",
        ..Ask::object(caller)
    };
    for (quirk, ask, sets) in [
        (
            "star_limited_by_boundary_and_session",
            Ask::object(&session),
            PolicySets {
                permissions_boundary: Some(named(&silent)),
                resource: optional(&star),
                ..base()
            },
        ),
        (
            "role_arn_limited_by_boundary_and_session",
            Ask::object(&session),
            PolicySets {
                permissions_boundary: Some(named(&silent)),
                resource: optional(&role),
                ..base()
            },
        ),
        (
            "assume_role_needs_boundary",
            assume(&user),
            PolicySets {
                permissions_boundary: Some(named(&silent)),
                resource: ResourcePolicy::Trust(named(&trust)),
                ..base()
            },
        ),
        (
            "aws_star_matches_service",
            Ask::object(&service_star),
            PolicySets {
                resource: optional(&star),
                ..base()
            },
        ),
        (
            "notprincipal_strict",
            Ask::object(&user),
            PolicySets {
                identity: vec![named(&all)],
                resource: optional(&deny_lists_account),
                ..base()
            },
        ),
        (
            "rcp_covers_requests_without_resource",
            list(&user),
            PolicySets {
                identity: vec![named(&all)],
                resource_control: vec![vec![named(&rcp)]],
                ..base()
            },
        ),
        (
            "empty_not_list_applies",
            Ask::object(&user),
            PolicySets {
                identity: vec![named(&empty_not)],
                ..base()
            },
        ),
        (
            "role_name_case_insensitive",
            Ask::object(&session),
            PolicySets {
                resource: optional(&lower),
                ..base()
            },
        ),
        (
            "session_policies_intersect",
            Ask::object(&session),
            PolicySets {
                identity: vec![named(&all)],
                session: Some(vec![named(&all), named(&silent)]),
                ..base()
            },
        ),
        (
            "federated_user_default_session_policy",
            Ask::object(&federated),
            PolicySets {
                identity: vec![named(&all)],
                ..base()
            },
        ),
        (
            "role_grant_limited_by_boundary_and_session",
            Ask::key(&session),
            key_grant(GranteeKind::Role),
        ),
        (
            "account_grantee_needs_identity",
            Ask::key(&session),
            PolicySets {
                permissions_boundary: None,
                ..key_grant(GranteeKind::Account)
            },
        ),
    ] {
        let before = ask.quirks.values()[quirk].as_bool().expect("a boolean switch");
        let by_default = ask.allows(&sets);
        assert_ne!(
            by_default,
            ask.with(quirk, !before).allows(&sets),
            "{quirk} must change the decision"
        );
    }
    // Two switches move only the blame.
    let cross = |caller| Ask {
        owner: B,
        ..Ask::object(caller)
    };
    assert_eq!(cross(&user).of(&base()).blamed, Some(PolicySet::Identity), "iam:R-08");
    assert_eq!(
        cross(&user)
            .with("both_sides_silent_blames_resource", true)
            .of(&base())
            .blamed,
        Some(PolicySet::Resource)
    );
    let key = || PolicySets {
        resource: ResourcePolicy::Key(named(&empty_key)),
        ..base()
    };
    assert_eq!(Ask::key(&user).of(&key()).blamed, Some(PolicySet::Resource), "svc:X-2");
    assert_eq!(
        Ask::key(&user)
            .with("kms_both_sides_silent_blames_key_policy", false)
            .of(&key())
            .blamed,
        Some(PolicySet::Identity)
    );
}
