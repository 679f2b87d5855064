//! Which S3 API operation a request is: a routing table over method, addressed level, sub-resource and header.

use http::Method;

use super::address::Target;
use super::error::S3Error;

/// The S3 operations this emulator performs, by their API names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CopyObject,
    CreateBucket,
    CreateMultipartUpload,
    DeleteAccountPublicAccessBlock,
    DeleteBucket,
    DeleteBucketEncryption,
    DeleteBucketOwnershipControls,
    DeleteBucketPolicy,
    DeleteBucketTagging,
    DeleteObject,
    DeleteObjectTagging,
    DeleteObjects,
    DeletePublicAccessBlock,
    GetAccountPublicAccessBlock,
    GetBucketAcl,
    GetBucketEncryption,
    GetBucketLocation,
    GetBucketOwnershipControls,
    GetBucketPolicy,
    GetBucketPolicyStatus,
    GetBucketRequestPayment,
    GetBucketTagging,
    GetBucketVersioning,
    GetObject,
    GetObjectAcl,
    GetObjectAttributes,
    GetObjectTagging,
    GetPublicAccessBlock,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListMultipartUploads,
    ListObjectVersions,
    ListObjects,
    ListObjectsV2,
    ListParts,
    PutAccountPublicAccessBlock,
    PutBucketAcl,
    PutBucketEncryption,
    PutBucketOwnershipControls,
    PutBucketPolicy,
    PutBucketRequestPayment,
    PutBucketTagging,
    PutBucketVersioning,
    PutObject,
    PutObjectAcl,
    PutObjectTagging,
    PutPublicAccessBlock,
    UploadPart,
    UploadPartCopy,
}

/// Addressed level of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Service,
    Bucket,
    Object,
    Control,
}

/// One row: the request matches when method and level are equal and every query name and the header are present.
struct Route {
    method: &'static str,
    level: Level,
    query: &'static [&'static str],
    header: Option<&'static str>,
    operation: Operation,
}

