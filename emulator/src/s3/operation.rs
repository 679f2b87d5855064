//! Which S3 API operation a request is: a routing table over method, addressed level, sub-resource and header.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::Method;

use super::address::Target;
use super::documents::{Deed, Document};
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
    /// Get, list, put or delete bucket configuration that is only kept (`GetBucketCors`, …).
    Document(Deed, Document),
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
    GetObjectLegalHold,
    GetObjectLockConfiguration,
    GetObjectRetention,
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
    ListTagsForResource,
    PostObject,
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
    PutObjectLegalHold,
    PutObjectLockConfiguration,
    PutObjectRetention,
    PutObjectTagging,
    PutPublicAccessBlock,
    RestoreObject,
    SelectObjectContent,
    TagResource,
    UntagResource,
    UpdateObjectEncryption,
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
    /// The tags of a resource, named by its ARN.
    ControlTags,
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

const fn document(method: &'static str, query: &'static [&'static str], document: Document) -> Route {
    let deed = match method.as_bytes() {
        b"GET" => Deed::Get,
        b"PUT" => Deed::Put,
        _ => Deed::Delete,
    };
    route(method, Level::Bucket, query, Operation::Document(deed, document))
}

/// First matching row wins, so rows with more conditions come first.
const ROUTES: &[Route] = {
    use Level::{Bucket, Control, ControlTags, Object, Service};
    use Operation as O;
    &[
        route("GET", Service, &[], O::ListBuckets),
        route("GET", Control, &[], O::GetAccountPublicAccessBlock),
        route("PUT", Control, &[], O::PutAccountPublicAccessBlock),
        route("DELETE", Control, &[], O::DeleteAccountPublicAccessBlock),
        route("GET", ControlTags, &[], O::ListTagsForResource),
        route("POST", ControlTags, &[], O::TagResource),
        route("DELETE", ControlTags, &[], O::UntagResource),
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
        route("GET", Bucket, &["object-lock"], O::GetObjectLockConfiguration),
        route("PUT", Bucket, &["object-lock"], O::PutObjectLockConfiguration),
        document("GET", &["abac"], Document::Abac),
        document("PUT", &["abac"], Document::Abac),
        document("GET", &["accelerate"], Document::Accelerate),
        document("PUT", &["accelerate"], Document::Accelerate),
        document("GET", &["analytics"], Document::Analytics),
        document("PUT", &["analytics"], Document::Analytics),
        document("DELETE", &["analytics"], Document::Analytics),
        document("GET", &["cors"], Document::Cors),
        document("PUT", &["cors"], Document::Cors),
        document("DELETE", &["cors"], Document::Cors),
        document("GET", &["intelligent-tiering"], Document::IntelligentTiering),
        document("PUT", &["intelligent-tiering"], Document::IntelligentTiering),
        document("DELETE", &["intelligent-tiering"], Document::IntelligentTiering),
        document("GET", &["inventory"], Document::Inventory),
        document("PUT", &["inventory"], Document::Inventory),
        document("DELETE", &["inventory"], Document::Inventory),
        document("GET", &["lifecycle"], Document::Lifecycle),
        document("PUT", &["lifecycle"], Document::Lifecycle),
        document("DELETE", &["lifecycle"], Document::Lifecycle),
        document("GET", &["logging"], Document::Logging),
        document("PUT", &["logging"], Document::Logging),
        document("GET", &["metrics"], Document::Metrics),
        document("PUT", &["metrics"], Document::Metrics),
        document("DELETE", &["metrics"], Document::Metrics),
        document("GET", &["notification"], Document::Notification),
        document("PUT", &["notification"], Document::Notification),
        document("GET", &["replication"], Document::Replication),
        document("PUT", &["replication"], Document::Replication),
        document("DELETE", &["replication"], Document::Replication),
        document("GET", &["website"], Document::Website),
        document("PUT", &["website"], Document::Website),
        document("DELETE", &["website"], Document::Website),
        route("POST", Bucket, &["delete"], O::DeleteObjects),
        route("POST", Bucket, &[], O::PostObject),
        route("GET", Bucket, &["list-type"], O::ListObjectsV2),
        route("GET", Bucket, &[], O::ListObjects),
        route("HEAD", Bucket, &[], O::HeadBucket),
        route("PUT", Bucket, &[], O::CreateBucket),
        route("DELETE", Bucket, &[], O::DeleteBucket),
        // Objects.
        route("GET", Object, &["acl"], O::GetObjectAcl),
        route("PUT", Object, &["acl"], O::PutObjectAcl),
        route("GET", Object, &["attributes"], O::GetObjectAttributes),
        route("PUT", Object, &["encryption"], O::UpdateObjectEncryption),
        route("GET", Object, &["legal-hold"], O::GetObjectLegalHold),
        route("PUT", Object, &["legal-hold"], O::PutObjectLegalHold),
        route("POST", Object, &["restore"], O::RestoreObject),
        route("GET", Object, &["retention"], O::GetObjectRetention),
        route("PUT", Object, &["retention"], O::PutObjectRetention),
        route("POST", Object, &["select", "select-type"], O::SelectObjectContent),
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

/// Every operation that has a route, each once.
pub(crate) fn all() -> Vec<Operation> {
    let mut found: Vec<Operation> = Vec::new();
    for row in ROUTES {
        if !found.contains(&row.operation) {
            found.push(row.operation);
        }
    }
    found
}

/// Sub-resources of S3 that are out of scope: asking for them must not fall through to the plain operation.
const UNSUPPORTED: &[&str] = &[
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "renameObject",
    "session",
    "torrent",
];

/// Names of [`ROUTES`] that only qualify a sub-resource or a plain operation.
const PARAMETERS: &[&str] = &["list-type", "partNumber", "select-type"];

/// Every sub-resource name that [`ROUTES`] knows at some level; used to refuse method mismatches.
fn is_known_sub_resource(name: &str) -> bool {
    // The parameters of a presigned URL are none, and the table is not searched for the others.
    if name.starts_with("X-Amz-") {
        return false;
    }
    static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let all = ROUTES.iter().flat_map(|row| row.query).copied();
        all.filter(|name| !PARAMETERS.contains(name)).collect()
    });
    NAMES.contains(name)
}

/// Finds the operation.
///
/// # Errors
/// `InvalidArgument` for a request that names several sub-resources, `NotImplemented` for sub-resources that are out of scope, `MethodNotAllowed` when no row fits.
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
        Target::Control(path) if path.starts_with("/tags/") => Level::ControlTags,
        Target::Control(_) => return Err(S3Error::fixed("NotImplemented")),
    };
    let has_query = |name: &str| query.iter().any(|(key, _)| key == name);
    refuse_conflicts(query)?;
    let verb = method.as_str();
    let found = ROUTES.iter().find(|row| {
        row.level == level
            && row.method == verb
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

/// Which of two sub-resources counts must never depend on who looks: S3 refuses to choose.
fn refuse_conflicts(query: &[(String, String)]) -> Result<(), S3Error> {
    let mut named: Vec<&str> = Vec::new();
    for (name, _) in query {
        let counts = is_known_sub_resource(name) || UNSUPPORTED.contains(&name.as_str());
        if counts && !named.contains(&name.as_str()) {
            named.push(name);
        }
    }
    match named.as_slice() {
        [first, _, ..] => Err(S3Error::invalid_argument(
            format!("Conflicting query string parameters: {}", named.join(", ")),
            "ResourceType",
            first,
        )),
        _ => Ok(()),
    }
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
            ("POST", &bucket, "", false, O::PostObject),
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
            (
                "PUT",
                &object,
                "encryption&versionId=v",
                false,
                O::UpdateObjectEncryption,
            ),
            ("POST", &object, "select&select-type=2", false, O::SelectObjectContent),
            ("POST", &object, "restore", false, O::RestoreObject),
            ("PUT", &object, "retention", false, O::PutObjectRetention),
            ("PUT", &bucket, "object-lock", false, O::PutObjectLockConfiguration),
            (
                "GET",
                &bucket,
                "inventory&id=i&x-id=GetBucketInventoryConfiguration",
                false,
                O::Document(Deed::Get, Document::Inventory),
            ),
            (
                "DELETE",
                &bucket,
                "cors",
                false,
                O::Document(Deed::Delete, Document::Cors),
            ),
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
            ("GET", &bucket, "metadataTable", "NotImplemented"),
            ("PUT", &object, "renameObject", "NotImplemented"),
            ("GET", &object, "torrent", "NotImplemented"),
            ("GET", &object, "encryption", "MethodNotAllowed"),
            ("DELETE", &bucket, "logging", "MethodNotAllowed"),
            ("GET", &bucket, "acl&policy", "InvalidArgument"),
            ("GET", &object, "acl&versionId=v&tagging", "InvalidArgument"),
            ("PUT", &object, "torrent&acl", "InvalidArgument"),
            ("DELETE", &object, "uploadId=u&tagging", "InvalidArgument"),
            ("POST", &object, "", "MethodNotAllowed"),
            ("DELETE", &object, "acl", "MethodNotAllowed"),
            ("DELETE", &bucket, "versioning", "MethodNotAllowed"),
            ("POST", &bucket, "acl", "MethodNotAllowed"),
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
        assert_eq!(operations.len(), 53 + 9 + 32 + 3);
    }
}
