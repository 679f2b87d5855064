//! `multipart/form-data` as HTML forms send it (RFC 7578): fields up to the file, then the file. What the fields mean
//! is the service's; parts after the file are not looked at, as S3 does.

use bytes::Bytes;

/// Longest boundary (RFC 2046).
const LONGEST_BOUNDARY: usize = 70;
/// Longest header block of one part.
const LONGEST_PART_HEADERS: usize = 8 * 1024;

/// A form up to and with its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Fields before the file: name as sent, value.
    pub fields: Vec<(String, String)>,
    /// The part named `file`.
    pub file: Option<FormFile>,
}

/// The uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFile {
    /// The `filename` parameter without directories; `None` when it was not sent.
    pub filename: Option<String>,
    /// The bytes.
    pub content: Bytes,
}

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The media type is another one.
    #[error("the body is not multipart/form-data")]
    OtherType,
    /// No boundary, no parts, no end, a part without name, text that is not UTF-8.
    #[error("the multipart body is malformed")]
    Malformed,
    /// More bytes before the file than allowed.
    #[error("the fields before the file are too long")]
    FieldsTooLong,
}

/// Reads a form; at most `longest_fields` bytes may come before the content of the file.
///
/// # Errors
/// [`FormError`].
pub fn read(content_type: Option<&str>, body: &Bytes, longest_fields: usize) -> Result<Form, FormError> {
    let boundary = boundary(content_type.unwrap_or_default())?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut at = first_delimiter(body, &delimiter).ok_or(FormError::Malformed)?;
    let mut form = Form {
        fields: Vec::new(),
        file: None,
    };
    loop {
        if body[at..].starts_with(b"--") {
            return Ok(form);
        }
        let part = Part::read(body, at)?;
        let is_file = part.name.eq_ignore_ascii_case("file");
        if part.content_start > longest_fields {
            return Err(FormError::FieldsTooLong);
        }
        let end = find(body, part.content_start, &delimiter).ok_or(FormError::Malformed)?;
        let content = body.slice(part.content_start..end);
        if is_file {
            form.file = Some(FormFile {
                filename: part.filename,
                content,
            });
            return Ok(form);
        }
        if end > longest_fields {
            return Err(FormError::FieldsTooLong);
        }
        let value = std::str::from_utf8(&content).map_err(|_| FormError::Malformed)?;
        form.fields.push((part.name, value.to_owned()));
        at = end + delimiter.len();
    }
}

/// The head of one part.
struct Part {
    name: String,
    filename: Option<String>,
    /// Where its content starts, or where a boundary without content starts.
    content_start: usize,
}

impl Part {
    /// Reads the rest of the delimiter line at `at` and the headers below it.
    fn read(body: &[u8], at: usize) -> Result<Self, FormError> {
        let line_end = find(body, at, b"\r\n").ok_or(FormError::Malformed)?;
        if !body[at..line_end].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(FormError::Malformed);
        }
        // The blank line may follow at once, so its first CRLF is the one of the delimiter line.
        let head_end = find(body, line_end, b"\r\n\r\n").ok_or(FormError::Malformed)?;
        let head = body.get(line_end + 2..head_end).unwrap_or_default();
        if head.len() > LONGEST_PART_HEADERS {
            return Err(FormError::Malformed);
        }
        let head = std::str::from_utf8(head).map_err(|_| FormError::Malformed)?;
        let disposition = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
            .map(|(_, value)| parameters(value))
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("form-data"))
            .ok_or(FormError::Malformed)?;
        let parameter = |wanted: &str| {
            disposition
                .1
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.clone())
        };
        Ok(Self {
            name: parameter("name").ok_or(FormError::Malformed)?,
            filename: parameter("filename").map(|name| without_directories(&name)),
            content_start: head_end + 4,
        })
    }
}

/// Only the text after the last slash or backslash counts.
fn without_directories(filename: &str) -> String {
    filename.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

fn boundary(content_type: &str) -> Result<String, FormError> {
    let (media_type, parameters) = parameters(content_type);
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(FormError::OtherType);
    }
    parameters
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value)
        .filter(|value| (1..=LONGEST_BOUNDARY).contains(&value.len()))
        .ok_or(FormError::Malformed)
}

