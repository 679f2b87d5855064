//! S3: the choice of key, forwarded calls, public access, missing objects, ACLs, versions, multipart uploads, messages (`svc:9`).

use crate::support::{names, run};

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      managed_policies:
        s3: &s3 {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        s3: {attached: [s3]}
        reader: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}}}
        lister: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:ListBucket", Resource: "*", Condition: {StringLike: {"s3:prefix": "a/*"}}}]}}}
        tagged: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "*", Condition: {StringEqualsIfExists: {"s3:ExistingObjectTag/level": public, "s3:RequestObjectTag/level": public}}}, {Effect: Allow, Action: "s3:PutObjectTagging", Resource: "*"}]}}}
        writer: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:PutObject", "kms:GenerateDataKey"], Resource: "*"}]}}}
        headeronly: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:*", "kms:*"], Resource: "*"}, {Effect: Deny, Action: "s3:PutObject", Resource: "*", Condition: {StringNotEquals: {"s3:x-amz-server-side-encryption": "aws:kms"}}}]}}}
        peruser: {policies: {p: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}, {Effect: Allow, Action: "kms:*", Resource: "*", Condition: {StringLike: {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::kms/*"}, StringEquals: {"kms:ViaService": s3.us-east-1.amazonaws.com}, Bool: {"aws:ViaAWSService": "true"}}}]}}}
      keys:
        k: {aliases: [alias/k]}
        signing: {spec: RSA_2048, usage: SIGN_VERIFY}
        far: {region: eu-west-1}
      buckets:
        plain: {objects: {x.txt: {body: hello, tags: {level: public}}, a/1: {body: one}, a/2: {body: two}, b/1: {body: three}}}
        kms: {encryption: {sse: "aws:kms", key: k}, objects: {x.txt: {body: hello}}}
        bucketkey: {encryption: {sse: "aws:kms", key: k, bucket_key: true}, objects: {x.txt: {body: hello}}}
        managed: {encryption: {sse: "aws:kms"}, objects: {x.txt: {body: hello}}}
        aliased: {encryption: {sse: "aws:kms", key: alias/k}}
        versions: {versioning: Enabled}
        open:
          public_access_block: {}
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::open/*"}]}
          objects: {x.txt: {body: hello}, secret.txt: {body: hello, key: k}}
        shared:
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "222222222222"}, Action: "s3:*", Resource: ["arn:aws:s3:::shared", "arn:aws:s3:::shared/*"]}]}
          objects: {x.txt: {body: hello}, k.txt: {body: hello, key: k}}
        legacy:
          ownership: ObjectWriter
          public_access_block: {}
          acl: public-read
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "s3:*", Resource: "arn:aws:s3:::legacy/*"}, {Effect: Allow, Principal: {AWS: "222222222222"}, Action: ["s3:PutObject", "s3:PutObjectAcl"], Resource: "arn:aws:s3:::legacy/*"}]}
          objects: {public.txt: {body: hello, acl: public-read}, private.txt: {body: hello}, foreign.txt: {body: hello, owner: "222222222222"}}
        pays: {requester_pays: true, public_access_block: {}, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "222222222222"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::pays/*"}]}, objects: {x.txt: {body: hello}}}
    "222222222222":
      users:
        stranger: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        bystander: {}
      keys:
        theirs:
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "222222222222"}, Action: "kms:*", Resource: "*"}, {Effect: Allow, Principal: {AWS: "111111111111"}, Action: ["kms:GenerateDataKey", "kms:Decrypt"], Resource: "*"}]}
"#;

fn steps(text: &str) -> Vec<countersign_model::outcome::Outcome> {
    run(&format!("{WORLD}steps:\n{text}"))
}

#[test]
fn the_key_of_a_write() {
    // svc:S-10, svc:S-11, svc:S-12, svc:M-4
    steps(
        r#"
  - {name: no header, as: {user: admin}, call: s3:PutObject, with: {Bucket: kms, Key: a, Body: {text: x}}, expect: {decision: allow, output: {ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.k.arn}}"}, absent: [BucketKeyEnabled]}}
  - {name: a bucket key, as: {user: admin}, call: s3:PutObject, with: {Bucket: bucketkey, Key: a, Body: {text: x}}, expect: {decision: allow, output: {BucketKeyEnabled: true}, trail: [{requestParameters: {encryptionContext: {"aws:s3:arn": "arn:aws:s3:::bucketkey"}}}]}}
  - {name: the header without a key does not take the default's, as: {user: admin}, call: s3:PutObject, with: {Bucket: bucketkey, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms"}, save: {managed: SSEKMSKeyId}, expect: {decision: allow, output: {BucketKeyEnabled: true}}}
  - {name: it is the managed key of the requester, as: {user: admin}, call: s3:PutObject, with: {Bucket: managed, Key: a, Body: {text: x}}, expect: {decision: allow, output: {SSEKMSKeyId: "{{saved.managed}}"}}}
  - {name: another one for another account, as: {user: stranger}, call: s3:PutObject, with: {Bucket: shared, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms"}, save: {other: SSEKMSKeyId}}
  - {name: which the bucket's owner cannot use, as: {user: admin}, call: s3:GetObject, with: {Bucket: shared, Key: a}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {name: an alias of the default, as: {user: admin}, call: s3:PutObject, with: {Bucket: aliased, Key: a, Body: {text: x}}, expect: {decision: allow, output: {SSEKMSKeyId: "{{key.k.arn}}"}}}
  - {name: SSE-S3 by header, as: {user: s3}, call: s3:PutObject, with: {Bucket: kms, Key: a, Body: {text: x}, ServerSideEncryption: AES256}, expect: {decision: allow, output: {ServerSideEncryption: AES256}, trail: []}}
  - {name: dsse never has a bucket key, as: {user: admin}, call: s3:PutObject, with: {Bucket: bucketkey, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms:dsse", SSEKMSKeyId: "{{key.k.id}}"}, expect: {decision: allow, output: {ServerSideEncryption: "aws:kms:dsse"}, absent: [BucketKeyEnabled]}}
  - {name: a key without the algorithm, as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, SSEKMSKeyId: "{{key.k.id}}"}, expect: {decision: error, code: InvalidArgument, status: 400, message: "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"}}
  - {name: an unknown algorithm, as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ServerSideEncryption: "aes:kms"}, expect: {decision: error, code: InvalidArgument}}
  - {name: the caller's own context is merged, as: {user: admin}, call: s3:PutObject, with: {Bucket: kms, Key: a, Body: {text: x}, SSEKMSEncryptionContext: eyJkZXB0IjoieCJ9}, expect: {decision: allow, trail: [{requestParameters: {encryptionContext: {dept: x, "aws:s3:arn": "arn:aws:s3:::kms/a"}}}]}}
  - {name: and sent again, as: {user: admin}, call: s3:GetObject, with: {Bucket: kms, Key: a}, expect: {decision: allow, trail: [{requestParameters: {encryptionContext: {dept: x, "aws:s3:arn": "arn:aws:s3:::kms/a"}}}]}}
"#,
    );
}

#[test]
fn errors_of_kms_as_the_client_sees_them() {
    // svc:S-30…svc:S-34, svc:X-5
    let outcomes = steps(
        r#"
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: fake-key-id}, expect: {decision: error, code: KMS.NotFoundException, status: 400, message: "Invalid keyId 'fake-key-id'"}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.far.arn}}"}, expect: {decision: error, code: KMS.NotFoundException, message: "Invalid arn eu-west-1"}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.signing.arn}}"}, expect: {decision: error, code: KMS.InvalidKeyUsageException}}
  - {as: {user: admin}, call: kms:DisableKey, with: {KeyId: "{{key.k.id}}"}}
  - {as: {user: admin}, call: s3:GetObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: error, code: KMS.DisabledException, status: 400, message: "{{key.k.arn}} is disabled."}}
  - {as: {user: admin}, call: s3:HeadObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: allow, trail: []}}
  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}"}}
  - {as: {user: admin}, call: s3:GetObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: error, code: KMS.KMSInvalidStateException, message: "{{key.k.arn}} is pending deletion."}}
  - {name: a foreign key that does not exist, as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "arn:aws:kms:us-east-1:222222222222:key/12345678-1234-1234-1234-123456789012"}, expect: {decision: deny, code: AccessDenied, status: 403}}
"#,
    );
    assert!(names(&outcomes[4], "svc:S-31") && names(&outcomes[7], "svc:S-32") && names(&outcomes[0], "svc:S-33"));
}

#[test]
fn what_each_operation_needs() {
    // svc:S-15…svc:S-19
    steps(
        r#"
  - {name: a download, as: {user: s3}, call: s3:GetObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: deny, stops_at: kms:Decrypt, message: "User: {{user.s3.arn}} is not authorized to perform: kms:Decrypt on resource: {{key.k.arn}} because no identity-based policy allows the kms:Decrypt action", trail: [{eventName: Decrypt, errorCode: AccessDenied, userIdentity: {type: IAMUser, userName: s3, invokedBy: AWS Internal}}]}}
  - {name: a HEAD needs none, as: {user: s3}, call: s3:HeadObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: allow, output: {ContentLength: 5, SSEKMSKeyId: "{{key.k.arn}}"}}}
  - {name: unless it asks for the checksum, as: {user: s3}, call: s3:HeadObject, with: {Bucket: kms, Key: x.txt, ChecksumMode: ENABLED}, expect: {decision: deny, status: 403, stops_at: kms:Decrypt}}
  - {name: attributes need it, as: {user: s3}, call: s3:GetObjectAttributes, with: {Bucket: kms, Key: x.txt, ObjectAttributes: [ObjectSize]}, expect: {decision: deny, checks: [{action: s3:GetObject, decision: allow}, {action: s3:GetObjectAttributes, decision: allow}, {action: kms:Decrypt, decision: implicit_deny}]}}
  - {name: a copy needs both, as: {user: s3}, call: s3:CopyObject, with: {Bucket: kms, Key: y, CopySource: kms/x.txt, MetadataDirective: REPLACE}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {name: a copy out of KMS, as: {user: admin}, call: s3:CopyObject, with: {Bucket: plain, Key: y, CopySource: kms/x.txt}, expect: {decision: allow, output: {ServerSideEncryption: AES256}, trail: [{eventName: Decrypt}]}}
  - {name: a copy into it, as: {user: admin}, call: s3:CopyObject, with: {Bucket: kms, Key: y, CopySource: kms/x.txt}, expect: {decision: allow, output: {SSEKMSKeyId: "{{key.k.arn}}"}, trail: [{eventName: Decrypt}, {eventName: GenerateDataKey}]}}
  - {name: a copy onto itself changes something, as: {user: admin}, call: s3:CopyObject, with: {Bucket: kms, Key: y, CopySource: kms/y}, expect: {decision: error, code: InvalidRequest}}
  - {name: deleting needs none, as: {user: s3}, call: s3:DeleteObject, with: {Bucket: kms, Key: y}, expect: {decision: allow, status: 204}}
  - {name: S3 first and then no event, as: {user: lister}, call: s3:GetObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: deny, stops_at: s3:GetObject, trail: []}}
  - {name: the keys a forwarded call carries, as: {user: peruser}, call: s3:GetObject, with: {Bucket: kms, Key: x.txt}, expect: {decision: allow, output: {Body: aGVsbG8=}}}
  - {name: not on a direct call, as: {user: peruser}, call: kms:GenerateDataKey, with: {KeyId: "{{key.k.id}}", KeySpec: AES_256, EncryptionContext: {"aws:s3:arn": "arn:aws:s3:::kms/x"}}, expect: {decision: deny}}
  - {name: nor with a bucket key, as: {user: peruser}, call: s3:GetObject, with: {Bucket: bucketkey, Key: x.txt}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {name: the header condition sees the header only, as: {user: headeronly}, call: s3:PutObject, with: {Bucket: kms, Key: z, Body: {text: x}}, expect: {decision: deny, stops_at: s3:PutObject, checks: [{action: s3:PutObject, decision: explicit_deny, blamed: identity}]}}
  - {as: {user: headeronly}, call: s3:PutObject, with: {Bucket: kms, Key: z, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.k.arn}}"}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn missing_objects_and_buckets() {
    // svc:S-8
    steps(
        r#"
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: plain, Key: none}, expect: {decision: error, code: NoSuchKey, status: 404}}
  - {as: {user: reader}, call: s3:GetObject, with: {Bucket: plain, Key: none}, expect: {decision: deny, code: AccessDenied, status: 403, stops_at: s3:ListBucket, message: "User: {{user.reader.arn}} is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::plain\" because no identity-based policy allows the s3:ListBucket action"}}
  - {as: {user: s3}, call: s3:HeadObject, with: {Bucket: plain, Key: none}, expect: {decision: error, status: 404}}
  - {as: {user: reader}, call: s3:HeadObject, with: {Bucket: plain, Key: none}, expect: {decision: deny, status: 403}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: nowhere, Key: none}, expect: {decision: error, code: NoSuchBucket, status: 404, message: The specified bucket does not exist}}
  - {as: {user: s3}, call: s3:HeadBucket, with: {Bucket: nowhere}, expect: {decision: error, status: 404}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt, ExpectedBucketOwner: "222222222222"}, expect: {decision: deny, code: AccessDenied, message: Access Denied}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt, ExpectedBucketOwner: abcd}, expect: {decision: error, code: InvalidBucketOwnerAWSAccountID}}
"#,
    );
}

#[test]
fn accounts_meet_in_a_bucket() {
    // svc:S-1, svc:S-2, svc:S-24, svc:S-36
    steps(
        r#"
  - {as: {user: stranger}, call: s3:GetObject, with: {Bucket: shared, Key: x.txt}, expect: {decision: allow}}
  - {name: outside the organization nothing is told, as: {user: bystander}, call: s3:GetObject, with: {Bucket: shared, Key: x.txt}, expect: {decision: deny, code: AccessDenied, message: Access Denied}}
  - {as: {user: stranger}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt}, expect: {decision: deny, message: Access Denied}}
  - {name: the key is another matter, as: {user: stranger}, call: s3:GetObject, with: {Bucket: shared, Key: k.txt}, expect: {decision: deny, stops_at: kms:Decrypt, message: {contains: ["because no resource-based policy allows the kms:Decrypt action"]}}}
  - {name: a foreign key, as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: f, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.theirs.arn}}"}, expect: {decision: allow, output: {SSEKMSKeyId: "{{key.theirs.arn}}"}}}
  - {as: {user: writer}, call: s3:PutObject, with: {Bucket: plain, Key: f, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.theirs.arn}}"}, expect: {decision: allow}}
  - {as: {user: s3}, call: s3:PutObject, with: {Bucket: plain, Key: f, Body: {text: x}, ServerSideEncryption: "aws:kms", SSEKMSKeyId: "{{key.theirs.arn}}"}, expect: {decision: deny, message: {contains: ["no identity-based policy"]}}}
  - {name: bucket policies are for the own account, as: {user: stranger}, call: s3:GetBucketPolicy, with: {Bucket: shared}, expect: {decision: error, code: MethodNotAllowed, status: 405}}
  - {as: {user: stranger}, call: s3:GetObject, with: {Bucket: pays, Key: x.txt}, expect: {decision: deny}}
  - {as: {user: stranger}, call: s3:GetObject, with: {Bucket: pays, Key: x.txt, RequestPayer: requester}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn public_access() {
    // svc:S-3, svc:S-6, svc:S-7, svc:S-21
    let outcomes = steps(
        r#"
  - {as: {anonymous: true}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: allow, output: {Body: aGVsbG8=}}}
  - {as: {anonymous: true}, call: s3:GetObject, with: {Bucket: open, Key: secret.txt}, expect: {decision: error, code: InvalidArgument, status: 400, message: "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.", trail: []}}
  - {as: {anonymous: true}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt}, expect: {decision: deny, code: AccessDenied, message: Access Denied}}
  - {as: {user: bystander}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: deny}}
  - {as: {user: stranger}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:PutPublicAccessBlock, with: {Bucket: open, PublicAccessBlockConfiguration: {RestrictPublicBuckets: true}}}
  - {as: {user: admin}, call: s3:GetPublicAccessBlock, with: {Bucket: open}, expect: {decision: allow, output: {PublicAccessBlockConfiguration: {RestrictPublicBuckets: true, BlockPublicAcls: false}}}}
  - {name: anonymous callers are cut off, as: {anonymous: true}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: deny, checks: [{action: s3:GetObject, decision: explicit_deny, blamed: public_access_block}]}}
  - {name: other accounts too, as: {user: stranger}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: deny}}
  - {name: the own account not, as: {user: lister}, call: s3:GetObject, with: {Bucket: open, Key: x.txt}, expect: {decision: allow}}
  - {name: a public policy is refused, as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: plain, Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::plain/*"}]}}, expect: {decision: deny, code: AccessDenied, status: 403, unchanged: true}}
  - {name: one limited to an organization is not public, as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: plain, Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::plain/*", Condition: {StringEquals: {"aws:PrincipalOrgID": o-1}}}]}}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:GetBucketPolicy, with: {Bucket: plain}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:DeleteBucketPolicy, with: {Bucket: plain}, expect: {decision: allow, status: 204}}
  - {as: {user: admin}, call: s3:GetBucketPolicy, with: {Bucket: plain}, expect: {decision: error, code: NoSuchBucketPolicy, status: 404, message: The bucket policy does not exist}}
  - {as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: plain, Policy: random string}, expect: {decision: error, code: MalformedPolicy, status: 400, message: "Policies must be valid JSON and the first byte must be '{'"}}
"#,
    );
    assert!(names(&outcomes[1], "svc:S-21") && names(&outcomes[7], "svc:S-6"));
}

#[test]
fn acls_count_only_where_they_are_not_ignored() {
    // svc:S-4, svc:S-5, svc:S-6
    steps(
        r#"
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ACL: public-read}, expect: {decision: error, code: AccessControlListNotSupported, status: 400, message: The bucket does not allow ACLs}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ACL: bucket-owner-full-control}, expect: {decision: allow, checks: [{action: s3:PutObject, decision: allow}, {action: s3:PutObjectAcl, decision: allow}]}}
  - {as: {user: admin}, call: s3:PutBucketAcl, with: {Bucket: plain, ACL: private}, expect: {decision: error, code: AccessControlListNotSupported}}
  - {as: {anonymous: true}, call: s3:GetObject, with: {Bucket: legacy, Key: public.txt}, expect: {decision: allow}}
  - {as: {anonymous: true}, call: s3:GetObject, with: {Bucket: legacy, Key: private.txt}, expect: {decision: deny}}
  - {name: the bucket's ACL lists, as: {anonymous: true}, call: s3:ListObjectsV2, with: {Bucket: legacy}, expect: {decision: allow, output: {KeyCount: 3}}}
  - {name: the bucket policy does not cover a foreign object, as: {user: s3}, call: s3:GetObject, with: {Bucket: legacy, Key: foreign.txt}, expect: {decision: deny}}
  - {name: its owner opens it, as: {user: stranger}, call: s3:PutObjectAcl, with: {Bucket: legacy, Key: foreign.txt, ACL: bucket-owner-full-control}, expect: {decision: allow}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: legacy, Key: foreign.txt}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:PutPublicAccessBlock, with: {Bucket: legacy, PublicAccessBlockConfiguration: {BlockPublicAcls: true, IgnorePublicAcls: true}}}
  - {name: ignored, as: {anonymous: true}, call: s3:GetObject, with: {Bucket: legacy, Key: public.txt}, expect: {decision: deny}}
  - {name: blocked, as: {user: admin}, call: s3:PutObjectAcl, with: {Bucket: legacy, Key: private.txt, ACL: public-read}, expect: {decision: deny, code: AccessDenied, message: {contains: ["because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access."]}}}
  - {as: {user: admin}, call: s3:PutBucketOwnershipControls, with: {Bucket: plain, OwnershipControls: {Rules: [{ObjectOwnership: ObjectWriter}]}}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ACL: public-read}, expect: {decision: deny, code: AccessDenied}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: a, Body: {text: x}, ACL: private}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn condition_keys_of_requests() {
    // svc:S-42, svc:S-44
    steps(
        r#"
  - {as: {user: lister}, call: s3:ListObjectsV2, with: {Bucket: plain, Prefix: a/}, expect: {decision: allow, output: {KeyCount: 2, Contents: [{Key: a/1, Size: 3}, {Key: a/2, Size: 3}]}}}
  - {as: {user: lister}, call: s3:ListObjectsV2, with: {Bucket: plain}, expect: {decision: deny}}
  - {as: {user: s3}, call: s3:ListObjectsV2, with: {Bucket: plain, Delimiter: /}, expect: {decision: allow, output: {KeyCount: 3, Contents: [{Key: x.txt}], CommonPrefixes: [{Prefix: a/}, {Prefix: b/}]}}}
  - {as: {user: tagged}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt}, expect: {decision: allow}}
  - {as: {user: s3}, call: s3:PutObjectTagging, with: {Bucket: plain, Key: x.txt, Tagging: {TagSet: [{Key: level, Value: secret}]}}}
  - {as: {user: s3}, call: s3:GetObjectTagging, with: {Bucket: plain, Key: x.txt}, expect: {decision: allow, output: {TagSet: [{Key: level, Value: secret}]}}}
  - {as: {user: tagged}, call: s3:GetObject, with: {Bucket: plain, Key: x.txt}, expect: {decision: deny}}
  - {as: {user: tagged}, call: s3:PutObject, with: {Bucket: plain, Key: n, Body: {text: x}, Tagging: level=public}, expect: {decision: allow, checks: [{action: s3:PutObject, decision: allow}, {action: s3:PutObjectTagging, decision: allow}]}}
  - {as: {user: tagged}, call: s3:PutObject, with: {Bucket: plain, Key: n, Body: {text: x}, Tagging: level=secret}, expect: {decision: deny}}
"#,
    );
}

#[test]
fn versions_are_kept_and_named() {
    // svc:S-43
    steps(
        r#"
  - {as: {user: s3}, call: s3:PutObject, with: {Bucket: versions, Key: a, Body: {text: one}}, save: {one: VersionId}}
  - {as: {user: s3}, call: s3:PutObject, with: {Bucket: versions, Key: a, Body: {text: two}}, save: {two: VersionId}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: versions, Key: a, VersionId: "{{saved.one}}"}, expect: {decision: allow, output: {Body: b25l}, checks: [{action: s3:GetObjectVersion, decision: allow}]}}
  - {name: another action, as: {user: reader}, call: s3:GetObject, with: {Bucket: versions, Key: a, VersionId: "{{saved.one}}"}, expect: {decision: deny}}
  - {as: {user: s3}, call: s3:DeleteObject, with: {Bucket: versions, Key: a}, expect: {decision: allow, output: {DeleteMarker: true}}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: versions, Key: a}, expect: {decision: error, code: NoSuchKey}}
  - {as: {user: s3}, call: s3:GetObject, with: {Bucket: versions, Key: a, VersionId: "{{saved.two}}"}, expect: {decision: allow, output: {Body: dHdv}}}
  - {as: {user: s3}, call: s3:ListObjectsV2, with: {Bucket: versions}, expect: {decision: allow, output: {KeyCount: 0}}}
  - {as: {user: s3}, call: s3:ListObjectVersions, with: {Bucket: versions}, expect: {decision: allow, output: {Versions: [{VersionId: "{{saved.two}}"}, {VersionId: "{{saved.one}}"}], DeleteMarkers: [{IsLatest: true}]}}}
  - {as: {user: s3}, call: s3:DeleteObject, with: {Bucket: versions, Key: a, VersionId: "{{saved.two}}"}, expect: {decision: allow, checks: [{action: s3:DeleteObjectVersion, decision: allow}]}}
  - {as: {user: s3}, call: s3:GetBucketVersioning, with: {Bucket: versions}, expect: {decision: allow, output: {Status: Enabled}}}
"#,
    );
}

#[test]
fn multipart_uploads_need_decrypt_after_the_start() {
    // svc:S-16
    steps(
        r#"
  - {as: {user: writer}, call: s3:CreateMultipartUpload, with: {Bucket: kms, Key: m}, save: {id: UploadId}, expect: {decision: allow, output: {SSEKMSKeyId: "{{key.k.arn}}"}, checks: [{action: s3:PutObject, decision: allow}, {action: kms:GenerateDataKey, decision: allow}]}}
  - {as: {user: writer}, call: s3:UploadPart, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}", PartNumber: 1, Body: {text: one}}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {as: {user: admin}, call: s3:UploadPart, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}", PartNumber: 1, Body: {text: one}}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:UploadPartCopy, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}", PartNumber: 2, CopySource: kms/x.txt}, expect: {decision: allow, trail: [{eventName: Decrypt}, {eventName: Decrypt}]}}
  - {as: {user: admin}, call: s3:ListParts, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}"}, expect: {decision: allow, output: {Parts: [{PartNumber: 1}, {PartNumber: 2}]}}}
  - {as: {user: writer}, call: s3:CompleteMultipartUpload, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}", MultipartUpload: {Parts: [{PartNumber: 1}, {PartNumber: 2}]}}, expect: {decision: deny, stops_at: kms:Decrypt}}
  - {as: {user: admin}, call: s3:CompleteMultipartUpload, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}", MultipartUpload: {Parts: [{PartNumber: 1}, {PartNumber: 2}]}}, expect: {decision: allow}}
  - {as: {user: admin}, call: s3:GetObject, with: {Bucket: kms, Key: m}, expect: {decision: allow, output: {Body: b25laGVsbG8=}}}
  - {as: {user: admin}, call: s3:AbortMultipartUpload, with: {Bucket: kms, Key: m, UploadId: "{{saved.id}}"}, expect: {decision: error, code: NoSuchUpload, status: 404}}
"#,
    );
}

#[test]
fn deleting_many_is_decided_one_by_one() {
    let outcomes = steps(
        r#"
  - {as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: plain, Policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:DeleteObject", Resource: "arn:aws:s3:::plain/x.txt"}]}}}
  - {as: {user: s3}, call: s3:DeleteObjects, with: {Bucket: plain, Delete: {Objects: [{Key: x.txt}, {Key: a/1}]}}, expect: {decision: allow, output: {Deleted: [{Key: a/1}], Errors: [{Key: x.txt, Code: AccessDenied}]}}}
  - {as: {user: s3}, call: s3:ListObjectsV2, with: {Bucket: plain}, expect: {decision: allow, output: {KeyCount: 3}}}
"#,
    );
    assert_eq!(outcomes[1].checks.len(), 2);
}

#[test]
fn buckets_come_with_the_defaults_of_today() {
    // svc:S-4, svc:S-6
    steps(
        r#"
  - {as: {user: s3}, call: s3:CreateBucket, with: {Bucket: fresh}, expect: {decision: allow}}
  - {as: {user: s3}, call: s3:GetPublicAccessBlock, with: {Bucket: fresh}, expect: {decision: allow, output: {PublicAccessBlockConfiguration: {BlockPublicAcls: true, RestrictPublicBuckets: true}}}}
  - {as: {user: s3}, call: s3:GetBucketEncryption, with: {Bucket: fresh}, expect: {decision: allow, output: {ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}}}}
  - {as: {user: s3}, call: s3:GetBucketOwnershipControls, with: {Bucket: fresh}, expect: {decision: allow, output: {OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}}}}
  - {as: {user: s3}, call: s3:CreateBucket, with: {Bucket: fresh}, expect: {decision: allow, status: 200}}
  - {as: {user: s3}, call: s3:CreateBucket, region: eu-west-1, with: {Bucket: fresh, CreateBucketConfiguration: {LocationConstraint: eu-west-1}}, expect: {decision: error, code: BucketAlreadyOwnedByYou, status: 409}}
  - {as: {user: stranger}, call: s3:CreateBucket, with: {Bucket: fresh}, expect: {decision: error, code: BucketAlreadyExists, status: 409}}
  - {as: {user: s3}, call: s3:DeleteBucket, with: {Bucket: plain}, expect: {decision: error, code: BucketNotEmpty, status: 409}}
  - {as: {user: s3}, call: s3:DeleteBucket, with: {Bucket: fresh}, expect: {decision: allow, status: 204}}
  - {as: {user: stranger}, call: s3:ListBuckets, with: {}, expect: {decision: allow, output: {Buckets: []}}}
  - {as: {user: bystander}, call: s3:ListBuckets, with: {}, expect: {decision: deny}}
"#,
    );
}

#[test]
fn the_root_user_can_always_repair_a_bucket_policy() {
    // observed: s3-root-unlock
    steps(
        r#"
  - {as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: plain, Policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:*", Resource: ["arn:aws:s3:::plain", "arn:aws:s3:::plain/*"]}]}}}
  - {as: {user: admin}, call: s3:DeleteBucketPolicy, with: {Bucket: plain}, expect: {decision: deny}}
  - {as: {root: "111111111111"}, call: s3:ListObjectsV2, with: {Bucket: plain}, expect: {decision: deny}}
  - {as: {root: "111111111111"}, call: s3:DeleteBucketPolicy, with: {Bucket: plain}, expect: {decision: allow}}
"#,
    );
}

#[test]
fn object_lock_keeps_versions_from_everybody() {
    // observed: s3-objectlock-msg
    steps(
        r#"
  - {as: {user: admin}, call: s3:CreateBucket, with: {Bucket: locked, ObjectLockEnabledForBucket: true}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: plain, Key: l, Body: {text: x}, ObjectLockLegalHoldStatus: "ON"}, expect: {decision: error, code: InvalidRequest, status: 400}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: locked, Key: c, Body: {text: x}, ObjectLockMode: COMPLIANCE, ObjectLockRetainUntilDate: "2026-06-10T00:00:00Z"}, save: {compliance: VersionId}}
  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: locked, Key: g, Body: {text: x}, ObjectLockMode: GOVERNANCE, ObjectLockRetainUntilDate: "2026-06-10T00:00:00Z"}, save: {governance: VersionId}}
  - {name: nobody deletes the version, as: {user: admin}, call: s3:DeleteObject, with: {Bucket: locked, Key: c, VersionId: "{{saved.compliance}}", BypassGovernanceRetention: true}, expect: {decision: deny, code: AccessDenied, status: 403, message: Access Denied because object protected by object lock., unchanged: true}}
  - {name: a marker on top is no deletion, as: {user: admin}, call: s3:DeleteObject, with: {Bucket: locked, Key: c}, expect: {decision: allow}}
  - {name: governance holds without the header, as: {user: admin}, call: s3:DeleteObject, with: {Bucket: locked, Key: g, VersionId: "{{saved.governance}}"}, expect: {decision: deny, code: AccessDenied}}
  - {name: and gives way to it with the permission, as: {user: admin}, call: s3:DeleteObject, with: {Bucket: locked, Key: g, VersionId: "{{saved.governance}}", BypassGovernanceRetention: true}, expect: {decision: allow, checks: [{action: s3:DeleteObjectVersion, decision: allow}, {action: s3:BypassGovernanceRetention, decision: allow}]}}
  - {advance: 10d}
  - {name: when it is over the version may go, as: {user: admin}, call: s3:DeleteObject, with: {Bucket: locked, Key: c, VersionId: "{{saved.compliance}}"}, expect: {decision: allow}}
"#,
    );
}
