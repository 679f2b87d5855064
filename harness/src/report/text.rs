//! Untrusted text on its way to a terminal or a shell. Policies, names and messages come from files and targets: a terminal escape in
//! them must show as text, and a file name must stay one word.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control character (but newline and tab) and every bidirectional override shown as an escape.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_dangerous(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The text as one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(simple) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn is_dangerous(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{plain, shell_word};

    #[test]
    fn a_terminal_escape_shows_as_text() {
        assert_eq!(plain("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(plain("two\nlines"), "two\nlines");
        assert_eq!(plain("\u{202e}evil"), "\\u{202e}evil");
    }

    #[test]
    fn a_file_name_stays_one_word() {
        assert_eq!(shell_word("findings/a-1.yaml"), "findings/a-1.yaml");
        assert_eq!(shell_word("it's; rm -rf"), r"'it'\''s; rm -rf'");
        assert_eq!(shell_word(""), "''");
    }
}
