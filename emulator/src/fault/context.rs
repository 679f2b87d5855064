//! Faults in what a request tells about itself: the condition keys.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, request, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::SessionArnAsPrincipalArn,
        "session-arn-as-principal-arn",
        "iam:K-95",
        "aws:PrincipalArn of a role session is the session ARN",
    ),
    authorizer(
        Fault::ViaAwsServiceAlwaysFalse,
        "via-aws-service-always-false",
        "iam:K-62",
        "aws:ViaAWSService is false on forwarded calls too",
    ),
    world(
        Fault::ServicePrincipalHasPrincipalArn,
        "service-principal-has-principal-arn",
        "svc:F-3",
        "a service principal's call carries an aws:PrincipalArn",
    ),
    world(
        Fault::RequestAliasAbsent,
        "request-alias-absent",
        "svc:C-11",
        "the alias that a request names is not visible as kms:RequestAlias",
    )
    .stands_for("ministack 1.5.33"),
    authorizer(
        Fault::RoleNameAsUserName,
        "role-name-as-user-name",
        "iam:K-11",
        "aws:username of a role session is the name of the role",
    ),
    world(
        Fault::RootHasNoPrincipalArn,
        "root-has-no-principal-arn",
        "iam:K-01",
        "the root user's calls carry no aws:PrincipalArn",
    )
    .stands_for("floci#2637"),
    world(
        Fault::LongTermKeysTellMfa,
        "long-term-keys-tell-mfa",
        "iam:K-21",
        "aws:MultiFactorAuthPresent is false, not absent, for long-term keys",
    ),
    world(
        Fault::PrincipalTagsAbsent,
        "principal-tags-absent",
        "iam:K-05",
        "aws:PrincipalTag is absent",
    )
    .stands_for("awsim 0.8.0"),
    world(
        Fault::PrincipalTypeAbsent,
        "principal-type-absent",
        "iam:K-09",
        "aws:PrincipalType is absent",
    )
    .stands_for("awsim 0.8.0"),
    world(
        Fault::OwnTagsBeatSessionTags,
        "own-tags-beat-session-tags",
        "iam:K-91",
        "a role's own tags override its session's",
    ),
    world(
        Fault::SourceIpAbsent,
        "source-ip-absent",
        "iam:K-40",
        "aws:SourceIp is absent",
    )
    .stands_for("awsim 0.8.0"),
    request(
        Fault::SourceIpFromForwardedFor,
        "source-ip-from-forwarded-for",
        "iam:K-40",
        "aws:SourceIp is what X-Forwarded-For says",
    )
    .stands_for("GHSA-fc6g-2gcp-2qrq"),
    request(
        Fault::SourceVpceFromHeader,
        "source-vpce-from-header",
        "iam:K-43",
        "aws:SourceVpce is what the header x-amz-source-vpce says",
    ),
    world(
        Fault::ForwardedCallKeepsVpc,
        "forwarded-call-keeps-vpc",
        "iam:L-96",
        "a forwarded call keeps the VPC keys of the first one",
    ),
    world(
        Fault::SourceAccountOnDirectCalls,
        "source-account-on-direct-calls",
        "iam:K-80",
        "aws:SourceAccount is present on calls that no service makes",
    )
    .stands_for("floci#3945"),
    world(
        Fault::ResourceTagsAbsent,
        "resource-tags-absent",
        "iam:K-53",
        "aws:ResourceTag is absent",
    ),
    world(
        Fault::ViaServiceAbsent,
        "via-service-absent",
        "svc:C-3",
        "kms:ViaService is absent from forwarded calls",
    ),
    world(
        Fault::CallerAccountAbsent,
        "caller-account-absent",
        "svc:C-1",
        "kms:CallerAccount is absent",
    ),
    world(
        Fault::EncryptionContextAbsent,
        "encryption-context-absent",
        "svc:C-4",
        "the pairs of an encryption context are no condition keys",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::EncryptionContextKeysAbsent,
        "encryption-context-keys-absent",
        "svc:C-5",
        "kms:EncryptionContextKeys is absent",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::ResourceAliasesAbsent,
        "resource-aliases-absent",
        "svc:C-12",
        "kms:ResourceAliases is absent",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::GrantOperationsAbsent,
        "grant-operations-absent",
        "svc:C-13",
        "kms:GrantOperations is absent",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::EveryGrantForAwsResource,
        "every-grant-for-aws-resource",
        "svc:C-18",
        "kms:GrantIsForAWSResource is true on direct calls too",
    ),
    world(
        Fault::EncryptionHeaderAbsent,
        "encryption-header-absent",
        "svc:S-40",
        "s3:x-amz-server-side-encryption is absent",
    )
    .stands_for("awsim 0.8.0"),
    world(
        Fault::EncryptionHeaderToldFromDefault,
        "encryption-header-told-from-default",
        "svc:S-40",
        "s3:x-amz-server-side-encryption tells the bucket default where the header is missing",
    ),
    world(
        Fault::CopySourceKeyAbsent,
        "copy-source-key-absent",
        "svc:S-47",
        "s3:x-amz-copy-source is absent",
    )
    .stands_for("GHSA-wfxj-ph3v-7mjf"),
    world(
        Fault::ListPrefixAbsent,
        "list-prefix-absent",
        "svc:S-42",
        "s3:prefix is absent",
    )
    .stands_for("awsim 0.8.0"),
    world(
        Fault::VersionIdAbsent,
        "version-id-absent",
        "svc:S-43",
        "s3:VersionId is absent",
    ),
    world(
        Fault::ExistingObjectTagsAbsent,
        "existing-object-tags-absent",
        "svc:S-44",
        "s3:ExistingObjectTag is absent",
    )
    .stands_for("floci#3945"),
];
