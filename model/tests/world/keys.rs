//! Keys: identifiers, the order of checks, states, usage, ciphertexts, policies and lockout, aliases, conditions (`svc:1`…`svc:8`).

use crate::support::{names, run};

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        nobody: {}
        viaalias: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:Encrypt", Resource: "arn:aws:kms:us-east-1:111111111111:alias/a"}]}}}
        describer: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["kms:DescribeKey", "kms:Encrypt"], Resource: "*", Condition: {StringEquals: {"kms:RequestAlias": "alias/a"}}}]}}}
        tagger: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:Encrypt", Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/team": red}}}]}}}
        aliased: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:Encrypt", Resource: "*", Condition: {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/a"}}}]}}}
        contextual: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:*", Resource: "*", Condition: {StringEquals: {"kms:EncryptionContext:AppName": App}}}]}}}
        specific: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:CreateKey", Resource: "*", Condition: {StringEquals: {"kms:KeySpec": SYMMETRIC_DEFAULT}}}, {Effect: Allow, Action: "kms:PutKeyPolicy", Resource: "*"}]}}}
        creator: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:CreateKey", Resource: "*"}]}}}
      keys:
        k: {aliases: [alias/a], tags: {team: red}}
        other: {}
        signing: {spec: ECC_NIST_P256, usage: SIGN_VERIFY}
        rsa: {spec: RSA_2048, usage: ENCRYPT_DECRYPT}
        elsewhere: {region: eu-west-1}
        rooted:
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:DescribeKey", Resource: "*"}, {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/admin"}, Action: "kms:*", Resource: "*"}]}
    "222222222222":
      users:
        stranger: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
      keys:
        open:
          policy:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Principal: {AWS: "arn:aws:iam::222222222222:root"}, Action: "kms:*", Resource: "*"}
              - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:root"}, Action: "kms:*", Resource: "*"}
"#;

fn steps(text: &str) -> Vec<countersign_model::outcome::Outcome> {
    run(&format!("{WORLD}steps:\n{text}"))
}

#[test]
fn identifiers_are_resolved_in_the_callers_account_and_region() {
    // svc:K-10, svc:K-33
    steps(
        r#"
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: alias/a}, expect: {decision: allow, output: {KeyMetadata: {KeyId: "{{key.k.id}}"}}}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: '{{111111111111.alias["alias/a"].arn}}'}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: foo}, expect: {decision: error, code: NotFoundException, status: 400, message: "Invalid keyId 'foo'"}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: 12345678-1234-1234-1234-123456789012}, expect: {decision: error, code: NotFoundException, message: "Key 'arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012' does not exist"}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{key.elsewhere.arn}}"}, expect: {decision: error, code: NotFoundException, message: "Invalid arn eu-west-1"}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{key.elsewhere.id}}"}, expect: {decision: error, code: NotFoundException}}
  - {as: {user: admin}, region: eu-west-1, call: kms:DescribeKey, with: {KeyId: "{{key.elsewhere.id}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: alias/none}, expect: {decision: error, code: NotFoundException}}
  - {name: an alias does not name a key for CreateGrant, as: {user: admin}, call: kms:ListGrants, with: {KeyId: alias/a}, expect: {decision: error, code: NotFoundException}}
  - {name: another account's alias name is one's own, as: {user: stranger}, call: kms:DescribeKey, with: {KeyId: alias/a}, expect: {decision: error, code: NotFoundException}}
  - {name: nothing is told about a foreign key that does not exist, as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "arn:aws:kms:us-east-1:222222222222:key/12345678-1234-1234-1234-123456789012"}, expect: {decision: deny, code: AccessDeniedException, message: {contains: ["because no resource-based policy allows the kms:DescribeKey action"]}}}
"#,
    );
}

#[test]
fn operations_that_never_cross_accounts() {
    // svc:K-8, svc:K-9
    let outcomes = steps(
        r#"
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{key.open.arn}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.open.arn}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.open.arn}}"}, expect: {decision: deny, code: AccessDeniedException, message: {contains: ["no resource-based policy"]}, unchanged: true}}
  - {as: {user: admin}, call: kms:GetKeyPolicy, with: {KeyId: "{{key.open.arn}}"}, expect: {decision: deny}}
  - {as: {user: nobody}, call: kms:Encrypt, with: {KeyId: "{{key.open.arn}}", Plaintext: {text: x}}, expect: {decision: deny, message: {contains: ["no identity-based policy"]}}}
