//! Grants: who may make them, what they cover, when they take effect, who may end them (`svc:4`).

use crate::support::{names, run};

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        maker: {policies: {make: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:CreateGrant", Resource: "*"}]}}}
        plain: {}
        retirer: {policies: {retire: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:RetireGrant", Resource: "*"}]}}}
        denied: {policies: {deny: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "kms:RetireGrant", Resource: "*"}]}}}
      roles:
        R: {}
        Bounded: {permissions_boundary: s3only}
      managed_policies:
        s3only: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
      keys:
        k: {}
        asymmetric: {spec: RSA_2048, usage: ENCRYPT_DECRYPT}
        sealed:
          policy:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/admin"}, Action: "kms:*", Resource: "*"}
              - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/plain"}, Action: "kms:RetireGrant", Resource: "*"}
    "222222222222":
      users:
        stranger: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
      roles:
        Foreign: {}
"#;

fn steps(text: &str) -> Vec<countersign_model::outcome::Outcome> {
    run(&format!("{WORLD}steps:\n{text}"))
}

#[test]
fn a_child_grant_made_by_a_grant_is_at_least_as_strict_as_its_parent() {
    // svc:G-5, svc:G-6, svc:G-11
    let outcomes = steps(
        r#"
  - as: {user: admin}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{user.plain.arn}}", Operations: [Decrypt, GenerateDataKey, CreateGrant], Constraints: {EncryptionContextSubset: {Dept: IT}}}
  - name: a subset with a tighter constraint
    as: {user: plain}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt], Constraints: {EncryptionContextEquals: {Dept: IT}}}
    expect: {decision: allow}
  - name: an operation the parent lacks
    as: {user: plain}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Encrypt], Constraints: {EncryptionContextEquals: {Dept: IT}}}
    expect: {decision: deny, code: AccessDeniedException, status: 400, unchanged: true}
  - name: no constraint at all
    as: {user: plain}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt]}
    expect: {decision: deny}
  - name: by policy there is no such limit
    as: {user: maker}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Encrypt]}
    expect: {decision: allow}
"#,
    );
    assert!(names(&outcomes[2], "svc:G-6"));
    assert!(names(&outcomes[3], "svc:G-11"));
}

#[test]
fn a_grantee_session_is_named_with_its_session_name() {
    // svc:G-14, svc:K-20
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.session.one.arn}}", Operations: [Encrypt]}}
  - {as: {role: R, session: one}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {role: R, session: two}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
"#,
    );
}

#[test]
fn a_grant_to_a_role_is_limited_by_its_boundary_and_one_to_a_session_is_not() {
    // svc:Q-3
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.Bounded.arn}}", Operations: [Encrypt]}}
  - name: by the role
    as: {role: Bounded}
    call: kms:Encrypt
    with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}
    expect: {decision: deny, checks: [{action: kms:Encrypt, decision: implicit_deny, blamed: permissions_boundary}]}
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.Bounded.session.one.arn}}", Operations: [Encrypt]}}
  - {name: by the session, as: {role: Bounded, session: one}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn a_foreign_grantee_needs_no_policy_of_its_own() {
    // svc:G-20, svc:K-20
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.Foreign.arn}}", Operations: [Encrypt, Decrypt, DescribeKey]}}
  - name: Foreign encrypts
    as: {role: Foreign}
    call: kms:Encrypt
    with: {KeyId: "{{key.k.arn}}", Plaintext: {text: x}}
    save: {blob: CiphertextBlob}
    expect: {decision: allow}
  - {as: {role: Foreign}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}"}, expect: {decision: allow, output: {Plaintext: eA==}}}
  - {as: {role: Foreign}, call: kms:DescribeKey, with: {KeyId: "{{key.k.arn}}"}, expect: {decision: allow}}
  - {as: {role: Foreign}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.arn}}", KeySpec: AES_256}, expect: {decision: deny}}
"#,
    );
}

#[test]
fn the_same_name_and_parameters_give_the_same_grant_and_another_token() {
    // svc:G-7
    steps(
        r#"
  - as: {user: admin}
    call: kms:CreateGrant
    with: &grant {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt], Name: once}
    save: {id: GrantId, token: GrantToken}
  - {as: {user: admin}, call: kms:CreateGrant, with: *grant, save: {again: GrantToken}, expect: {decision: allow, output: {GrantId: "{{saved.id}}"}}}
  - {as: {user: admin}, call: kms:ListGrants, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {Grants: [{GrantId: "{{saved.id}}", Name: once}]}}}
  - {as: {role: R}, call: kms:RetireGrant, with: {GrantToken: "{{saved.token}}"}, expect: {decision: deny}}
  - {as: {user: admin}, call: kms:RetireGrant, with: {GrantToken: "{{saved.again}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:RetireGrant, with: {GrantToken: "{{saved.token}}"}, expect: {decision: error, code: NotFoundException}}
"#,
    );
}

