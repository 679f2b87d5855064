//! The operation table of KMS (svc:§2, and the "Required permissions", "Cross-account use" and "Request Parameters" of
//! each page of the API reference): what each operation is called, what it asks, whom and what it accepts, who runs it.

use super::operations::Identifiers;
use super::operations::On::{Alias, Any, Key, Role};
use super::operations::Operation;
use super::states;
use super::{
    alias_operations, crypto_operations, data_key_pair_operations, grant_operations, import_operations, key_operations,
    multi_region_operations, policy_operations, rotation_operations, signing_operations, tag_operations,
    unsupported_operations,
};

const ENCRYPT: &[&str] = &["ENCRYPT_DECRYPT"];
const SIGN: &[&str] = &["SIGN_VERIFY"];
const MAC: &[&str] = &["GENERATE_VERIFY_MAC"];
const AGREE: &[&str] = &["KEY_AGREEMENT"];
const ENCAPSULATE: &[&str] = &["ENCAPSULATE_DECAPSULATE"];

const ALIAS: &[&str] = &["kms:requestalias"];
const ENCRYPTION: &[&str] = &[
    "kms:encryptionalgorithm",
    "kms:encryptioncontextkeys",
    "kms:requestalias",
];
const DATA_KEY_PAIR: &[&str] = &[
    "kms:datakeypairspec",
    "kms:encryptionalgorithm",
    "kms:encryptioncontextkeys",
    "kms:requestalias",
];
const RE_ENCRYPTION: &[&str] = &[
    "kms:encryptionalgorithm",
    "kms:encryptioncontextkeys",
    "kms:reencryptonsamekey",
    "kms:requestalias",
];
const SIGNING_KEYS: &[&str] = &["kms:messagetype", "kms:requestalias", "kms:signingalgorithm"];
const MAC_KEYS: &[&str] = &["kms:macalgorithm", "kms:requestalias"];
const ENCAPSULATION_KEYS: &[&str] = &["kms:encapsulationalgorithm", "kms:requestalias"];
const UNUSED_DAYS: &[&str] = &["kms:trailingdayswithoutkeyusage"];
const FOR_AWS_RESOURCE: &[&str] = &["kms:grantisforawsresource"];
const CREATE_GRANT: &[&str] = &[
    "kms:encryptioncontextkeys",
    "kms:grantconstraintsourcearn",
    "kms:grantconstrainttype",
    "kms:granteeprincipal",
    "kms:granteeserviceprincipal",
    "kms:grantisforawsresource",
    "kms:grantoperations",
    "kms:retiringprincipal",
    "kms:retiringserviceprincipal",
];
const CREATE_KEY: &[&str] = &[
    "aws:requesttag/",
    "aws:resourcetag/",
    "aws:tagkeys",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:multiregionkeytype",
];

/// Changes to a key of the own account, by key id or ARN.
const CHANGE: Operation = Operation {
    name: "",
    permissions: &[],
    cross_account: false,
    identifiers: Identifiers::Key,
    usages: &[],
    states: None,
    condition_keys: &[],
    dry_run: false,
    read_only: false,
    run: unsupported_operations::custom_key_store,
};
/// Reading from a key of the own account, by key id or ARN.
const READ: Operation = Operation {
    read_only: true,
    ..CHANGE
};
/// Operations that are about no single key.
const NO_KEY: Operation = READ;
/// Key use: every identifier form, from every account, dry run.
const USE: Operation = Operation {
    cross_account: true,
    identifiers: Identifiers::KeyOrAlias,
    states: Some(&states::CRYPTOGRAPHIC),
    dry_run: true,
    ..READ
};