"#,
    );
    assert!(names(&outcomes[2], "svc:K-9") && names(&outcomes[1], "svc:K-7"));
}

#[test]
fn checks_come_in_the_order_of_k_32() {
    // svc:K-32
    steps(
        r#"
  - {as: {user: admin}, call: kms:DisableKey, with: {KeyId: "{{key.k.id}}"}}
  - {name: syntax before the key, as: {user: nobody}, call: kms:Encrypt, with: {KeyId: foo, Plaintext: ""}, expect: {decision: error, code: ValidationException}}
  - {name: the key before authorization, as: {user: nobody}, call: kms:Encrypt, with: {KeyId: foo, Plaintext: {text: x}}, expect: {decision: error, code: NotFoundException}}
  - {name: authorization before the state, as: {user: nobody}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {name: the state before the dry run, as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, DryRun: true}, expect: {decision: error, code: DisabledException, message: "{{key.k.arn}} is disabled."}}
  - {as: {user: admin}, call: kms:DisableKey, with: {KeyId: "{{key.signing.id}}"}}
  - {name: the state before the usage, as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.signing.id}}", Plaintext: {text: x}}, expect: {decision: error, code: DisabledException}}
  - {as: {user: admin}, call: kms:EnableKey, with: {KeyId: "{{key.signing.id}}"}}
  - {name: the usage before the dry run, as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.signing.id}}", Plaintext: {text: x}, DryRun: true}, expect: {decision: error, code: InvalidKeyUsageException, message: "{{key.signing.arn}} key usage is SIGN_VERIFY which is not valid for Encrypt."}}
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}, DryRun: true}, expect: {decision: error, code: DryRunOperationException, status: 400, message: "The request would have succeeded, but the DryRun option is set.", unchanged: true}}
"#,
    );
}

#[test]
fn ciphertexts_belong_to_a_key_and_a_context() {
    // svc:K-25, svc:K-21, svc:X-4
    steps(
        r#"
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: secret}, EncryptionContext: {a: b}}, save: {blob: CiphertextBlob}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", EncryptionContext: {a: b}}, expect: {decision: allow, output: {Plaintext: c2VjcmV0, KeyId: "{{key.k.arn}}", EncryptionAlgorithm: SYMMETRIC_DEFAULT}}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", EncryptionContext: {a: B}}, expect: {decision: error, code: InvalidCiphertextException, message: ""}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", EncryptionContext: {A: b}}, expect: {decision: error, code: InvalidCiphertextException}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}"}, expect: {decision: error, code: InvalidCiphertextException}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: {text: garbage}}, expect: {decision: error, code: InvalidCiphertextException}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", EncryptionContext: {a: b}, KeyId: "{{key.other.id}}"}, expect: {decision: error, code: IncorrectKeyException, message: "The key ID in the request does not identify a CMK that can perform this operation."}}
  - {name: without a key id the denial tells nothing, as: {user: nobody}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", EncryptionContext: {a: b}}, expect: {decision: deny, code: AccessDeniedException, message: {prefix: "The ciphertext refers to a customer master key that does not exist"}, trail: [{errorCode: AccessDenied, errorMessage: "User: {{user.nobody.arn}} is not authorized to perform: kms:Decrypt on resource: {{key.k.arn}} because no identity-based policy allows the kms:Decrypt action"}]}}
  - {name: with one it names the key, as: {user: nobody}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.blob}}", KeyId: "{{key.k.id}}"}, expect: {decision: deny, message: {prefix: "User: {{user.nobody.arn}} is not authorized"}}}
  - {as: {user: admin}, call: kms:ReEncrypt, with: {CiphertextBlob: "{{saved.blob}}", SourceEncryptionContext: {a: b}, DestinationKeyId: "{{key.other.id}}"}, save: {moved: CiphertextBlob}, expect: {decision: allow, output: {SourceKeyId: "{{key.k.arn}}", KeyId: "{{key.other.arn}}"}, checks: [{action: kms:ReEncryptFrom, resource: "{{key.k.arn}}", decision: allow}, {action: kms:ReEncryptTo, resource: "{{key.other.arn}}", decision: allow}]}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.moved}}"}, expect: {decision: allow, output: {Plaintext: c2VjcmV0, KeyId: "{{key.other.arn}}"}}}
  - {as: {user: admin}, call: kms:ReEncrypt, with: {CiphertextBlob: "{{saved.moved}}", SourceKeyId: "{{key.k.id}}", DestinationKeyId: "{{key.k.id}}"}, expect: {decision: error, code: IncorrectKeyException}}
  - {as: {user: admin}, call: kms:ReEncrypt, with: {CiphertextBlob: "{{saved.moved}}", DestinationKeyId: "{{key.signing.id}}"}, expect: {decision: error, code: InvalidKeyUsageException}}
  - {name: a data key, as: {user: admin}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.id}}", KeySpec: AES_256}, save: {key: Plaintext, wrapped: CiphertextBlob}}
  - {as: {user: admin}, call: kms:Decrypt, with: {CiphertextBlob: "{{saved.wrapped}}"}, expect: {decision: allow, output: {Plaintext: "{{saved.key}}"}}}
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.rsa.id}}", Plaintext: {text: x}}, expect: {decision: error, code: InvalidKeyUsageException, message: "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."}}
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.rsa.id}}", Plaintext: {text: x}, EncryptionAlgorithm: RSAES_OAEP_SHA_256}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:GenerateDataKey, with: {KeyId: "{{key.rsa.id}}", KeySpec: AES_256}, expect: {decision: error, code: InvalidKeyUsageException}}
"#,
    );
}

