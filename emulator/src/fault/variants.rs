//! The faults by name, family by family. What is said of them stands in the tables of the families.

/// One seeded fault. The id, the rule it breaks and its story are in [`FAULTS`](super::FAULTS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// `user-principal-ignores-case` (`iam:P-18`).
    UserPrincipalIgnoresCase,
    /// `session-principal-matches-role` (`iam:P-06`).
    SessionPrincipalMatchesRole,
    /// `aws-star-misses-anonymous` (`iam:P-02`).
    AwsStarMissesAnonymous,
    /// `account-principal-in-deny-misses` (`iam:P-32`).
    AccountPrincipalInDenyMisses,
    /// `role-principal-misses-sessions` (`iam:P-05`).
    RolePrincipalMissesSessions,
    /// `role-path-ignored` (`iam:P-05`).
    RolePathIgnored,
    /// `account-principal-means-root` (`iam:P-31`).
    AccountPrincipalMeansRoot,
    /// `account-deny-spares-root` (`iam:P-32`).
    AccountDenySparesRoot,
    /// `not-principal-ignored` (`iam:P-52`).
    NotPrincipalIgnored,
    /// `not-principal-spares-boundary-holders` (`iam:P-53`).
    NotPrincipalSparesBoundaryHolders,
    /// `partial-principal-wildcards` (`iam:P-14`).
    PartialPrincipalWildcards,
    /// `other-principal-kinds-mean-everybody` (`iam:P-11`).
    OtherPrincipalKindsMeanEverybody,
    /// `service-principal-matches-role-name` (`iam:P-63`).
    ServicePrincipalMatchesRoleName,
    /// `service-region-ignored` (`iam:P-60`).
    ServiceRegionIgnored,
    /// `recreated-principal-matches` (`iam:P-40`).
    RecreatedPrincipalMatches,
    /// `action-case-counts` (`iam:M-01`).
    ActionCaseCounts,
    /// `not-action-first-entry-only` (`iam:M-03`).
    NotActionFirstEntryOnly,
    /// `resource-star-stops-at-slash` (`iam:M-22`).
    ResourceStarStopsAtSlash,
    /// `unresolved-variable-is-empty` (`iam:V-10`).
    UnresolvedVariableIsEmpty,
    /// `substituted-wildcards-active` (`iam:V-12`).
    SubstitutedWildcardsActive,
    /// `action-prefix-suffices` (`svc:K-23`).
    ActionPrefixSuffices,
    /// `not-action-ignored` (`iam:M-03`).
    NotActionIgnored,
    /// `not-resource-ignored` (`iam:M-27`).
    NotResourceIgnored,
    /// `not-resource-deny-misses` (`iam:M-27`).
    NotResourceDenyMisses,
    /// `any-resource-covers-none` (`iam:M-25`).
    AnyResourceCoversNone,
    /// `resource-star-crosses-colons` (`iam:M-22`).
    ResourceStarCrossesColons,
    /// `resource-star-stops-at-colon` (`iam:M-22`).
    ResourceStarStopsAtColon,
    /// `question-mark-matches-nothing` (`iam:M-23`).
    QuestionMarkMatchesNothing,
    /// `dot-matches-anything` (`iam:M-21`).
    DotMatchesAnything,
    /// `resource-case-ignored` (`iam:M-24`).
    ResourceCaseIgnored,
    /// `bucket-pattern-covers-objects` (`iam:M-29`).
    BucketPatternCoversObjects,
    /// `statement-without-resource-counts` (`svc:K-14`).
    StatementWithoutResourceCounts,
    /// `resource-variables-literal` (`iam:V-01`).
    ResourceVariablesLiteral,
    /// `condition-variables-literal` (`iam:V-02`).
    ConditionVariablesLiteral,
    /// `variable-default-ignored` (`iam:V-06`).
    VariableDefaultIgnored,
    /// `variables-in-old-version` (`iam:V-15`).
    VariablesInOldVersion,
    /// `escaped-wildcard-active` (`iam:V-07`).
    EscapedWildcardActive,
    /// `alias-resource-covers-key` (`svc:K-16`).
    AliasResourceCoversKey,
    /// `string-equals-ignores-case` (`iam:C-03`).
    StringEqualsIgnoresCase,
    /// `string-like-question-mark-literal` (`iam:C-61`).
    StringLikeQuestionMarkLiteral,
    /// `numbers-compared-as-text` (`iam:C-30`).
    NumbersComparedAsText,
    /// `date-less-than-inclusive` (`iam:C-31`).
    DateLessThanInclusive,
    /// `absent-bool-is-false` (`iam:C-43`).
    AbsentBoolIsFalse,
    /// `binary-compared-as-text` (`iam:C-36`).
    BinaryComparedAsText,
    /// `address-prefix-ignored` (`iam:C-35`).
    AddressPrefixIgnored,
    /// `arn-compared-as-whole-text` (`iam:C-50`).
    ArnComparedAsWholeText,
    /// `null-sees-empty-list` (`iam:C-70`).
    NullSeesEmptyList,
    /// `negated-list-any` (`iam:C-11`).
    NegatedListAny,
    /// `absent-key-negated-false` (`iam:C-11`).
    AbsentKeyNegatedFalse,
    /// `if-exists-ignored` (`iam:C-41`).
    IfExistsIgnored,
    /// `if-exists-always-holds` (`iam:C-40`).
    IfExistsAlwaysHolds,
    /// `for-all-values-needs-a-value` (`iam:C-92`).
    ForAllValuesNeedsAValue,
    /// `for-any-value-as-all` (`iam:C-90`).
    ForAnyValueAsAll,
    /// `conditions-ignored` (`iam:C-13`).
    ConditionsIgnored,
    /// `false-condition-denies` (`iam:C-13`).
    FalseConditionDenies,
    /// `conditions-joined-by-or` (`iam:C-10`).
    ConditionsJoinedByOr,
    /// `string-not-equals-as-equals` (`iam:C-11`).
    StringNotEqualsAsEquals,
    /// `string-equals-globs` (`iam:C-60`).
    StringEqualsGlobs,
    /// `greater-than-inverted` (`iam:C-30`).
    GreaterThanInverted,
    /// `fractions-unread` (`iam:C-30`).
    FractionsUnread,
    /// `date-zone-ignored` (`iam:C-31`).
    DateZoneIgnored,
    /// `epoch-dates-unread` (`iam:C-32`).
    EpochDatesUnread,
    /// `bool-case-counts` (`iam:C-34`).
    BoolCaseCounts,
    /// `range-with-host-bits-unread` (`iam:C-35`).
    RangeWithHostBitsUnread,
    /// `address-without-prefix-unread` (`iam:C-35`).
    AddressWithoutPrefixUnread,
    /// `arn-wildcards-literal` (`iam:C-52`).
    ArnWildcardsLiteral,
    /// `negated-arn-needs-an-arn` (`iam:C-53`).
    NegatedArnNeedsAnArn,
    /// `null-inverted` (`iam:C-70`).
    NullInverted,
    /// `absent-key-holds` (`iam:K-98`).
    AbsentKeyHolds,
    /// `for-any-value-needs-no-value` (`iam:C-90`).
    ForAnyValueNeedsNoValue,
    /// `negated-for-all-values-as-any` (`iam:C-90`).
    NegatedForAllValuesAsAny,
    /// `set-operators-never-hold` (`iam:C-91`).
    SetOperatorsNeverHold,
    /// `session-arn-as-principal-arn` (`iam:K-95`).
    SessionArnAsPrincipalArn,
    /// `via-aws-service-always-false` (`iam:K-62`).
    ViaAwsServiceAlwaysFalse,
    /// `service-principal-has-principal-arn` (`svc:F-3`).
    ServicePrincipalHasPrincipalArn,
    /// `request-alias-absent` (`svc:C-11`).
    RequestAliasAbsent,
    /// `role-name-as-user-name` (`iam:K-11`).
    RoleNameAsUserName,
    /// `root-has-no-principal-arn` (`iam:K-01`).
    RootHasNoPrincipalArn,
    /// `long-term-keys-tell-mfa` (`iam:K-21`).
    LongTermKeysTellMfa,
    /// `principal-tags-absent` (`iam:K-05`).
    PrincipalTagsAbsent,
    /// `principal-type-absent` (`iam:K-09`).
    PrincipalTypeAbsent,
    /// `own-tags-beat-session-tags` (`iam:K-91`).
    OwnTagsBeatSessionTags,
    /// `source-ip-absent` (`iam:K-40`).
    SourceIpAbsent,
    /// `source-ip-from-forwarded-for` (`iam:K-40`).
    SourceIpFromForwardedFor,
    /// `source-vpce-from-header` (`iam:K-43`).
    SourceVpceFromHeader,
    /// `forwarded-call-keeps-vpc` (`iam:L-96`).
    ForwardedCallKeepsVpc,
    /// `source-account-on-direct-calls` (`iam:K-80`).
    SourceAccountOnDirectCalls,
    /// `resource-tags-absent` (`iam:K-53`).
    ResourceTagsAbsent,
    /// `via-service-absent` (`svc:C-3`).
    ViaServiceAbsent,
    /// `caller-account-absent` (`svc:C-1`).
    CallerAccountAbsent,
    /// `encryption-context-absent` (`svc:C-4`).
    EncryptionContextAbsent,
    /// `encryption-context-keys-absent` (`svc:C-5`).
    EncryptionContextKeysAbsent,
    /// `resource-aliases-absent` (`svc:C-12`).
    ResourceAliasesAbsent,
    /// `grant-operations-absent` (`svc:C-13`).
    GrantOperationsAbsent,
    /// `every-grant-for-aws-resource` (`svc:C-18`).
    EveryGrantForAwsResource,
    /// `encryption-header-absent` (`svc:S-40`).
    EncryptionHeaderAbsent,
    /// `encryption-header-told-from-default` (`svc:S-40`).
    EncryptionHeaderToldFromDefault,
    /// `copy-source-key-absent` (`svc:S-47`).
    CopySourceKeyAbsent,
    /// `list-prefix-absent` (`svc:S-42`).
    ListPrefixAbsent,
    /// `version-id-absent` (`svc:S-43`).
    VersionIdAbsent,
    /// `existing-object-tags-absent` (`svc:S-44`).
    ExistingObjectTagsAbsent,
    /// `identity-deny-ignored` (`iam:L-10`).
    IdentityDenyIgnored,
    /// `boundary-skipped` (`iam:L-13`).
    BoundarySkipped,
    /// `boundary-grants` (`iam:L-85`).
    BoundaryGrants,
    /// `session-policy-skipped` (`iam:L-76`).
    SessionPolicySkipped,
    /// `federated-user-needs-no-session-policy` (`iam:L-77`).
    FederatedUserNeedsNoSessionPolicy,
    /// `service-control-last-level-only` (`iam:L-03`).
    ServiceControlLastLevelOnly,
    /// `service-linked-role-bound` (`iam:L-48`).
    ServiceLinkedRoleBound,
    /// `resource-control-spares-own-account` (`iam:L-11`).
    ResourceControlSparesOwnAccount,
    /// `endpoint-policy-skipped` (`iam:L-14`).
    EndpointPolicySkipped,
    /// `trust-policy-optional` (`iam:L-41`).
    TrustPolicyOptional,
    /// `cross-account-identity-suffices` (`iam:L-42`).
    CrossAccountIdentitySuffices,
    /// `root-needs-identity-policy` (`iam:L-60`).
    RootNeedsIdentityPolicy,
    /// `blames-identity-always` (`iam:R-07`).
    BlamesIdentityAlways,
    /// `boundary-deny-ignored` (`iam:L-10`).
    BoundaryDenyIgnored,
    /// `session-deny-ignored` (`iam:L-10`).
    SessionDenyIgnored,
    /// `service-control-deny-ignored` (`iam:L-10`).
    ServiceControlDenyIgnored,
    /// `endpoint-deny-ignored` (`iam:L-10`).
    EndpointDenyIgnored,
    /// `resource-deny-ignored` (`iam:L-10`).
    ResourceDenyIgnored,
    /// `resource-control-skipped` (`iam:L-11`).
    ResourceControlSkipped,
    /// `resource-allow-beats-identity-deny` (`iam:L-29`).
    ResourceAllowBeatsIdentityDeny,
    /// `first-allow-wins` (`iam:L-04`).
    FirstAllowWins,
    /// `session-needs-no-allow` (`iam:L-01`).
    SessionNeedsNoAllow,
    /// `caller-without-account-allowed` (`iam:L-46`).
    CallerWithoutAccountAllowed,
    /// `unusable-policy-ignored` (`iam:E-22`).
    UnusablePolicyIgnored,
    /// `unreadable-parts-skipped` (`iam:E-22`).
    UnreadablePartsSkipped,
    /// `boundary-limits-named-caller` (`iam:L-20`).
    BoundaryLimitsNamedCaller,
    /// `session-policy-limits-named-session` (`iam:L-21`).
    SessionPolicyLimitsNamedSession,
    /// `role-principal-escapes-limits` (`iam:L-22`).
    RolePrincipalEscapesLimits,
    /// `session-policy-grants` (`iam:L-76`).
    SessionPolicyGrants,
    /// `session-policy-only-denies` (`iam:L-76`).
    SessionPolicyOnlyDenies,
    /// `account-principal-as-direct-allow` (`iam:P-30`).
    AccountPrincipalAsDirectAllow,
    /// `resource-allow-needs-identity` (`iam:L-40`).
    ResourceAllowNeedsIdentity,
    /// `trust-policy-suffices-across-accounts` (`iam:L-42`).
    TrustPolicySufficesAcrossAccounts,
    /// `endpoint-policy-grants` (`iam:L-90`).
    EndpointPolicyGrants,
    /// `gateway-account-means-everybody` (`iam:P-34`).
    GatewayAccountMeansEverybody,
    /// `service-control-spares-root` (`iam:L-61`).
    ServiceControlSparesRoot,
    /// `service-control-spares-resource-allow` (`iam:L-30`).
    ServiceControlSparesResourceAllow,
    /// `service-control-binds-management` (`iam:L-49`).
    ServiceControlBindsManagement,
    /// `service-control-of-owner` (`iam:L-44`).
    ServiceControlOfOwner,
    /// `root-never-denied` (`iam:L-61`).
    RootNeverDenied,
    /// `assumed-root-unlimited` (`iam:L-62`).
    AssumedRootUnlimited,
    /// `group-policies-ignored` (`iam:L-02`).
    GroupPoliciesIgnored,
    /// `managed-session-policies-ignored` (`iam:L-76`).
    ManagedSessionPoliciesIgnored,
    /// `explicit-deny-told-as-implicit` (`iam:R-02`).
    ExplicitDenyToldAsImplicit,
    /// `last-deny-blamed` (`iam:R-06`).
    LastDenyBlamed,
    /// `message-names-role` (`iam:R-01`).
    MessageNamesRole,
    /// `session-tags-unasked` (`iam:L-74`).
    SessionTagsUnasked,
    /// `source-identity-unasked` (`iam:L-74`).
    SourceIdentityUnasked,
    /// `role-trusts-itself` (`iam:L-73`).
    RoleTrustsItself,
    /// `own-policy-unasked` (`iam:L-01`).
    OwnPolicyUnasked,
    /// `create-access-key-unasked` (`iam:L-01`).
    CreateAccessKeyUnasked,
    /// `boundary-removal-unasked` (`iam:L-01`).
    BoundaryRemovalUnasked,
    /// `attach-user-policy-unasked` (`iam:L-01`).
    AttachUserPolicyUnasked,
    /// `trust-policy-change-unasked` (`iam:L-01`).
    TrustPolicyChangeUnasked,
    /// `put-user-policy-asks-to-read` (`iam:L-01`).
    PutUserPolicyAsksToRead,
    /// `delegation-as-direct-allow` (`svc:K-4`).
    DelegationAsDirectAllow,
    /// `cross-account-key-policy-suffices` (`svc:K-7`).
    CrossAccountKeyPolicySuffices,
    /// `key-policy-deny-ignored-for-grants` (`svc:K-11`).
    KeyPolicyDenyIgnoredForGrants,
    /// `lockout-check-skipped` (`svc:P-5`).
    LockoutCheckSkipped,
    /// `alias-key-unasked` (`svc:K-17`).
    AliasKeyUnasked,
    /// `re-encrypt-destination-unchecked` (`svc:K-21`).
    ReEncryptDestinationUnchecked,
    /// `key-policy-optional` (`svc:K-6`).
    KeyPolicyOptional,
    /// `key-policy-allow-needs-identity` (`svc:K-3`).
    KeyPolicyAllowNeedsIdentity,
    /// `delegation-ignores-action` (`svc:K-5`).
    DelegationIgnoresAction,
    /// `other-account-delegates` (`svc:K-7a`).
    OtherAccountDelegates,
    /// `replica-uses-primary-policy` (`svc:K-15`).
    ReplicaUsesPrimaryPolicy,
    /// `replica-create-key-unasked` (`svc:K-22`).
    ReplicaCreateKeyUnasked,
    /// `foreign-operations-allowed` (`svc:K-9`).
    ForeignOperationsAllowed,
    /// `alias-itself-unasked` (`svc:K-17`).
    AliasItselfUnasked,
    /// `decrypt-without-key-id-unchecked` (`svc:K-10`).
    DecryptWithoutKeyIdUnchecked,
    /// `key-id-less-denial-names-key` (`svc:X-4`).
    KeyIdLessDenialNamesKey,
    /// `re-encrypt-source-unchecked` (`svc:K-21`).
    ReEncryptSourceUnchecked,
    /// `data-key-without-plaintext-as-data-key` (`svc:K-23`).
    DataKeyWithoutPlaintextAsDataKey,
    /// `bad-key-policy-stored` (`svc:P-4`).
    BadKeyPolicyStored,
    /// `dry-run-executes` (`svc:K-26`).
    DryRunExecutes,
    /// `grant-constraint-ignored` (`svc:G-10`).
    GrantConstraintIgnored,
    /// `role-grantee-misses-sessions` (`svc:G-14`).
    RoleGranteeMissesSessions,
    /// `session-name-ignored-in-grantee` (`svc:G-14`).
    SessionNameIgnoredInGrantee,
    /// `retired-grant-still-allows` (`svc:G-1`).
    RetiredGrantStillAllows,
    /// `child-grant-unlimited` (`svc:G-6`).
    ChildGrantUnlimited,
    /// `grant-token-ignored` (`svc:G-21`).
    GrantTokenIgnored,
    /// `key-policy-retire-grant-counts` (`svc:G-16`).
    KeyPolicyRetireGrantCounts,
    /// `grants-inert` (`svc:K-20`).
    GrantsInert,
    /// `grant-operation-ignored` (`svc:K-20`).
    GrantOperationIgnored,
    /// `grant-needs-key-policy` (`svc:K-20`).
    GrantNeedsKeyPolicy,
    /// `grant-escapes-service-control` (`svc:K-27`).
    GrantEscapesServiceControl,
    /// `grant-beats-identity-deny` (`svc:K-2`).
    GrantBeatsIdentityDeny,
    /// `foreign-grantee-needs-identity` (`svc:G-20`).
    ForeignGranteeNeedsIdentity,
    /// `grant-equals-as-subset` (`svc:G-10`).
    GrantEqualsAsSubset,
    /// `grant-subset-as-equals` (`svc:G-10`).
    GrantSubsetAsEquals,
    /// `grant-constraint-on-describe-key` (`svc:G-12`).
    GrantConstraintOnDescribeKey,
    /// `grant-source-ignored` (`svc:G-13`).
    GrantSourceIgnored,
    /// `grantee-matched-by-name` (`svc:G-15`).
    GranteeMatchedByName,
    /// `token-revives-ended-grant` (`svc:G-21`).
    TokenRevivesEndedGrant,
    /// `unknown-grant-token-accepted` (`svc:G-22`).
    UnknownGrantTokenAccepted,
    /// `grant-pair-quota-skipped` (`svc:G-10`).
    GrantPairQuotaSkipped,
    /// `nonexistent-grantee-accepted` (`svc:G-2`).
    NonexistentGranteeAccepted,
    /// `anyone-may-retire` (`svc:G-16`).
    AnyoneMayRetire,
    /// `identity-policy-retires-any-grant` (`svc:G-16`).
    IdentityPolicyRetiresAnyGrant,
    /// `retiring-principal-needs-policy` (`svc:G-16`).
    RetiringPrincipalNeedsPolicy,
    /// `lambda-grants-whole-role` (`svc:L-10`).
    LambdaGrantsWholeRole,
    /// `lambda-grant-lacks-decrypt` (`svc:L-3`).
    LambdaGrantLacksDecrypt,
    /// `key-state-ignored` (`svc:ST-1`).
    KeyStateIgnored,
    /// `cancelled-deletion-enables` (`svc:ST-4`).
    CancelledDeletionEnables,
    /// `decrypt-state-ignored` (`svc:ST-1`).
    DecryptStateIgnored,
    /// `data-key-state-ignored` (`svc:ST-1`).
    DataKeyStateIgnored,
    /// `signing-state-ignored` (`svc:ST-1`).
    SigningStateIgnored,
    /// `create-grant-state-ignored` (`svc:G-9`).
    CreateGrantStateIgnored,
    /// `pending-deletion-usable` (`svc:ST-3`).
    PendingDeletionUsable,
    /// `disabled-key-serves-s3` (`svc:S-31`).
    DisabledKeyServesS3,
    /// `re-encrypt-destination-state-ignored` (`svc:K-21`).
    ReEncryptDestinationStateIgnored,
    /// `state-before-permission` (`svc:K-32`).
    StateBeforePermission,
    /// `generate-data-key-unchecked-on-put` (`svc:S-16`).
    GenerateDataKeyUncheckedOnPut,
    /// `decrypt-unchecked-on-get` (`svc:S-17`).
    DecryptUncheckedOnGet,
    /// `generate-data-key-unchecked-on-form` (`svc:S-16`).
    GenerateDataKeyUncheckedOnForm,
    /// `generate-data-key-unchecked-on-copy` (`svc:S-18`).
    GenerateDataKeyUncheckedOnCopy,
    /// `generate-data-key-unchecked-on-upload` (`svc:S-16`).
    GenerateDataKeyUncheckedOnUpload,
    /// `decrypt-unchecked-on-head` (`svc:S-17`).
    DecryptUncheckedOnHead,
    /// `decrypt-unchecked-on-attributes` (`svc:S-15`).
    DecryptUncheckedOnAttributes,
    /// `decrypt-unchecked-on-select` (`svc:S-15`).
    DecryptUncheckedOnSelect,
    /// `decrypt-unchecked-on-copy-source` (`svc:S-18`).
    DecryptUncheckedOnCopySource,
    /// `decrypt-unchecked-on-part` (`svc:S-16`).
    DecryptUncheckedOnPart,
    /// `decrypt-unchecked-on-part-copy` (`svc:S-16`).
    DecryptUncheckedOnPartCopy,
    /// `decrypt-unchecked-on-complete` (`svc:S-16`).
    DecryptUncheckedOnComplete,
    /// `decrypt-unchecked-on-list-parts` (`svc:S-15`).
    DecryptUncheckedOnListParts,
    /// `anonymous-reads-kms-objects` (`svc:S-21`).
    AnonymousReadsKmsObjects,
    /// `kms-asked-as-bucket-owner` (`svc:F-1`).
    KmsAskedAsBucketOwner,
    /// `bucket-default-key-asked` (`svc:S-10`).
    BucketDefaultKeyAsked,
    /// `bucket-key-context-is-object` (`svc:S-14`).
    BucketKeyContextIsObject,
    /// `customer-context-dropped` (`svc:S-14`).
    CustomerContextDropped,
    /// `lambda-asks-as-account` (`svc:L-2`).
    LambdaAsksAsAccount,
    /// `backup-asks-as-account` (`svc:B-1`).
    BackupAsksAsAccount,
    /// `head-object-as-own-action` (`svc:S-26`).
    HeadObjectAsOwnAction,
    /// `head-bucket-as-own-action` (`svc:S-26`).
    HeadBucketAsOwnAction,
    /// `list-objects-v2-as-own-action` (`svc:S-26`).
    ListObjectsV2AsOwnAction,
    /// `list-versions-as-list-bucket` (`svc:S-26`).
    ListVersionsAsListBucket,
    /// `upload-part-as-own-action` (`svc:S-16`).
    UploadPartAsOwnAction,
    /// `version-read-as-plain-read` (`svc:S-43`).
    VersionReadAsPlainRead,
    /// `version-delete-as-plain-delete` (`svc:S-43`).
    VersionDeleteAsPlainDelete,
    /// `attributes-action-unasked` (`svc:S-26`).
    AttributesActionUnasked,
    /// `delete-objects-checked-once` (`svc:S-26`).
    DeleteObjectsCheckedOnce,
    /// `copy-source-unchecked` (`svc:S-18`).
    CopySourceUnchecked,
    /// `part-copy-source-unchecked` (`svc:S-16`).
    PartCopySourceUnchecked,
    /// `complete-upload-unchecked` (`svc:S-16`).
    CompleteUploadUnchecked,
    /// `abort-upload-unchecked` (`svc:S-16`).
    AbortUploadUnchecked,
    /// `tagging-unasked` (`svc:S-44`).
    TaggingUnasked,
    /// `source-tags-unasked` (`svc:S-18`).
    SourceTagsUnasked,
    /// `acl-header-unasked` (`svc:S-47`).
    AclHeaderUnasked,
    /// `lock-headers-unasked` (`svc:S-47`).
    LockHeadersUnasked,
    /// `governance-bypass-unasked` (`iam:L-10`).
    GovernanceBypassUnasked,
    /// `missing-key-told-to-all` (`svc:S-8`).
    MissingKeyToldToAll,
    /// `precondition-before-permission` (`svc:S-19`).
    PreconditionBeforePermission,
    /// `expected-owner-ignored` (`svc:S-19`).
    ExpectedOwnerIgnored,
    /// `requester-pays-unasked` (`svc:S-9`).
    RequesterPaysUnasked,
    /// `block-public-acls-ignored` (`svc:S-6`).
    BlockPublicAclsIgnored,
    /// `ignore-public-acls-ignored` (`svc:S-6`).
    IgnorePublicAclsIgnored,
    /// `block-public-policy-ignored` (`svc:S-6`).
    BlockPublicPolicyIgnored,
    /// `restrict-public-buckets-ignored` (`svc:S-6`).
    RestrictPublicBucketsIgnored,
    /// `account-block-ignored` (`svc:S-6`).
    AccountBlockIgnored,
    /// `aws-star-policy-not-public` (`svc:S-7`).
    AwsStarPolicyNotPublic,
    /// `any-condition-makes-private` (`svc:S-7`).
    AnyConditionMakesPrivate,
    /// `bucket-policy-covers-foreign-objects` (`svc:S-4`).
    BucketPolicyCoversForeignObjects,
    /// `disabled-acls-count` (`svc:S-4`).
    DisabledAclsCount,
    /// `authenticated-users-include-anonymous` (`svc:S-5`).
    AuthenticatedUsersIncludeAnonymous,
    /// `bucket-policy-open-to-strangers` (`svc:S-3`).
    BucketPolicyOpenToStrangers,
    /// `signature-unverified` (`svc:S-21`).
    SignatureUnverified,
    /// `unsigned-trailer-unverified` (`svc:S-21`).
    UnsignedTrailerUnverified,
    /// `session-token-unchecked` (`svc:S-21`).
    SessionTokenUnchecked,
    /// `unsigned-header-accepted` (`svc:S-21`).
    UnsignedHeaderAccepted,
    /// `presigned-extra-header-accepted` (`svc:S-23`).
    PresignedExtraHeaderAccepted,
    /// `presign-expiry-ignored` (`svc:S-23`).
    PresignExpiryIgnored,
    /// `presigned-unchecked` (`svc:S-23`).
    PresignedUnchecked,
    /// `streaming-upload-unchecked` (`svc:S-1`).
    StreamingUploadUnchecked,
    /// `query-over-header` (`svc:S-47`).
    QueryOverHeader,
    /// `form-upload-unchecked` (`svc:S-23`).
    FormUploadUnchecked,
    /// `form-policy-ignored` (`svc:S-23`).
    FormPolicyIgnored,
    /// `form-bucket-field-decides` (`svc:S-23`).
    FormBucketFieldDecides,
    /// `dot-segments-removed-after-check` (`svc:S-26`).
    DotSegmentsRemovedAfterCheck,
    /// `copy-source-dot-segments` (`svc:S-18`).
    CopySourceDotSegments,
    /// `key-checked-undecoded` (`svc:S-26`).
    KeyCheckedUndecoded,
}
