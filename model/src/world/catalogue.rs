//! The operations a step may call, with their parameters. A name that is not here is refused when a case is loaded or run: a misspelt
//! parameter must not pass for one that was left out.

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationEntry {
    /// `service:Name`.
    pub call: &'static str,
    /// The parameters the model reads.
    pub parameters: &'static [&'static str],
    /// HTTP status of success.
    pub status: u16,
}

/// Parameters that every S3 operation on a bucket takes.
const S3_COMMON: &[&str] = &["Bucket", "ExpectedBucketOwner", "RequestPayer"];

macro_rules! entries {
    ($($call:literal $status:literal [$($parameter:literal),* $(,)?];)*) => {
        /// All operations, by service.
        pub const OPERATIONS: &[OperationEntry] = &[
            $(OperationEntry { call: $call, parameters: &[$($parameter),*], status: $status },)*
        ];
    };
}

entries! {
    "kms:CreateKey" 200 ["Policy", "Description", "KeyUsage", "KeySpec", "CustomerMasterKeySpec", "Origin", "Tags", "MultiRegion", "BypassPolicyLockoutSafetyCheck", "CustomKeyStoreId"];
    "kms:DescribeKey" 200 ["KeyId", "GrantTokens"];
    "kms:ListKeys" 200 ["Limit", "Marker"];
    "kms:Encrypt" 200 ["KeyId", "Plaintext", "EncryptionContext", "GrantTokens", "EncryptionAlgorithm", "DryRun"];
    "kms:Decrypt" 200 ["CiphertextBlob", "EncryptionContext", "GrantTokens", "KeyId", "EncryptionAlgorithm", "DryRun", "DryRunModifiers"];
    "kms:ReEncrypt" 200 ["CiphertextBlob", "SourceEncryptionContext", "SourceKeyId", "DestinationKeyId", "DestinationEncryptionContext", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm", "GrantTokens", "DryRun", "DryRunModifiers"];
    "kms:GenerateDataKey" 200 ["KeyId", "EncryptionContext", "NumberOfBytes", "KeySpec", "GrantTokens", "DryRun"];
    "kms:GenerateDataKeyWithoutPlaintext" 200 ["KeyId", "EncryptionContext", "NumberOfBytes", "KeySpec", "GrantTokens", "DryRun"];
    "kms:GenerateRandom" 200 ["NumberOfBytes", "CustomKeyStoreId"];
    "kms:CreateGrant" 200 ["KeyId", "GranteePrincipal", "GranteeServicePrincipal", "RetiringPrincipal", "RetiringServicePrincipal", "Operations", "Constraints", "GrantTokens", "Name", "DryRun"];
    "kms:ListGrants" 200 ["KeyId", "GrantId", "GranteePrincipal", "Limit", "Marker"];
    "kms:ListRetirableGrants" 200 ["RetiringPrincipal", "Limit", "Marker"];
    "kms:RetireGrant" 200 ["GrantToken", "KeyId", "GrantId", "DryRun"];
    "kms:RevokeGrant" 200 ["KeyId", "GrantId", "DryRun"];
    "kms:PutKeyPolicy" 200 ["KeyId", "PolicyName", "Policy", "BypassPolicyLockoutSafetyCheck"];
    "kms:GetKeyPolicy" 200 ["KeyId", "PolicyName"];
    "kms:EnableKey" 200 ["KeyId"];
    "kms:DisableKey" 200 ["KeyId"];
    "kms:ScheduleKeyDeletion" 200 ["KeyId", "PendingWindowInDays"];
    "kms:CancelKeyDeletion" 200 ["KeyId"];
    "kms:CreateAlias" 200 ["AliasName", "TargetKeyId"];
    "kms:UpdateAlias" 200 ["AliasName", "TargetKeyId"];
    "kms:DeleteAlias" 200 ["AliasName"];
    "kms:ListAliases" 200 ["KeyId", "Limit", "Marker"];
    "kms:TagResource" 200 ["KeyId", "Tags"];
    "kms:UntagResource" 200 ["KeyId", "TagKeys"];
    "kms:ListResourceTags" 200 ["KeyId", "Limit", "Marker"];
    "kms:GetKeyRotationStatus" 200 ["KeyId"];
    "kms:EnableKeyRotation" 200 ["KeyId", "RotationPeriodInDays"];
    "kms:DisableKeyRotation" 200 ["KeyId"];
    "kms:UpdateKeyDescription" 200 ["KeyId", "Description"];
    "kms:Sign" 200 ["KeyId", "Message", "MessageType", "SigningAlgorithm", "GrantTokens", "DryRun"];
    "kms:Verify" 200 ["KeyId", "Message", "MessageType", "Signature", "SigningAlgorithm", "GrantTokens", "DryRun"];
    "kms:GenerateMac" 200 ["KeyId", "Message", "MacAlgorithm", "GrantTokens", "DryRun"];
    "kms:VerifyMac" 200 ["KeyId", "Message", "Mac", "MacAlgorithm", "GrantTokens", "DryRun"];
    "kms:GetPublicKey" 200 ["KeyId", "GrantTokens"];
    "kms:DeriveSharedSecret" 200 ["KeyId", "KeyAgreementAlgorithm", "PublicKey", "GrantTokens", "DryRun"];
    "kms:Encapsulate" 200 ["KeyId", "EncapsulationAlgorithm", "GrantTokens", "DryRun"];
    "kms:Decapsulate" 200 ["KeyId", "EncapsulationAlgorithm", "SharedSecretCiphertextBlob", "GrantTokens", "DryRun"];
    "kms:GenerateDataKeyPair" 200 ["KeyId", "KeyPairSpec", "EncryptionContext", "GrantTokens", "DryRun"];
    "kms:GenerateDataKeyPairWithoutPlaintext" 200 ["KeyId", "KeyPairSpec", "EncryptionContext", "GrantTokens", "DryRun"];
    "kms:GetParametersForImport" 200 ["KeyId", "WrappingAlgorithm", "WrappingKeySpec"];
    "kms:ImportKeyMaterial" 200 ["KeyId", "ImportToken", "EncryptedKeyMaterial", "ExpirationModel", "ValidTo"];
    "kms:DeleteImportedKeyMaterial" 200 ["KeyId"];
    "kms:RotateKeyOnDemand" 200 ["KeyId"];
    "kms:ListKeyRotations" 200 ["KeyId", "Limit", "Marker"];
    "kms:ListKeyPolicies" 200 ["KeyId", "Limit", "Marker"];
    "kms:GetKeyLastUsage" 200 ["KeyId"];
    "kms:ReplicateKey" 200 ["KeyId", "ReplicaRegion", "Policy", "BypassPolicyLockoutSafetyCheck", "Description", "Tags"];
    "kms:UpdatePrimaryRegion" 200 ["KeyId", "PrimaryRegion"];
    "kms:CreateCustomKeyStore" 200 ["CustomKeyStoreName", "CustomKeyStoreType", "CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword", "XksProxyUriEndpoint", "XksProxyUriPath", "XksProxyVpcEndpointServiceName", "XksProxyAuthenticationCredential", "XksProxyConnectivity"];
    "kms:ConnectCustomKeyStore" 200 ["CustomKeyStoreId"];
    "kms:DisconnectCustomKeyStore" 200 ["CustomKeyStoreId"];
    "kms:UpdateCustomKeyStore" 200 ["CustomKeyStoreId", "NewCustomKeyStoreName"];
    "kms:DeleteCustomKeyStore" 200 ["CustomKeyStoreId"];
    "kms:DescribeCustomKeyStores" 200 ["CustomKeyStoreId", "CustomKeyStoreName", "Limit", "Marker"];
    "s3:CreateBucket" 200 ["ACL", "CreateBucketConfiguration", "ObjectOwnership", "ObjectLockEnabledForBucket"];
    "s3:DeleteBucket" 204 [];
    "s3:HeadBucket" 200 [];
    "s3:ListBuckets" 200 [];
    "s3:PutObject" 200 ["Key", "Body", "ServerSideEncryption", "SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled", "ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "Tagging", "StorageClass", "WebsiteRedirectLocation", "IfMatch", "IfNoneMatch", "ContentType", "Metadata", "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:GetObject" 200 ["Key", "VersionId", "ChecksumMode", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:HeadObject" 200 ["Key", "VersionId", "ChecksumMode", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:GetObjectAttributes" 200 ["Key", "VersionId", "ObjectAttributes", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:DeleteObject" 204 ["Key", "VersionId", "BypassGovernanceRetention"];
    "s3:DeleteObjects" 200 ["Delete", "BypassGovernanceRetention"];
    "s3:CopyObject" 200 ["Key", "CopySource", "ServerSideEncryption", "SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled", "ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "Tagging", "TaggingDirective", "MetadataDirective", "StorageClass", "WebsiteRedirectLocation", "Metadata", "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "CopySourceSSECustomerAlgorithm", "CopySourceSSECustomerKey", "CopySourceSSECustomerKeyMD5"];
    "s3:ListObjects" 200 ["Prefix", "Delimiter", "MaxKeys"];
    "s3:ListObjectsV2" 200 ["Prefix", "Delimiter", "MaxKeys"];
    "s3:ListObjectVersions" 200 ["Prefix", "MaxKeys"];
    "s3:CreateMultipartUpload" 200 ["Key", "ServerSideEncryption", "SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled", "ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "Tagging", "StorageClass", "Metadata", "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:UploadPart" 200 ["Key", "Body", "PartNumber", "UploadId", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:UploadPartCopy" 200 ["Key", "CopySource", "CopySourceRange", "PartNumber", "UploadId", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "CopySourceSSECustomerAlgorithm", "CopySourceSSECustomerKey", "CopySourceSSECustomerKeyMD5"];
    "s3:CompleteMultipartUpload" 200 ["Key", "UploadId", "MultipartUpload"];
    "s3:AbortMultipartUpload" 204 ["Key", "UploadId"];
    "s3:ListParts" 200 ["Key", "UploadId"];
    "s3:GetObjectTagging" 200 ["Key", "VersionId"];
    "s3:PutObjectTagging" 200 ["Key", "VersionId", "Tagging"];
    "s3:DeleteObjectTagging" 204 ["Key", "VersionId"];
    "s3:PutObjectAcl" 200 ["Key", "VersionId", "ACL", "AccessControlPolicy", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"];
    "s3:PutBucketAcl" 200 ["ACL", "AccessControlPolicy", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"];
    "s3:PutBucketPolicy" 204 ["Policy"];
    "s3:GetBucketPolicy" 200 [];
    "s3:DeleteBucketPolicy" 204 [];
    "s3:PutBucketEncryption" 200 ["ServerSideEncryptionConfiguration"];
    "s3:GetBucketEncryption" 200 [];
    "s3:DeleteBucketEncryption" 204 [];
    "s3:PutPublicAccessBlock" 200 ["PublicAccessBlockConfiguration"];
    "s3:GetPublicAccessBlock" 200 [];
    "s3:DeletePublicAccessBlock" 204 [];
    "s3:PutBucketOwnershipControls" 200 ["OwnershipControls"];
    "s3:GetBucketOwnershipControls" 200 [];
    "s3:DeleteBucketOwnershipControls" 204 [];
    "s3:PutBucketVersioning" 200 ["VersioningConfiguration"];
    "s3:GetBucketVersioning" 200 [];
    "s3:ListMultipartUploads" 200 ["Prefix"];
    "s3:GetBucketLocation" 200 [];
    "s3:SelectObjectContent" 200 ["Key", "Expression", "ExpressionType", "InputSerialization", "OutputSerialization", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"];
    "s3:RestoreObject" 202 ["Key", "VersionId", "RestoreRequest"];
    "s3:UpdateObjectEncryption" 200 ["Key", "VersionId", "ObjectEncryption"];
    "s3:GetObjectAcl" 200 ["Key", "VersionId"];
    "s3:GetBucketAcl" 200 [];
    "s3:GetObjectRetention" 200 ["Key", "VersionId"];
    "s3:PutObjectRetention" 200 ["Key", "VersionId", "Retention", "BypassGovernanceRetention"];
    "s3:GetObjectLegalHold" 200 ["Key", "VersionId"];
    "s3:PutObjectLegalHold" 200 ["Key", "VersionId", "LegalHold"];
    "s3:GetBucketPolicyStatus" 200 [];
    "s3:PutBucketWebsite" 200 ["WebsiteConfiguration"];
    "s3:GetBucketWebsite" 200 [];
    "s3:DeleteBucketWebsite" 204 [];
    "s3:PutBucketRequestPayment" 200 ["RequestPaymentConfiguration"];
    "s3:GetBucketRequestPayment" 200 [];
    "s3:PutBucketLogging" 200 ["BucketLoggingStatus"];
    "s3:GetBucketLogging" 200 [];
    "iam:CreateUser" 200 ["UserName", "Path", "PermissionsBoundary", "Tags"];
    "iam:DeleteUser" 200 ["UserName"];
    "iam:GetUser" 200 ["UserName"];
    "iam:CreateRole" 200 ["RoleName", "Path", "AssumeRolePolicyDocument", "PermissionsBoundary", "Tags", "Description", "MaxSessionDuration"];
    "iam:DeleteRole" 200 ["RoleName"];
    "iam:GetRole" 200 ["RoleName"];
    "iam:CreateGroup" 200 ["GroupName", "Path"];
    "iam:DeleteGroup" 200 ["GroupName"];
    "iam:GetGroup" 200 ["GroupName"];
    "iam:UpdateAssumeRolePolicy" 200 ["RoleName", "PolicyDocument"];
    "iam:PutUserPolicy" 200 ["UserName", "PolicyName", "PolicyDocument"];
    "iam:PutRolePolicy" 200 ["RoleName", "PolicyName", "PolicyDocument"];
    "iam:PutGroupPolicy" 200 ["GroupName", "PolicyName", "PolicyDocument"];
    "iam:GetUserPolicy" 200 ["UserName", "PolicyName"];
    "iam:GetRolePolicy" 200 ["RoleName", "PolicyName"];
    "iam:GetGroupPolicy" 200 ["GroupName", "PolicyName"];
    "iam:DeleteUserPolicy" 200 ["UserName", "PolicyName"];
    "iam:DeleteRolePolicy" 200 ["RoleName", "PolicyName"];
    "iam:DeleteGroupPolicy" 200 ["GroupName", "PolicyName"];
    "iam:CreatePolicy" 200 ["PolicyName", "Path", "PolicyDocument", "Description"];
    "iam:DeletePolicy" 200 ["PolicyArn"];
    "iam:AttachUserPolicy" 200 ["UserName", "PolicyArn"];
    "iam:AttachRolePolicy" 200 ["RoleName", "PolicyArn"];
    "iam:AttachGroupPolicy" 200 ["GroupName", "PolicyArn"];
    "iam:DetachUserPolicy" 200 ["UserName", "PolicyArn"];
    "iam:DetachRolePolicy" 200 ["RoleName", "PolicyArn"];
    "iam:DetachGroupPolicy" 200 ["GroupName", "PolicyArn"];
    "iam:PutUserPermissionsBoundary" 200 ["UserName", "PermissionsBoundary"];
    "iam:PutRolePermissionsBoundary" 200 ["RoleName", "PermissionsBoundary"];
    "iam:DeleteUserPermissionsBoundary" 200 ["UserName"];
    "iam:DeleteRolePermissionsBoundary" 200 ["RoleName"];
    "iam:AddUserToGroup" 200 ["GroupName", "UserName"];
    "iam:RemoveUserFromGroup" 200 ["GroupName", "UserName"];
    "iam:TagUser" 200 ["UserName", "Tags"];
    "iam:TagRole" 200 ["RoleName", "Tags"];
    "iam:UntagUser" 200 ["UserName", "TagKeys"];
    "iam:UntagRole" 200 ["RoleName", "TagKeys"];
    "sts:GetCallerIdentity" 200 [];
    "sts:AssumeRole" 200 ["RoleArn", "RoleSessionName", "Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "ExternalId", "SourceIdentity", "DurationSeconds"];
    "lambda:CreateFunction" 201 ["FunctionName", "Role", "KMSKeyArn", "Environment", "Code", "Runtime", "Handler", "Timeout", "MemorySize", "Description"];
    "lambda:UpdateFunctionConfiguration" 200 ["FunctionName", "Role", "KMSKeyArn", "Environment", "Timeout", "MemorySize", "Description"];
    "lambda:GetFunctionConfiguration" 200 ["FunctionName"];
    "lambda:DeleteFunction" 204 ["FunctionName"];
    "backup:CreateBackupVault" 200 ["BackupVaultName", "EncryptionKeyArn"];
    "backup:StartBackupJob" 200 ["BackupVaultName", "ResourceArn", "IamRoleArn"];
    "backup:DescribeBackupJob" 200 ["BackupJobId"];
    "dynamodb:CreateTable" 200 ["TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput"];
    "dynamodb:DescribeTable" 200 ["TableName"];
    "dynamodb:ListTables" 200 ["Limit"];
    "dynamodb:DeleteTable" 200 ["TableName"];
}

/// An operation by its name.
pub fn operation(call: &str) -> Option<&'static OperationEntry> {
    OPERATIONS.iter().find(|entry| entry.call == call)
}

impl OperationEntry {
    /// Whether the model reads a parameter of this name.
    pub fn takes(&self, parameter: &str) -> bool {
        self.parameters.contains(&parameter) || (self.call.starts_with("s3:") && S3_COMMON.contains(&parameter))
    }

    /// All parameters.
    pub fn all_parameters(&self) -> impl Iterator<Item = &'static str> {
        let common: &[&str] = if self.call.starts_with("s3:") { S3_COMMON } else { &[] };
        self.parameters.iter().chain(common).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Action;

    #[test]
    fn every_entry_is_an_operation_with_parameters_named_once() {
        for (place, entry) in OPERATIONS.iter().enumerate() {
            assert!(Action::new(entry.call).is_ok(), "{}", entry.call);
            assert!(
                OPERATIONS[..place].iter().all(|other| other.call != entry.call),
                "{} is listed twice",
                entry.call
            );
            for (place, name) in entry.parameters.iter().enumerate() {
                assert!(
                    !entry.parameters[..place].contains(name),
                    "{}: {name} is listed twice",
                    entry.call
                );
            }
        }
    }

    #[test]
    fn kms_and_s3_entries_are_in_their_tables() {
        for entry in OPERATIONS {
            match entry.call.split_once(':') {
                Some(("kms", name)) => assert!(crate::kms::table::table().operation(name).is_some(), "{name}"),
                Some(("s3", name)) => assert!(crate::s3::table::table().operation(name).is_some(), "{name}"),
                _ => {}
            }
        }
    }
}