#[test]
fn states_follow_from_calls() {
    // svc:ST-4, svc:ST-5, svc:N-5
    steps(
        r#"
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}", PendingWindowInDays: 7}, expect: {decision: allow, output: {KeyId: "{{key.k.arn}}", KeyState: PendingDeletion, PendingWindowInDays: 7}}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}"}, expect: {decision: error, code: KMSInvalidStateException, message: "{{key.k.arn}} is pending deletion."}}
  - {as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}]}}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:CancelKeyDeletion, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {KeyId: "{{key.k.arn}}"}}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {KeyMetadata: {KeyState: Disabled, Enabled: false}}}}
  - {as: {user: admin}, call: kms:CancelKeyDeletion, with: {KeyId: "{{key.k.id}}"}, expect: {decision: error, code: KMSInvalidStateException, message: "{{key.k.arn}} is not pending deletion."}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}", PendingWindowInDays: 7}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.other.id}}", PendingWindowInDays: 6}, expect: {decision: error, code: ValidationException}}
  - {advance: 7d}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{key.k.id}}"}, expect: {decision: error, code: NotFoundException}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: alias/a}, expect: {decision: error, code: NotFoundException}}
  - {arrange: {key.other.state: PendingImport}}
  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, expect: {decision: error, code: KMSInvalidStateException, message: "{{key.other.arn}} is pending import."}}
"#,
    );
}

#[test]
fn a_key_policy_is_checked_when_it_is_saved() {
    // svc:P-3, svc:P-4, svc:P-5, svc:P-7, svc:K-14, svc:K-19
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateKey, with: {}, save: {id: KeyMetadata.KeyId}, expect: {decision: allow, output: {KeyMetadata: {KeySpec: SYMMETRIC_DEFAULT, KeyUsage: ENCRYPT_DECRYPT, Origin: AWS_KMS, KeyState: Enabled, MultiRegion: false, KeyManager: CUSTOMER}}}}
  - {as: {user: admin}, call: kms:DescribeKey, with: {KeyId: "{{saved.id}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: "not json"}, expect: {decision: error, code: MalformedPolicyDocumentException, unchanged: true}}
  - {name: somebody who does not exist, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:role/Ghost"}, Action: "kms:*", Resource: "*"}]}}, expect: {decision: error, code: MalformedPolicyDocumentException, message: "Policy contains a statement with one or more invalid principals."}}
  - {name: the author locks itself out, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: &bobs {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "{{user.nobody.arn}}"}, Action: "kms:*", Resource: "*"}]}}, expect: {decision: error, code: MalformedPolicyDocumentException, message: "The new key policy will not allow you to update the key policy in the future."}}
  - {name: unless it says it knows, kind: observed, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", BypassPolicyLockoutSafetyCheck: true, Policy: *bobs}, expect: {decision: allow}}
  - {name: then only the new holder may, as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: *bobs}, expect: {decision: deny, message: {contains: ["no resource-based policy"]}}}
  - {name: the check looks at the author's own policies, as: {user: creator}, call: kms:CreateKey, with: {Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}]}}, expect: {decision: error, code: MalformedPolicyDocumentException}}
  - {name: without a policy there is no check, as: {user: creator}, call: kms:CreateKey, with: {}, expect: {decision: allow}}
  - {name: defaults are visible to conditions, as: {user: specific}, call: kms:CreateKey, with: {}, expect: {decision: allow}}
  - {as: {user: specific}, call: kms:CreateKey, with: {KeySpec: RSA_2048, KeyUsage: SIGN_VERIFY}, expect: {decision: deny}}
  - {name: tags are a permission of their own, as: {user: creator}, call: kms:CreateKey, with: {Tags: [{TagKey: a, TagValue: b}]}, expect: {decision: deny, stops_at: kms:TagResource}}
  - {as: {user: admin}, call: kms:CreateKey, with: {KeySpec: RSA_2048}, expect: {decision: error, code: ValidationException, message: "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."}}
  - {as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.other.id}}", PolicyName: AWS_RAM, Policy: {}}, expect: {decision: error, code: ValidationException, message: "The AWS_RAM policy can only be managed by the RAM service."}}
