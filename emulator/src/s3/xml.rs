//! XML in and out for S3: a small bounded element tree for request bodies and an append-only writer for answers.
//! No schema knowledge lives here.

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::escape::minimal_escape;
use quick_xml::events::Event;

use super::error::S3Error;

/// Deepest nesting accepted in a request document; S3's own documents stay below 8.
const MAXIMUM_DEPTH: usize = 16;
/// Most elements accepted; a DeleteObjects request of 1,000 keys has at most about 4,000, CompleteMultipartUpload of
/// 10,000 parts about 70,000.
const MAXIMUM_ELEMENTS: usize = 120_000;

/// One element of a request document. Attributes are dropped except `xsi:type`, which ACL grantees need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Local name.
    pub(crate) name: String,
    /// Concatenated character data.
    pub(crate) text: String,
    /// Value of an attribute whose local name is `type`.
    pub(crate) type_attribute: Option<String>,
    /// Child elements in document order.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Parses a document; anything malformed, too deep or too large is `MalformedXML`.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, S3Error> {
        parse(body).ok_or_else(|| S3Error::fixed("MalformedXML"))
    }

    /// Parses and checks the root's name.
    pub(crate) fn parse_root(body: &[u8], root: &str) -> Result<Self, S3Error> {
        let element = Self::parse(body)?;
        if element.name == root {
            Ok(element)
        } else {
            Err(S3Error::fixed("MalformedXML"))
        }
    }

    /// First child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Trimmed text of the first child of that name.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// All children of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> + 'a {
        self.children.iter().filter(move |child| child.name == name)
    }
}

fn parse(body: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut count = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                count += 1;
                if count > MAXIMUM_ELEMENTS || stack.len() >= MAXIMUM_DEPTH || root.is_some() {
                    return None;
                }
                stack.push(element_of(&start)?);
            }
            Event::Empty(start) => {
                count += 1;
                if count > MAXIMUM_ELEMENTS || root.is_some() {
                    return None;
                }
                attach(&mut stack, &mut root, element_of(&start)?);
            }
            Event::End(_) => {
                let element = stack.pop()?;
                attach(&mut stack, &mut root, element);
            }
            Event::Text(data) => push_text(&mut stack, &data.xml10_content())?,
            Event::CData(data) => push_text(&mut stack, &data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = if reference.is_char_ref() {
                    reference.resolve_char_ref().ok()??.to_string()
                } else {
                    named_entity(&reference.xml10_content())?.to_owned()
                };
                push_text(&mut stack, &resolved)?;
            }
            // A document type could declare entities; no S3 request has one.
            Event::DocType(_) => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return if stack.is_empty() { root } else { None },
        }
    }
}

fn element_of(start: &quick_xml::events::BytesStart<'_>) -> Option<Element> {
    let name = local(start.local_name().as_ref());
    let mut type_attribute = None;
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if local(attribute.key.local_name().as_ref()) == "type" {
            type_attribute = Some(attribute.value.to_string());
        }
    }
    Some(Element {
        name,
        type_attribute,
        ..Element::default()
    })
}

fn local(name: &str) -> String {
    name.to_owned()
}

fn attach(stack: &mut [Element], root: &mut Option<Element>, element: Element) {
    match stack.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn push_text(stack: &mut [Element], text: &str) -> Option<()> {
    match stack.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
        None => return None,
    }
    Some(())
}

fn named_entity(name: &str) -> Option<&'static str> {
    const PREDEFINED: &[(&str, &str)] = &[("lt", "<"), ("gt", ">"), ("amp", "&"), ("apos", "'"), ("quot", "\"")];
    PREDEFINED
        .iter()
        .find(|(entity, _)| *entity == name)
        .map(|(_, text)| *text)
}

/// S3's document namespace.
pub(crate) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Append-only writer; the caller pairs `open` and `close`.
#[derive(Debug)]
pub(crate) struct XmlWriter {
    buffer: String,
}

impl XmlWriter {
    /// A document with its declaration.
    pub(crate) fn document() -> Self {
        Self {
            buffer: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
        }
    }

    /// Opens an element.
    pub(crate) fn open(&mut self, name: &str) {
        self.buffer.push('<');
        self.buffer.push_str(name);
        self.buffer.push('>');
    }

    /// Opens a root element in S3's namespace.
    pub(crate) fn open_root(&mut self, name: &str) {
        self.open_with(name, &[("xmlns", NAMESPACE)]);
    }

    /// Opens an element with attributes.
    pub(crate) fn open_with(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.buffer.push('<');
        self.buffer.push_str(name);
        for (attribute, value) in attributes {
            self.buffer.push(' ');
            self.buffer.push_str(attribute);
            self.buffer.push_str("=\"");
            self.push_escaped(value);
            self.buffer.push('"');
        }
        self.buffer.push('>');
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, name: &str) {
        self.buffer.push_str("</");
        self.buffer.push_str(name);
        self.buffer.push('>');
    }

    /// An element with text.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.open(name);
        self.push_escaped(value);
        self.close(name);
    }

    /// Character data inside the open element.
    pub(crate) fn characters(&mut self, value: &str) {
        self.push_escaped(value);
    }

    /// An element with text, if there is a value.
    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// The finished document.
    pub(crate) fn finish(self) -> Bytes {
        Bytes::from(self.buffer)
    }

    /// Escapes mark-up and, because keys may hold any Unicode, characters that XML 1.0 cannot carry (written as U+FFFD).
    fn push_escaped(&mut self, value: &str) {
        let clean = value.chars().all(is_xml_character);
        let replaced: String;
        let value = if clean {
            value
        } else {
            replaced = value
                .chars()
                .map(|character| {
                    if is_xml_character(character) {
                        character
                    } else {
                        '\u{fffd}'
                    }
                })
                .collect();
            replaced.as_str()
        };
        let escaped = minimal_escape(value);
        if escaped.contains(['>', '"']) {
            self.buffer
                .push_str(&escaped.replace('>', "&gt;").replace('"', "&quot;"));
        } else {
            self.buffer.push_str(&escaped);
        }
    }
}

fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_text_entities_and_types() {
        let element = Element::parse(
            br#"<?xml version="1.0"?><!-- c --><D xmlns="x"><K>a &amp; &#98;<![CDATA[<c>]]></K><G xsi:type="Group"/></D>"#,
        )
        .expect("well-formed document");
        assert_eq!(element.name, "D");
        assert_eq!(element.child_text("K"), Some("a & b<c>"));
        assert_eq!(
            element.child("G").and_then(|g| g.type_attribute.as_deref()),
            Some("Group")
        );
    }

    #[test]
    fn malformed_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for body in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "x<a/>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a><a/>",
            deep.as_str(),
            "{}",
        ] {
            assert!(Element::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Element::parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn writer_escapes() {
        let mut xml = XmlWriter::document();
        xml.open("A");
        xml.text("K", "a<b>&\"\u{1}\r");
        xml.close("A");
        let body = xml.finish();
        let text = std::str::from_utf8(&body).expect("the writer only emits text");
        assert!(text.ends_with("<A><K>a&lt;b&gt;&amp;&quot;\u{fffd}&#13;</K></A>"));
        let back = Element::parse(&body).expect("own output parses");
        assert_eq!(back.child("K").map(|k| k.text.as_str()), Some("a<b>&\"\u{fffd}\r"));
    }
}
