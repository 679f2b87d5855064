//! AWS KMS over its SDK.

use aws_sdk_kms::types::{
    AliasListEntry, GrantConstraints, GrantListEntry, KeyMetadata, Tag, XksProxyAuthenticationCredentialType,
};

use super::fields::{
    Fields, blob, boolean, built, integer, moment, needed, policy, record, records, text, text_map, texts, word, words,
};
use super::members::{Members, members};
use crate::target::TargetError;

super::service_table! { "kms", aws_sdk_kms;
    "CreateKey" create_key CreateKey {
        "Policy" policy set_policy,
        "Description" text set_description,
        "KeyUsage" word set_key_usage,
        "KeySpec" word set_key_spec,
        "Origin" word set_origin,
        "CustomKeyStoreId" text set_custom_key_store_id,
        "BypassPolicyLockoutSafetyCheck" boolean set_bypass_policy_lockout_safety_check,
        "Tags" tags set_tags,
        "MultiRegion" boolean set_multi_region,
        "XksKeyId" text set_xks_key_id,
    } => |output| members().put("KeyMetadata", output.key_metadata().map(metadata));
    "ReplicateKey" replicate_key ReplicateKey {
        "KeyId" text set_key_id,
        "ReplicaRegion" text set_replica_region,
        "Policy" policy set_policy,
        "BypassPolicyLockoutSafetyCheck" boolean set_bypass_policy_lockout_safety_check,
        "Description" text set_description,
        "Tags" tags set_tags,
    } => |output| members()
        .put("ReplicaKeyMetadata", output.replica_key_metadata().map(metadata))
        .put("ReplicaPolicy", output.replica_policy());
    "DescribeKey" describe_key DescribeKey {
        "KeyId" text set_key_id,
        "GrantTokens" texts set_grant_tokens,
    } => |output| members().put("KeyMetadata", output.key_metadata().map(metadata));
    "ListKeys" list_keys ListKeys {
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .list("Keys", output.keys(), |key| members().put("KeyId", key.key_id()).put("KeyArn", key.key_arn()))
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "Encrypt" encrypt Encrypt {
        "KeyId" text set_key_id,
        "Plaintext" blob set_plaintext,
        "EncryptionContext" text_map set_encryption_context,
        "GrantTokens" texts set_grant_tokens,
        "EncryptionAlgorithm" word set_encryption_algorithm,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("CiphertextBlob", output.ciphertext_blob())
        .put("KeyId", output.key_id())
        .put("EncryptionAlgorithm", output.encryption_algorithm().map(|word| word.as_str()));
    "Decrypt" decrypt Decrypt {
        "CiphertextBlob" blob set_ciphertext_blob,
        "EncryptionContext" text_map set_encryption_context,
        "GrantTokens" texts set_grant_tokens,
        "KeyId" text set_key_id,
        "EncryptionAlgorithm" word set_encryption_algorithm,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("Plaintext", output.plaintext())
        .put("KeyId", output.key_id())
        .put("EncryptionAlgorithm", output.encryption_algorithm().map(|word| word.as_str()));
    "ReEncrypt" re_encrypt ReEncrypt {
        "CiphertextBlob" blob set_ciphertext_blob,
        "SourceEncryptionContext" text_map set_source_encryption_context,
        "SourceKeyId" text set_source_key_id,
        "DestinationKeyId" text set_destination_key_id,
        "DestinationEncryptionContext" text_map set_destination_encryption_context,
        "SourceEncryptionAlgorithm" word set_source_encryption_algorithm,
        "DestinationEncryptionAlgorithm" word set_destination_encryption_algorithm,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("CiphertextBlob", output.ciphertext_blob())
        .put("SourceKeyId", output.source_key_id())
        .put("KeyId", output.key_id())
        .put("SourceEncryptionAlgorithm", output.source_encryption_algorithm().map(|word| word.as_str()))
        .put("DestinationEncryptionAlgorithm", output.destination_encryption_algorithm().map(|word| word.as_str()));
    "GenerateDataKey" generate_data_key GenerateDataKey {
        "KeyId" text set_key_id,
        "EncryptionContext" text_map set_encryption_context,
        "NumberOfBytes" integer set_number_of_bytes,
        "KeySpec" word set_key_spec,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("CiphertextBlob", output.ciphertext_blob())
        .put_blob("Plaintext", output.plaintext())
        .put("KeyId", output.key_id());
    "GenerateDataKeyWithoutPlaintext" generate_data_key_without_plaintext GenerateDataKeyWithoutPlaintext {
        "KeyId" text set_key_id,
        "EncryptionContext" text_map set_encryption_context,
        "KeySpec" word set_key_spec,
        "NumberOfBytes" integer set_number_of_bytes,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members().put_blob("CiphertextBlob", output.ciphertext_blob()).put("KeyId", output.key_id());
    "GenerateDataKeyPair" generate_data_key_pair GenerateDataKeyPair {
        "EncryptionContext" text_map set_encryption_context,
        "KeyId" text set_key_id,
        "KeyPairSpec" word set_key_pair_spec,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("PrivateKeyCiphertextBlob", output.private_key_ciphertext_blob())
        .put_blob("PrivateKeyPlaintext", output.private_key_plaintext())
        .put_blob("PublicKey", output.public_key())
        .put("KeyId", output.key_id())
        .put("KeyPairSpec", output.key_pair_spec().map(|word| word.as_str()));
    "GenerateDataKeyPairWithoutPlaintext" generate_data_key_pair_without_plaintext GenerateDataKeyPairWithoutPlaintext {
        "EncryptionContext" text_map set_encryption_context,
        "KeyId" text set_key_id,
        "KeyPairSpec" word set_key_pair_spec,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("PrivateKeyCiphertextBlob", output.private_key_ciphertext_blob())
        .put_blob("PublicKey", output.public_key())
        .put("KeyId", output.key_id())
        .put("KeyPairSpec", output.key_pair_spec().map(|word| word.as_str()));
    "GenerateRandom" generate_random GenerateRandom {
        "NumberOfBytes" integer set_number_of_bytes,
        "CustomKeyStoreId" text set_custom_key_store_id,
    } => |output| members().put_blob("Plaintext", output.plaintext());
    "Sign" sign Sign {
        "KeyId" text set_key_id,
        "Message" blob set_message,
        "MessageType" word set_message_type,
        "GrantTokens" texts set_grant_tokens,
        "SigningAlgorithm" word set_signing_algorithm,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put_blob("Signature", output.signature())
        .put("SigningAlgorithm", output.signing_algorithm().map(|word| word.as_str()));
    "Verify" verify Verify {
        "KeyId" text set_key_id,
        "Message" blob set_message,
        "MessageType" word set_message_type,
        "Signature" blob set_signature,
        "SigningAlgorithm" word set_signing_algorithm,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put("SignatureValid", Some(output.signature_valid()))
        .put("SigningAlgorithm", output.signing_algorithm().map(|word| word.as_str()));
    "GetPublicKey" get_public_key GetPublicKey {
        "KeyId" text set_key_id,
        "GrantTokens" texts set_grant_tokens,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put_blob("PublicKey", output.public_key())
        .put("KeySpec", output.key_spec().map(|word| word.as_str()))
        .put("KeyUsage", output.key_usage().map(|word| word.as_str()))
        .put("EncryptionAlgorithms", some_words(output.encryption_algorithms(), |word| word.as_str()))
        .put("SigningAlgorithms", some_words(output.signing_algorithms(), |word| word.as_str()))
        .put("KeyAgreementAlgorithms", some_words(output.key_agreement_algorithms(), |word| word.as_str()));
    "DeriveSharedSecret" derive_shared_secret DeriveSharedSecret {
        "KeyId" text set_key_id,
        "KeyAgreementAlgorithm" word set_key_agreement_algorithm,
        "PublicKey" blob set_public_key,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put_blob("SharedSecret", output.shared_secret())
        .put("KeyAgreementAlgorithm", output.key_agreement_algorithm().map(|word| word.as_str()))
        .put("KeyOrigin", output.key_origin().map(|word| word.as_str()));
    "RotateKeyOnDemand" rotate_key_on_demand RotateKeyOnDemand {
        "KeyId" text set_key_id,
    } => |output| members()
        .put("KeyId", output.key_id());
    "GetParametersForImport" get_parameters_for_import GetParametersForImport {
        "KeyId" text set_key_id,
        "WrappingAlgorithm" word set_wrapping_algorithm,
        "WrappingKeySpec" word set_wrapping_key_spec,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put_blob("ImportToken", output.import_token())
        .put_blob("PublicKey", output.public_key());
    // The material goes out as it stands in the case: wrapping it under the key of the import is not done here.
    "ImportKeyMaterial" import_key_material ImportKeyMaterial {
        "KeyId" text set_key_id,
        "ImportToken" blob set_import_token,
        "EncryptedKeyMaterial" blob set_encrypted_key_material,
        "ExpirationModel" word set_expiration_model,
        "ValidTo" moment set_valid_to,
    } => |output| members().put("KeyId", output.key_id());
    "DeleteImportedKeyMaterial" delete_imported_key_material DeleteImportedKeyMaterial {
        "KeyId" text set_key_id,
        "KeyMaterialId" text set_key_material_id,
    } => |output| members().put("KeyId", output.key_id());
    "ListKeyRotations" list_key_rotations ListKeyRotations {
        "KeyId" text set_key_id,
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .list("Rotations", output.rotations(), |rotation| {
            members()
                .put("KeyId", rotation.key_id())
                .put("RotationType", rotation.rotation_type().map(|word| word.as_str()))
        })
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "GetKeyLastUsage" get_key_last_usage GetKeyLastUsage {
        "KeyId" text set_key_id,
    } => |output| members().put("KeyId", output.key_id());
    "UpdatePrimaryRegion" update_primary_region UpdatePrimaryRegion {
        "KeyId" text set_key_id,
        "PrimaryRegion" text set_primary_region,
    } => |_output| members();
    "Encapsulate" encapsulate Encapsulate {
        "KeyId" text set_key_id,
        "EncapsulationAlgorithm" word set_encapsulation_algorithm,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put_blob("SharedSecret", output.shared_secret())
        .put_blob("SharedSecretCiphertextBlob", output.shared_secret_ciphertext_blob());
    "Decapsulate" decapsulate Decapsulate {
        "KeyId" text set_key_id,
        "EncapsulationAlgorithm" word set_encapsulation_algorithm,
        "SharedSecretCiphertextBlob" blob set_shared_secret_ciphertext_blob,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members().put("KeyId", output.key_id()).put_blob("SharedSecret", output.shared_secret());
    "CreateCustomKeyStore" create_custom_key_store CreateCustomKeyStore {
        "CustomKeyStoreName" text set_custom_key_store_name,
        "CustomKeyStoreType" word set_custom_key_store_type,
        "CloudHsmClusterId" text set_cloud_hsm_cluster_id,
        "TrustAnchorCertificate" text set_trust_anchor_certificate,
        "KeyStorePassword" text set_key_store_password,
        "XksProxyUriEndpoint" text set_xks_proxy_uri_endpoint,
        "XksProxyUriPath" text set_xks_proxy_uri_path,
        "XksProxyVpcEndpointServiceName" text set_xks_proxy_vpc_endpoint_service_name,
        "XksProxyAuthenticationCredential" proxy_credential set_xks_proxy_authentication_credential,
        "XksProxyConnectivity" word set_xks_proxy_connectivity,
    } => |output| members().put("CustomKeyStoreId", output.custom_key_store_id());
    "ConnectCustomKeyStore" connect_custom_key_store ConnectCustomKeyStore {
        "CustomKeyStoreId" text set_custom_key_store_id,
    } => |_output| members();
    "DisconnectCustomKeyStore" disconnect_custom_key_store DisconnectCustomKeyStore {
        "CustomKeyStoreId" text set_custom_key_store_id,
    } => |_output| members();
    "UpdateCustomKeyStore" update_custom_key_store UpdateCustomKeyStore {
        "CustomKeyStoreId" text set_custom_key_store_id,
        "NewCustomKeyStoreName" text set_new_custom_key_store_name,
    } => |_output| members();
    "DeleteCustomKeyStore" delete_custom_key_store DeleteCustomKeyStore {
        "CustomKeyStoreId" text set_custom_key_store_id,
    } => |_output| members();
    "DescribeCustomKeyStores" describe_custom_key_stores DescribeCustomKeyStores {
        "CustomKeyStoreId" text set_custom_key_store_id,
        "CustomKeyStoreName" text set_custom_key_store_name,
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .list("CustomKeyStores", output.custom_key_stores(), |store| {
            members()
                .put("CustomKeyStoreId", store.custom_key_store_id())
                .put("CustomKeyStoreName", store.custom_key_store_name())
                .put("CustomKeyStoreType", store.custom_key_store_type().map(|word| word.as_str()))
                .put("ConnectionState", store.connection_state().map(|word| word.as_str()))
        })
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "GenerateMac" generate_mac GenerateMac {
        "Message" blob set_message,
        "KeyId" text set_key_id,
        "MacAlgorithm" word set_mac_algorithm,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put_blob("Mac", output.mac())
        .put("KeyId", output.key_id())
        .put("MacAlgorithm", output.mac_algorithm().map(|word| word.as_str()));
    "VerifyMac" verify_mac VerifyMac {
        "Message" blob set_message,
        "KeyId" text set_key_id,
        "MacAlgorithm" word set_mac_algorithm,
        "Mac" blob set_mac,
        "GrantTokens" texts set_grant_tokens,
        "DryRun" boolean set_dry_run,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put("MacValid", Some(output.mac_valid()))
        .put("MacAlgorithm", output.mac_algorithm().map(|word| word.as_str()));
    "CreateGrant" create_grant CreateGrant {
        "KeyId" text set_key_id,
        "GranteePrincipal" text set_grantee_principal,
        "GranteeServicePrincipal" text set_grantee_service_principal,
        "RetiringPrincipal" text set_retiring_principal,
        "RetiringServicePrincipal" text set_retiring_service_principal,
        "Operations" words set_operations,
        "Constraints" constraints set_constraints,
        "GrantTokens" texts set_grant_tokens,
        "Name" text set_name,
        "DryRun" boolean set_dry_run,
    } => |output| members().put("GrantId", output.grant_id()).put("GrantToken", output.grant_token());
    "ListGrants" list_grants ListGrants {
        "Limit" integer set_limit,
        "Marker" text set_marker,
        "KeyId" text set_key_id,
        "GrantId" text set_grant_id,
        "GranteePrincipal" text set_grantee_principal,
    } => |output| members()
        .list("Grants", output.grants(), grant)
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "ListRetirableGrants" list_retirable_grants ListRetirableGrants {
        "Limit" integer set_limit,
        "Marker" text set_marker,
        "RetiringPrincipal" text set_retiring_principal,
    } => |output| members()
        .list("Grants", output.grants(), grant)
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "RetireGrant" retire_grant RetireGrant {
        "GrantToken" text set_grant_token,
        "KeyId" text set_key_id,
        "GrantId" text set_grant_id,
        "DryRun" boolean set_dry_run,
    } => |_output| members();
    "RevokeGrant" revoke_grant RevokeGrant {
        "KeyId" text set_key_id,
        "GrantId" text set_grant_id,
        "DryRun" boolean set_dry_run,
    } => |_output| members();
    "PutKeyPolicy" put_key_policy PutKeyPolicy {
        "KeyId" text set_key_id,
        "PolicyName" text set_policy_name,
        "Policy" policy set_policy,
        "BypassPolicyLockoutSafetyCheck" boolean set_bypass_policy_lockout_safety_check,
    } => |_output| members();
    "GetKeyPolicy" get_key_policy GetKeyPolicy {
        "KeyId" text set_key_id,
        "PolicyName" text set_policy_name,
    } => |output| members().put("Policy", output.policy()).put("PolicyName", output.policy_name());
    "ListKeyPolicies" list_key_policies ListKeyPolicies {
        "KeyId" text set_key_id,
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .put("PolicyNames", Some(output.policy_names().to_vec()))
        .put("Truncated", Some(output.truncated()));
    "EnableKey" enable_key EnableKey {
        "KeyId" text set_key_id,
    } => |_output| members();
    "DisableKey" disable_key DisableKey {
        "KeyId" text set_key_id,
    } => |_output| members();
    "ScheduleKeyDeletion" schedule_key_deletion ScheduleKeyDeletion {
        "KeyId" text set_key_id,
        "PendingWindowInDays" integer set_pending_window_in_days,
    } => |output| members()
        .put("KeyId", output.key_id())
        .put("KeyState", output.key_state().map(|word| word.as_str()))
        .put("PendingWindowInDays", output.pending_window_in_days());
    "CancelKeyDeletion" cancel_key_deletion CancelKeyDeletion {
        "KeyId" text set_key_id,
    } => |output| members().put("KeyId", output.key_id());
    "CreateAlias" create_alias CreateAlias {
        "AliasName" text set_alias_name,
        "TargetKeyId" text set_target_key_id,
    } => |_output| members();
    "UpdateAlias" update_alias UpdateAlias {
        "AliasName" text set_alias_name,
        "TargetKeyId" text set_target_key_id,
    } => |_output| members();
    "DeleteAlias" delete_alias DeleteAlias {
        "AliasName" text set_alias_name,
    } => |_output| members();
    "ListAliases" list_aliases ListAliases {
        "KeyId" text set_key_id,
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .list("Aliases", output.aliases(), alias)
        .put("Truncated", Some(output.truncated()))
        .put("NextMarker", output.next_marker());
    "TagResource" tag_resource TagResource {
        "KeyId" text set_key_id,
        "Tags" tags set_tags,
    } => |_output| members();
    "UntagResource" untag_resource UntagResource {
        "KeyId" text set_key_id,
        "TagKeys" texts set_tag_keys,
    } => |_output| members();
    "ListResourceTags" list_resource_tags ListResourceTags {
        "KeyId" text set_key_id,
        "Limit" integer set_limit,
        "Marker" text set_marker,
    } => |output| members()
        .list("Tags", output.tags(), |tag| members().put("TagKey", Some(tag.tag_key())).put("TagValue", Some(tag.tag_value())))
        .put("Truncated", Some(output.truncated()));
    "GetKeyRotationStatus" get_key_rotation_status GetKeyRotationStatus {
        "KeyId" text set_key_id,
    } => |output| members()
        .put("KeyRotationEnabled", Some(output.key_rotation_enabled()))
        .put("KeyId", output.key_id())
        .put("RotationPeriodInDays", output.rotation_period_in_days());
    "EnableKeyRotation" enable_key_rotation EnableKeyRotation {
        "KeyId" text set_key_id,
        "RotationPeriodInDays" integer set_rotation_period_in_days,
    } => |_output| members();
    "DisableKeyRotation" disable_key_rotation DisableKeyRotation {
        "KeyId" text set_key_id,
    } => |_output| members();
    "UpdateKeyDescription" update_key_description UpdateKeyDescription {
        "KeyId" text set_key_id,
        "Description" text set_description,
    } => |_output| members();
}

fn tags(fields: &mut Fields, name: &str) -> Result<Option<Vec<Tag>>, TargetError> {
    records(fields, name, |tag| {
        let key = text(tag, "TagKey")?;
        let value = text(tag, "TagValue")?;
        let tag_builder = Tag::builder()
            .tag_key(needed(tag, "TagKey", key)?)
            .tag_value(needed(tag, "TagValue", value)?);
        built(tag, tag_builder.build())
    })
}

fn proxy_credential(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<XksProxyAuthenticationCredentialType>, TargetError> {
    record(fields, name, |credential| {
        let builder = XksProxyAuthenticationCredentialType::builder()
            .set_access_key_id(text(credential, "AccessKeyId")?)
            .set_raw_secret_access_key(text(credential, "RawSecretAccessKey")?);
        built(credential, builder.build())
    })
}

fn constraints(fields: &mut Fields, name: &str) -> Result<Option<GrantConstraints>, TargetError> {
    record(fields, name, |constraints| {
        Ok(GrantConstraints::builder()
            .set_encryption_context_equals(text_map(constraints, "EncryptionContextEquals")?)
            .set_encryption_context_subset(text_map(constraints, "EncryptionContextSubset")?)
            .set_source_arn(text(constraints, "SourceArn")?)
            .build())
    })
}

fn metadata(key: &KeyMetadata) -> Members {
    members()
        .put("KeyId", Some(key.key_id()))
        .put("Arn", key.arn())
        .put("AWSAccountId", key.aws_account_id())
        .put("KeyState", key.key_state().map(|word| word.as_str()))
        .put("Enabled", Some(key.enabled()))
        .put("Description", key.description())
        .put("KeySpec", key.key_spec().map(|word| word.as_str()))
        .put("KeyUsage", key.key_usage().map(|word| word.as_str()))
        .put("Origin", key.origin().map(|word| word.as_str()))
        .put("KeyManager", key.key_manager().map(|word| word.as_str()))
        .put("MultiRegion", key.multi_region())
        .put("PendingDeletionWindowInDays", key.pending_deletion_window_in_days())
}

/// A list of words; none where it is empty, since the SDK does not tell that from an absent one.
fn some_words<T>(words: &[T], text: impl Fn(&T) -> &str) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| words.iter().map(|word| text(word).to_owned()).collect())
}

fn grant(grant: &GrantListEntry) -> Members {
    members()
        .put("KeyId", grant.key_id())
        .put("GrantId", grant.grant_id())
        .put("Name", grant.name())
        .put("GranteePrincipal", grant.grantee_principal())
        .put("GranteeServicePrincipal", grant.grantee_service_principal())
        .put("RetiringPrincipal", grant.retiring_principal())
        .put("RetiringServicePrincipal", grant.retiring_service_principal())
        .put("IssuingAccount", grant.issuing_account())
        .put(
            "Operations",
            Some(
                grant
                    .operations()
                    .iter()
                    .map(|word| word.as_str().to_owned())
                    .collect::<Vec<_>>(),
            ),
        )
        .put(
            "Constraints",
            grant.constraints().map(|constraints| {
                members()
                    .put(
                        "EncryptionContextEquals",
                        constraints.encryption_context_equals().map(sorted),
                    )
                    .put(
                        "EncryptionContextSubset",
                        constraints.encryption_context_subset().map(sorted),
                    )
                    .put("SourceArn", constraints.source_arn())
            }),
        )
}

fn alias(alias: &AliasListEntry) -> Members {
    members()
        .put("AliasName", alias.alias_name())
        .put("AliasArn", alias.alias_arn())
        .put("TargetKeyId", alias.target_key_id())
}

fn sorted(map: &std::collections::HashMap<String, String>) -> serde_json::Value {
    let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
    sorted
        .into_iter()
        .map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
