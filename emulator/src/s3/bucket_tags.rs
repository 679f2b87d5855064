//! Tags of a bucket through S3 Control (`/v20180820/tags/ARN`): TagResource, UntagResource, ListTagsForResource. Other
//! resources of S3 that have tags do not exist here.

use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::address::Target;
use super::authorization::Facts;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, xml};
use super::metadata::{self, MAXIMUM_BUCKET_TAGS};
use super::xml::{Element, XmlWriter};
use crate::names::ArnParts;

/// TagResource: adds tags, or gives those that are there other values.
pub(crate) fn tag(exchange: &mut Exchange<'_>) -> Answer {
    address_bucket(exchange)?;
    let root = Element::parse_root(&exchange.request.body, "TagResourceRequest")?;
    let list = root.child("Tags").ok_or_else(|| S3Error::fixed("MalformedXML"))?;
    let tags = metadata::tags_of_list(list, MAXIMUM_BUCKET_TAGS)?;
    let bucket = exchange.require_bucket_with(Facts {
        bucket_tags: Some(&tags),
        ..Facts::default()
    })?;
    let mut all = bucket.tags.clone();
    all.extend(tags);
    if all.len() > MAXIMUM_BUCKET_TAGS {
        return Err(S3Error::new(
            "TooManyTags",
            400,
            format!("A bucket cannot have more than {MAXIMUM_BUCKET_TAGS} tags"),
        ));
    }
    exchange.bucket_mut()?.tags = all;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// UntagResource.
pub(crate) fn untag(exchange: &mut Exchange<'_>) -> Answer {
    address_bucket(exchange)?;
    let keys: Vec<String> = exchange
        .request
        .query
        .iter()
        .filter(|(name, _)| name == "tagKeys")
        .map(|(_, value)| value.clone())
        .collect();
    if keys.is_empty() {
        return Err(S3Error::invalid_request("The tagKeys parameter is missing."));
    }
    exchange.require_bucket_with(Facts {
        tag_keys: Some(&keys),
        ..Facts::default()
    })?;
    exchange.bucket_mut()?.tags.retain(|name, _| !keys.contains(name));
    Ok(empty(StatusCode::NO_CONTENT))
}

/// ListTagsForResource.
pub(crate) fn list_tags(exchange: &mut Exchange<'_>) -> Answer {
    address_bucket(exchange)?;
    let bucket = exchange.require_bucket()?;
    let mut document = XmlWriter::document();
    document.open("ListTagsForResourceResult");
    document.open("Tags");
    for (name, value) in &bucket.tags {
        document.open("Tag");
        document.text("Key", name);
        document.text("Value", value);
        document.close("Tag");
    }
    document.close("Tags");
    document.close("ListTagsForResourceResult");
    Ok(xml(document.finish()))
}

/// From here on the request is about the bucket that the ARN names.
fn address_bucket(exchange: &mut Exchange<'_>) -> Result<(), S3Error> {
    let invalid = || S3Error::invalid_request("The specified ARN is not that of a bucket.");
    let Target::Control(path) = &exchange.target else {
        return Err(invalid());
    };
    let raw = path.strip_prefix("/tags/").ok_or_else(invalid)?;
    let arn = percent_decode_str(raw).decode_utf8().map_err(|_| invalid())?;
    let bucket = ArnParts::parse(&arn)
        .filter(|arn| arn.service == "s3" && arn.account.is_empty() && !arn.resource.contains(['/', ':']))
        .map(|arn| arn.resource.to_owned())
        .ok_or_else(invalid)?;
    exchange.target = Target::Bucket(bucket);
    Ok(())
}
