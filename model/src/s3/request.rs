//! One S3 request: the checks it makes and how a refusal reads (`svc:S-1`…`svc:S-9`, `svc:S-36`, `svc:S-40`…`svc:S-48`).

use jiff::civil::date;

use super::acl::{Asker, CannedAcl};
use super::bucket::{Bucket, ObjectVersion, Ownership};
use super::table::{Operation, ResourceKind, Side, When, table};
use super::{error, error_without_text, public_access};
use crate::case::Shape;
use crate::evaluate::Caller;
use crate::name::AccountId;
use crate::outcome::{Check, CheckDecision, Gate, GateVerdict, PolicySet};
use crate::rule::{Rules, rule};
use crate::world::access::{self, Attached, Pair};
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::trace::{Refusal, Stop, Trace};

/// A request while it runs.
pub(super) struct Request<'a> {
    pub(super) state: &'a mut State,
    pub(super) trace: &'a mut Trace,
    pub(super) actor: &'a Actor,
    pub(super) operation: &'static Operation,
    pub(super) shape: Shape,
    pub(super) with: Parameters<'a>,
}

/// What is asked about: a bucket, or an object in it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: Option<String>,
    pub(super) version: Option<String>,
}

/// The bucket APIs that the root user of the bucket's account may always call, and nobody outside the account ever.
const BUCKET_POLICY_ACTIONS: &[&str] = &["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];

/// Actions on objects that the owner of the bucket rules over, whoever owns the object.
const BUCKET_LEVEL_OBJECT_ACTIONS: &[&str] = &[
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

impl Request<'_> {
    pub(super) fn bucket(&self, name: &str) -> &Bucket {
        self.state
            .bucket(name)
            .expect("a request opens its buckets before it uses them")
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> &mut Bucket {
        self.state
            .contents
            .buckets
            .get_mut(name)
            .expect("a request opens its buckets before it uses them")
    }

    /// The bucket of the request, with the object and version it names. Refuses what no permission could help.
    pub(super) fn open(&mut self) -> Result<Place, Stop> {
        let name = self.with.needed_text("Bucket")?.to_owned();
        let key = self.with.text("Key")?.map(str::to_owned);
        let version = self.with.text("VersionId")?.map(str::to_owned);
        self.open_bucket(&name, "ExpectedBucketOwner")?;
        Ok(Place {
            bucket: name,
            key,
            version,
        })
    }

    pub(super) fn open_bucket(&mut self, name: &str, owner_parameter: &str) -> Result<(), Stop> {
        let Some(bucket) = self.state.bucket(name) else {
            return Err(error("NoSuchBucket", 404, "The specified bucket does not exist"));
        };
        if bucket.region != self.actor.region {
            return Err(error_without_text("PermanentRedirect", 301));
        }
        let owner = bucket.owner.clone();
        if let Some(expected) = self.with.text(owner_parameter)? {
            if AccountId::new(expected).is_err() {
                return Err(error_without_text("InvalidBucketOwnerAWSAccountID", 400));
            }
            if expected != owner.as_str() {
                return Err(error("AccessDenied", 403, "Access Denied"));
            }
        }
        Ok(())
    }

    /// Requests by others, services among them, need the header; anonymous ones never pass (`svc:S-9`).
    pub(super) fn check_requester_pays(&mut self, name: &str) -> Result<(), Stop> {
        let bucket = self.bucket(name);
        if !bucket.requester_pays || self.actor.account() == Some(&bucket.owner) {
            return Ok(());
        }
        self.trace.rule("svc:S-9");
        if !self.actor.is_anonymous() && self.with.text("RequestPayer")? == Some("requester") {
            return Ok(());
        }
        Err(error("AccessDenied", 403, "Access Denied"))
    }

    /// Makes the checks of the table for the target of the request, in order.
    pub(super) fn authorize(&mut self, place: &Place) -> Result<(), Stop> {
        self.authorize_side(place, Side::Target)
    }

    /// Makes the checks of one side of a copy, or of the only side.
    pub(super) fn authorize_side(&mut self, place: &Place, side: Side) -> Result<(), Stop> {
        self.check_requester_pays(&place.bucket)?;
        self.trace.rule("svc:S-15");
        for permission in &self.operation.permissions {
            if permission.of != side || !self.is_needed(permission.when, place)? {
                continue;
            }
            let action = permission.action.as_str();
            if table().action_has_key(action, "s3:x-amz-server-side-encryption") {
                self.trace.rule("svc:S-40");
            }
            let resource = match permission.resource {
                ResourceKind::Object => place.clone(),
                ResourceKind::Bucket | ResourceKind::Everything => Place {
                    key: None,
                    version: None,
                    ..place.clone()
                },
            };
            self.check(action, &resource)?;
        }
        Ok(())
    }

    fn is_needed(&self, when: Option<When>, place: &Place) -> Result<bool, Stop> {
        let with = self.with;
        Ok(match when {
            Some(When::VersionNamed | When::SourceVersionNamed) => place.version.is_some(),
            Some(When::NoVersionNamed | When::NoSourceVersionNamed) => place.version.is_none(),
            Some(copied @ (When::SourceTagsCopied | When::SourceVersionTagsCopied)) => {
                place.version.is_some() == (copied == When::SourceVersionTagsCopied)
                    && with.text("TaggingDirective")? != Some("REPLACE")
                    && place.key.as_ref().is_some_and(|key| {
                        self.bucket(&place.bucket)
                            .readable(key, place.version.as_deref())
                            .is_some_and(|object| !object.tags.is_empty())
                    })
            }
            of_headers => self.is_needed_by_headers(of_headers)?,
        })
    }

    /// The conditions that headers alone decide.
    pub(super) fn is_needed_by_headers(&self, when: Option<When>) -> Result<bool, Stop> {
        let with = self.with;
        let grants = || with.names().any(|name| name.starts_with("Grant"));
        Ok(match when {
            None => true,
            Some(When::AclHeader) => with.has("ACL") || grants(),
            Some(When::OpeningAclHeader) => with.text("ACL")?.is_some_and(|acl| acl != "private") || grants(),
            Some(When::OwnershipHeader) => with.has("ObjectOwnership"),
            Some(When::ObjectLockHeader) => with.is_true("ObjectLockEnabledForBucket")?,
            Some(When::TaggingHeader) => with.has("Tagging"),
            Some(When::RetentionHeader) => with.has("ObjectLockMode") || with.has("ObjectLockRetainUntilDate"),
            Some(When::LegalHoldHeader) => with.has("ObjectLockLegalHoldStatus"),
            Some(
                When::VersionNamed
                | When::NoVersionNamed
                | When::SourceVersionNamed
                | When::NoSourceVersionNamed
                | When::SourceTagsCopied
                | When::SourceVersionTagsCopied,
            ) => false,
        })
    }

    /// One S3 check; a denial ends the request.
    pub(super) fn check(&mut self, action: &str, place: &Place) -> Result<(), Stop> {
        let check = self.decide(action, place);
        // Whose the object is, is whose the resource is: its owner's account counts for what may be told.
        let owner = self.foreign_object(action, place).map(|object| object.owner.clone());
        if self.trace.check(check) {
            Ok(())
        } else {
            Err(match owner {
                Some(owner) => self.denied_by(&owner),
                None => self.denied(&place.bucket),
            })
        }
    }

    /// One S3 check, not recorded yet.
    pub(super) fn decide(&mut self, action: &str, place: &Place) -> Check {
        let check = self.decide_alone(action, place);
        let bucket = self.bucket(&place.bucket);
        let blocked = self.restricted(bucket);
        let of_another_owner = self.foreign_object(action, place).is_some();
        self.trace.rule(if self.actor.is_anonymous() {
            "svc:S-3"
        } else if self.actor.account() == Some(&bucket.owner) {
            "svc:S-1"
        } else {
            "svc:S-2"
        });
        if of_another_owner {
            self.trace.rule("svc:S-4");
        }
        if blocked {
            block_public_access(check, "svc:S-6", None)
        } else {
            check
        }
    }

    fn decide_alone(&self, action: &str, place: &Place) -> Check {
        let state = &*self.state;
        let bucket = self.bucket(&place.bucket);
        let object = place
            .key
            .as_ref()
            .and_then(|key| bucket.readable(key, place.version.as_deref()));
        let resource = match &place.key {
            Some(key) => bucket.object_arn(key),
            None => bucket.arn(),
        };
        let policy = bucket.policy.effective(&state.clock).clone();
        let foreign_object = self.foreign_object(action, place);
        // Allows of a bucket policy do not cover objects of other owners, Denies do (svc:S-4).
        let denies = match (&policy, foreign_object) {
            (Some(policy), Some(_)) => policy.denies(),
            _ => None,
        };
        let root_escape = BUCKET_POLICY_ACTIONS.contains(&action)
            && matches!(&self.actor.caller, Caller::Root { account, .. } if *account == bucket.owner);
        let attached = match (&policy, foreign_object, &denies) {
            _ if root_escape => Attached::Nothing,
            (_, Some(_), Some(denies)) => Attached::Optional(denies, "bucket policy"),
            (_, Some(_), None) | (None, _, _) => Attached::Nothing,
            (Some(policy), None, _) => Attached::Optional(policy, "bucket policy"),
        };
        let owner = foreign_object.map_or(&bucket.owner, |object| &object.owner);
        let pair = Pair {
            action,
            resource,
            owner: Some(owner),
            policy: attached,
            keys: self.keys(action, bucket, object),
            grant: None,
            acl: self.acl_allows(action, bucket, place.key.is_some(), object),
            outside_resource_control: false,
        };
        access::decide(state, self.actor, &pair)
    }

    /// The object of a check that belongs to another account than its bucket. Who owns the object matters to those who read or
    /// describe it; writing and deleting are the bucket's matter.
    fn foreign_object(&self, action: &str, place: &Place) -> Option<&ObjectVersion> {
        let bucket = self.bucket(&place.bucket);
        let object = bucket.readable(place.key.as_ref()?, place.version.as_deref())?;
        let counts = object.owner != bucket.owner
            && bucket.ownership() != Ownership::BucketOwnerEnforced
            && !BUCKET_LEVEL_OBJECT_ACTIONS.contains(&action);
        counts.then_some(object)
    }

    /// Whether RestrictPublicBuckets cuts this caller off (`svc:S-6`).
    fn restricted(&self, bucket: &Bucket) -> bool {
        let outside = !self.actor.is_service() && self.actor.account() != Some(&bucket.owner);
        outside
            && public_access::settings(self.state, bucket).restrict_public_buckets
            && bucket
                .policy
                .effective(&self.state.clock)
                .as_ref()
                .is_some_and(|policy| public_access::is_public(&policy.document))
    }

    fn acl_allows(&self, action: &str, bucket: &Bucket, on_object: bool, object: Option<&ObjectVersion>) -> bool {
        if bucket.ownership() == Ownership::BucketOwnerEnforced {
            return false;
        }
        let asker = Asker {
            account: self.actor.account(),
            anonymous: self.actor.is_anonymous(),
            bucket_owner: &bucket.owner,
            owner: &bucket.owner,
            ignore_public: public_access::settings(self.state, bucket).ignore_public_acls,
        };
        let by_object = object.is_some_and(|object| {
            object.acl.object_allows(
                action,
                Asker {
                    owner: &object.owner,
                    ..asker
                },
            )
        });
        let by_bucket = bucket.acl.bucket_allows(action, asker) && (!on_object || !action.starts_with("s3:List"));
        by_object || by_bucket
    }

    /// The answer to the check recorded last (`svc:S-36`).
    pub(super) fn denied(&mut self, bucket: &str) -> Stop {
        let owner = self.bucket(bucket).owner.clone();
        self.denied_by(&owner)
    }

    /// The same for a resource of an account.
    fn denied_by(&mut self, owner: &AccountId) -> Stop {
        self.trace.rule("svc:S-36");
        let check = self.trace.last();
        let detailed = self.may_see_details(owner);
        let message = check.and_then(|check| check.message.clone()).filter(|_| detailed);
        Refusal::denied(
            "AccessDenied",
            403,
            message.unwrap_or_else(|| "Access Denied".to_owned()),
            check,
        )
        .into()
    }

    /// Details go to callers of the same account or organization, since January 2024.
    pub(super) fn may_see_details(&self, owner: &AccountId) -> bool {
        let close = |account: &AccountId| account == owner || self.state.same_organization(account, owner);
        self.state.as_of >= date(2024, 1, 1) && self.actor.account().is_some_and(close)
    }

    /// A refusal by Block Public Access of a request that brings something public (`svc:S-6`).
    pub(super) fn refuse_public(&mut self, action: &str, place: &Place, what: &str, setting: &str) -> Stop {
        let mut check = self.decide_alone(action, place);
        // The text of the S3 user guide (troubleshoot-403-errors, Block Public Access), for ACLs and for policies; observed: msg-bpa-acl.
        let reason = format!("because public {what} are prevented by the {setting} setting in S3 Block Public Access.");
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: \"{}\" {reason}",
            check.caller, check.resource
        );
        check = block_public_access(check, "svc:S-6", Some(message));
        self.trace.check(check);
        self.denied(&place.bucket)
    }

    /// What an ACL in the request leads to (`svc:S-4`, `svc:S-6`). After the permissions.
    pub(super) fn check_request_acl(
        &mut self,
        action: &str,
        place: &Place,
        setting_acl: bool,
    ) -> Result<Option<CannedAcl>, Stop> {
        let acl = match self.with.text("ACL")? {
            Some(name) => Some(CannedAcl::named(name).ok_or_else(|| error_without_text("InvalidArgument", 400))?),
            None => None,
        };
        let grants = self
            .with
            .names()
            .any(|name| name.starts_with("Grant") || name == "AccessControlPolicy");
        let bucket = self.bucket(&place.bucket);
        let enforced = bucket.ownership() == Ownership::BucketOwnerEnforced;
        let harmless = acl.is_none_or(|acl| acl == CannedAcl::BucketOwnerFullControl) && !grants;
        if enforced && (setting_acl || !harmless) {
            self.trace.rule("svc:S-4");
            return Err(error(
                "AccessControlListNotSupported",
                400,
                "The bucket does not allow ACLs",
            ));
        }
        if acl.is_some_and(CannedAcl::is_public) && public_access::settings(self.state, bucket).block_public_acls {
            self.trace.rule("svc:S-5");
            return Err(self.refuse_public(action, place, "ACLs", "BlockPublicAcls"));
        }
        Ok(acl)
    }

    /// The object, or the answer to a missing one: 404 to those who may list the bucket, 403 to others (`svc:S-8`).
    pub(super) fn existing(&mut self, place: &Place) -> Result<ObjectVersion, Stop> {
        let key = place.key.clone().unwrap_or_default();
        if let Some(object) = self.bucket(&place.bucket).readable(&key, place.version.as_deref()) {
            return Ok(object.clone());
        }
        self.trace.rule("svc:S-8");
        let bucket = self.bucket(&place.bucket);
        let known_version = place.version.is_none() || bucket.version(&key, place.version.as_deref()).is_some();
        let marker = place.version.is_some() && known_version;
        self.check(
            "s3:ListBucket",
            &Place {
                key: None,
                version: None,
                ..place.clone()
            },
        )?;
        if marker {
            return Err(error(
                "MethodNotAllowed",
                405,
                "The specified method is not allowed against this resource.",
            ));
        }
        if !known_version {
            return Err(error("NoSuchVersion", 404, "The specified version does not exist."));
        }
        Err(error("NoSuchKey", 404, "The specified key does not exist."))
    }

    /// The bucket-policy APIs answer 405 to callers of other accounts, whatever allows them.
    pub(super) fn own_account_only(&mut self, bucket: &str) -> Result<(), Stop> {
        if self.actor.account() == Some(&self.bucket(bucket).owner) {
            return Ok(());
        }
        Err(error(
            "MethodNotAllowed",
            405,
            "The specified method is not allowed against this resource.",
        ))
    }
}

/// Rules about whom the silence of the policies is blamed on.
const BLAME_FOR_SILENCE: [&str; 3] = ["iam:R-07", "iam:R-08", "iam:A-04"];

/// A check that Block Public Access overrules. It is blamed then, whatever the policies leave unsaid.
fn block_public_access(mut check: Check, id: &'static str, message: Option<String>) -> Check {
    if check.decision == CheckDecision::ExplicitDeny {
        return check;
    }
    let rules = Rules::from([rule(id), rule("svc:S-7")]);
    check.message = message.or_else(|| {
        Some(format!(
            "User: {} is not authorized to perform: {} on resource: \"{}\" with an explicit deny in a resource-based policy",
            check.caller, check.action, check.resource
        ))
    });
    check.decision = CheckDecision::ExplicitDeny;
    check.blamed = Some(PolicySet::PublicAccessBlock);
    check.failed.insert(PolicySet::PublicAccessBlock);
    check.rules.retain(|id| !BLAME_FOR_SILENCE.contains(&id.as_str()));
    check.rules.extend(rules.iter().cloned());
    check.gates.push(Gate {
        set: PolicySet::PublicAccessBlock,
        verdict: GateVerdict::Denies,
        rules,
    });
    check
}
