//! A command line as words, without a shell: no variables, no globs, no pipes. What the words name is `process`'s.

/// Why a command line is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quotation mark without its partner.
    #[error("the quotation mark {0} is never closed")]
    Unclosed(char),
    /// A backslash with nothing behind it.
    #[error("the last backslash escapes nothing")]
    Backslash,
    /// No word at all.
    #[error("there is no command")]
    Empty,
}

/// Splits at white space. Text between single quotes is taken as it is; between double quotes a backslash escapes `"` and `\`; outside
/// quotes a backslash escapes any character. Nothing is expanded.
///
/// # Errors
/// [`WordsError`].
pub fn split(text: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(WordsError::Unclosed('\''))? {
                        '\'' => break,
                        inside => word.push(inside),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or(WordsError::Unclosed('"'))? {
                        '"' => break,
                        '\\' => match letters.next().ok_or(WordsError::Unclosed('"'))? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inside => word.push(inside),
                    }
                }
            }
            '\\' => word
                .get_or_insert_default()
                .push(letters.next().ok_or(WordsError::Backslash)?),
            space if space.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) {
        return Err(WordsError::Empty);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{WordsError, split};

    #[test]
    fn words_are_split_as_people_expect_and_nothing_is_expanded() {
        let table: &[(&str, &[&str])] = &[
            ("node adapters/iam-simulate.mjs", &["node", "adapters/iam-simulate.mjs"]),
            ("  a \t b\n", &["a", "b"]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            (r#"a "q\"w\\e\n""#, &["a", r#"q"w\e\n"#]),
            (r"a\ b c\\d", &["a b", r"c\d"]),
            ("a '' b", &["a", "", "b"]),
            ("a'b'\"c\"", &["abc"]),
            (
                "a $HOME `x` *.y | z; w && v",
                &["a", "$HOME", "`x`", "*.y", "|", "z;", "w", "&&", "v"],
            ),
        ];
        for (text, words) in table {
            assert_eq!(split(text).expect("the text splits"), *words, "{text}");
        }
    }

    #[test]
    fn half_a_word_is_said() {
        assert_eq!(split("a 'b"), Err(WordsError::Unclosed('\'')));
        assert_eq!(split("a \"b\\"), Err(WordsError::Unclosed('"')));
        assert_eq!(split("a \\"), Err(WordsError::Backslash));
        assert_eq!(split(" \n"), Err(WordsError::Empty));
        assert_eq!(split("'' a"), Err(WordsError::Empty));
    }
}
