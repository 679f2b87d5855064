//! IAM and STS, sessions, unique ids, organizations, endpoints: what changes who may do what.

use crate::support::{names, run};

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        plain: {tags: {team: red}}
        grouped: {groups: [g]}
      groups:
        g: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:ListBucket", Resource: "*"}]}}}
      roles:
        R:
          trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/plain"}, Action: "sts:AssumeRole"}, {Effect: Allow, Principal: {AWS: "111111111111"}, Action: "sts:AssumeRole", Condition: {StringEquals: {"sts:ExternalId": secret}}}]
                 }
          attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        AWSServiceRoleForX: {service_linked: x.amazonaws.com}
      keys:
        k: {}
        bound:
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}, {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/plain"}, Action: "kms:Encrypt", Resource: "*"}]}
      buckets:
        files: {encryption: {sse: "aws:kms", key: k}, objects: {x: {body: hello}}}
"#;

fn steps(text: &str) -> Vec<countersign_model::outcome::Outcome> {
    run(&format!("{WORLD}steps:\n{text}"))
}

#[test]
fn policies_come_and_go() {
    steps(
        r#"
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: deny}}
  - {as: {user: grouped}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: allow}}
  - {as: {user: admin}, call: iam:AddUserToGroup, with: {GroupName: g, UserName: plain}}
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: allow}}
  - {as: {user: admin}, call: iam:RemoveUserFromGroup, with: {GroupName: g, UserName: plain}}
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: deny}}
  - {as: {user: admin}, call: iam:CreatePolicy, with: {PolicyName: P, PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}, save: {arn: Policy.Arn}}
  - {as: {user: admin}, call: iam:AttachUserPolicy, with: {UserName: plain, PolicyArn: "{{saved.arn}}"}}
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: allow}}
  - {as: {user: admin}, call: iam:PutUserPermissionsBoundary, with: {UserName: plain, PermissionsBoundary: "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"}}
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: deny, message: {contains: ["because no permissions boundary allows the s3:ListBucket action"]}}}
  - {as: {user: admin}, call: iam:DeleteUserPermissionsBoundary, with: {UserName: plain}}
  - {as: {user: plain}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: allow}}
  - {as: {user: admin}, call: iam:DeletePolicy, with: {PolicyArn: "{{saved.arn}}"}, expect: {decision: error, code: DeleteConflict, status: 409}}
  - {as: {user: admin}, call: iam:DeleteUser, with: {UserName: plain}, expect: {decision: error, code: DeleteConflict}}
  - {as: {user: admin}, call: iam:DetachUserPolicy, with: {UserName: plain, PolicyArn: "{{saved.arn}}"}}
  - {as: {user: admin}, call: iam:DeletePolicy, with: {PolicyArn: "{{saved.arn}}"}}
  - {as: {user: admin}, call: iam:AttachUserPolicy, with: {UserName: plain, PolicyArn: "{{saved.arn}}"}, expect: {decision: error, code: NoSuchEntity, status: 404}}
  - {as: {user: admin}, call: iam:PutUserPolicy, with: {UserName: plain, PolicyName: p, PolicyDocument: "{"}, expect: {decision: error, code: MalformedPolicyDocument, status: 400, message: Syntax errors in policy.}}
  - {as: {user: admin}, call: iam:GetUserPolicy, with: {UserName: plain, PolicyName: p}, expect: {decision: error, code: NoSuchEntity}}
  - {as: {user: admin}, call: iam:CreateUser, with: {UserName: plain}, expect: {decision: error, code: EntityAlreadyExists, status: 409, message: User with name plain already exists.}}
  - {as: {user: plain}, call: iam:CreateUser, with: {UserName: other}, expect: {decision: deny, code: AccessDenied, status: 403, message: {prefix: "User: {{user.plain.arn}} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::111111111111:user/other"}}}
  - {as: {user: admin}, call: iam:PutRolePolicy, with: {RoleName: AWSServiceRoleForX, PolicyName: p, PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}, expect: {decision: error, code: UnmodifiableEntity, status: 400, message: "Cannot perform the operation on the protected role 'AWSServiceRoleForX' - this role is only modifiable by AWS"}}
  - {as: {user: admin}, call: iam:GetRole, with: {RoleName: R}, expect: {decision: allow, output: {Role: {RoleName: R, Arn: "{{role.R.arn}}", RoleId: "{{role.R.unique_id}}"}}}}
"#,
    );
}

