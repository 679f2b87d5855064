//! What an evaluator case cannot say: the parent of a federated user, ACLs, grants by kind.

use super::*;

#[test]
fn federated_users_and_their_parent() {
    let caller = federated();
    let silent = identity("Allow", "ec2:*");
    let all = identity("Allow", "*");
    let parent = on_resource(PolicyKind::Bucket, "Allow", &[USER]);
    // T-022, iam:L-26
    let mut sets = PolicySets {
        session: Some(vec![named(&silent)]),
        resource: ResourcePolicy::Optional(named(&parent)),
        ..PolicySets::default()
    };
    let check = Ask::object(&caller).of(&sets);
    assert_eq!(
        (check.decision, check.blamed),
        (CheckDecision::ImplicitDeny, Some(PolicySet::Session))
    );
    sets.session = Some(vec![named(&all)]);
    assert!(Ask::object(&caller).allows(&sets));
    // T-117: a Deny that names the parent.
    let statements = [("Deny", USER), ("Allow", FEDERATED)];
    let statements: Vec<String> = statements
        .iter()
        .map(|(effect, principal)| format!(r#""Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"*""#))
        .collect();
    let mixed = document(PolicyKind::Bucket, &statements);
    let sets = PolicySets {
        resource: ResourcePolicy::Optional(named(&mixed)),
        ..PolicySets::default()
    };
    assert_eq!(Ask::object(&caller).of(&sets).decision, CheckDecision::ExplicitDeny);
    // A session made by the root user has everything its session policy allows.
    let of_root = Caller::FederatedUser(FederatedUser {
        parent: Parent::Root(account(A)),
        name: "fed".to_owned(),
    });
    let sets = PolicySets {
        session: Some(vec![named(&all)]),
        ..PolicySets::default()
    };
    assert!(Ask::object(&of_root).allows(&sets));
    assert!(!Ask::object(&of_root).allows(&PolicySets::default()));
}

#[test]
fn acls_and_assumed_root() {
    let all = identity("Allow", "*");
    let caller = Caller::User(user());
    let stranger = Ask {
        owner: B,
        ..Ask::object(&caller)
    };
    let sets = PolicySets {
        acl: true,
        ..PolicySets::default()
    };
    assert!(Ask::object(&Caller::Anonymous).allows(&sets), "svc:S-3");
    assert!(!stranger.allows(&sets), "svc:S-2: the own side is missing");
    assert!(stranger.allows(&PolicySets {
        identity: vec![named(&all)],
        acl: true,
        ..PolicySets::default()
    }));
    assert!(
        Ask::object(&caller).allows(&PolicySets {
            acl: true,
            ..PolicySets::default()
        }),
        "svc:S-1, svc:S-5: a public ACL is for the users of the own account too"
    );
    // iam:L-62
    let assumed = Caller::Root {
        account: account(A),
        partition: Partition::default(),
        assumed: true,
    };
    let task = identity("Allow", "s3:DeleteBucketPolicy");
    let sets = PolicySets {
        identity: vec![named(&task)],
        ..PolicySets::default()
    };
    assert!(!Ask::object(&assumed).allows(&sets));
    assert!(
        Ask {
            action: "s3:DeleteBucketPolicy",
            ..Ask::object(&assumed)
        }
        .allows(&sets)
    );
}

#[test]
fn what_grants_are_worth() {
    let silent = identity("Allow", "ec2:*");
    let all = identity("Allow", "*");
    let policy = Document::empty(PolicyKind::Key);
    let session = session_of("s");
    let (user, root) = (Caller::User(user()), root());
    let allows = |caller: &Caller, grantee: GranteeKind, identity: Option<&Document>, boundary: Option<&Document>| {
        let sets = PolicySets {
            identity: identity.into_iter().map(named).collect(),
            permissions_boundary: boundary.map(named),
            resource: ResourcePolicy::Key(named(&policy)),
            grant: Some(GrantFact { grantee, name: "g" }),
            ..PolicySets::default()
        };
        Ask {
            owner: B,
            ..Ask::key(caller)
        }
        .of(&sets)
    };
    for (caller, grantee, identity, boundary, expected) in [
        (&user, GranteeKind::User, None, Some(&silent), None),
        (&session, GranteeKind::Session, None, Some(&silent), None),
        (&session, GranteeKind::Role, None, None, None),
        (
            &session,
            GranteeKind::Role,
            None,
            Some(&silent),
            Some(PolicySet::PermissionsBoundary),
        ),
        (&session, GranteeKind::Account, None, None, Some(PolicySet::Identity)),
        (&session, GranteeKind::Account, Some(&all), None, None),
        (
            &session,
            GranteeKind::Account,
            Some(&all),
            Some(&silent),
            Some(PolicySet::PermissionsBoundary),
        ),
        (&root, GranteeKind::Account, None, None, None),
    ] {
        let check = allows(caller, grantee, identity, boundary);
        assert_eq!(check.blamed, expected, "{grantee:?}\n{check:#?}");
    }
}

#[test]
fn credentials_that_cannot_make_a_call() {
    // iam:L-78
    let user = Caller::User(user());
    let all = identity("Allow", "*");
    let sets = PolicySets {
        identity: vec![named(&all)],
        ..PolicySets::default()
    };
    let ask = |caller: &Caller, action: &str, temporary: bool, mfa: bool| {
        let action = Action::new(action).expect("an action");
        let mut context = principal_keys(caller);
        if temporary {
            context.set("aws:TokenIssueTime", "2026-01-01T00:00:00Z");
            context.set("aws:MultiFactorAuthPresent", mfa);
        }
        let request = Request {
            caller,
            action: &action,
            resource: "*",
            resource_account: None,
            context: &context,
            via: None,
            as_of: TODAY,
        };
        decide(&request, &sets, &Quirks::default()).decision == CheckDecision::Allow
    };
    assert!(ask(&user, "iam:ListUsers", false, false));
    assert!(!ask(&user, "iam:ListUsers", true, false));
    assert!(ask(&user, "iam:ListUsers", true, true));
    assert!(!ask(&user, "sts:GetFederationToken", true, true));
    assert!(ask(&user, "sts:GetFederationToken", false, false));
    assert!(!ask(&session_of("s"), "sts:GetSessionToken", true, false));
    assert!(ask(&session_of("s"), "sts:GetCallerIdentity", true, false));
}

#[test]
fn boundaries_of_those_who_cannot_have_one_do_not_count() {
    // iam:L-02, iam:L-48
    let silent = identity("Allow", "ec2:*");
    let all = identity("Allow", "*");
    let linked = match session_of("s") {
        Caller::RoleSession(session) => Caller::RoleSession(RoleSession {
            service_linked: true,
            ..session
        }),
        other => other,
    };
    let sets = || PolicySets {
        identity: vec![named(&all)],
        permissions_boundary: Some(named(&silent)),
        session: Some(vec![named(&silent)]),
        ..PolicySets::default()
    };
    assert!(Ask::object(&root()).allows(&sets()));
    assert!(Ask::object(&linked).allows(&PolicySets {
        session: None,
        ..sets()
    }));
    let user = Caller::User(user());
    assert!(!Ask::object(&user).allows(&sets()));
    assert!(
        Ask::object(&user).allows(&PolicySets {
            permissions_boundary: None,
            ..sets()
        }),
        "users have no session policies"
    );
}

#[test]
fn listing_buckets_counts_as_star_and_as_every_bucket() {
    // iam:OQ-14
    let caller = Caller::User(user());
    for (resource, expected) in [("*", true), ("arn:aws:s3:::*", true), ("arn:aws:s3:::b*", false)] {
        let policy = document(
            PolicyKind::Managed,
            &[format!(
                r#""Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"{resource}""#
            )],
        );
        let sets = PolicySets {
            identity: vec![named(&policy)],
            ..PolicySets::default()
        };
        for asked in ["*", "arn:aws:s3:::*"] {
            let ask = Ask {
                action: "s3:ListAllMyBuckets",
                resource: asked,
                ..Ask::object(&caller)
            };
            assert_eq!(ask.allows(&sets), expected, "{resource} against {asked}");
        }
    }
}
