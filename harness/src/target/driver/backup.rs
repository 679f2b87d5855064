//! The slice of AWS Backup that meets KMS, over its SDK.

use super::fields::{long, text, text_map};
use super::members::members;

super::service_table! { "backup", aws_sdk_backup;
    "CreateBackupVault" create_backup_vault CreateBackupVault {
        "BackupVaultName" text set_backup_vault_name,
        "BackupVaultTags" text_map set_backup_vault_tags,
        "EncryptionKeyArn" text set_encryption_key_arn,
        "CreatorRequestId" text set_creator_request_id,
    } => |output| members()
        .put("BackupVaultName", output.backup_vault_name())
        .put("BackupVaultArn", output.backup_vault_arn());
    "StartBackupJob" start_backup_job StartBackupJob {
        "BackupVaultName" text set_backup_vault_name,
        "ResourceArn" text set_resource_arn,
        "IamRoleArn" text set_iam_role_arn,
        "IdempotencyToken" text set_idempotency_token,
        "StartWindowMinutes" long set_start_window_minutes,
        "CompleteWindowMinutes" long set_complete_window_minutes,
    } => |output| members().put("BackupJobId", output.backup_job_id()).put("RecoveryPointArn", output.recovery_point_arn());
    "DescribeBackupJob" describe_backup_job DescribeBackupJob {
        "BackupJobId" text set_backup_job_id,
    } => |output| members()
        .put("BackupJobId", output.backup_job_id())
        .put("State", output.state().map(|word| word.as_str()))
        .put("StatusMessage", output.status_message())
        .put("BackupVaultName", output.backup_vault_name())
        .put("BackupVaultArn", output.backup_vault_arn())
        .put("ResourceArn", output.resource_arn())
        .put("IamRoleArn", output.iam_role_arn());
}