#[test]
fn policies_are_bound_to_who_was_there() {
    // iam:P-40, iam:P-41, svc:Q-16
    let outcomes = steps(
        r#"
  - {as: {user: plain}, call: kms:Encrypt, with: {KeyId: "{{key.bound.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: plain}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1}, expect: {decision: allow, output: {AssumedRoleUser: {Arn: "{{role.R.session.s1.arn}}"}}}}
  - {as: {user: admin}, call: iam:GetUser, with: {UserName: plain}, save: {id: User.UserId}}
  - {as: {user: admin}, call: iam:DeleteUser, with: {UserName: plain}}
  - {as: {user: admin}, call: kms:GetKeyPolicy, with: {KeyId: "{{key.bound.id}}"}, save: {policy: Policy}}
  - {as: {user: admin}, call: iam:CreateUser, with: {UserName: plain}}
  - {name: the new one is somebody else, as: {user: plain}, call: kms:Encrypt, with: {KeyId: "{{key.bound.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {as: {user: plain}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1}, expect: {decision: deny}}
  - {name: until the policy is put again, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.bound.id}}", Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}, {Effect: Allow, Principal: {AWS: "{{user.plain.arn}}"}, Action: "kms:Encrypt", Resource: "*"}]}}}
  - {as: {user: plain}, call: kms:Encrypt, with: {KeyId: "{{key.bound.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
"#,
    );
    let id = outcomes[2]
        .output
        .as_ref()
        .and_then(|output| output["User"]["UserId"].as_str())
        .expect("GetUser shows it");
    let policy = outcomes[4]
        .output
        .as_ref()
        .and_then(|output| output["Policy"].as_str())
        .expect("GetKeyPolicy shows it");
    assert!(policy.contains(id) && !policy.contains("user/plain"), "{policy}");
}

#[test]
fn assuming_a_role() {
    // iam:L-70, iam:L-71, iam:L-74, iam:L-63, iam:L-80
    steps(
        r#"
  - {name: the admin is not named, as: {user: admin}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1}, expect: {decision: deny, code: AccessDenied, status: 403, message: {contains: ["because no role trust policy allows the sts:AssumeRole action"]}}}
  - {name: but has the external id, as: {user: admin}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1, ExternalId: secret}, expect: {decision: allow}}
  - {name: tags need more, as: {user: plain}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1, Tags: [{Key: a, Value: b}]}, expect: {decision: deny, stops_at: sts:TagSession}}
  - {name: so does a source identity, as: {user: plain}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1, SourceIdentity: me}, expect: {decision: deny, stops_at: sts:SetSourceIdentity}}
  - {as: {root: true, account: "111111111111"}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1}, expect: {decision: deny, message: Roles may not be assumed by root accounts.}}
  - {as: {user: admin}, call: sts:AssumeRole, with: {RoleArn: "arn:aws:iam::111111111111:role/Ghost", RoleSessionName: s1}, expect: {decision: deny}}
  - {as: {user: plain}, call: sts:AssumeRole, with: {RoleArn: "{{role.R.arn}}", RoleSessionName: s1, Policy: "{"}, expect: {decision: error, code: MalformedPolicyDocument}}
  - {as: {user: plain}, call: sts:GetCallerIdentity, with: {}, expect: {decision: allow, output: {Account: "111111111111", Arn: "{{user.plain.arn}}", UserId: "{{user.plain.unique_id}}"}}}
  - {as: {role: R, session: s9}, call: sts:GetCallerIdentity, with: {}, expect: {decision: allow, output: {Arn: "{{role.R.session.s9.arn}}", UserId: "{{role.R.session.s9.unique_id}}"}}}
  - {as: {role: R, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: deny, message: {contains: ["because no session policy allows the kms:Decrypt action"]}}}
  - {as: {role: R, policy_arns: ["arn:aws:iam::aws:policy/AdministratorAccess"]}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn federated_users_have_what_their_session_policy_leaves() {
    // iam:L-77, iam:L-78
    steps(
        r#"
  - {as: {federated_user: {name: fed, by: admin}}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: deny}}
  - {as: {federated_user: {name: fed, by: admin, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}}, call: s3:ListObjectsV2, with: {Bucket: files}, expect: {decision: allow}}
  - {as: {federated_user: {name: fed, by: admin, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}, call: iam:GetUser, with: {UserName: plain}, expect: {decision: error, code: InvalidClientTokenId, status: 403}}
  - {as: {federated_user: {name: fed, by: admin}}, call: sts:GetCallerIdentity, with: {}, expect: {decision: allow, output: {Arn: "{{federated_user.fed.arn}}", UserId: "111111111111:fed"}}}
"#,
    );
}

const NETWORK: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        vpconly: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:*", "kms:*"], Resource: "*"}, {Effect: Deny, Action: "*", Resource: "*", Condition: {"Null": {"aws:SourceVpce": "true"}}}]}}}
        iponly: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:*", "kms:*"], Resource: "*", Condition: {IpAddress: {"aws:SourceIp": 203.0.113.0/24}}}]}}}
        mfa: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:*", "kms:*"], Resource: "*"}, {Effect: Deny, Action: "kms:*", Resource: "*", Condition: {Bool: {"aws:MultiFactorAuthPresent": "false"}}}]}}}
      keys: {k: {}}
      buckets:
        files: {encryption: {sse: "aws:kms", key: k}, objects: {x: {body: hello}}}
        plain: {objects: {x: {body: hello}}}
      vpc_endpoints:
        gate: {service: s3, type: gateway}
        narrow: {service: s3, type: interface, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "*"}]}}