"#,
    );
}

#[test]
fn a_statement_without_resource_is_inert_before_august_2025_and_refused_after() {
    // svc:K-14, svc:P-3
    let put = r#"
  - {as: {user: admin}, call: kms:PutKeyPolicy, with: {KeyId: "{{key.k.id}}", Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}, {Effect: Deny, Principal: "*", Action: "kms:Encrypt"}]}}, expect: EXPECTED}
"#;
    let old = WORLD.replace("as_of: 2026-06-01", "as_of: 2025-08-17");
    run(&format!(
        "{old}steps:{}  - {{as: {{user: admin}}, call: kms:Encrypt, with: {{KeyId: \"{{{{key.k.id}}}}\", Plaintext: {{text: x}}}}, expect: {{decision: allow}}}}",
        put.replace("EXPECTED", "{decision: allow}")
    ));
    steps(&put.replace("EXPECTED", "{decision: error, code: MalformedPolicyDocumentException}"));
}

#[test]
fn alias_operations_need_both_sides() {
    // svc:K-17, svc:K-16, svc:K-30, svc:N-3
    steps(
        r#"
  - {as: {user: admin}, call: kms:CreateAlias, with: {AliasName: alias/b, TargetKeyId: "{{key.k.id}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:CreateAlias, with: {AliasName: alias/b, TargetKeyId: "{{key.other.id}}"}, expect: {decision: error, code: AlreadyExistsException}}
  - {as: {user: admin}, call: kms:CreateAlias, with: {AliasName: alias/aws/s3, TargetKeyId: "{{key.k.id}}"}, expect: {decision: deny}}
  - {as: {user: admin}, call: kms:CreateAlias, with: {AliasName: b, TargetKeyId: "{{key.k.id}}"}, expect: {decision: error, code: ValidationException}}
  - {as: {user: admin}, call: kms:UpdateAlias, with: {AliasName: alias/b, TargetKeyId: "{{key.other.id}}"}, expect: {decision: allow, checks: [{action: kms:UpdateAlias, resource: '{{111111111111.alias["alias/b"].arn}}', decision: allow}, {action: kms:UpdateAlias, resource: "{{key.k.arn}}", decision: allow}, {action: kms:UpdateAlias, resource: "{{key.other.arn}}", decision: allow}]}}
  - {as: {user: admin}, call: kms:UpdateAlias, with: {AliasName: alias/b, TargetKeyId: "{{key.rsa.id}}"}, expect: {decision: error, code: ValidationException}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}"}}
  - {name: a pending key is no new target, as: {user: admin}, call: kms:UpdateAlias, with: {AliasName: alias/b, TargetKeyId: "{{key.k.id}}"}, expect: {decision: error, code: KMSInvalidStateException}}
  - {name: but may be left, as: {user: admin}, call: kms:UpdateAlias, with: {AliasName: alias/a, TargetKeyId: "{{key.other.id}}"}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:ListAliases, with: {KeyId: "{{key.other.id}}"}, expect: {decision: allow, output: {Aliases: [{AliasName: alias/a, TargetKeyId: "{{key.other.id}}"}, {AliasName: alias/b}]}}}
  - {as: {user: admin}, call: kms:DeleteAlias, with: {AliasName: alias/b}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:DeleteAlias, with: {AliasName: alias/b}, expect: {decision: error, code: NotFoundException}}
"#,
    );
    let outcomes = steps(
        r#"
  - {name: an alias ARN in a policy does not authorize the key, as: {user: viaalias}, call: kms:Encrypt, with: {KeyId: alias/a, Plaintext: {text: x}}, expect: {decision: deny}}
"#,
    );
    assert!(names(&outcomes[0], "svc:K-16"));
}

#[test]
fn condition_keys_of_the_request_and_the_key() {
    // svc:C-2, svc:C-4, svc:C-11, svc:C-12
    steps(
        r#"
  - {as: {user: describer}, call: kms:DescribeKey, with: {KeyId: alias/a}, expect: {decision: allow}}
  - {as: {user: describer}, call: kms:DescribeKey, with: {KeyId: '{{111111111111.alias["alias/a"].arn}}'}, expect: {decision: allow}}
  - {as: {user: describer}, call: kms:DescribeKey, with: {KeyId: "{{key.k.id}}"}, expect: {decision: deny}}
  - {as: {user: tagger}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: tagger}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {as: {user: aliased}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: aliased}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {name: the name of a context key is matched without case, as: {user: contextual}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, EncryptionContext: {appname: App}}, expect: {decision: allow}}
  - {name: its value is not, as: {user: contextual}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}, EncryptionContext: {AppName: app}}, expect: {decision: deny}}
  - {name: DescribeKey has no context, as: {user: contextual}, call: kms:DescribeKey, with: {KeyId: "{{key.k.id}}"}, expect: {decision: deny}}
"#,
    );
}

