//! Bucket configuration that S3 keeps as a document and that decides nothing about access: CORS, lifecycle, logging,
//! notification, replication, website, acceleration, analytics, inventory, metrics, tiering. One table row each: what
//! it is called, which permission it takes, what absence looks like. Documents that decide something have files of
//! their own.

use http::StatusCode;

use super::authorization::{self, Facts};
use super::bucket::Bucket;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, xml};
use super::permissions::{Check, bucket_check};
use super::xml::{Element, XmlWriter};

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Document {
    Abac,
    Accelerate,
    Analytics,
    Cors,
    IntelligentTiering,
    Inventory,
    Lifecycle,
    Logging,
    Metrics,
    Notification,
    Replication,
    Website,
}

/// What a bucket without the document answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// An empty document.
    Empty,
    /// A document that says so.
    Disabled,
    /// 404 with this code and message.
    Error(&'static str, &'static str),
}

/// One kind of document.
#[derive(Debug)]
struct Row {
    document: Document,
    /// Name of the root element.
    root: &'static str,
    /// Permission to read it, alone or in a list.
    get: [Check; 1],
    /// Permission to write it.
    put: [Check; 1],
    /// Permission to delete it; S3 has one of its own for websites only.
    delete: [Check; 1],
    absent: Absent,
    /// Root of the list of documents with ids; `None` where a bucket has at most one document.
    list_root: Option<&'static str>,
    /// Elements of which the root must have at least one each.
    required: &'static [&'static str],
    delete_status: StatusCode,
}

const NO_CONFIGURATION: Absent = Absent::Error("NoSuchConfiguration", "The specified configuration does not exist.");

const fn row(
    document: Document,
    root: &'static str,
    (get, put): (&'static str, &'static str),
    absent: Absent,
    required: &'static [&'static str],
) -> Row {
    Row {
        document,
        root,
        get: [bucket_check(get)],
        put: [bucket_check(put)],
        delete: [bucket_check(put)],
        absent,
        list_root: None,
        required,
        delete_status: StatusCode::NO_CONTENT,
    }
}

const fn listed(
    document: Document,
    root: &'static str,
    actions: (&'static str, &'static str),
    list_root: &'static str,
    required: &'static [&'static str],
) -> Row {
    Row {
        list_root: Some(list_root),
        ..row(document, root, actions, NO_CONFIGURATION, required)
    }
}

