//! A small XML writer: elements and escaped text, no namespaces logic. Reading XML is the services'.

/// Builds one XML document.
#[derive(Debug, Default, Clone)]
pub struct XmlWriter {
    text: String,
}

impl XmlWriter {
    /// An empty document without declaration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `<name>`; close it with [`Self::close`].
    pub fn open(&mut self, name: &str) -> &mut Self {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    /// `<name xmlns="…">`.
    pub fn open_in(&mut self, name: &str, namespace: &str) -> &mut Self {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push_str(" xmlns=\"");
        self.text.push_str(namespace);
        self.text.push_str("\">");
        self
    }

    /// `</name>`.
    pub fn close(&mut self, name: &str) -> &mut Self {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    /// `<name>value</name>`, escaped.
    pub fn element(&mut self, name: &str, value: &str) -> &mut Self {
        self.open(name);
        escape(&mut self.text, value);
        self.close(name)
    }

    /// Escaped text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        escape(&mut self.text, value);
        self
    }

    /// [`Self::element`] when there is a value.
    pub fn optional(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.element(name, value);
        }
        self
    }

    /// Appends another writer's elements.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    /// Runs `body` between `<name>` and `</name>`.
    pub fn nested(&mut self, name: &str, body: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        body(self);
        self.close(name)
    }

    /// The document so far.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// Escapes markup; characters that XML 1.0 cannot carry become U+FFFD.
fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\r' => text.push_str("&#xD;"),
            '\t' | '\n' => text.push(character),
            control if (control as u32) < 0x20 || matches!(control, '\u{fffe}' | '\u{ffff}') => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_elements_nest() {
        let mut xml = XmlWriter::new();
        xml.open_in("A", "urn:x").nested("B", |inner| {
            inner.element("C", "a<b>&\"\u{1}");
        });
        xml.optional("D", None).close("A");
        assert_eq!(
            xml.finish(),
            "<A xmlns=\"urn:x\"><B><C>a&lt;b&gt;&amp;&quot;\u{fffd}</C></B></A>"
        );
    }
}
