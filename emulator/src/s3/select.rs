//! SelectObjectContent: read permission, presence and KMS as for GetObject (`svc:9.4`), then the records as an event
//! stream. Of SQL only `SELECT * FROM S3Object [alias] [LIMIT n]` is spoken, of formats CSV and JSON lines, each to
//! itself; everything else is refused, never guessed.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, StatusCode, header};

use super::checksum::crc32_of;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty};
use super::read;
use super::xml::{Element, XmlWriter};

/// Most bytes of one `Records` event.
const LARGEST_RECORDS: usize = 128 * 1024;

/// SelectObjectContent.
pub(crate) fn select_object_content(exchange: &mut Exchange<'_>) -> Answer {
    let query = Query::read(&exchange.request.body)?;
    if exchange.request.caller.is_anonymous() {
        return Err(S3Error::access_denied("Access Denied"));
    }
    let bytes = read::whole_object(exchange)?;
    let selected = query.select(&bytes);
    let mut stream = BytesMut::new();
    for chunk in selected.chunks(LARGEST_RECORDS) {
        stream.extend_from_slice(&event("Records", Some("application/octet-stream"), chunk));
    }
    let mut stats = XmlWriter::document();
    stats.open("Stats");
    stats.text("BytesScanned", &bytes.len().to_string());
    stats.text("BytesProcessed", &bytes.len().to_string());
    stats.text("BytesReturned", &selected.len().to_string());
    stats.close("Stats");
    stream.extend_from_slice(&event("Stats", Some("text/xml"), &stats.finish()));
    stream.extend_from_slice(&event("End", None, b""));
    let mut response = empty(StatusCode::OK);
    *response.body_mut() = stream.freeze();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    Ok(response)
}

/// A query that is understood.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    limit: Option<usize>,
    /// The first record is a header.
    skips_header: bool,
}

impl Query {
    fn read(body: &[u8]) -> Result<Self, S3Error> {
        let malformed = || S3Error::fixed("MalformedXML");
        let root = Element::parse_root(body, "SelectObjectContentRequest")?;
        if root
            .child_text("ExpressionType")
            .is_none_or(|kind| !kind.eq_ignore_ascii_case("SQL"))
        {
            return Err(S3Error::new(
                "InvalidExpressionType",
                400,
                "The ExpressionType is invalid. Only SQL expressions are supported.",
            ));
        }
        let limit = limit_of(root.child_text("Expression").ok_or_else(malformed)?)?;
        let input = root.child("InputSerialization").ok_or_else(malformed)?;
        let output = root.child("OutputSerialization").ok_or_else(malformed)?;
        let unsupported = |what: &str| Err(S3Error::fixed("NotImplemented").with("Header", what));
        if input.child_text("CompressionType").is_some_and(|kind| kind != "NONE") {
            return unsupported("CompressionType");
        }
        let has = |side: &Element, name: &str| side.child(name).is_some();
        let odd = |side: &Element| {
            side.children.iter().flat_map(|format| &format.children).any(|member| {
                !matches!(
                    (member.name.as_str(), member.text.trim_matches([' ', '\t'])),
                    ("FileHeaderInfo" | "AllowQuotedRecordDelimiter" | "QuoteFields", _)
                        | ("Type", "LINES")
                        | ("RecordDelimiter", "\n")
                        | ("FieldDelimiter", ",")
                        | ("QuoteCharacter" | "QuoteEscapeCharacter", "\"")
                )
            })
        };
        let same = (has(input, "CSV") && has(output, "CSV")) || (has(input, "JSON") && has(output, "JSON"));
        if !same || odd(input) || odd(output) {
            return unsupported("InputSerialization");
        }
        let header = input.child("CSV").and_then(|csv| csv.child_text("FileHeaderInfo"));
        Ok(Self {
            limit,
            skips_header: matches!(header, Some("USE" | "IGNORE")),
        })
    }

    /// The records, one a line.
    fn select(&self, bytes: &[u8]) -> Bytes {
        let mut selected = BytesMut::new();
        let records = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .skip(usize::from(self.skips_header))
            .take(self.limit.unwrap_or(usize::MAX));
        for record in records {
            selected.extend_from_slice(record);
            selected.put_u8(b'\n');
        }
        selected.freeze()
    }
}

/// The limit of `SELECT * FROM S3Object [[AS] alias] [LIMIT n]`.
fn limit_of(expression: &str) -> Result<Option<usize>, S3Error> {
    let words: Vec<String> = expression
        .trim()
        .trim_end_matches(';')
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let refused = || {
        S3Error::new(
            "UnsupportedSqlStructure",
            400,
            "We encountered an unsupported SQL structure. Check the SQL Reference.",
        )
    };
    let rest = match words.as_slice() {
        ["select", "*", "from", "s3object" | "s3object[*]", rest @ ..] => rest,
        _ => return Err(refused()),
    };
    let rest = match rest {
        ["limit", ..] => rest,
        ["as", _, rest @ ..] | [_, rest @ ..] => rest,
        [] => rest,
    };
    match rest {
        [] => Ok(None),
        ["limit", number] => number.parse().map(Some).map_err(|_| refused()),
        _ => Err(refused()),
    }
}

/// One message of the event stream: lengths, headers, payload, each part with its checksum.
fn event(kind: &str, content_type: Option<&str>, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    let pairs = [
        (":message-type", Some("event")),
        (":event-type", Some(kind)),
        (":content-type", content_type),
    ];
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        // Names and values are the literals above: far below 255 bytes.
        headers.put_u8(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.put_u8(7);
        headers.put_u16(value.len() as u16);
        headers.extend_from_slice(value.as_bytes());
    }
    let total = 16 + headers.len() + payload.len();
    let mut message = BytesMut::with_capacity(total);
    // A payload has at most `LARGEST_RECORDS` bytes.
    message.put_u32(total as u32);
    message.put_u32(headers.len() as u32);
    message.put_u32(crc32_of(&message));
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload);
    message.put_u32(crc32_of(&message));
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for (expression, expected) in [
            ("SELECT * FROM S3Object", Some(None)),
            ("select * from s3object s;", Some(None)),
            ("SELECT * FROM S3Object AS s LIMIT 2", Some(Some(2))),
            ("SELECT * FROM S3Object LIMIT 2", Some(Some(2))),
            ("SELECT s._1 FROM S3Object s", None),
            ("SELECT * FROM S3Object s WHERE s._1 = 'x'", None),
            ("SELECT * FROM S3Object LIMIT x", None),
            ("", None),
        ] {
            assert_eq!(limit_of(expression).ok(), expected, "{expression}");
        }
    }

    #[test]
    fn records() {
        let query = |limit, skips_header| Query { limit, skips_header };
        let csv = b"a,b\r\n1,2\n\n3,4";
        assert_eq!(query(None, false).select(csv), "a,b\n1,2\n3,4\n");
        assert_eq!(query(Some(1), true).select(csv), "1,2\n");
    }

    #[test]
    fn messages_have_their_lengths_and_checksums() {
        let message = event("End", None, b"");
        assert_eq!(message.len(), 16 + 22 + 18);
        let (body, checksum) = message.split_at(message.len() - 4);
        assert_eq!(checksum, crc32_of(body).to_be_bytes());
        assert_eq!(message[8..12], crc32_of(&message[..8]).to_be_bytes());
    }
}