/// Every operation of the API.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CancelKeyDeletion",
        permissions: &[("kms:CancelKeyDeletion", Key)],
        states: Some(&states::CANCEL),
        run: key_operations::cancel_deletion,
        ..CHANGE
    },
    Operation {
        name: "ConnectCustomKeyStore",
        permissions: &[("kms:ConnectCustomKeyStore", Any)],
        read_only: false,
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "CreateAlias",
        permissions: &[("kms:CreateAlias", Alias), ("kms:CreateAlias", Key)],
        states: Some(&states::NOT_PENDING_DELETION),
        run: alias_operations::create,
        ..CHANGE
    },
    Operation {
        name: "CreateCustomKeyStore",
        permissions: &[("kms:CreateCustomKeyStore", Any)],
        read_only: false,
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "CreateGrant",
        permissions: &[("kms:CreateGrant", Key)],
        cross_account: true,
        states: Some(&states::GRANT),
        condition_keys: CREATE_GRANT,
        dry_run: true,
        run: grant_operations::create,
        ..CHANGE
    },
    Operation {
        name: "CreateKey",
        permissions: &[
            ("kms:CreateKey", Any),
            ("kms:TagResource", Any),
            ("iam:CreateServiceLinkedRole", Role),
        ],
        condition_keys: CREATE_KEY,
        read_only: false,
        run: key_operations::create,
        ..NO_KEY
    },
    Operation {
        name: "Decapsulate",
        permissions: &[("kms:Decapsulate", Key)],
        usages: ENCAPSULATE,
        condition_keys: ENCAPSULATION_KEYS,
        run: unsupported_operations::encapsulation,
        ..USE
    },
    Operation {
        name: "Decrypt",
        permissions: &[("kms:Decrypt", Key)],
        usages: ENCRYPT,
        condition_keys: ENCRYPTION,
        run: crypto_operations::decrypt,
        ..USE
    },
    Operation {
        name: "DeleteAlias",
        permissions: &[("kms:DeleteAlias", Alias), ("kms:DeleteAlias", Key)],
        states: Some(&states::ALWAYS),
        run: alias_operations::delete,
        ..CHANGE
    },
    Operation {
        name: "DeleteCustomKeyStore",
        permissions: &[("kms:DeleteCustomKeyStore", Any)],
        read_only: false,
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "DeleteImportedKeyMaterial",
        permissions: &[("kms:DeleteImportedKeyMaterial", Key)],
        states: Some(&states::DELETE_IMPORTED),
        run: import_operations::delete,
        ..CHANGE
    },
    Operation {
        name: "DeriveSharedSecret",
        permissions: &[("kms:DeriveSharedSecret", Key)],
        usages: AGREE,
        condition_keys: &["kms:keyagreementalgorithm", "kms:requestalias"],
        run: signing_operations::derive_shared_secret,
        ..USE
    },
    Operation {
        name: "DescribeCustomKeyStores",
        permissions: &[("kms:DescribeCustomKeyStores", Any)],
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "DescribeKey",
        permissions: &[("kms:DescribeKey", Key)],
        cross_account: true,
        identifiers: Identifiers::KeyOrAlias,
        states: Some(&states::ALWAYS),
        condition_keys: ALIAS,
        run: key_operations::describe,
        ..READ
    },
    Operation {
        name: "DisableKey",
        permissions: &[("kms:DisableKey", Key)],
        states: Some(&states::SWITCH),
        condition_keys: UNUSED_DAYS,
        run: key_operations::disable,
        ..CHANGE
    },
    Operation {
        name: "DisableKeyRotation",
        permissions: &[("kms:DisableKeyRotation", Key)],
        states: Some(&states::ROTATION),
        run: rotation_operations::disable,
        ..CHANGE
    },
    Operation {
        name: "DisconnectCustomKeyStore",
        permissions: &[("kms:DisconnectCustomKeyStore", Any)],
        read_only: false,
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "EnableKey",
        permissions: &[("kms:EnableKey", Key)],
        states: Some(&states::SWITCH),
        run: key_operations::enable,
        ..CHANGE
    },
    Operation {
        name: "EnableKeyRotation",
        permissions: &[("kms:EnableKeyRotation", Key)],
        states: Some(&states::ROTATION),
        condition_keys: &["kms:rotationperiodindays"],
        run: rotation_operations::enable,
        ..CHANGE
    },
    Operation {
        name: "Encapsulate",
        permissions: &[("kms:Encapsulate", Key)],
        usages: ENCAPSULATE,
        condition_keys: ENCAPSULATION_KEYS,
        run: unsupported_operations::encapsulation,
        ..USE
    },
    Operation {
        name: "Encrypt",
        permissions: &[("kms:Encrypt", Key)],
        usages: ENCRYPT,
        condition_keys: ENCRYPTION,
        run: crypto_operations::encrypt,
        ..USE
    },
    Operation {
        name: "GenerateDataKey",
        permissions: &[("kms:GenerateDataKey", Key)],
        usages: ENCRYPT,
        condition_keys: ENCRYPTION,
        run: crypto_operations::generate_data_key,
        ..USE
    },
    Operation {
        name: "GenerateDataKeyPair",
        permissions: &[("kms:GenerateDataKeyPair", Key)],
        usages: ENCRYPT,
        condition_keys: DATA_KEY_PAIR,
        run: data_key_pair_operations::generate,
        ..USE
    },
    Operation {
        name: "GenerateDataKeyPairWithoutPlaintext",
        permissions: &[("kms:GenerateDataKeyPairWithoutPlaintext", Key)],
        usages: ENCRYPT,
        condition_keys: DATA_KEY_PAIR,
        run: data_key_pair_operations::generate,
        ..USE
    },
    Operation {
        name: "GenerateDataKeyWithoutPlaintext",
        permissions: &[("kms:GenerateDataKeyWithoutPlaintext", Key)],
        usages: ENCRYPT,
        condition_keys: ENCRYPTION,
        run: crypto_operations::generate_data_key,
        ..USE
    },
    Operation {
        name: "GenerateMac",
        permissions: &[("kms:GenerateMac", Key)],
        usages: MAC,
        condition_keys: MAC_KEYS,
        run: signing_operations::generate_mac,
        ..USE
    },
    Operation {
        name: "GenerateRandom",
        permissions: &[("kms:GenerateRandom", Any)],
        run: crypto_operations::generate_random,
        ..NO_KEY
    },
    Operation {
        name: "GetKeyLastUsage",
        permissions: &[("kms:GetKeyLastUsage", Key)],
        states: Some(&states::ALWAYS),
        run: key_operations::last_usage,
        ..READ
    },
    Operation {
        name: "GetKeyPolicy",
        permissions: &[("kms:GetKeyPolicy", Key)],
        states: Some(&states::ALWAYS),
        condition_keys: &["kms:policyname"],
        run: policy_operations::get,
        ..READ
    },
    Operation {
        name: "GetKeyRotationStatus",
        permissions: &[("kms:GetKeyRotationStatus", Key)],
        cross_account: true,
        states: Some(&states::ROTATION_STATUS),
        run: rotation_operations::status,
        ..READ
    },
    Operation {
        name: "GetParametersForImport",
        permissions: &[("kms:GetParametersForImport", Key)],
        states: Some(&states::IMPORT_PARAMETERS),
        condition_keys: &["kms:wrappingalgorithm", "kms:wrappingkeyspec"],
        run: import_operations::parameters,
        ..READ
    },
    Operation {
        name: "GetPublicKey",
        permissions: &[("kms:GetPublicKey", Key)],
        usages: &[
            "SIGN_VERIFY",
            "ENCRYPT_DECRYPT",
            "KEY_AGREEMENT",
            "ENCAPSULATE_DECAPSULATE",
        ],
        condition_keys: ALIAS,
        dry_run: false,
        run: signing_operations::get_public_key,
        ..USE
    },
    Operation {
        name: "ImportKeyMaterial",
        permissions: &[("kms:ImportKeyMaterial", Key)],
        states: Some(&states::IMPORT),
        condition_keys: &["kms:expirationmodel", "kms:validto"],
        run: import_operations::import,
        ..CHANGE
    },
    Operation {
        name: "ListAliases",
        permissions: &[("kms:ListAliases", Any)],
        run: alias_operations::list,
        ..NO_KEY
    },
    Operation {
        name: "ListGrants",
        permissions: &[("kms:ListGrants", Key)],
        cross_account: true,
        states: Some(&states::ALWAYS),
        condition_keys: FOR_AWS_RESOURCE,
        run: grant_operations::list,
        ..READ
    },
    Operation {
        name: "ListKeyPolicies",
        permissions: &[("kms:ListKeyPolicies", Key)],
        states: Some(&states::ALWAYS),
        run: policy_operations::list,
        ..READ
    },
    Operation {
        name: "ListKeyRotations",
        permissions: &[("kms:ListKeyRotations", Key)],
        states: Some(&states::ALWAYS),
        run: rotation_operations::list,
        ..READ
    },
    Operation {
        name: "ListKeys",
        permissions: &[("kms:ListKeys", Any)],
        run: key_operations::list,
        ..NO_KEY
    },
    Operation {
        name: "ListResourceTags",
        permissions: &[("kms:ListResourceTags", Key)],
        states: Some(&states::ALWAYS),
        run: tag_operations::list,
        ..READ
    },
    Operation {
        name: "ListRetirableGrants",
        permissions: &[("kms:ListRetirableGrants", Any)],
        run: grant_operations::list_retirable,
        ..NO_KEY
    },
    Operation {
        name: "PutKeyPolicy",
        permissions: &[("kms:PutKeyPolicy", Key)],
        states: Some(&states::ALWAYS),
        condition_keys: &["kms:bypasspolicylockoutsafetycheck", "kms:policyname"],
        run: policy_operations::put,
        ..CHANGE
    },
    Operation {
        name: "ReEncrypt",
        permissions: &[("kms:ReEncryptFrom", Key), ("kms:ReEncryptTo", Key)],
        usages: ENCRYPT,
        condition_keys: RE_ENCRYPTION,
        run: crypto_operations::re_encrypt,
        ..USE
    },
    Operation {
        name: "ReplicateKey",
        permissions: &[
            ("kms:ReplicateKey", Key),
            ("kms:CreateKey", Any),
            ("kms:TagResource", Any),
        ],
        states: Some(&states::REPLICATE),
        condition_keys: &["kms:replicaregion"],
        run: multi_region_operations::replicate,
        ..CHANGE
    },
    Operation {
        name: "RetireGrant",
        permissions: &[("kms:RetireGrant", Key)],
        cross_account: true,
        states: Some(&states::ALWAYS),
        condition_keys: &["kms:encryptioncontextkeys", "kms:grantconstrainttype"],
        dry_run: true,
        run: grant_operations::retire,
        ..CHANGE
    },
    Operation {
        name: "RevokeGrant",
        permissions: &[("kms:RevokeGrant", Key)],
        cross_account: true,
        states: Some(&states::ALWAYS),
        condition_keys: FOR_AWS_RESOURCE,
        dry_run: true,
        run: grant_operations::revoke,
        ..CHANGE
    },
    Operation {
        name: "RotateKeyOnDemand",
        permissions: &[("kms:RotateKeyOnDemand", Key)],
        states: Some(&states::ROTATE_ON_DEMAND),
        run: rotation_operations::on_demand,
        ..CHANGE
    },
    Operation {
        name: "ScheduleKeyDeletion",
        permissions: &[("kms:ScheduleKeyDeletion", Key)],
        states: Some(&states::SCHEDULE_DELETION),
        condition_keys: &[
            "kms:schedulekeydeletionpendingwindowindays",
            "kms:trailingdayswithoutkeyusage",
        ],
        run: key_operations::schedule_deletion,
        ..CHANGE
    },
    Operation {
        name: "Sign",
        permissions: &[("kms:Sign", Key)],
        usages: SIGN,
        condition_keys: SIGNING_KEYS,
        run: signing_operations::sign,
        ..USE
    },
    Operation {
        name: "TagResource",
        permissions: &[("kms:TagResource", Key)],
        states: Some(&states::NOT_PENDING_DELETION),
        condition_keys: &["aws:requesttag/", "aws:tagkeys"],
        run: tag_operations::tag,
        ..CHANGE
    },
    Operation {
        name: "UntagResource",
        permissions: &[("kms:UntagResource", Key)],
        states: Some(&states::NOT_PENDING_DELETION),
        condition_keys: &["aws:tagkeys"],
        run: tag_operations::untag,
        ..CHANGE
    },
    Operation {
        name: "UpdateAlias",
        permissions: &[
            ("kms:UpdateAlias", Alias),
            ("kms:UpdateAlias", Key),
            ("kms:UpdateAlias", Key),
        ],
        states: Some(&states::NOT_PENDING_DELETION),
        run: alias_operations::update,
        ..CHANGE
    },
    Operation {
        name: "UpdateCustomKeyStore",
        permissions: &[("kms:UpdateCustomKeyStore", Any)],
        read_only: false,
        run: unsupported_operations::custom_key_store,
        ..NO_KEY
    },
    Operation {
        name: "UpdateKeyDescription",
        permissions: &[("kms:UpdateKeyDescription", Key)],
        states: Some(&states::NOT_PENDING_DELETION),
        run: key_operations::update_description,
        ..CHANGE
    },
    Operation {
        name: "UpdatePrimaryRegion",
        permissions: &[("kms:UpdatePrimaryRegion", Key), ("kms:UpdatePrimaryRegion", Key)],
        states: Some(&states::CRYPTOGRAPHIC),
        condition_keys: &["kms:primaryregion"],
        run: multi_region_operations::update_primary_region,
        ..CHANGE
    },
    Operation {
        name: "Verify",
        permissions: &[("kms:Verify", Key)],
        usages: SIGN,
        condition_keys: SIGNING_KEYS,
        run: signing_operations::verify,
        ..USE
    },
    Operation {
        name: "VerifyMac",
        permissions: &[("kms:VerifyMac", Key)],
        usages: MAC,
        condition_keys: MAC_KEYS,
        run: signing_operations::verify_mac,
        ..USE
    },
];
