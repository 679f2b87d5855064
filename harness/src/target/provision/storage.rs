//! Buckets and objects.

use std::collections::BTreeSet;

use countersign_model::case::{BucketSpec, ObjectSpec, PublicAccessBlockSpec};
use countersign_model::name::{AccountId, Region};
use serde_json::{Map, Value, json};

use super::{Provisioner, Source, accepted, list_of_tags, without_null};
use crate::target::{TargetError, blob};

impl<'a> Provisioner<'a> {
    /// Buckets and their objects, wide open: Block Public Access and policies come when everything is inside.
    pub(super) async fn buckets(&mut self) -> Result<(), TargetError> {
        for (account, name, bucket) in self.all_buckets() {
            let region = self.region(bucket.region.as_ref());
            let what = format!("bucket `{name}`");
            self.call(account, region, "s3:CreateBucket", json!({"Bucket": name}), &what)
                .await?;
            if self.opens(bucket) {
                self.put_block(account, region, name, PublicAccessBlockSpec::default(), &what)
                    .await?;
            }
            let ownership = bucket.ownership.as_deref().unwrap_or(OWNER_ENFORCED);
            if ownership != OWNER_ENFORCED || self.means.explicit_defaults {
                let parameters =
                    json!({"Bucket": name, "OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}});
                self.call(account, region, "s3:PutBucketOwnershipControls", parameters, &what)
                    .await?;
            }
            if let Some(acl) = &bucket.acl {
                self.call(
                    account,
                    region,
                    "s3:PutBucketAcl",
                    json!({"Bucket": name, "ACL": acl}),
                    &what,
                )
                .await?;
            }
            if let Some(status) = &bucket.versioning {
                let parameters = json!({"Bucket": name, "VersioningConfiguration": {"Status": status}});
                self.call(account, region, "s3:PutBucketVersioning", parameters, &what)
                    .await?;
            }
            if !bucket.tags.is_empty() {
                let parameters =
                    json!({"Bucket": name, "Tagging": {"TagSet": list_of_tags(&bucket.tags, "Key", "Value")}});
                self.call(account, region, "s3:PutBucketTagging", parameters, &what)
                    .await?;
            }
            if bucket.requester_pays == Some(true) {
                let parameters = json!({"Bucket": name, "RequestPaymentConfiguration": {"Payer": "Requester"}});
                self.call(account, region, "s3:PutBucketRequestPayment", parameters, &what)
                    .await?;
            }
            if bucket.abac == Some(true) {
                let parameters = json!({"Bucket": name, "AbacStatus": {"Status": "Enabled"}});
                self.call(account, region, "s3:PutBucketAbac", parameters, &what)
                    .await?;
            }
            if bucket.encryption.is_some() || bucket.sse_c_blocked.is_some() {
                let blocked = bucket.sse_c_blocked.map(|blocked| {
                    let word = if blocked { "SSE-C" } else { "NONE" };
                    json!({"EncryptionType": [word]})
                });
                let encryption = bucket.encryption.as_ref();
                let rule = without_null(json!({
                    "ApplyServerSideEncryptionByDefault": without_null(json!({
                        "SSEAlgorithm": encryption.map_or("AES256", |encryption| &encryption.sse),
                        "KMSMasterKeyID": encryption.and_then(|encryption| encryption.key.as_ref()),
                    })),
                    "BucketKeyEnabled": encryption.is_some_and(|encryption| encryption.bucket_key),
                    "BlockedEncryptionTypes": blocked,
                }));
                let parameters = json!({"Bucket": name, "ServerSideEncryptionConfiguration": {"Rules": [rule]}});
                self.call(
                    account,
                    region,
                    "s3:PutBucketEncryption",
                    parameters,
                    &format!("encryption of {what}"),
                )
                .await?;
            }
            self.objects(account, region, name, bucket).await?;
        }
        Ok(())
    }

    async fn objects(
        &mut self,
        account: &AccountId,
        region: &Region,
        name: &str,
        bucket: &BucketSpec,
    ) -> Result<(), TargetError> {
        let foreign: BTreeSet<&AccountId> = bucket
            .objects
            .values()
            .filter_map(|object| object.owner.as_ref())
            .filter(|owner| *owner != account)
            .collect();
        if !foreign.is_empty() {
            // The writers of other accounts are let in for as long as they write.
            let principals: Vec<String> = foreign.iter().map(|owner| owner.root_arn()).collect();
            let resources = [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")];
            let statement =
                json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "s3:*", "Resource": resources});
            let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
            let parameters = json!({"Bucket": name, "Policy": policy});
            self.call(
                account,
                region,
                "s3:PutBucketPolicy",
                parameters,
                &format!("writers of bucket `{name}`"),
            )
            .await?;
        }
        for (key, object) in &bucket.objects {
            let writer = object.owner.as_ref().unwrap_or(account);
            self.call(
                writer,
                region,
                "s3:PutObject",
                put_object(name, key, object),
                &format!("object `{name}/{key}`"),
            )
            .await?;
        }
        if !foreign.is_empty() && bucket.policy.is_none() {
            self.call(
                account,
                region,
                "s3:DeleteBucketPolicy",
                json!({"Bucket": name}),
                &format!("writers of bucket `{name}`"),
            )
            .await?;
        }
        Ok(())
    }

    pub(super) async fn bucket_policies(&mut self) -> Result<(), TargetError> {
        for (account, name, bucket) in self.all_buckets() {
            let region = self.region(bucket.region.as_ref());
            let what = format!("Block Public Access of bucket `{name}`");
            let opened = self.opens(bucket);
            let close = opened && bucket.block() != PublicAccessBlockSpec::default();
            if close {
                // Before the policy, which may take the right to do it away.
                self.put_block(account, region, name, bucket.block(), &what).await?;
            }
            match self.bucket_policy(account, region, name, bucket).await {
                // A public policy is put while the block is open.
                Err(TargetError::Provisioning { .. }) if close => {
                    self.put_block(account, region, name, PublicAccessBlockSpec::default(), &what)
                        .await?;
                    self.bucket_policy(account, region, name, bucket).await?;
                    self.put_block(account, region, name, bucket.block(), &what).await?;
                }
                answer => answer?,
            }
        }
        for (account, holdings) in &self.spec.accounts {
            if let Some(block) = &holdings.public_access_block {
                self.account_block(account, block).await?;
            }
        }
        Ok(())
    }

    async fn account_block(&mut self, account: &AccountId, block: &PublicAccessBlockSpec) -> Result<(), TargetError> {
        let call = "s3control:PutPublicAccessBlock";
        let region = &self.spec.region;
        let mut with = Map::new();
        with.insert("PublicAccessBlockConfiguration".to_owned(), json!(block));
        if let Source::Page(_) = self.recalled(account, region, call, &with)? {
            return Ok(());
        }
        let credentials = (self.means.administrator)(account)?;
        let answer = self
            .driver
            .put_account_block(account.as_str(), credentials, region.as_str(), block)
            .await?;
        self.remember(account, region, call, &with, &answer);
        accepted(answer, "account-level Block Public Access").map(|_| ())
    }

    /// Whether the bucket is opened while it is filled, and then given its block.
    fn opens(&self, bucket: &BucketSpec) -> bool {
        self.means.explicit_defaults || bucket.block() != ALL_BLOCKED || needs_open_block(bucket)
    }

    async fn bucket_policy(
        &mut self,
        account: &AccountId,
        region: &Region,
        name: &str,
        bucket: &BucketSpec,
    ) -> Result<(), TargetError> {
        let Some(policy) = &bucket.policy else { return Ok(()) };
        let parameters = json!({"Bucket": name, "Policy": policy.text()});
        self.call(
            account,
            region,
            "s3:PutBucketPolicy",
            parameters,
            &format!("policy of bucket `{name}`"),
        )
        .await
        .map(|_| ())
    }

    async fn put_block(
        &mut self,
        account: &AccountId,
        region: &Region,
        bucket: &str,
        block: PublicAccessBlockSpec,
        what: &str,
    ) -> Result<(), TargetError> {
        let parameters = json!({"Bucket": bucket, "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": block.block_public_acls,
            "IgnorePublicAcls": block.ignore_public_acls,
            "BlockPublicPolicy": block.block_public_policy,
            "RestrictPublicBuckets": block.restrict_public_buckets,
        }});
        self.call(account, region, "s3:PutPublicAccessBlock", parameters, what)
            .await
            .map(|_| ())
    }
}