static ROWS: &[Row] = &[
    row(
        Document::Abac,
        "AbacStatus",
        ("s3:GetBucketAbac", "s3:PutBucketAbac"),
        Absent::Disabled,
        &["Status"],
    ),
    row(
        Document::Accelerate,
        "AccelerateConfiguration",
        ("s3:GetAccelerateConfiguration", "s3:PutAccelerateConfiguration"),
        Absent::Empty,
        &["Status"],
    ),
    listed(
        Document::Analytics,
        "AnalyticsConfiguration",
        ("s3:GetAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
        "ListBucketAnalyticsConfigurationResult",
        &["Id", "StorageClassAnalysis"],
    ),
    row(
        Document::Cors,
        "CORSConfiguration",
        ("s3:GetBucketCORS", "s3:PutBucketCORS"),
        Absent::Error("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        &["CORSRule"],
    ),
    listed(
        Document::IntelligentTiering,
        "IntelligentTieringConfiguration",
        (
            "s3:GetIntelligentTieringConfiguration",
            "s3:PutIntelligentTieringConfiguration",
        ),
        "ListBucketIntelligentTieringConfigurationsOutput",
        &["Id", "Status", "Tiering"],
    ),
    listed(
        Document::Inventory,
        "InventoryConfiguration",
        ("s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration"),
        "ListInventoryConfigurationsResult",
        &["Id", "IsEnabled", "Destination", "Schedule", "IncludedObjectVersions"],
    ),
    row(
        Document::Lifecycle,
        "LifecycleConfiguration",
        ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
        Absent::Error(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        &["Rule"],
    ),
    row(
        Document::Logging,
        "BucketLoggingStatus",
        ("s3:GetBucketLogging", "s3:PutBucketLogging"),
        Absent::Empty,
        &[],
    ),
    listed(
        Document::Metrics,
        "MetricsConfiguration",
        ("s3:GetMetricsConfiguration", "s3:PutMetricsConfiguration"),
        "ListMetricsConfigurationsResult",
        &["Id"],
    ),
    row(
        Document::Notification,
        "NotificationConfiguration",
        ("s3:GetBucketNotification", "s3:PutBucketNotification"),
        Absent::Empty,
        &[],
    ),
    row(
        Document::Replication,
        "ReplicationConfiguration",
        ("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"),
        Absent::Error(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        &["Role", "Rule"],
    ),
    Row {
        delete: [bucket_check("s3:DeleteBucketWebsite")],
        ..row(
            Document::Website,
            "WebsiteConfiguration",
            ("s3:GetBucketWebsite", "s3:PutBucketWebsite"),
            Absent::Error(
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
            ),
            &[],
        )
    },
];

/// What is done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// Get one, or list all.
    Get,
    /// Put.
    Put,
    /// Delete.
    Delete,
}

impl Document {
    fn row(self) -> &'static Row {
        ROWS.iter()
            .find(|row| row.document == self)
            .expect("every document has a row (table test)")
    }

    /// The permission that a deed takes.
    pub(crate) fn checks(self, deed: Deed) -> &'static [Check] {
        let row = self.row();
        match deed {
            Deed::Get => &row.get,
            Deed::Put => &row.put,
            Deed::Delete => &row.delete,
        }
    }
}

/// Does it.
pub(crate) fn run(exchange: &mut Exchange<'_>, deed: Deed, document: Document) -> Answer {
    match deed {
        Deed::Get => get(exchange, document),
        Deed::Put => put(exchange, document),
        Deed::Delete => delete(exchange, document),
    }
}

/// Whether the owner wants the bucket's tags to count as resource tags.
pub(crate) fn has_abac(bucket: &Bucket) -> bool {
    let document = bucket.documents.get(&(Document::Abac, String::new()));
    document.and_then(|root| root.child_text("Status")) == Some("Enabled")
}

/// Puts a document.
fn put(exchange: &mut Exchange<'_>, document: Document) -> Answer {
    let row = document.row();
    let body = Element::parse_root(&exchange.request.body, row.root);
    let fields = match (&body, document) {
        (Ok(root), Document::Inventory) => root.child("OptionalFields"),
        _ => None,
    };
    let fields: Option<Vec<String>> =
        fields.map(|list| list.all("Field").map(|field| field.text.trim().to_owned()).collect());
    let bucket = exchange.require_bucket_with(Facts {
        inventory_fields: fields.as_deref(),
        ..Facts::default()
    })?;
    let versioned = bucket.versioning == super::bucket::Versioning::Enabled;
    let mut root = body?;
    if row.required.iter().any(|name| root.child(name).is_none()) {
        return Err(S3Error::fixed("MalformedXML"));
    }
    let id = match row.list_root {
        None => String::new(),
        Some(_) => {
            let id = wanted_id(exchange).ok_or_else(|| missing_id(exchange))?;
            if root.child_text("Id") != Some(id) {
                return Err(S3Error::invalid_argument(
                    "The Id of the configuration and the id of the request differ.",
                    "id",
                    id,
                ));
            }
            id.to_owned()
        }
    };
    match document {
        Document::Abac if !matches!(root.child_text("Status"), Some("Enabled" | "Disabled")) => {
            return Err(S3Error::fixed("MalformedXML"));
        }
        Document::Lifecycle => {
            for rule in root.children.iter_mut().filter(|child| child.name == "Rule") {
                if rule.child_text("ID").is_none_or(str::is_empty) {
                    rule.children.retain(|child| child.name != "ID");
                    rule.children.insert(
                        0,
                        Element {
                            name: "ID".to_owned(),
                            text: exchange.state.sources.ids.uuid(),
                            ..Element::default()
                        },
                    );
                }
            }
        }
        Document::Replication => {
            if !versioned {
                return Err(S3Error::invalid_request(
                    "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
                ));
            }
            let role = root.child_text("Role").unwrap_or_default().to_owned();
            authorization::ask_pass_role(exchange.state, exchange.request, &role, "s3.amazonaws.com")?;
        }
        _ => {}
    }
    let documents = &mut exchange.bucket_mut()?.documents;
    if root.children.is_empty() {
        documents.remove(&(document, id));
    } else {
        documents.insert((document, id), root);
    }
    Ok(empty(StatusCode::OK))
}

/// Gets a document; without an id, the list of all, where there may be several.
fn get(exchange: &mut Exchange<'_>, document: Document) -> Answer {
    let row = document.row();
    let bucket = exchange.require_bucket()?;
    let mut xml_writer = XmlWriter::document();
    let id = match (row.list_root, wanted_id(exchange)) {
        (Some(list_root), None) => {
            xml_writer.open_root(list_root);
            xml_writer.text("IsTruncated", "false");
            for ((_, _), root) in bucket.documents.iter().filter(|((kind, _), _)| *kind == document) {
                write(&mut xml_writer, root, false);
            }
            xml_writer.close(list_root);
            return Ok(xml(xml_writer.finish()));
        }
        (Some(_), Some(id)) => id.to_owned(),
        (None, _) => String::new(),
    };
    match (bucket.documents.get(&(document, id)), row.absent) {
        (Some(root), _) => write(&mut xml_writer, root, true),
        (None, Absent::Empty) => {
            xml_writer.open_root(row.root);
            xml_writer.close(row.root);
        }
        (None, Absent::Disabled) => {
            xml_writer.open_root(row.root);
            xml_writer.text("Status", "Disabled");
            xml_writer.close(row.root);
        }
        (None, Absent::Error(code, message)) => {
            return Err(S3Error::new(code, 404, message).with("BucketName", bucket.name.clone()));
        }
    }
    let mut response = xml(xml_writer.finish());
    if document == Document::Lifecycle {
        super::exchange::set_header(
            &mut response,
            "x-amz-transition-default-minimum-object-size",
            "all_storage_classes_128K",
        );
    }
    Ok(response)
}

/// Deletes a document; one of many must exist.
fn delete(exchange: &mut Exchange<'_>, document: Document) -> Answer {
    let row = document.row();
    exchange.require_bucket()?;
    let id = match row.list_root {
        None => String::new(),
        Some(_) => wanted_id(exchange).ok_or_else(|| missing_id(exchange))?.to_owned(),
    };
    let removed = exchange.bucket_mut()?.documents.remove(&(document, id));
    match (removed, row.list_root, row.absent) {
        (None, Some(_), Absent::Error(code, message)) => Err(S3Error::new(code, 404, message)),
        _ => Ok(empty(row.delete_status)),
    }
}

fn wanted_id<'a>(exchange: &Exchange<'a>) -> Option<&'a str> {
    exchange.request.query("id").filter(|id| !id.is_empty())
}