const fn route(method: &'static str, level: Level, query: &'static [&'static str], operation: Operation) -> Route {
    Route {
        method,
        level,
        query,
        header: None,
        operation,
    }
}

const fn copy_route(method: &'static str, query: &'static [&'static str], operation: Operation) -> Route {
    Route {
        method,
        level: Level::Object,
        query,
        header: Some("x-amz-copy-source"),
        operation,
    }
}

/// First matching row wins, so rows with more conditions come first.
const ROUTES: &[Route] = {
    use Level::{Bucket, Control, Object, Service};
    use Operation as O;
    &[
        route("GET", Service, &[], O::ListBuckets),
        route("GET", Control, &[], O::GetAccountPublicAccessBlock),
        route("PUT", Control, &[], O::PutAccountPublicAccessBlock),
        route("DELETE", Control, &[], O::DeleteAccountPublicAccessBlock),
        // Buckets.
        route("GET", Bucket, &["acl"], O::GetBucketAcl),
        route("PUT", Bucket, &["acl"], O::PutBucketAcl),
        route("GET", Bucket, &["encryption"], O::GetBucketEncryption),
        route("PUT", Bucket, &["encryption"], O::PutBucketEncryption),
        route("DELETE", Bucket, &["encryption"], O::DeleteBucketEncryption),
        route("GET", Bucket, &["location"], O::GetBucketLocation),
        route("GET", Bucket, &["ownershipControls"], O::GetBucketOwnershipControls),
        route("PUT", Bucket, &["ownershipControls"], O::PutBucketOwnershipControls),
        route(
            "DELETE",
            Bucket,
            &["ownershipControls"],
            O::DeleteBucketOwnershipControls,
        ),
        route("GET", Bucket, &["policy"], O::GetBucketPolicy),
        route("PUT", Bucket, &["policy"], O::PutBucketPolicy),
        route("DELETE", Bucket, &["policy"], O::DeleteBucketPolicy),
        route("GET", Bucket, &["policyStatus"], O::GetBucketPolicyStatus),
        route("GET", Bucket, &["publicAccessBlock"], O::GetPublicAccessBlock),
        route("PUT", Bucket, &["publicAccessBlock"], O::PutPublicAccessBlock),
        route("DELETE", Bucket, &["publicAccessBlock"], O::DeletePublicAccessBlock),
        route("GET", Bucket, &["requestPayment"], O::GetBucketRequestPayment),
        route("PUT", Bucket, &["requestPayment"], O::PutBucketRequestPayment),
        route("GET", Bucket, &["tagging"], O::GetBucketTagging),
        route("PUT", Bucket, &["tagging"], O::PutBucketTagging),
        route("DELETE", Bucket, &["tagging"], O::DeleteBucketTagging),
        route("GET", Bucket, &["uploads"], O::ListMultipartUploads),
        route("GET", Bucket, &["versioning"], O::GetBucketVersioning),
        route("PUT", Bucket, &["versioning"], O::PutBucketVersioning),
        route("GET", Bucket, &["versions"], O::ListObjectVersions),
        route("POST", Bucket, &["delete"], O::DeleteObjects),
        route("GET", Bucket, &["list-type"], O::ListObjectsV2),
        route("GET", Bucket, &[], O::ListObjects),
        route("HEAD", Bucket, &[], O::HeadBucket),
        route("PUT", Bucket, &[], O::CreateBucket),
        route("DELETE", Bucket, &[], O::DeleteBucket),
        // Objects.
        route("GET", Object, &["acl"], O::GetObjectAcl),
        route("PUT", Object, &["acl"], O::PutObjectAcl),
        route("GET", Object, &["attributes"], O::GetObjectAttributes),
        route("GET", Object, &["tagging"], O::GetObjectTagging),
        route("PUT", Object, &["tagging"], O::PutObjectTagging),
        route("DELETE", Object, &["tagging"], O::DeleteObjectTagging),
        route("POST", Object, &["uploads"], O::CreateMultipartUpload),
        copy_route("PUT", &["partNumber", "uploadId"], O::UploadPartCopy),
        route("PUT", Object, &["partNumber", "uploadId"], O::UploadPart),
        route("POST", Object, &["uploadId"], O::CompleteMultipartUpload),
        route("DELETE", Object, &["uploadId"], O::AbortMultipartUpload),
        route("GET", Object, &["uploadId"], O::ListParts),
        copy_route("PUT", &[], O::CopyObject),
        route("PUT", Object, &[], O::PutObject),
        route("GET", Object, &[], O::GetObject),
        route("HEAD", Object, &[], O::HeadObject),
        route("DELETE", Object, &[], O::DeleteObject),
    ]
};

/// Sub-resources of S3 that are out of scope: asking for them must not fall through to the plain operation.
const UNSUPPORTED: &[&str] = &[
    "abac",
    "accelerate",
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "renameObject",
    "replication",
    "restore",
    "retention",
    "select",
    "session",
    "torrent",
    "website",
];

/// Every sub-resource name that [`ROUTES`] knows at some level; used to refuse method mismatches.
fn is_known_sub_resource(name: &str) -> bool {
    const PARAMETERS: &[&str] = &["list-type", "partNumber"];
    !PARAMETERS.contains(&name) && ROUTES.iter().any(|row| row.query.contains(&name))
}

/// Finds the operation.
///
/// # Errors
/// `NotImplemented` for sub-resources that are out of scope, `MethodNotAllowed` when no row fits.
pub(crate) fn find(
    method: &Method,
    target: &Target,
    query: &[(String, String)],
    has_header: impl Fn(&str) -> bool,
) -> Result<Operation, S3Error> {
    let level = match target {
        Target::Service => Level::Service,
        Target::Bucket(_) => Level::Bucket,
        Target::Object(..) => Level::Object,
        Target::Control(path) if path == "/configuration/publicAccessBlock" => Level::Control,
        Target::Control(_) => return Err(S3Error::fixed("NotImplemented")),
    };
    let has_query = |name: &str| query.iter().any(|(key, _)| key == name);
    let found = ROUTES.iter().find(|row| {
        row.method == method.as_str()
            && row.level == level
            && row.query.iter().all(|name| has_query(name))
            && row.header.is_none_or(&has_header)
    });
    let route = found.ok_or_else(|| {
        if query.iter().any(|(key, _)| UNSUPPORTED.contains(&key.as_str())) {
            S3Error::fixed("NotImplemented").with("Header", "sub-resource")
        } else {
            S3Error::fixed("MethodNotAllowed").with("Method", method.as_str())
        }
    })?;
    // A sub-resource that this row does not consume belongs to another operation.
    for (name, _) in query {
        if route.query.contains(&name.as_str()) {
            continue;
        }
        if UNSUPPORTED.contains(&name.as_str()) {
            return Err(S3Error::fixed("NotImplemented").with("Header", name.clone()));
        }
        let sub_resource_of_nothing = route.query.is_empty() && is_known_sub_resource(name);
        if sub_resource_of_nothing && name != "uploadId" {
            return Err(S3Error::fixed("MethodNotAllowed").with("Method", method.as_str()));
        }
    }
    Ok(route.operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: &str, target: &Target, query: &str, copy: bool) -> Result<Operation, String> {
        let query: Vec<(String, String)> = query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let method = Method::from_bytes(method.as_bytes()).expect("a literal method");
        find(&method, target, &query, |name| copy && name == "x-amz-copy-source").map_err(|error| error.code)
    }

    #[test]
    fn routing_table() {
        use Operation as O;
        let service = Target::Service;
        let bucket = Target::Bucket("b".to_owned());
        let object = Target::Object("b".to_owned(), "k".to_owned());
        let control = Target::Control("/configuration/publicAccessBlock".to_owned());
        let cases = [
            ("GET", &service, "", false, O::ListBuckets),
            ("GET", &service, "x-id=ListBuckets", false, O::ListBuckets),
            ("PUT", &bucket, "", false, O::CreateBucket),
            ("GET", &bucket, "prefix=a&delimiter=/", false, O::ListObjects),
            ("GET", &bucket, "list-type=2&prefix=acl", false, O::ListObjectsV2),
            ("GET", &bucket, "versions&prefix=", false, O::ListObjectVersions),
            ("GET", &bucket, "location", false, O::GetBucketLocation),
            ("PUT", &bucket, "policy=", false, O::PutBucketPolicy),
            ("GET", &bucket, "policyStatus", false, O::GetBucketPolicyStatus),
            ("POST", &bucket, "delete", false, O::DeleteObjects),
            ("GET", &bucket, "uploads", false, O::ListMultipartUploads),
            ("HEAD", &bucket, "", false, O::HeadBucket),
            ("PUT", &object, "", false, O::PutObject),
            ("PUT", &object, "x-id=PutObject", false, O::PutObject),
            ("PUT", &object, "", true, O::CopyObject),
            ("PUT", &object, "partNumber=1&uploadId=u", false, O::UploadPart),
            ("PUT", &object, "partNumber=1&uploadId=u", true, O::UploadPartCopy),
            ("POST", &object, "uploads", false, O::CreateMultipartUpload),
            ("POST", &object, "uploadId=u", false, O::CompleteMultipartUpload),
            ("DELETE", &object, "uploadId=u", false, O::AbortMultipartUpload),
            ("GET", &object, "uploadId=u", false, O::ListParts),
            ("GET", &object, "partNumber=1", false, O::GetObject),
            ("GET", &object, "versionId=v&attributes", false, O::GetObjectAttributes),
            ("GET", &object, "tagging&versionId=v", false, O::GetObjectTagging),
            ("HEAD", &object, "versionId=v", false, O::HeadObject),
            ("DELETE", &object, "versionId=v", false, O::DeleteObject),
            ("PUT", &control, "", false, O::PutAccountPublicAccessBlock),
        ];
        for (method, target, query, copy, expected) in cases {
            assert_eq!(
                routed(method, target, query, copy),
                Ok(expected),
                "{method} {target:?} {query}"
            );
        }
    }

    #[test]
    fn what_is_not_routed() {
        let bucket = Target::Bucket("b".to_owned());
        let object = Target::Object("b".to_owned(), "k".to_owned());
        let cases = [
            ("GET", &bucket, "lifecycle", "NotImplemented"),
            ("PUT", &bucket, "cors", "NotImplemented"),
            ("PUT", &object, "retention", "NotImplemented"),
            ("PUT", &object, "encryption", "NotImplemented"),
            ("POST", &object, "select&select-type=2", "NotImplemented"),
            ("POST", &object, "", "MethodNotAllowed"),
            ("DELETE", &object, "acl", "MethodNotAllowed"),
            ("DELETE", &bucket, "versioning", "MethodNotAllowed"),
            ("PATCH", &bucket, "", "MethodNotAllowed"),
            ("POST", &Target::Service, "", "MethodNotAllowed"),
        ];
        for (method, target, query, expected) in cases {
            assert_eq!(
                routed(method, target, query, false),
                Err(expected.to_owned()),
                "{method} {query}"
            );
        }
    }

    #[test]
    fn every_operation_has_a_route() {
        let mut operations: Vec<String> = ROUTES.iter().map(|row| format!("{:?}", row.operation)).collect();
        operations.sort();
        operations.dedup();
        assert_eq!(operations.len(), 52);
    }
}