/// `value; name=token; name="quoted \" text"`.
fn parameters(text: &str) -> (String, Vec<(String, String)>) {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            _ if escaped => {
                // Browsers do not escape backslashes in file names; only quotes and backslashes are quoted pairs.
                if !matches!(character, '"' | '\\') {
                    piece.push('\\');
                }
                piece.push(character);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => pieces.push(std::mem::take(&mut piece)),
            _ => piece.push(character),
        }
    }
    pieces.push(piece);
    let mut pieces = pieces.into_iter();
    let value = pieces.next().unwrap_or_default().trim().to_owned();
    let parameters = pieces
        .filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect();
    (value, parameters)
}

/// After the first delimiter: at the very start of the body, or after a preamble.
fn first_delimiter(body: &[u8], delimiter: &[u8]) -> Option<usize> {
    let bare = &delimiter[2..];
    if body.starts_with(bare) {
        return Some(bare.len());
    }
    find(body, 0, delimiter).map(|at| at + delimiter.len())
}

/// Where `needle`, which starts with a carriage return, is next. Linear: needles are short.
fn find(haystack: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let mut at = from;
    while let Some(offset) = haystack.get(at..)?.iter().position(|byte| *byte == b'\r') {
        at += offset;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x y\"";

    fn form(text: &str) -> Result<Form, FormError> {
        read(Some(TYPE), &Bytes::from(text.to_owned()), 1000)
    }

    fn file(filename: Option<&str>, content: &'static str) -> Option<FormFile> {
        Some(FormFile {
            filename: filename.map(str::to_owned),
            content: Bytes::from_static(content.as_bytes()),
        })
    }

    #[test]
    fn fields_and_file() {
        let read = form(
            "preamble\r\n--x y \r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\na=\r\n b\r\n--x y\r\n\
             content-type: text/plain\r\ncontent-disposition: FORM-DATA; name=empty\r\n\r\n\r\n--x y\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"C:\\d\\a \\\"b\\\";.txt\"\r\n\r\n1\r\n--x\r\n2\r\n--x y\r\n\
             Content-Disposition: form-data; name=\"late\"\r\n\r\nignored\r\n--x y--\r\nepilogue",
        )
        .expect("a form");
        assert_eq!(
            read.fields,
            [
                ("Key".to_owned(), "a=\r\n b".to_owned()),
                ("empty".to_owned(), String::new())
            ]
        );
        assert_eq!(read.file, file(Some("a \"b\";.txt"), "1\r\n--x\r\n2"));
    }

    #[test]
    fn a_file_without_name_and_a_form_without_file() {
        let bare = form("--x y\r\nContent-Disposition: form-data; name=file\r\n\r\n\r\n--x y--").expect("a form");
        assert_eq!(bare.file, file(None, ""));
        let empty = form("--x y--\r\n").expect("a form");
        assert_eq!((empty.fields.len(), empty.file), (0, None));
    }

    #[test]
    fn what_is_no_form() {
        let other = |content_type| read(content_type, &Bytes::new(), 10);
        assert_eq!(other(None), Err(FormError::OtherType));
        assert_eq!(other(Some("text/html; boundary=x")), Err(FormError::OtherType));
        assert_eq!(other(Some("multipart/form-data")), Err(FormError::Malformed));
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(other(Some(&long)), Err(FormError::Malformed));
        for text in [
            "",
            "--x y",
            "--x yz\r\n\r\n",
            "--x y\r\n",
            "--x y\r\n\r\nno name\r\n--x y--",
            "--x y\r\nContent-Disposition: file; name=\"file\"\r\n\r\n1\r\n--x y--",
            "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end",
            "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x y",
        ] {
            assert_eq!(form(text), Err(FormError::Malformed), "{text:?}");
        }
        let not_text = b"--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--x y--";
        assert_eq!(
            read(Some(TYPE), &Bytes::from_static(not_text), 1000),
            Err(FormError::Malformed)
        );
        let field = |size: usize| {
            let value = "v".repeat(size);
            form(&format!(
                "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--x y--"
            ))
        };
        assert!(field(900).is_ok());
        assert_eq!(field(1001), Err(FormError::FieldsTooLong));
    }
}
