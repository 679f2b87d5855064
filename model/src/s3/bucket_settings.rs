//! The configuration of a bucket that decides nothing here, or little: website, logging, who pays, where it is; and whether its policy
//! is public (`svc:S-7`).

use serde_json::{Value, json};

use super::request::Request;
use super::{empty, error, error_without_text, public_access};
use crate::world::trace::Answer;

impl Request<'_> {
    pub(super) fn get_bucket_location(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let region = self.bucket(&place.bucket).region.as_str().to_owned();
        // The oldest Region has no name here.
        Ok(if region == "us-east-1" {
            empty()
        } else {
            json!({"LocationConstraint": region})
        })
    }

    pub(super) fn get_bucket_policy_status(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.trace.rule("svc:S-7");
        match self.bucket(&place.bucket).policy.latest() {
            Some(policy) => Ok(json!({"PolicyStatus": {"IsPublic": public_access::is_public(&policy.document)}})),
            None => Err(error("NoSuchBucketPolicy", 404, "The bucket policy does not exist")),
        }
    }

    pub(super) fn put_bucket_website(&mut self) -> Answer {
        let given = self.with.inside("WebsiteConfiguration")?;
        if given.is_none_or(|inner| inner.names().next().is_none()) {
            return Err(error_without_text("MalformedXML", 400));
        }
        let website = self.with.value("WebsiteConfiguration").cloned();
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).website = website;
        Ok(empty())
    }

    pub(super) fn get_bucket_website(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        match &self.bucket(&place.bucket).website {
            Some(website) => Ok(website.clone()),
            None => Err(error(
                "NoSuchWebsiteConfiguration",
                404,
                "The specified bucket does not have a website configuration",
            )),
        }
    }

    pub(super) fn delete_bucket_website(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).website = None;
        Ok(empty())
    }

    /// From now on others pay for their requests, or not (`svc:S-9`).
    pub(super) fn put_bucket_request_payment(&mut self) -> Answer {
        let payer = match self.with.inside("RequestPaymentConfiguration")? {
            Some(inner) => inner.text("Payer")?,
            None => None,
        };
        let requester_pays = match payer {
            Some("Requester") => true,
            Some("BucketOwner") => false,
            _ => return Err(error_without_text("MalformedXML", 400)),
        };
        let place = self.open()?;
        self.authorize(&place)?;
        self.bucket_mut(&place.bucket).requester_pays = requester_pays;
        Ok(empty())
    }

    pub(super) fn get_bucket_request_payment(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        let payer = if self.bucket(&place.bucket).requester_pays {
            "Requester"
        } else {
            "BucketOwner"
        };
        Ok(json!({"Payer": payer}))
    }

    /// The target must be a bucket of the same owner and Region; whether the logs could be delivered is not looked at.
    pub(super) fn put_bucket_logging(&mut self) -> Answer {
        let status = self
            .with
            .inside("BucketLoggingStatus")?
            .ok_or_else(|| error_without_text("MalformedXML", 400))?;
        let enabled = match status.inside("LoggingEnabled")? {
            Some(inner) => Some((
                inner.needed_text("TargetBucket")?.to_owned(),
                inner.text("TargetPrefix")?.unwrap_or_default().to_owned(),
            )),
            None => None,
        };
        let place = self.open()?;
        self.authorize(&place)?;
        let own = self.bucket(&place.bucket);
        if let Some((target, _)) = &enabled {
            let fits = self
                .state
                .bucket(target)
                .is_some_and(|target| target.owner == own.owner && target.region == own.region);
            if !fits {
                return Err(error_without_text("InvalidTargetBucketForLogging", 400));
            }
        }
        self.bucket_mut(&place.bucket).logging = enabled;
        Ok(empty())
    }

    pub(super) fn get_bucket_logging(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        Ok(match &self.bucket(&place.bucket).logging {
            Some((target, prefix)) => json!({"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}}),
            None => empty(),
        })
    }

    pub(super) fn get_bucket_acl(&mut self) -> Answer {
        let place = self.open()?;
        self.authorize(&place)?;
        Ok(grants(self.bucket(&place.bucket).acl.of_own_object().grants()))
    }

    pub(super) fn get_object_acl(&mut self) -> Answer {
        let place = self.open_object()?;
        self.authorize(&place)?;
        let object = self.existing(&place)?;
        // Its owner has every permission already.
        let own = object.owner == self.bucket(&place.bucket).owner;
        let acl = if own { object.acl.of_own_object() } else { object.acl };
        Ok(grants(acl.grants()))
    }
}

/// The grants of an ACL by permission; canonical ids are none of the model's.
fn grants(list: Vec<&'static str>) -> Value {
    let list: Vec<Value> = list
        .into_iter()
        .map(|permission| json!({"Permission": permission}))
        .collect();
    json!({"Grants": list})
}