/// The Object Ownership of a new bucket.
const OWNER_ENFORCED: &str = "BucketOwnerEnforced";
/// The default of a new bucket.
const ALL_BLOCKED: PublicAccessBlockSpec = PublicAccessBlockSpec {
    block_public_acls: true,
    ignore_public_acls: true,
    block_public_policy: true,
    restrict_public_buckets: true,
};

trait BlockOf {
    fn block(&self) -> PublicAccessBlockSpec;
}

impl BlockOf for BucketSpec {
    fn block(&self) -> PublicAccessBlockSpec {
        self.public_access_block.unwrap_or(ALL_BLOCKED)
    }
}

/// What Block Public Access could stop from being put, although it may stand beside it.
fn needs_open_block(bucket: &BucketSpec) -> bool {
    bucket.policy.is_some()
        || bucket.acl.is_some()
        || bucket
            .objects
            .values()
            .any(|object| object.acl.is_some() || object.owner.is_some())
}

fn put_object(bucket: &str, key: &str, object: &ObjectSpec) -> Value {
    let sse = object
        .sse
        .clone()
        .or_else(|| object.key.as_ref().map(|_| "aws:kms".to_owned()));
    let tagging: Vec<String> = object
        .tags
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
        .collect();
    json!({
        "Bucket": bucket,
        "Key": key,
        "Body": blob::encode(&object.body),
        "ACL": object.acl,
        "ServerSideEncryption": sse,
        "SSEKMSKeyId": object.key,
        "Tagging": (!tagging.is_empty()).then(|| tagging.join("&")),
    })
}

/// Everything but unreserved characters as `%XX`.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                use std::fmt::Write as _;
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
            encoded
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_encoded_for_the_header() {
        let object = ObjectSpec {
            tags: [("a b".to_owned(), "c&d".to_owned())].into(),
            ..ObjectSpec::default()
        };
        assert_eq!(put_object("b", "k", &object)["Tagging"], "a%20b=c%26d");
    }
}
