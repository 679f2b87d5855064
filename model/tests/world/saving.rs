//! Saving policies through the APIs: codes, texts and quotas that only the world can add up (`iam:12.6`, `iam:1.9`, `iam:P-43`).

use crate::support::run;

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  accounts:
    "111111111111":
      users: {admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}, u: {}}
      groups: {team: {}}
      roles: {worker: {}}
      keys: {k: {}}
      buckets: {some-bucket: {}}
steps:
"#;

fn policy(padding: usize) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{}","Effect":"Allow","Action":"s3:*","Resource":"*"}}]}}"#,
        "x".repeat(padding)
    )
}

#[test]
fn the_inline_policies_of_one_entity_share_a_quota() {
    // SV-26, iam:1.9: 2,048 for a user, 5,120 for a group, 10,240 for a role, white space not counted.
    let empty = policy(0).len();
    for (who, kind, quota) in [
        ("u", "User", 2_048),
        ("team", "Group", 5_120),
        ("worker", "Role", 10_240),
    ] {
        let half = quota / 2 - empty;
        let fits = policy(half).replace("\"Effect\"", "\n \"Effect\"");
        let step = |name: &str, text: &str, expect: &str| {
            format!(
                "  - {{as: {{user: admin}}, call: iam:Put{kind}Policy, with: {{{kind}Name: {who}, PolicyName: {name}, PolicyDocument: '{text}'}}, expect: {expect}}}\n"
            )
        };
        let fits = fits.replace('\n', "");
        run(&format!(
            "{WORLD}{}{}{}{}",
            step("one", &fits, "{decision: allow}"),
            step("two", &policy(half), "{decision: allow}"),
            step(
                "three",
                &policy(0),
                "{decision: error, code: LimitExceeded, status: 409, unchanged: true}"
            ),
            // A policy that takes the place of another one counts alone.
            step("one", &policy(0), "{decision: allow}"),
        ));
    }
}

#[test]
fn every_api_answers_in_its_own_words() {
    run(&format!(
        "{WORLD}{}",
        r#"
  - {name: SV-21 a, as: {user: admin}, call: iam:UpdateAssumeRolePolicy, with: {RoleName: worker, PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ghost"},"Action":"sts:AssumeRole"}]}'}, expect: {decision: error, code: [MalformedPolicyDocument, MalformedPolicyDocumentException], status: 400, message: 'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/ghost"'}}
  - {name: SV-21 b, as: {user: admin}, call: iam:UpdateAssumeRolePolicy, with: {RoleName: worker, PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/Dev*"},"Action":"sts:AssumeRole"}]}'}, expect: {decision: error, status: 400, message: 'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:role/Dev*"'}}
  - {name: a key policy, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ghost"},"Action":"kms:*","Resource":"*"}]}'}, expect: {decision: error, code: MalformedPolicyDocumentException, status: 400, message: Policy contains a statement with one or more invalid principals.}}
  - {name: a bucket policy, as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: some-bucket, Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ghost"},"Action":"s3:*","Resource":"arn:aws:s3:::some-bucket/*"}]}'}, expect: {decision: error, code: MalformedPolicy, status: 400, message: Invalid principal in policy}}
  - {name: its action, as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: some-bucket, Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"GetObject","Resource":"arn:aws:s3:::some-bucket/*"}]}'}, expect: {decision: error, code: MalformedPolicy, message: Policy has invalid action}}
  - {name: its resource, as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: some-bucket, Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"some-bucket/*"}]}'}, expect: {decision: error, code: MalformedPolicy, message: Policy has invalid resource}}
  - {name: SV-22, as: {role: worker}, call: sts:AssumeRole, with: {RoleArn: "{{role.worker.arn}}", RoleSessionName: again, Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"}]}'}, expect: {decision: deny}}
  - {name: SV-22 by one who may, as: {user: admin}, call: sts:AssumeRole, with: {RoleArn: "{{role.worker.arn}}", RoleSessionName: again, Policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"}]}'}, expect: {decision: error, code: MalformedPolicyDocument, status: 400}}
  - {name: characters, as: {user: admin}, call: iam:PutUserPolicy, with: {UserName: u, PolicyName: p, PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Sid":"許可","Effect":"Allow","Action":"s3:*","Resource":"*"}]}'}, expect: {decision: error, code: ValidationError, status: 400}}
"#
    ));
}

#[test]
fn a_session_policy_that_is_too_long_is_too_large_when_packed() {
    // SV-23
    let long = policy(3_000);
    run(&format!(
        "{WORLD}  - {{as: {{user: admin}}, call: sts:AssumeRole, with: {{RoleArn: \"{{{{role.worker.arn}}}}\", RoleSessionName: again, Policy: '{long}'}}, expect: {{decision: error, code: PackedPolicyTooLarge, status: 400}}}}\n"
    ));
}
