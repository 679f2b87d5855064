//! Lambda and AWS Backup (`svc:10`, `svc:11`): what the documents' stories do not reach.

use crate::support::{names, run};

const WORLD: &str = r#"
as_of: DATE
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        nogrants: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "kms:CreateGrant", Resource: "*"}]}}}
        plain: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["lambda:*", "iam:PassRole", "backup:*", "backup-storage:*", "dynamodb:*"], Resource: "*"}]}}}
      roles:
        R: {trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}}
        S: {}
      keys:
        k: {}
        v: {}
        confused:
          policy:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}
              - {Effect: Deny, Principal: {Service: backup-storage.amazonaws.com}, Action: "kms:Decrypt", Resource: "*", Condition: {StringNotEquals: {"aws:SourceAccount": "111111111111"}}}
              - {Effect: Deny, Principal: {Service: backup-storage.amazonaws.com}, Action: "kms:Decrypt", Resource: "*", Condition: {ArnNotLike: {"aws:SourceArn": "arn:aws:backup:us-east-1:111111111111:backup-vault:vault*"}}}
      functions:
        given: {role: R, kms_key: k, environment: {MODE_A: b}, grant: service}
        bare: {role: R, kms_key: k, environment: {MODE_A: b}}
        empty: {role: R, kms_key: k}
      backup_vaults:
        vault: {key: confused}
        othervault: {key: confused}
steps:
"#;

fn steps_at(date: &str, text: &str) -> Vec<countersign_model::outcome::Outcome> {
    run(&format!("{}{text}", WORLD.replace("DATE", date)))
}

#[test]
fn functions_of_the_world_have_a_grant_only_if_they_say_so() {
    // svc:L-4, svc:L-8
    let outcomes = steps_at(
        "2026-06-01",
        r#"
  - {invoke: {function: given}, expect: {decision: allow, trail: [{eventName: Decrypt, userIdentity: {type: AssumedRole, arn: "{{role.R.session.given.arn}}"}}]}}
  - {invoke: {function: bare}, expect: {decision: deny, code: KMSAccessDeniedException, status: 502}}
  - {invoke: {function: bare, cold: false}, expect: {decision: allow, trail: []}}
  - {invoke: {function: empty}, expect: {decision: allow, trail: []}}
"#,
    );
    assert!(names(&outcomes[2], "svc:L-8"));
}

#[test]
fn configuring_a_function_needs_encrypt_and_create_grant() {
    // svc:L-1, svc:L-2, svc:L-9
    steps_at(
        "2026-06-01",
        r#"
  - {name: without KMS permissions, as: {user: plain}, call: lambda:CreateFunction, with: {FunctionName: f, Role: "{{role.R.arn}}", KMSKeyArn: "{{key.k.arn}}", Environment: {Variables: {MODE_A: b}}}, expect: {decision: deny, stops_at: kms:Encrypt, unchanged: true}}
  - {name: without grants, as: {user: nogrants}, call: lambda:CreateFunction, with: {FunctionName: f, Role: "{{role.R.arn}}", KMSKeyArn: "{{key.k.arn}}", Environment: {Variables: {MODE_A: b}}}, expect: {decision: deny, stops_at: kms:CreateGrant}}
  - {name: the managed key is for everybody, as: {user: plain}, call: lambda:CreateFunction, with: {FunctionName: m, Role: "{{role.R.arn}}", Environment: {Variables: {MODE_A: b}}}, expect: {decision: allow, status: 201, output: {FunctionName: m}, absent: [KMSKeyArn]}}
  - {invoke: {function: m, account: "111111111111"}, expect: {decision: allow}}
  - {as: {user: admin}, call: lambda:CreateFunction, with: {FunctionName: f, Role: "{{role.R.arn}}", KMSKeyArn: "{{key.k.arn}}", Environment: {Variables: {MODE_A: b}}}, expect: {decision: allow, output: {FunctionArn: "arn:aws:lambda:us-east-1:111111111111:function:f", KMSKeyArn: "{{key.k.arn}}"}}}
  - {invoke: {function: f, account: "111111111111"}, expect: {decision: allow}}
  - {name: the role is replaced by another of the same name, as: {user: admin}, call: iam:DeleteRole, with: {RoleName: R}}
  - {invoke: {function: f, account: "111111111111"}, expect: {decision: deny, code: KMSAccessDeniedException, message: {contains: ["UnrecognizedClientException"]}}}
  - {as: {user: admin}, call: iam:CreateRole, with: {RoleName: R, AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}}}
  - {invoke: {function: f, account: "111111111111"}, expect: {decision: deny, code: KMSAccessDeniedException}}
  - {name: configuring it again cures, as: {user: admin}, call: lambda:UpdateFunctionConfiguration, with: {FunctionName: f, KMSKeyArn: "{{key.k.arn}}"}}
  - {invoke: {function: f, account: "111111111111"}, expect: {decision: allow}}
  - {name: values are shown to those who may decrypt, as: {user: admin}, call: lambda:GetFunctionConfiguration, with: {FunctionName: f}, expect: {decision: allow, output: {Environment: {Variables: {MODE_A: b}}}}}
  - {as: {user: plain}, call: lambda:GetFunctionConfiguration, with: {FunctionName: f}, expect: {decision: allow, output: {Environment: {Error: {ErrorCode: AccessDeniedException}}}}}
  - {as: {user: admin}, call: kms:DisableKey, with: {KeyId: "{{key.k.id}}"}}
  - {invoke: {function: f, account: "111111111111"}, expect: {decision: error, code: KMSDisabledException, status: 502}}
  - {as: {user: admin}, call: lambda:DeleteFunction, with: {FunctionName: f}, expect: {decision: allow, status: 204}}
  - {as: {user: admin}, call: lambda:GetFunctionConfiguration, with: {FunctionName: f}, expect: {decision: error, code: ResourceNotFoundException, status: 404}}
"#,
    );
}