#[test]
fn a_grant_takes_effect_after_the_delay_or_with_its_token_and_lingers_as_long() {
    // svc:G-21, svc:G-22
    let world = WORLD.replace("  region: us-east-1", "  region: us-east-1\n  propagation: 5m");
    let outcomes = run(&format!(
        "{world}steps:\n{}",
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Encrypt]}, save: {id: GrantId, token: GrantToken}}
  - {name: too early, as: {role: R}, call: kms:Encrypt, with: &encrypt {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {name: with the token, as: {role: R}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, GrantTokens: ["{{saved.token}}"]}, expect: {decision: allow}}
  - {name: a token is not worth more than its grant, as: {user: plain}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, GrantTokens: ["{{saved.token}}"]}, expect: {decision: deny}}
  - {name: garbage, as: {role: R}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, GrantTokens: ["garbage"]}, expect: {decision: error, code: InvalidGrantTokenException}}
  - {advance: 5m}
  - {name: after the delay, as: {role: R}, call: kms:Encrypt, with: *encrypt, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:RevokeGrant, with: {KeyId: "{{key.k.id}}", GrantId: "{{saved.id}}"}}
  - {name: it is not listed any more, as: {user: admin}, call: kms:ListGrants, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {Grants: []}}}
  - {name: it lingers, as: {role: R}, call: kms:Encrypt, with: *encrypt, expect: {decision: allow}}
  - {settle: true}
  - {name: it is gone, as: {role: R}, call: kms:Encrypt, with: *encrypt, expect: {decision: deny}}
"#
    ));
    assert!(names(&outcomes[1], "svc:G-21"));
    assert!(names(&outcomes[11], "svc:G-1"));
}

#[test]
fn who_may_retire_a_grant() {
    // svc:G-16
    let grant = r#"{as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.sealed.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: OPS, RetiringPrincipal: "RETIRING"}, save: {id: GrantId}}"#;
    for (operations, retiring, caller, decision) in [
        // The retiring principal, without any policy.
        ("[Decrypt]", "{{user.plain.arn}}", "{user: plain}", "allow"),
        // A key policy's Allow is worth nothing: plain has one on `sealed`, but another principal retires.
        ("[Decrypt]", "{{user.maker.arn}}", "{user: plain}", "deny"),
        // The grantee, only with the operation.
        ("[Decrypt]", "{{user.maker.arn}}", "{role: R}", "deny"),
        ("[Decrypt, RetireGrant]", "{{user.maker.arn}}", "{role: R}", "allow"),
        // The issuing account: by identity policy, and its root user; no delegation by the key policy is needed.
        ("[Decrypt]", "{{user.maker.arn}}", "{user: retirer}", "allow"),
        ("[Decrypt]", "{{user.maker.arn}}", "{root: \"111111111111\"}", "allow"),
        ("[Decrypt]", "{{user.maker.arn}}", "{user: maker}", "allow"),
        // A Deny blocks even the retiring principal.
        ("[Decrypt]", "{{user.denied.arn}}", "{user: denied}", "deny"),
        // Another account has no say, whatever its policies; unless it is the retiring principal.
        ("[Decrypt]", "{{user.maker.arn}}", "{user: stranger}", "deny"),
        (
            "[Decrypt]",
            "arn:aws:iam::222222222222:root",
            "{user: stranger}",
            "allow",
        ),
        ("[Decrypt]", "arn:aws:iam::222222222222:root", "{role: Foreign}", "deny"),
    ] {
        let grant = grant.replace("OPS", operations).replace("RETIRING", retiring);
        let outcomes = steps(&format!(
            r#"
  - {grant}
  - {{name: "{operations} {retiring} {}", as: {caller}, call: kms:RetireGrant, with: {{KeyId: "{{{{key.sealed.arn}}}}", GrantId: "{{{{saved.id}}}}"}}, expect: {{decision: {decision}}}}}
"#,
            caller.replace('"', "")
        ));
        assert!(names(&outcomes[1], "svc:G-16"));
    }
}

#[test]
fn what_create_grant_refuses() {
    // svc:G-2, svc:G-4, svc:G-9, svc:G-10
    steps(
        r#"
  - {name: a service as principal, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: s3.amazonaws.com, Operations: [Decrypt]}, expect: {decision: error, code: InvalidArnException}}
  - {name: a group, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "arn:aws:iam::111111111111:group/G", Operations: [Decrypt]}, expect: {decision: error, code: InvalidArnException}}
  - {name: somebody who does not exist, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "arn:aws:iam::111111111111:role/Ghost", Operations: [Decrypt]}, expect: {decision: error, code: InvalidArnException}}
  - {name: an unknown operation, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [ReEncrypt]}, expect: {decision: error, code: ValidationException}}
  - {name: an operation the key cannot do, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Sign]}, expect: {decision: error, code: ValidationException}}
  - {name: a context on an asymmetric key, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.asymmetric.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt], Constraints: {EncryptionContextEquals: {a: b}}}, expect: {decision: error, code: ValidationException, message: "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."}}
  - {name: both constraints, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt], Constraints: {EncryptionContextEquals: {a: b}, EncryptionContextSubset: {a: b}}}, expect: {decision: error, code: ValidationException}}
  - {name: a service grantee without a source, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteeServicePrincipal: dynamodb.amazonaws.com, Operations: [Decrypt]}, expect: {decision: error, code: ValidationException}}
  - {as: {user: admin}, call: kms:DisableKey, with: {KeyId: "{{key.k.id}}"}}
  - {name: on a disabled key, as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [Decrypt]}, expect: {decision: error, code: DisabledException, message: "{{key.k.arn}} is disabled."}}
