//! The corpus inside the binary: every file of `scenarios/`, as text. Reading them is the model's, running them `session`'s.

/// Name and text of every scenario file, in the order of their names.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_is_there() {
        assert!(!super::FILES.is_empty());
        assert!(super::FILES.iter().all(|(_, text)| text.contains("countersign: 1")));
    }
}
