//! Reading lines whose length somebody else chose. Nothing here knows what a line says.

use std::io::{self, BufRead};

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its line break. The last line needs none.
    Bytes(Vec<u8>),
    /// A line longer than allowed; it was read to its end and thrown away.
    TooLong,
    /// The input is at its end.
    End,
}

/// Reads up to the next line break, holding at most `limit` bytes of it.
pub(super) fn next_line(input: &mut impl BufRead, limit: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    let mut anything = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(match (anything, too_long) {
                (false, _) => Line::End,
                (true, true) => Line::TooLong,
                (true, false) => Line::Bytes(line),
            });
        }
        anything = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        if line.len() + part.len() > limit {
            too_long = true;
            line = Vec::new();
        } else if !too_long {
            line.extend_from_slice(part);
        }
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Bytes(line) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Vec<Line> {
        // A tiny buffer, so that lines cross its borders.
        let mut input = io::BufReader::with_capacity(3, text);
        let mut lines = Vec::new();
        loop {
            match next_line(&mut input, limit).expect("a slice can be read") {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    #[test]
    fn lines_are_bounded_and_the_next_one_is_read() {
        let bytes = |text: &str| Line::Bytes(text.as_bytes().to_vec());
        assert_eq!(
            lines(b"one\n\ntwo", 10),
            [bytes("one"), bytes(""), bytes("two")],
            "the last line needs no break"
        );
        assert_eq!(
            lines(b"0123456789\n01234567890\n0123456789012345\nok\n", 10),
            [bytes("0123456789"), Line::TooLong, Line::TooLong, bytes("ok")]
        );
        assert_eq!(lines(b"", 10), []);
        assert_eq!(lines(b"01234567890", 10), [Line::TooLong]);
    }
}