steps:
"#;

#[test]
fn the_network_is_the_first_calls() {
    // iam:L-92, iam:L-96, svc:F-2, svc:C-31
    let outcomes = run(&format!(
        "{NETWORK}{}",
        r#"
  - {name: through the endpoint, as: {user: vpconly}, through: gate, call: s3:GetObject, with: {Bucket: plain, Key: x}, expect: {decision: allow}}
  - {name: KMS does not see it, as: {user: vpconly}, through: gate, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: deny, stops_at: kms:Decrypt, message: {contains: ["with an explicit deny in an identity-based policy"]}}}
  - {as: {user: vpconly}, call: s3:GetObject, with: {Bucket: plain, Key: x}, expect: {decision: deny}}
  - {name: an endpoint policy limits, as: {user: admin}, through: narrow, call: s3:ListObjectsV2, with: {Bucket: plain}, expect: {decision: deny, message: {contains: ["because no VPC endpoint policy allows the s3:ListBucket action"]}}}
  - {name: the S3 call only, as: {user: admin}, through: narrow, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: allow}}
  - {name: the address is kept, as: {user: iponly}, context: {"aws:SourceIp": 203.0.113.7}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: allow}}
  - {as: {user: iponly}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: deny, stops_at: s3:GetObject}}
  - {name: long-term keys have no MFA key, as: {user: mfa}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.id}}", KeySpec: AES_256}, expect: {decision: allow}}
  - {name: except on a forwarded call, as: {user: mfa}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {as: {user: mfa, mfa: true}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: allow}}
  - {as: {user: mfa, mfa: false}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.id}}", KeySpec: AES_256}, expect: {decision: deny}}
"#
    ));
    assert!(names(&outcomes[1], "svc:F-2"));
}

#[test]
fn organizations_limit_their_members() {
    // iam:L-02, iam:L-03, iam:L-44, iam:L-49, iam:A-05, svc:S-36
    let world = r#"
as_of: 2026-10-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users: {admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
      keys: {k: {}}
    "222222222222":
      users: {member: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
      keys: {open: {policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: ["222222222222", "333333333333"]}, Action: "kms:*", Resource: "*"}]}}}
      buckets: {files: {objects: {x: {body: hello}}, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "333333333333"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/*"}]}}}
    "333333333333":
      users: {outsider: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
  organization:
    management_account: "111111111111"
    root:
      accounts: ["111111111111"]
      units:
        Work:
          accounts: ["222222222222"]
          scp: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["kms:*", "s3:*"], Resource: "*"}, {Effect: Deny, Action: ["kms:Encrypt", "s3:DeleteObject"], Resource: "*"}]}]
          rcp: [{Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: ["s3:*", "kms:GenerateDataKey"], Resource: "*", Condition: {StringNotEqualsIfExists: {"aws:PrincipalOrgID": "{{organization.id}}"}}}]}]
steps:
  - {name: the management account is free, as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {name: an SCP denies, as: {user: member}, call: kms:Encrypt, with: {KeyId: "{{key.open.id}}", Plaintext: {text: x}}, expect: {decision: deny, message: {contains: ["with an explicit deny in a service control policy"]}}}
  - {name: even the root user, as: {root: "222222222222"}, call: kms:Encrypt, with: {KeyId: "{{key.open.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {name: what no level allows, as: {user: member}, call: iam:CreateUser, with: {UserName: x}, expect: {decision: deny, message: {contains: ["because no service control policy allows the iam:CreateUser action"]}}}
  - {name: S3 names the policy, as: {user: member}, call: s3:DeleteObject, with: {Bucket: files, Key: x}, expect: {decision: deny, message: {contains: ["with an explicit deny in a service control policy: arn:aws:organizations::111111111111:policy/"]}}}
  - {name: an RCP keeps outsiders out, as: {user: outsider}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: deny, checks: [{action: s3:GetObject, decision: explicit_deny, blamed: resource_control}]}}
  - {name: of keys too, as: {user: outsider}, call: kms:GenerateDataKey, with: {KeyId: "{{key.open.arn}}", KeySpec: AES_256}, expect: {decision: deny, message: {contains: ["with an explicit deny in a resource control policy"]}}}
  - {as: {user: outsider}, call: kms:Encrypt, with: {KeyId: "{{key.open.arn}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: member}, call: s3:GetObject, with: {Bucket: files, Key: x}, expect: {decision: allow}}
"#;
    run(world);
}