fn missing_id(exchange: &Exchange<'_>) -> S3Error {
    S3Error::invalid_argument(
        "Missing the required parameter id.",
        "id",
        exchange.request.query("id").unwrap_or("null"),
    )
}

/// Writes an element with what is in it.
fn write(writer: &mut XmlWriter, element: &Element, is_root: bool) {
    match (&element.type_attribute, is_root) {
        (_, true) => writer.open_root(&element.name),
        (Some(kind), _) => writer.open_with(
            &element.name,
            &[
                ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
                ("xsi:type", kind),
            ],
        ),
        (None, _) => writer.open(&element.name),
    }
    if element.children.is_empty() {
        writer.characters(&element.text);
    }
    // A document nests no deeper than its reader allows.
    for child in &element.children {
        write(writer, child, false);
    }
    writer.close(&element.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_one_row() {
        use Document as D;
        let all = [
            D::Abac,
            D::Accelerate,
            D::Analytics,
            D::Cors,
            D::IntelligentTiering,
            D::Inventory,
            D::Lifecycle,
            D::Logging,
            D::Metrics,
            D::Notification,
            D::Replication,
            D::Website,
        ];
        for document in all {
            assert_eq!(ROWS.iter().filter(|row| row.document == document).count(), 1);
            assert!(document.checks(Deed::Get)[0].action.starts_with("s3:Get"));
            assert!(document.checks(Deed::Put)[0].action.starts_with("s3:Put"));
        }
        assert_eq!(ROWS.len(), all.len());
        assert_eq!(D::Website.checks(Deed::Delete)[0].action, "s3:DeleteBucketWebsite");
        assert_eq!(D::Cors.checks(Deed::Delete)[0].action, "s3:PutBucketCORS");
    }

    #[test]
    fn documents_come_back_as_they_were() {
        let text = "<R><A>1 &amp; 2</A><B><C>x</C><G xsi:type=\"Group\"><U>u</U></G></B></R>";
        let element = Element::parse(text.as_bytes()).expect("well-formed");
        let mut writer = XmlWriter::document();
        write(&mut writer, &element, true);
        assert_eq!(Element::parse(&writer.finish()), Ok(element));
    }
}