"#,
    );
}

#[test]
fn a_service_grantee_is_held_to_its_source() {
    // svc:G-13
    steps(
        r#"
  - as: {user: admin}
    call: kms:CreateGrant
    with: {KeyId: "{{key.k.id}}", GranteeServicePrincipal: dynamodb.amazonaws.com, RetiringServicePrincipal: dynamodb.amazonaws.com, Operations: [Encrypt, DescribeKey, RetireGrant], Constraints: {SourceArn: "arn:aws:dynamodb:us-east-1:111111111111:table/T1"}}
    save: {id: GrantId}
  - {as: {service: {name: dynamodb.amazonaws.com, source_arn: "arn:aws:dynamodb:us-east-1:111111111111:table/T1"}}, call: kms:Encrypt, with: {KeyId: "{{key.k.arn}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {service: {name: dynamodb.amazonaws.com, source_arn: "arn:aws:dynamodb:us-east-1:111111111111:table/T2"}}, call: kms:Encrypt, with: {KeyId: "{{key.k.arn}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {as: {service: {name: dynamodb.amazonaws.com, source_arn: "arn:aws:dynamodb:us-east-1:111111111111:table/T2"}}, call: kms:DescribeKey, with: {KeyId: "{{key.k.arn}}"}, expect: {decision: deny}}
  - {as: {service: {name: dynamodb.amazonaws.com}}, call: kms:RetireGrant, with: {KeyId: "{{key.k.arn}}", GrantId: "{{saved.id}}"}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn constraints_are_not_looked_at_by_describe_key() {
    // svc:G-12; observed: grant-constraint-ignored-describe
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", Operations: [DescribeKey, Decrypt], Constraints: {EncryptionContextEquals: {Department: IT}}}}
  - {as: {role: R}, call: kms:DescribeKey, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn a_grant_is_bound_to_the_role_that_was_there() {
    // svc:G-15
    let outcomes = steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.session.one.arn}}", RetiringPrincipal: "{{role.R.arn}}", Operations: [Encrypt]}}
  - {as: {role: R, session: one}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: admin}, call: iam:GetRole, with: {RoleName: R}, save: {id: Role.RoleId}}
  - {as: {user: admin}, call: iam:DeleteRole, with: {RoleName: R}}
  - name: the id is shown
    as: {user: admin}
    call: kms:ListGrants
    with: {KeyId: "{{key.k.id}}"}
    expect: {decision: allow, output: {Grants: [{GranteePrincipal: "{{saved.id}}:one", RetiringPrincipal: "{{saved.id}}"}]}}
  - {as: {user: admin}, call: iam:CreateRole, with: {RoleName: R, AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "sts:AssumeRole"}]}}}
  - {name: another role of the same name, as: {role: R, session: one}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
"#,
    );
    assert!(names(&outcomes[4], "svc:G-15"));
}

#[test]
fn an_account_as_grantee_delegates() {
    // svc:Q-4
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.sealed.id}}", GranteePrincipal: "arn:aws:iam::222222222222:root", Operations: [Encrypt]}}
  - {as: {user: stranger}, call: kms:Encrypt, with: {KeyId: "{{key.sealed.arn}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {role: Foreign}, call: kms:Encrypt, with: {KeyId: "{{key.sealed.arn}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {as: {root: "222222222222"}, call: kms:Encrypt, with: {KeyId: "{{key.sealed.arn}}", Plaintext: {text: x}}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn retirable_grants_are_listed_across_accounts() {
    // svc:G-19
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{role.R.arn}}", RetiringPrincipal: "{{role.Foreign.arn}}", Operations: [Decrypt]}, save: {id: GrantId}}
  - {as: {user: stranger}, call: kms:ListRetirableGrants, with: {RetiringPrincipal: "{{role.Foreign.arn}}"}, expect: {decision: allow, output: {Grants: [{GrantId: "{{saved.id}}", KeyId: "{{key.k.arn}}", IssuingAccount: "arn:aws:iam::111111111111:root"}]}}}
  - {as: {user: stranger}, call: kms:ListRetirableGrants, with: {RetiringPrincipal: "{{role.R.arn}}"}, expect: {decision: deny}}
"#,
    );
}
