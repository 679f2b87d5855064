//! A JSON reader that keeps what policies need and other readers lose: duplicate members (`iam:G-06`),
//! number spellings (`iam:G-09`) and source offsets. No policy knowledge.

/// The longest policy text that is looked at, in characters (`iam:G-11`).
pub const MAX_POLICY_CHARACTERS: usize = 131_072;

/// No policy nests deeper than six levels; the margin only keeps hostile text off the stack.
const MAX_DEPTH: usize = 32;

/// A value and where it starts and ends in the text, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) node: Node,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// The number as spelled.
    Number(String),
    Text(String),
    Array(Vec<Value>),
    /// Members in source order, duplicates included.
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) name_start: usize,
    pub(crate) value: Value,
}

impl Value {
    pub(crate) fn as_object(&self) -> Option<&[Member]> {
        match &self.node {
            Node::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A single value is the same as a list of one (`iam:G-08`).
    pub(crate) fn as_list(&self) -> &[Self] {
        match &self.node {
            Node::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub(crate) struct JsonError {
    pub(crate) what: &'static str,
    pub(crate) offset: usize,
}

/// Reads exactly one JSON value with white space around it.
///
/// # Errors
/// [`JsonError`] when the text is not JSON, too long or too deep.
pub(crate) fn parse(text: &str) -> Result<Value, JsonError> {
    if text.len() > MAX_POLICY_CHARACTERS * 4 {
        return Err(JsonError {
            what: "text is too long",
            offset: MAX_POLICY_CHARACTERS,
        });
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    reader.skip_white_space();
    let value = reader.value(0)?;
    reader.skip_white_space();
    if reader.at < reader.bytes.len() {
        return Err(reader.error("text after the end of the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let start = self.at;
        let node = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Node::Text(self.string()?),
            Some(b't') => self.word("true", Node::Bool(true))?,
            Some(b'f') => self.word("false", Node::Bool(false))?,
            Some(b'n') => self.word("null", Node::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.error("expected a value")),
        };
        Ok(Value {
            start,
            end: self.at,
            node,
        })
    }

    fn object(&mut self, depth: usize) -> Result<Node, JsonError> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_white_space();
        if self.take(b'}') {
            return Ok(Node::Object(members));
        }
        loop {
            self.skip_white_space();
            let name_start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name"));
            }
            let name = self.string()?;
            self.skip_white_space();
            if !self.take(b':') {
                return Err(self.error("expected `:`"));
            }
            self.skip_white_space();
            let value = self.value(depth + 1)?;
            members.push(Member {
                name,
                name_start,
                value,
            });
            self.skip_white_space();
            if self.take(b'}') {
                return Ok(Node::Object(members));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_white_space();
        if self.take(b']') {
            return Ok(Node::Array(items));
        }
        loop {
            self.skip_white_space();
            items.push(self.value(depth + 1)?);
            self.skip_white_space();
            if self.take(b']') {
                return Ok(Node::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut content = String::new();
        loop {
            let run = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            // The run ends at an ASCII byte or at the end, so both ends are character boundaries.
            content.push_str(&self.text[run..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(content);
                }
                Some(b'\\') => content.push(self.escape()?),
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error("unknown escape")),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let first = self.four_hex_digits()?;
        if !(0xD800..0xE000).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("not a character"));
        }
        if first >= 0xDC00 || !self.take(b'\\') || !self.take(b'u') {
            return Err(self.error("lone surrogate"));
        }
        let second = self.four_hex_digits()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(self.error("lone surrogate"));
        }
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        char::from_u32(code).ok_or_else(|| self.error("not a character"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.error("expected a hexadecimal digit"))?;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Node, JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error("expected a digit"));
            }
        }
        Ok(Node::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(node)
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, offset: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, parse};

    #[test]
    fn duplicates_order_and_offsets_survive() {
        let text = r#" {"Effect":"Deny","Effect":"Allow","n":[1.50,true,null]} "#;
        let value = parse(text).expect("it is JSON");
        let members = value.as_object().expect("an object");
        let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["Effect", "Effect", "n"]);
        assert_eq!(&text[members[1].value.start..members[1].value.end], "\"Allow\"");
        assert_eq!(members[2].value.as_list()[0].node, Node::Number("1.50".into()));
    }

    #[test]
    fn escapes_are_resolved() {
        let value = parse(r#""a\u00e9\ud83d\ude00\n\/""#).expect("it is JSON");
        assert_eq!(value.as_text(), Some("aé😀\n/"));
    }

    #[test]
    fn hostile_text_is_refused_without_panic() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "{}{}",
            "[1,]",
            "{\"a\"}",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "nul",
            "01",
            "1.",
            "-",
            "1e",
            "\"a",
            "\u{feff}{}",
            "{\"a\":1 \"b\":2}",
            "\"\u{1}\"",
            deep.as_str(),
        ] {
            assert!(parse(text).is_err(), "{text:.20}");
        }
    }
}