#[test]
fn tags_and_policies_take_effect_after_the_delay() {
    // svc:K-28
    let world = WORLD.replace(
        "  region: us-east-1\n  accounts",
        "  region: us-east-1\n  propagation: 5m\n  accounts",
    );
    run(&format!(
        "{world}steps:\n{}",
        r#"
  - {as: {user: admin}, call: kms:TagResource, with: {KeyId: "{{key.other.id}}", Tags: [{TagKey: team, TagValue: red}]}}
  - {name: the tag is read at once, as: {user: admin}, call: kms:ListResourceTags, with: {KeyId: "{{key.other.id}}"}, expect: {decision: allow, output: {Tags: [{TagKey: team, TagValue: red}]}}}
  - {name: but not by authorization, as: {user: tagger}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {as: {user: admin}, call: iam:PutUserPolicy, with: {UserName: nobody, PolicyName: p, PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:Encrypt", Resource: "*"}]}}}
  - {as: {user: nobody}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {advance: 299s}
  - {as: {user: nobody}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: deny}}
  - {advance: 1s}
  - {as: {user: nobody}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
  - {as: {user: tagger}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, expect: {decision: allow}}
"#
    ));
}

#[test]
fn delegation_is_per_action() {
    // svc:K-5, svc:K-6
    steps(
        r#"
  - {as: {user: describer}, call: kms:DescribeKey, with: {KeyId: "{{key.rooted.id}}"}, expect: {decision: deny}}
  - {as: {root: "111111111111"}, call: kms:DescribeKey, with: {KeyId: "{{key.rooted.id}}"}, expect: {decision: allow}}
  - {name: not even the root user without a statement, as: {root: "111111111111"}, call: kms:Encrypt, with: {KeyId: "{{key.rooted.id}}", Plaintext: {text: x}}, expect: {decision: deny, message: {contains: ["no resource-based policy"]}}}
"#,
    );
}

#[test]
fn rotation_and_description() {
    // svc:N-2
    steps(
        r#"
  - {as: {user: admin}, call: kms:GetKeyRotationStatus, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {KeyRotationEnabled: false}}}
  - {as: {user: admin}, call: kms:EnableKeyRotation, with: {KeyId: "{{key.k.id}}"}}
  - {as: {user: admin}, call: kms:GetKeyRotationStatus, with: {KeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {KeyRotationEnabled: true}}}
  - {as: {user: admin}, call: kms:DisableKeyRotation, with: {KeyId: "{{key.k.id}}"}}
  - {as: {user: admin}, call: kms:EnableKeyRotation, with: {KeyId: "{{key.rsa.id}}"}, expect: {decision: error, code: UnsupportedOperationException}}
  - {as: {user: admin}, call: kms:UpdateKeyDescription, with: {KeyId: "{{key.k.id}}", Description: words}}
  - {as: {user: admin}, call: kms:ListKeys, with: {}, expect: {decision: allow}}
  - {as: {user: admin}, call: kms:GenerateRandom, with: {NumberOfBytes: 16}, expect: {decision: allow}}
  - {as: {user: nobody}, call: kms:GenerateRandom, with: {NumberOfBytes: 16}, expect: {decision: deny}}
"#,
    );
}
