//! Making and configuring buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::acl::CannedAcl;
use super::bucket::{Algorithm, Bucket, DefaultEncryption, Ownership, Versioning};
use super::customer_key::{BLOCKED_TYPE, NOTHING_BLOCKED, blocked_in_new_buckets};
use super::request::{Place, Request};
use super::{empty, error, error_without_text, policy_resource, public_access};
use crate::case::PublicAccessBlockSpec;
use crate::policy::{PolicyErrorKind, PolicyKind};
use crate::world::access::{self, Pair};
use crate::world::clock::Delayed;
use crate::world::policy::StoredPolicy;
use crate::world::trace::{Answer, Refusal, Stop};

/// All four settings: what a new bucket gets since April 2023 (`svc:S-6`).
pub(super) const ALL_BLOCKED: PublicAccessBlockSpec = PublicAccessBlockSpec {
    block_public_acls: true,
    ignore_public_acls: true,
    block_public_policy: true,
    restrict_public_buckets: true,
};

/// The Region in which a bucket that one owns can be made again.
const OLDEST_REGION: &str = "us-east-1";

impl Request<'_> {
    pub(super) fn create_bucket(&mut self) -> Answer {
        let name = self.with.needed_text("Bucket")?.to_owned();
        let ownership = match self.with.text("ObjectOwnership")? {
            None => Ownership::BucketOwnerEnforced,
            Some(name) => Ownership::named(name).ok_or_else(|| error_without_text("InvalidArgument", 400))?,
        };
        let acl = match self.with.text("ACL")? {
            None => None,
            Some(name) => Some(CannedAcl::named(name).ok_or_else(|| error_without_text("InvalidArgument", 400))?),
        };
        let Some(owner) = self.actor.account().cloned() else {
            return Err(error("AccessDenied", 403, "Access Denied"));
        };
        let place = self
            .with
            .inside("CreateBucketConfiguration")?
            .map(|inner| inner.text("LocationConstraint"))
            .transpose()?
            .flatten();
        let object_lock = self.with.is_true("ObjectLockEnabledForBucket")?;
        // Its ACL, Object Lock and ownership are permissions of their own (API_CreateBucket).
        for permission in &self.operation.permissions {
            if !self.is_needed_by_headers(permission.when)? {
                continue;
            }
            let action = permission.action.as_str();
            let arn = format!("arn:aws:s3:::{name}");
            let mut keys = self.keys_of_request(action, &owner);
            if let Some(place) = place.filter(|_| action == "s3:CreateBucket") {
                keys.set("s3:locationconstraint", place);
            }
            let pair = Pair::identity(action, arn, Some(&owner)).with_keys(keys);
            let check = access::decide(self.state, self.actor, &pair);
            if !self.trace.check(check) {
                return Err(self.denied_in_own_account());
            }
        }
        if let Some(bucket) = self.state.bucket(&name) {
            if bucket.owner != owner {
                return Err(error_without_text("BucketAlreadyExists", 409));
            }
            if bucket.region.as_str() != OLDEST_REGION || self.actor.region.as_str() != OLDEST_REGION {
                return Err(error_without_text("BucketAlreadyOwnedByYou", 409));
            }
            // For legacy's sake the oldest Region makes an own bucket again, which resets its ACL (API_CreateBucket).
            self.bucket_mut(&name).acl = acl.unwrap_or_default();
            return Ok(empty());
        }
        if acl.is_some() && ownership == Ownership::BucketOwnerEnforced {
            self.trace.rule("svc:S-4");
            return Err(error_without_text("InvalidBucketAclWithObjectOwnership", 400));
        }
        let account_block = self
            .state
            .account(&owner)
            .and_then(|account| account.public_access_block)
            .unwrap_or_default();
        if acl.is_some_and(CannedAcl::is_public) && account_block.block_public_acls {
            self.trace.rule("svc:S-6");
            return Err(error_without_text("AccessDenied", 403));
        }
        if acl.is_some_and(CannedAcl::is_public) {
            // A new bucket comes with Block Public Access (user guide, default settings for new buckets).
            self.trace.rule("svc:S-6");
            return Err(error(
                "InvalidBucketAclWithBlockPublicAccessError",
                400,
                "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
            ));
        }
        let bucket = Bucket {
            name: name.clone(),
            owner,
            region: self.actor.region.clone(),
            encryption: DefaultEncryption::default(),
            blocks_customer_keys: blocked_in_new_buckets(self.state.as_of),
            policy: Delayed::new(None),
            public_access_block: Some(ALL_BLOCKED),
            ownership_controls: Some(ownership),
            acl: acl.unwrap_or_default(),
            // Object Lock comes with versioning.
            versioning: if object_lock {
                Versioning::Enabled
            } else {
                Versioning::Never
            },
            tags: Delayed::new(BTreeMap::new()),
            requester_pays: false,
            abac: false,
            object_lock,
            website: None,
            logging: None,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        };
        self.state.contents.buckets.insert(name, bucket.into());
        Ok(empty())
    }

    pub(super) fn delete_bucket(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        if !self.bucket(&place.bucket).objects.is_empty() {
            return Err(error(
                "BucketNotEmpty",
                409,
                "The bucket you tried to delete is not empty",
            ));
        }
        self.state.contents.buckets.remove(&place.bucket);
        Ok(empty())
    }

    pub(super) fn head_bucket(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        Ok(empty())
    }

    pub(super) fn list_buckets(&mut self) -> Answer {
        let Some(account) = self.actor.account().cloned() else {
            return Err(error("AccessDenied", 403, "Access Denied"));
        };
        let pair = Pair::identity("s3:ListAllMyBuckets", "*".to_owned(), None)
            .with_keys(self.keys_of_request("s3:ListAllMyBuckets", &account));
        let check = access::decide(self.state, self.actor, &pair);
        if !self.trace.check(check) {
            return Err(self.denied_in_own_account());
        }
        let buckets: Vec<Value> = self
            .state
            .contents
            .buckets
            .values()
            .filter(|bucket| bucket.owner == account)
            .map(|bucket| json!({"Name": bucket.name}))
            .collect();
        Ok(json!({"Buckets": buckets}))
    }

    pub(super) fn put_bucket_policy(&mut self) -> Answer {
        let text = self
            .with
            .policy("Policy")?
            .ok_or_else(|| error_without_text("MissingRequestBodyError", 400))?;
        let place = self.open()?;
        self.authorize(&place)?;
        self.own_account_only(&place.bucket)?;
        let policy = StoredPolicy::save(self.state, &text, PolicyKind::Bucket).map_err(|error| {
            self.trace.rules.insert(error.rule.clone());
            let message =
                (!error.message.is_empty() && error.kind != PolicyErrorKind::TooLong).then(|| error.message.clone());
            Stop::from(Refusal::error("MalformedPolicy", 400, message))
        })?;
        if policy_resource::foreign_resource(&policy.document, &place.bucket).is_some() {
            return Err(error("MalformedPolicy", 400, policy_resource::INVALID_RESOURCE));
        }
        let public = public_access::is_public(&policy.document);
        if public && public_access::settings(self.state, self.bucket(&place.bucket)).block_public_policy {
            self.trace.rule("svc:S-7");
            return Err(self.refuse_public("s3:PutBucketPolicy", &place, "policies", "BlockPublicPolicy"));
        }
        self.set_policy(&place, Some(Arc::new(policy)));
        Ok(empty())
    }

    pub(super) fn get_bucket_policy(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.own_account_only(&place.bucket)?;
        match self.bucket(&place.bucket).policy.latest() {
            Some(policy) => Ok(json!({"Policy": policy.shown(self.state)})),
            None => Err(error("NoSuchBucketPolicy", 404, "The bucket policy does not exist")),
        }
    }

    pub(super) fn delete_bucket_policy(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.own_account_only(&place.bucket)?;
        if self.bucket(&place.bucket).policy.latest().is_some() {
            self.set_policy(&place, None);
        }
        Ok(empty())
    }

    fn set_policy(&mut self, place: &Place, policy: Option<Arc<StoredPolicy>>) {
        let state = &mut *self.state;
        if let Some(bucket) = state.contents.buckets.get_mut(&place.bucket) {
            bucket.policy.set(&mut state.clock, policy);
        }
    }

    pub(super) fn put_bucket_encryption(&mut self) -> Answer {
        let rules = self
            .with
            .inside("ServerSideEncryptionConfiguration")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?
            .structures("Rules")?;
        let [rule] = rules.as_slice() else {
            return Err(error_without_text("MalformedXML", 400));
        };
        let bucket_key = rule.is_true("BucketKeyEnabled")?;
        let default = rule.inside("ApplyServerSideEncryptionByDefault")?;
        let (name, key) = match &default {
            Some(default) => (
                default.text("SSEAlgorithm")?.unwrap_or("AES256"),
                default.text("KMSMasterKeyID")?,
            ),
            None => ("AES256", None),
        };
        let algorithm = Algorithm::named(name).ok_or_else(|| error_without_text("MalformedXML", 400))?;
        if algorithm == Algorithm::Aes256 && key.is_some() {
            return Err(error_without_text("InvalidArgument", 400));
        }
        let key = key.map(str::to_owned);
        let blocked = match rule.inside("BlockedEncryptionTypes")? {
            Some(types) => blocked_types(&types.texts("EncryptionType")?.unwrap_or_default())?,
            None => None,
        };
        let place = self.open()?;
        self.authorize(&place)?;
        // The key is stored as typed; nobody looks whether it exists (svc:S-12).
        self.trace.rule("svc:S-12");
        self.bucket_mut(&place.bucket).encryption = DefaultEncryption {
            algorithm,
            key,
            bucket_key,
        };
        if let Some(blocked) = blocked {
            self.trace.rule("svc:S-51");
            self.bucket_mut(&place.bucket).blocks_customer_keys = blocked;
        }
        Ok(empty())
    }

    pub(super) fn get_bucket_encryption(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let own = &self.bucket(&place.bucket).encryption;
        let mut default = json!({"SSEAlgorithm": own.algorithm.name()});
        if let Some(key) = &own.key {
            default["KMSMasterKeyID"] = json!(key);
        }
        let mut rule = json!({
            "ApplyServerSideEncryptionByDefault": default,
            "BucketKeyEnabled": own.bucket_key,
        });
        if self.bucket(&place.bucket).blocks_customer_keys {
            rule["BlockedEncryptionTypes"] = json!({"EncryptionType": [BLOCKED_TYPE]});
        }
        Ok(json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}}))
    }

    pub(super) fn delete_bucket_encryption(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).encryption = DefaultEncryption::default();
        Ok(empty())
    }

    pub(super) fn put_public_access_block(&mut self) -> Answer {
        let inner = self
            .with
            .inside("PublicAccessBlockConfiguration")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let settings = PublicAccessBlockSpec {
            block_public_acls: inner.is_true("BlockPublicAcls")?,
            ignore_public_acls: inner.is_true("IgnorePublicAcls")?,
            block_public_policy: inner.is_true("BlockPublicPolicy")?,
            restrict_public_buckets: inner.is_true("RestrictPublicBuckets")?,
        };
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).public_access_block = Some(settings);
        Ok(empty())
    }

    pub(super) fn get_public_access_block(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        match self.bucket(&place.bucket).public_access_block {
            Some(own) => Ok(json!({"PublicAccessBlockConfiguration": {
                "BlockPublicAcls": own.block_public_acls,
                "IgnorePublicAcls": own.ignore_public_acls,
                "BlockPublicPolicy": own.block_public_policy,
                "RestrictPublicBuckets": own.restrict_public_buckets,
            }})),
            None => Err(error(
                "NoSuchPublicAccessBlockConfiguration",
                404,
                "The public access block configuration was not found",
            )),
        }
    }

    pub(super) fn delete_public_access_block(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).public_access_block = None;
        Ok(empty())
    }

    pub(super) fn put_bucket_acl(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let acl = self.check_request_acl("s3:PutBucketAcl", &place, true)?;
        self.bucket_mut(&place.bucket).acl = acl.unwrap_or_default();
        Ok(empty())
    }

    pub(super) fn put_bucket_ownership_controls(&mut self) -> Answer {
        let rules = self
            .with
            .inside("OwnershipControls")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?
            .structures("Rules")?;
        let [rule] = rules.as_slice() else {
            return Err(error_without_text("MalformedXML", 400));
        };
        let ownership = rule
            .text("ObjectOwnership")?
            .and_then(Ownership::named)
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let place = self.open()?;
        self.authorize(&place)?;
        let bucket = self.bucket_mut(&place.bucket);
        if ownership == Ownership::BucketOwnerEnforced && bucket.acl != CannedAcl::Private {
            return Err(error_without_text("InvalidBucketAclWithObjectOwnership", 400));
        }
        bucket.ownership_controls = Some(ownership);
        Ok(empty())
    }

    pub(super) fn get_bucket_ownership_controls(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let own = self.bucket(&place.bucket).ownership_controls.ok_or_else(|| {
            error(
                "OwnershipControlsNotFoundError",
                404,
                "The bucket ownership controls were not found",
            )
        })?;
        let name = Ownership::ALL
            .iter()
            .find(|(_, ownership)| *ownership == own)
            .map_or("", |(name, _)| name);
        Ok(json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": name}]}}))
    }

    pub(super) fn delete_bucket_ownership_controls(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).ownership_controls = None;
        Ok(empty())
    }

    pub(super) fn put_bucket_versioning(&mut self) -> Answer {
        let inner = self
            .with
            .inside("VersioningConfiguration")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let versioning = match inner.text("Status")? {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            _ => return Err(error_without_text("IllegalVersioningConfigurationException", 400)),
        };
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).versioning = versioning;
        Ok(empty())
    }

    pub(super) fn get_bucket_versioning(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        Ok(match self.bucket(&place.bucket).versioning {
            Versioning::Never => empty(),
            Versioning::Enabled => json!({"Status": "Enabled"}),
            Versioning::Suspended => json!({"Status": "Suspended"}),
        })
    }

    /// The answer to a denied check on what would be the caller's own.
    fn denied_in_own_account(&mut self) -> Stop {
        self.trace.rule("svc:S-36");
        let detailed = self
            .actor
            .account()
            .cloned()
            .is_some_and(|account| self.may_see_details(&account));
        let check = self.trace.last();
        let message = check.and_then(|check| check.message.clone()).filter(|_| detailed);
        Refusal::denied(
            "AccessDenied",
            403,
            message.unwrap_or_else(|| "Access Denied".to_owned()),
            check,
        )
        .into()
    }
}

/// Whether uploads under customers' keys are blocked, if the list says so at all.
fn blocked_types(list: &[String]) -> Result<Option<bool>, Stop> {
    let names: Vec<&str> = list.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => Ok(None),
        [BLOCKED_TYPE] => Ok(Some(true)),
        [NOTHING_BLOCKED] => Ok(Some(false)),
        _ => Err(error_without_text("MalformedXML", 400)),
    }
}
