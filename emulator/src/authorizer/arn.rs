//! Splitting ARNs into six parts. No meaning of the parts.

/// The six parts of an ARN; the sixth keeps its colons. `None` with fewer parts.
#[inline]
pub(crate) fn split(text: &str) -> Option<[&str; 6]> {
    // ARNs are short: a plain loop finds their colons sooner than a search that is made for long texts.
    let mut parts = [""; 6];
    let (mut number, mut start) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b':' {
            parts[number] = &text[start..at];
            start = at + 1;
            number += 1;
            if number == 5 {
                parts[5] = &text[start..];
                return Some(parts);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_sixth_part_keeps_its_colons() {
        for (text, expected) in [
            ("arn:aws:s3:::b/k", Some(["arn", "aws", "s3", "", "", "b/k"])),
            (
                "arn:aws:iam::1:user/é:x",
                Some(["arn", "aws", "iam", "", "1", "user/é:x"]),
            ),
            (":::::", Some([""; 6])),
            ("::::", None),
            ("", None),
            ("arn", None),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
