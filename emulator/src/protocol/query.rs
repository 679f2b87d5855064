//! The AWS Query protocol of IAM and STS: reading form parameters, writing result and error documents.

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::{Response, XmlWriter};

/// Most parameters one request may carry.
const MOST_PARAMETERS: usize = 4096;
/// Most members of one list; AWS lists of this kind end far below.
const MOST_MEMBERS: usize = 1024;

/// Decoded form parameters.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text; `None` when it has too many parameters or is not UTF-8.
    #[must_use]
    pub fn read(form: &str) -> Option<Self> {
        let mut parameters = BTreeMap::new();
        for part in form.split('&').filter(|part| !part.is_empty()) {
            if parameters.len() == MOST_PARAMETERS {
                return None;
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            parameters.insert(decode(name)?, decode(value)?);
        }
        Some(Self(parameters))
    }

    /// One parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A list of scalars, `NAME.member.1`, `NAME.member.2`, …; ends at the first gap.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        (1..=MOST_MEMBERS)
            .map_while(|index| self.get(&format!("{name}.member.{index}")))
            .collect()
    }

    /// A list of structures, one field each: `NAME.member.1.FIELD`, …; a missing field is empty.
    #[must_use]
    pub fn pairs(&self, name: &str, first: &str, second: &str) -> Vec<(String, String)> {
        let field = |index: usize, field: &str| self.get(&format!("{name}.member.{index}.{field}"));
        (1..=MOST_MEMBERS)
            .map_while(|index| {
                let (left, right) = (field(index, first), field(index, second));
                (left.is_some() || right.is_some()).then(|| {
                    (
                        left.unwrap_or_default().to_owned(),
                        right.unwrap_or_default().to_owned(),
                    )
                })
            })
            .collect()
    }

    /// Tags as `Tags.member.N.Key/Value`.
    #[must_use]
    pub fn tags(&self) -> Vec<(String, String)> {
        self.pairs("Tags", "Key", "Value")
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// A success document: `<OPResponse><OPResult>…</OPResult><ResponseMetadata>…`. `result` writes the inside;
/// operations without output (`has_result` false) have no result element.
pub fn success(
    namespace: &str,
    operation: &str,
    request_id: &str,
    has_result: bool,
    result: impl FnOnce(&mut XmlWriter),
) -> Response {
    let mut xml = XmlWriter::new();
    let envelope = format!("{operation}Response");
    xml.open_in(&envelope, namespace);
    if has_result {
        xml.nested(&format!("{operation}Result"), result);
    }
    xml.nested("ResponseMetadata", |metadata| {
        metadata.element("RequestId", request_id);
    });
    xml.close(&envelope);
    document(200, xml)
}

/// An error document.
#[must_use]
pub fn failure(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> Response {
    let mut xml = XmlWriter::new();
    xml.open_in("ErrorResponse", namespace);
    xml.nested("Error", |error| {
        error.element("Type", if status < 500 { "Sender" } else { "Receiver" });
        error.element("Code", code);
        error.element("Message", message);
    });
    xml.element("RequestId", request_id).close("ErrorResponse");
    document(status, xml)
}

fn document(status: u16, xml: XmlWriter) -> Response {
    let mut response = http::Response::new(Bytes::from(xml.finish()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/xml"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_at_the_first_gap() {
        let form = "A.member.1=x&A.member.2=y&A.member.4=z&Tags.member.1.Key=k+1&Tags.member.1.Value=%2Bv";
        let parameters = Parameters::read(form).expect("it is well formed");
        assert_eq!(parameters.list("A"), ["x", "y"]);
        assert_eq!(parameters.tags(), [("k 1".to_owned(), "+v".to_owned())]);
        assert!(parameters.list("B").is_empty());
        assert!(Parameters::read("a=%ff").is_none());
    }
}
