//! A JSON reader that keeps what policies need and ordinary readers lose: duplicate members (`iam:G-06`), byte offsets, and the
//! spelling of numbers (`iam:G-09`). It knows nothing about policies.

use std::collections::BTreeSet;

/// How deeply values may nest: far more than any policy, little enough for the stack.
const DEEPEST: usize = 64;

/// A value with the byte offset at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) offset: usize,
    pub(super) value: Json,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The number as it was spelled.
    Number(String),
    String(String),
    Array(Vec<Node>),
    /// Members in the order written, duplicates included.
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) key: String,
    /// Byte offset of the key.
    pub(super) offset: usize,
    pub(super) value: Node,
}

/// The text is not JSON; the offset says where that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotJson {
    pub(super) offset: usize,
}

/// Reads a text that is exactly one JSON value.
pub(super) fn read(text: &str) -> Result<Node, NotJson> {
    let mut reader = Reader { text, position: 0 };
    reader.skip_white_space();
    let node = reader.value(0)?;
    reader.skip_white_space();
    if reader.position == text.len() {
        Ok(node)
    } else {
        Err(reader.here())
    }
}

/// Whether a text is JSON of which some object has a member twice (`iam:G-06`). No such text can be saved today.
pub fn repeats_a_member(text: &str) -> bool {
    read(text).is_ok_and(|node| node.repeats_a_member())
}

impl Node {
    fn repeats_a_member(&self) -> bool {
        match &self.value {
            Json::Array(items) => items.iter().any(Self::repeats_a_member),
            Json::Object(members) => {
                let mut names = BTreeSet::new();
                members
                    .iter()
                    .any(|member| !names.insert(&member.key) || member.value.repeats_a_member())
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    // INVARIANT: always a character boundary of `text`.
    position: usize,
}

impl Reader<'_> {
    fn here(&self) -> NotJson {
        NotJson { offset: self.position }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    /// Steps over one given ASCII byte.
    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.peek() == Some(byte) {
            self.position += 1;
            Ok(())
        } else {
            Err(self.here())
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, NotJson> {
        if self.text[self.position..].starts_with(word) {
            self.position += word.len();
            Ok(value)
        } else {
            Err(self.here())
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, NotJson> {
        if depth > DEEPEST {
            return Err(self.here());
        }
        let offset = self.position;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Json::String(self.string()?),
            Some(b't') => self.word("true", Json::Bool(true))?,
            Some(b'f') => self.word("false", Json::Bool(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.here()),
        };
        Ok(Node { offset, value })
    }

    fn object(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.expect(b'{')?;
        let mut members = Vec::new();
        self.skip_white_space();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_white_space();
            let offset = self.position;
            let key = self.string()?;
            self.skip_white_space();
            self.expect(b':')?;
            self.skip_white_space();
            let value = self.value(depth + 1)?;
            members.push(Member { key, offset, value });
            self.skip_white_space();
            if self.peek() == Some(b',') {
                self.position += 1;
            } else {
                self.expect(b'}')?;
                return Ok(Json::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        self.skip_white_space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Json::Array(items));
        }
        loop {
            self.skip_white_space();
            items.push(self.value(depth + 1)?);
            self.skip_white_space();
            if self.peek() == Some(b',') {
                self.position += 1;
            } else {
                self.expect(b']')?;
                return Ok(Json::Array(items));
            }
        }
    }

    fn number(&mut self) -> Result<Json, NotJson> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        if self.peek() == Some(b'0') {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(self.text[start..self.position].to_owned()))
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.position;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        if self.position == start {
            Err(self.here())
        } else {
            Ok(())
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.position..];
            let plain = rest
                .find(|character: char| matches!(character, '"' | '\\') || character < ' ')
                .ok_or(NotJson {
                    offset: self.text.len(),
                })?;
            text.push_str(&rest[..plain]);
            self.position += plain;
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.here()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let start = self.here();
        self.expect(b'\\')?;
        let letter = self.peek().ok_or(start)?;
        let plain = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.position += 1;
                let first = self.four_hex_digits()?;
                return match first {
                    0xD800..=0xDBFF => {
                        self.expect(b'\\')?;
                        self.expect(b'u')?;
                        let second = self.four_hex_digits()?;
                        if !(0xDC00..=0xDFFF).contains(&second) {
                            return Err(start);
                        }
                        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(start)
                    }
                    _ => char::from_u32(first).ok_or(start),
                };
            }
            _ => return Err(start),
        };
        self.position += 1;
        Ok(plain)
    }

    fn four_hex_digits(&mut self) -> Result<u32, NotJson> {
        let digits = self
            .text
            .as_bytes()
            .get(self.position..self.position + 4)
            .ok_or(self.here())?;
        let mut number = 0;
        for &digit in digits {
            number = number * 16 + char::from(digit).to_digit(16).ok_or(self.here())?;
        }
        self.position += 4;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_offsets_and_number_spelling_are_kept() {
        let node = read(" {\"a\": 1.0, \"a\": [true, null]}").expect("valid JSON");
        let Json::Object(members) = node.value else {
            panic!("an object")
        };
        assert_eq!(node.offset, 1);
        assert_eq!(
            members
                .iter()
                .map(|member| (member.key.as_str(), member.offset))
                .collect::<Vec<_>>(),
            [("a", 2), ("a", 12)]
        );
        assert_eq!(members[0].value.value, Json::Number("1.0".to_owned()));
        assert_eq!(members[1].value.offset, 17);
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (text, offset) in [
            ("", 0),
            ("{", 1),
            ("{}{}", 2),
            ("{\"a\":1,}", 7),
            ("[1,]", 3),
            ("// x\n{}", 0),
            ("\"a", 2),
            ("\"\\x\"", 1),
            ("\"\\ud800\"", 7),
            ("\"\\udc00\"", 1),
            ("\"a\nb\"", 2),
            ("01", 1),
            ("1.", 2),
            ("\u{feff}{}", 0),
            ("nul", 0),
        ] {
            assert_eq!(read(text), Err(NotJson { offset }), "{text:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(read(&deep).is_err(), "nesting is bounded");
    }

    #[test]
    fn escapes_are_decoded() {
        let node = read(r#""\u0041\ud83d\ude00\n\/é""#).expect("valid JSON");
        assert_eq!(node.value, Json::String("A😀\n/é".to_owned()));
    }
}
