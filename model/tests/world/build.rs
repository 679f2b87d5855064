//! From a Case to a World: defaults, references, and worlds that cannot be.

use countersign_model::case::{AccountSpec, Case, PolicyText, Syntax, load_str};
use countersign_model::world::{ReferenceError, StepError, World, WorldError};

use crate::support::{case, no_world, run};

const HEAD: &str = "as_of: 2026-06-01\nworld:\n  region: us-east-1\n  accounts:\n    \"111111111111\":\n";

#[test]
fn the_resolved_spec_says_everything_that_is_provisioned() {
    let case = case(&format!(
        "{HEAD}{}",
        r#"
      users: {u: {attached: [mine], permissions_boundary: mine}}
      roles: {r: {}, AWSServiceRoleForX: {service_linked: x.amazonaws.com}}
      managed_policies: {mine: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:*", Resource: "{{key.k.arn}}"}]}}
      keys: {k: {grants: {g: {GranteePrincipal: "{{role.r.arn}}", Operations: [Decrypt]}}}}
      buckets: {files: {encryption: {sse: "aws:kms", key: k}}}
      functions: {f: {role: r, kms_key: k, environment: {MODE_A: b}}}
      backup_vaults: {vault: {}}
      vpc_endpoints: {e: {service: s3, type: gateway}}
"#
    ));
    let world = World::new(&case).expect("the world is legal");
    let account = world.resolved_spec().accounts.values().next().expect("one account");
    let key = &account.keys["k"];
    let id = key.id.as_deref().expect("every key has an id");
    let arn = format!("arn:aws:kms:us-east-1:111111111111:key/{id}");
    assert_eq!(world.resolve_text("<{{key.k.arn}}>"), Ok(format!("<{arn}>")));
    assert_eq!(
        account.buckets["files"]
            .encryption
            .as_ref()
            .and_then(|own| own.key.as_deref()),
        Some(arn.as_str())
    );
    assert_eq!(account.functions["f"].kms_key.as_deref(), Some(arn.as_str()));
    assert_eq!(account.users["u"].attached, ["arn:aws:iam::111111111111:policy/mine"]);
    assert_eq!(
        account.roles["AWSServiceRoleForX"].path.as_deref(),
        Some("/aws-service-role/x.amazonaws.com/")
    );
    assert!(
        account.roles["r"]
            .trust
            .as_ref()
            .is_some_and(|trust| trust.text().contains("sts:AssumeRole"))
    );
    assert!(
        key.policy
            .as_ref()
            .map(PolicyText::text)
            .is_some_and(|policy| policy.contains("key-default-1")),
        "svc:P-7"
    );
    assert!(account.managed_policies["mine"].text().contains(&arn));
    assert!(
        account.buckets["files"]
            .public_access_block
            .is_some_and(|block| block.restrict_public_buckets)
    );
    let symbols = world.initial_symbols();
    assert_eq!(symbols.grants.len(), 1);
    assert_eq!(
        world.resolve_text("{{key.k.grant.g.id}}"),
        Ok(symbols.grants[0].grant_id.clone())
    );
    assert_eq!(symbols.unique_ids.len(), 3);
    assert!(
        world
            .resolve_text("{{vpc_endpoint.e.id}}")
            .is_ok_and(|id| id.starts_with("vpce-"))
    );
    assert_eq!(world.now().to_string(), "2026-06-01T00:00:00Z");
}

#[test]
fn equal_cases_give_equal_worlds() {
    let text = format!(
        "{HEAD}{}",
        r#"
      users: {admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
      keys: {k: {}}
steps:
  - {as: {user: admin}, call: kms:CreateKey, with: {}}
  - {as: {user: admin}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.id}}", KeySpec: AES_256}}
  - {as: {user: admin}, call: kms:ListKeys, with: {}}
"#
    );
    assert_eq!(run(&text), run(&text));
    let outcomes = run(&text);
    assert!(outcomes[0].fresh.contains_key("KeyMetadata.KeyId") && outcomes[0].fresh.contains_key("KeyMetadata.Arn"));
    assert_eq!(
        outcomes[1].fresh.keys().collect::<Vec<_>>(),
        ["CiphertextBlob", "Plaintext"]
    );
    assert!(outcomes[1].unchanged && !outcomes[0].unchanged);
}

#[test]
fn worlds_that_no_permitted_calls_reach_are_unsavable() {
    for (what, world) in [
        ("key.k.policy", r#"      keys: {k: {policy: "not json"}}"#),
        (
            "key.k.policy",
            r#"      keys: {k: {policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/ghost"}, Action: "kms:*", Resource: "*"}]}}}"#,
        ),
        ("key.k.usage", r#"      keys: {k: {usage: SIGN_VERIFY}}"#),
        (
            "key.k.grants.g",
            r#"      keys: {k: {grants: {g: {GranteePrincipal: "arn:aws:iam::111111111111:role/ghost", Operations: [Decrypt]}}}}"#,
        ),
        (
            "key.k.grants.g",
            r#"      keys: {k: {grants: {g: {GranteePrincipal: "arn:aws:iam::111111111111:root", Operations: [Sign]}}}}"#,
        ),
        ("key.k.aliases", r#"      keys: {k: {aliases: [alias/aws/s3]}}"#),
        ("user.u.policies.p", r#"      users: {u: {policies: {p: "{"}}}"#),
        (
            "role.r.trust",
            r#"      roles: {r: {trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:*"}]}}}"#,
        ),
        ("bucket.My_bucket", r#"      buckets: {My_bucket: {}}"#),
        ("user.a b", r#"      users: {"a b": {}}"#),
        ("key.k.tags", r#"      keys: {k: {tags: {"aws:mine": x}}}"#),
        ("bucket.files.acl", r#"      buckets: {files: {acl: public-read}}"#),
        (
            "bucket.files.objects.x",
            r#"      keys: {k: {spec: RSA_2048, usage: SIGN_VERIFY}}
      buckets: {files: {objects: {x: {body: a, key: k}}}}"#,
        ),
        (
            "bucket.files.objects.x",
            r#"      buckets: {files: {objects: {x: {body: a, sse: "aws:kms", key: 12345678-1234-1234-1234-123456789012}}}}"#,
        ),
    ] {
        match no_world(&format!("{HEAD}{world}\n")) {
            WorldError::Unsavable { what: actual, .. } => assert_eq!(actual, what, "{world}"),
            other => panic!("{world}: {other}"),
        }
    }
}

#[test]
fn values_that_are_none_are_invalid() {
    // Loading refuses most of these; a Case that was built by a program reaches the world all the same.
    let good = case(&format!(
        "{HEAD}{}",
        r#"
      roles: {r: {}}
      keys: {k: {}}
      buckets: {files: {}}
      functions: {f: {role: r}}
"#
    ));
    type Spoil = fn(&mut AccountSpec);
    let spoilers: [(&str, Spoil); 6] = [
        ("key.k.state", |account| {
            account.keys.get_mut("k").expect("k").state = Some("Sleeping".to_owned())
        }),
        ("key.k.spec", |account| {
            account.keys.get_mut("k").expect("k").spec = Some("ROT_13".to_owned())
        }),
        ("key.k", |account| {
            account.keys.get_mut("k").expect("k").manager = Some("AWS".to_owned())
        }),
        ("key.k.replica_of", |account| {
            account.keys.get_mut("k").expect("k").replica_of = Some("none".to_owned())
        }),
        ("bucket.files.ownership", |account| {
            account.buckets.get_mut("files").expect("files").ownership = Some("Mine".to_owned())
        }),
        ("function.f.role", |account| {
            account.functions.get_mut("f").expect("f").role = "ghost".to_owned()
        }),
    ];
    for (place, spoil) in spoilers {
        let mut bad = good.clone();
        bad.world
            .iter_mut()
            .flat_map(|world| world.accounts.values_mut())
            .for_each(spoil);
        match World::new(&bad) {
            Err(WorldError::Invalid { what, .. }) => assert_eq!(what, place),
            other => panic!("{place}: {other:?}"),
        }
    }
    let evaluator = Case { world: None, ..good };
    assert_eq!(World::new(&evaluator).expect_err("no world"), WorldError::NoWorld);
}

#[test]
fn references_that_mean_nothing_are_errors_of_the_case() {
    let two = case(
        r#"
world:
  accounts:
    "111111111111": {users: {alice: {}}, keys: {k: {}}}
    "222222222222": {users: {alice: {}}}
"#,
    );
    let world = World::new(&two).expect("the world is legal");
    assert!(matches!(
        world.resolve_text("{{user.alice.arn}}"),
        Err(ReferenceError::Ambiguous { .. })
    ));
    assert_eq!(
        world.resolve_text("{{222222222222.user.alice.arn}}"),
        Ok("arn:aws:iam::222222222222:user/alice".to_owned())
    );
    assert!(
        matches!(world.resolve_text("{{key.kk.arn}}"), Err(ReferenceError::Unknown { nearest: Some(nearest), .. }) if nearest == "k")
    );
    assert!(matches!(
        world.resolve_text("{{saved.x}}"),
        Err(ReferenceError::NotSaved(_))
    ));
    assert!(matches!(
        world.resolve_text("{{root.arn}}"),
        Err(ReferenceError::Ambiguous { .. })
    ));
    assert_eq!(world.resolve_text("${aws:username}"), Ok("${aws:username}".to_owned()));
}

#[test]
fn a_wrong_step_leaves_the_world_as_it_was() {
    let case = case(&format!(
        "{HEAD}{}",
        r#"
      users: {admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
      keys: {k: {}}
steps:
  - {as: {user: admin}, call: kms:CreateKey, with: {Tags: 5}}
  - {as: {user: admin}, call: kms:CreateKey, with: {}, save: {x: Nothing.Here}}
  - {as: {user: admin}, call: kms:ListKeys, with: {}}
"#
    ));
    let mut world = World::new(&case).expect("the world is legal");
    assert!(matches!(world.apply(&case.steps[0]), Err(StepError::Parameter { .. })));
    assert!(matches!(world.apply(&case.steps[1]), Err(StepError::Save { .. })));
    let listed = world.apply(&case.steps[2]).expect("the step is right");
    let keys = listed
        .output
        .as_ref()
        .and_then(|output| output["Keys"].as_array())
        .map(Vec::len);
    assert_eq!(keys, Some(1), "the key of the step without a result is not there");
}

#[test]
fn names_that_aws_would_not_take_are_no_names_here() {
    let callers = |principal: &str| {
        format!(
            "{HEAD}      roles: {{reader: {{}}}}\n      users: {{u: {{}}}}\nsteps:\n  - {{as: {principal}, call: sts:GetCallerIdentity, with: {{}}}}\n"
        )
    };
    // Loading tells the place; a case that a program made has a step without outcome.
    for (principal, told) in [
        ("{role: reader, session: s}", "role session name"),
        ("{role: reader, session: \"a b\"}", "role session name"),
        ("{role: reader, source_identity: x}", "source identity"),
        ("{role: reader, source_identity: \"aws:me\"}", "source identity"),
        ("{federated_user: {name: x, by: u}}", "federated user name"),
    ] {
        let text = format!("countersign: 1\nid: test.case\n{}", callers(principal));
        let error = load_str("test.yaml", &text, Syntax::Yaml).expect_err(principal);
        let [problem] = error.problems() else {
            panic!("{error}");
        };
        assert!(problem.kind.to_string().contains(told), "{error}");
        assert_eq!(error.position(problem).0, text.lines().count(), "{error}");
        let case: Case = serde_saphyr::from_str(&text).expect("it has the form of a case");
        let mut world = World::new(&case).expect("the world is legal");
        assert!(
            matches!(world.apply(&case.steps[0]), Err(StepError::Caller(why)) if why.contains(told)),
            "{principal}"
        );
    }
    assert_eq!(run(&callers("{role: reader, session: s1}")).len(), 1);
}