#[test]
fn the_shape_of_lambdas_grant_has_a_date() {
    // svc:L-3, svc:G-3
    steps_at(
        "2021-06-01",
        r#"
  - {as: {user: admin}, call: kms:ListGrants, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {Grants: [{Name: given, GranteePrincipal: "{{role.R.session.given.arn}}", RetiringPrincipal: "{{role.R.session.given.arn}}", Operations: [Decrypt, RetireGrant], Constraints: {EncryptionContextEquals: {"aws:lambda:FunctionArn": "{{function.given.arn}}"}}}]}}}
"#,
    );
    steps_at(
        "2022-08-01",
        r#"
  - {as: {user: admin}, call: kms:ListGrants, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {Grants: [{RetiringPrincipal: lambda.us-east-1.amazonaws.com, IssuingAccount: "arn:aws:iam::111111111111:root"}]}}}
"#,
    );
}

#[test]
fn a_vault_needs_its_key_when_it_is_made_and_when_it_is_used() {
    // svc:B-1, svc:B-4, svc:B-5, svc:B-6
    let outcomes = steps_at(
        "2026-06-01",
        r#"
  - {as: {user: plain}, call: backup:CreateBackupVault, with: {BackupVaultName: w, EncryptionKeyArn: "{{key.v.arn}}"}, expect: {decision: deny, code: AccessDeniedException, stops_at: kms:DescribeKey}}
  - {as: {user: nogrants}, call: backup:CreateBackupVault, with: {BackupVaultName: w, EncryptionKeyArn: "{{key.v.arn}}"}, expect: {decision: deny, stops_at: kms:CreateGrant}}
  - {as: {user: admin}, call: backup:CreateBackupVault, with: {BackupVaultName: w, EncryptionKeyArn: "{{key.v.arn}}"}, expect: {decision: allow, output: {BackupVaultName: w, BackupVaultArn: "arn:aws:backup:us-east-1:111111111111:backup-vault:w"}}}
  - {as: {user: admin}, call: kms:ListGrants, with: {KeyId: "{{key.v.id}}"}, save: {grant: Grants.0.GrantId}, expect: {decision: allow, output: {Grants: [{GranteePrincipal: backup-storage.amazonaws.com}]}}}
  - {as: {user: plain}, call: dynamodb:CreateTable, with: {TableName: T}, expect: {decision: allow}}
  - {as: {user: plain}, call: backup:StartBackupJob, with: &job {BackupVaultName: w, ResourceArn: "arn:aws:dynamodb:us-east-1:111111111111:table/T", IamRoleArn: "{{role.S.arn}}"}, save: {job1: BackupJobId}, expect: {decision: allow, trail: [{eventName: Decrypt, userIdentity: {type: AWSService, invokedBy: backup-storage.amazonaws.com}}]}}
  - {as: {user: plain}, call: backup:DescribeBackupJob, with: {BackupJobId: "{{saved.job1}}"}, expect: {decision: allow, output: {State: COMPLETED}, absent: [StatusMessage]}}
  - {as: {user: admin}, call: kms:RevokeGrant, with: {KeyId: "{{key.v.id}}", GrantId: "{{saved.grant}}"}}
  - {as: {user: plain}, call: backup:StartBackupJob, with: *job, save: {job2: BackupJobId}}
  - {as: {user: plain}, call: backup:DescribeBackupJob, with: {BackupJobId: "{{saved.job2}}"}, expect: {decision: allow, output: {State: FAILED, StatusMessage: KMS key is either disabled or pending deletion or access to KMS key is denied}}}
  - {name: the deputy for its own vault, as: {user: plain}, call: backup:StartBackupJob, with: {BackupVaultName: vault, ResourceArn: "arn:aws:dynamodb:us-east-1:111111111111:table/T", IamRoleArn: "{{role.S.arn}}"}, save: {job3: BackupJobId}}
  - {as: {user: plain}, call: backup:DescribeBackupJob, with: {BackupJobId: "{{saved.job3}}"}, expect: {decision: allow, output: {State: COMPLETED}}}
  - {name: and for another, as: {user: plain}, call: backup:StartBackupJob, with: {BackupVaultName: othervault, ResourceArn: "arn:aws:dynamodb:us-east-1:111111111111:table/T", IamRoleArn: "{{role.S.arn}}"}, save: {job4: BackupJobId}}
  - {as: {user: plain}, call: backup:DescribeBackupJob, with: {BackupJobId: "{{saved.job4}}"}, expect: {decision: allow, output: {State: FAILED}}}
  - {name: the managed key, as: {user: plain}, call: backup:CreateBackupVault, with: {BackupVaultName: d}, expect: {decision: allow}}
"#,
    );
    assert!(names(&outcomes[8], "svc:B-5"));
}
