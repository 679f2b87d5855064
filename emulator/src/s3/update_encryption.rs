//! UpdateObjectEncryption: another KMS key, or a KMS key instead of SSE-S3, for an object that stays what it is
//! (`svc:S-25`). The bytes are sealed anew here where S3 only wraps their key again; no client can tell.

use std::sync::Arc;

use http::StatusCode;

use super::authorization::Facts;
use super::bucket::{Content, KmsProtection, Protection};
use super::encryption::kms_context;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, set_version_header};
use super::sse;
use super::write::{content_of, owned_names};
use super::xml::Element;
use crate::kms::internal;
use crate::names::ArnParts;

/// What the body asks for.
struct Wanted {
    key_arn: String,
    bucket_key: bool,
}

/// UpdateObjectEncryption: `kms:Decrypt` for the key the object has, `kms:GenerateDataKey` and `kms:Encrypt` for the
/// one it gets, `kms:ReEncrypt*` from one to the other, all as the requester.
pub(crate) fn update_object_encryption(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let wanted = read(&request.body)?;
    let (version_id, content, region, owner, lock) = {
        let (bucket, version) = exchange.require_object(Facts {
            new_key: Some(&wanted.key_arn),
            ..Facts::default()
        })?;
        (
            version.version_id.clone(),
            Arc::clone(content_of(version)?),
            bucket.region.clone(),
            bucket.account.clone(),
            version.lock,
        )
    };
    if request.caller.is_anonymous() {
        return Err(S3Error::invalid_request(
            "Requests that modify an object encryption configuration require AWS Signature Version 4.",
        ));
    }
    let old = content.protection.kms().cloned();
    if old.as_ref().is_some_and(|kms| kms.dsse) || content.protection.customer().is_some() {
        return Err(S3Error::invalid_request(
            "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
        ));
    }
    // Only keys of the bucket owner, as long as AWS Support has not been asked for more (API page).
    if ArnParts::parse(&wanted.key_arn).is_none_or(|arn| arn.account != owner.as_str()) {
        return Err(S3Error::access_denied(
            "The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.",
        ));
    }
    if lock.is_active(exchange.state.now()) {
        return Err(S3Error::access_denied(
            "The encryption type for the specified object can’t be updated because that object is protected by S3 Object Lock.",
        ));
    }
    let (bucket_name, key) = owned_names(exchange);
    let old_data_key = match &old {
        None => None,
        Some(kms) => Some(sse::unwrap(
            exchange.state,
            &request.caller,
            &region,
            exchange.operation,
            kms,
        )?),
    };
    // The caller's own pairs stay with the object; S3's pair follows the new kind of key.
    let mut pairs = old.as_ref().map(|kms| kms.context.clone()).unwrap_or_default();
    pairs.remove("aws:s3:arn");
    let context = kms_context(&pairs, &bucket_name, &key, wanted.bucket_key);
    let via = sse::via(&region);
    let (state, caller) = (&mut *exchange.state, &request.caller);
    let made = internal::generate_data_key(state, caller, &via, &region, &wanted.key_arn, &context)
        .map_err(|error| sse::kms_error(state, error))?;
    let encrypted = internal::encrypt(
        state,
        caller,
        &via,
        &region,
        &wanted.key_arn,
        old_data_key.as_deref().unwrap_or(&made.plaintext),
        &context,
    )
    .map_err(|error| sse::kms_error(state, error))?;
    let (data_key, wrapped_key) = match (&old, old_data_key) {
        (Some(kms), Some(data_key)) => {
            let moved = internal::re_encrypt(
                state,
                caller,
                &via,
                &region,
                (&kms.key_arn, &kms.wrapped_key, &kms.context),
                (&wanted.key_arn, &context),
            )
            .map_err(|error| sse::kms_error(state, error))?;
            (data_key, moved)
        }
        _ => (made.plaintext, encrypted.ciphertext),
    };
    let protection = Protection::Kms(Arc::new(KmsProtection {
        dsse: false,
        key_arn: made.key_arn.to_string(),
        wrapped_key,
        context,
        bucket_key: wanted.bucket_key,
    }));
    let plain = sse::open_body(&content.body, &data_key)?;
    let body = sse::seal_body(exchange.state, &protection, &data_key, &plain)?;
    let bucket = exchange.bucket_mut()?;
    let version = bucket
        .version_mut(&key, Some(&version_id))
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    version.content = Some(Arc::new(Content {
        protection,
        body,
        ..Content::clone(&content)
    }));
    let mut response = empty(StatusCode::OK);
    set_version_header(&mut response, bucket, &version_id);
    Ok(response)
}

fn read(body: &[u8]) -> Result<Wanted, S3Error> {
    let root = Element::parse_root(body, "ObjectEncryption")?;
    let kms = root.child("SSE-KMS").ok_or_else(|| {
        S3Error::invalid_request(
            "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
        )
    })?;
    let key_arn = kms.child_text("KMSKeyArn").filter(|arn| !arn.is_empty()).ok_or_else(|| {
        S3Error::invalid_request(
            "Requests that modify an object's encryption type to SSE-KMS require an AWS KMS key Amazon Resource Name (ARN). Modify the request to specify a KMS key ARN, and then try again.",
        )
    })?;
    let is_key = ArnParts::parse(key_arn).is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"));
    if !is_key {
        return Err(S3Error::invalid_request(
            "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.",
        ));
    }
    let bucket_key = match kms.child_text("BucketKeyEnabled") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(S3Error::invalid_request(
                "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to specify a valid value, and then try again.",
            ));
        }
    };
    Ok(Wanted {
        key_arn: key_arn.to_owned(),
        bucket_key,
    })
}
