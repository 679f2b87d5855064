//! What can be saved: every document of many random cases before both readings, as every kind of policy. No request is decided.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_model::case::Case;
use serde::Serialize;

use super::documents::documents;
use super::generate;
use crate::policy_texts::{Difference, differences};

/// What a run over documents came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SavingReport {
    /// Documents read, each as every kind of policy.
    pub documents: u64,
    /// Differences by kind and by what each side says.
    pub classes: BTreeMap<String, Class>,
}

/// One way in which the readings differ.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Class {
    /// How many documents.
    pub seen: u64,
    /// The shortest of them.
    pub shortest: String,
}

impl SavingReport {
    fn add(&mut self, text: &str, difference: &Difference) {
        let class = self.classes.entry(class_of(difference)).or_default();
        class.seen += 1;
        if class.shortest.is_empty() || text.len() < class.shortest.len() {
            text.clone_into(&mut class.shortest);
        }
    }

    fn merge(&mut self, other: Self) {
        self.documents += other.documents;
        for (name, theirs) in other.classes {
            let mine = self.classes.entry(name).or_default();
            mine.seen += theirs.seen;
            let shorter = (theirs.shortest.len(), &theirs.shortest) < (mine.shortest.len(), &mine.shortest);
            if mine.shortest.is_empty() || shorter {
                mine.shortest = theirs.shortest;
            }
        }
    }
}

/// The texts of a case's documents.
pub fn texts(case: &Case) -> Vec<String> {
    let mut policies = case.evaluate.clone().unwrap_or_default().policies;
    documents(&mut policies).iter().map(|policy| policy.text()).collect()
}

/// Reads the documents of `cases` random cases.
pub fn run(seed: u64, cases: u64, workers: usize, progress: &(dyn Fn(u64) + Sync)) -> SavingReport {
    let next = AtomicU64::new(0);
    let total = Mutex::new(SavingReport::default());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut report = SavingReport::default();
                loop {
                    let start = next.fetch_add(64, Ordering::Relaxed);
                    if start >= cases {
                        break;
                    }
                    let end = (start + 64).min(cases);
                    for number in start..end {
                        let Ok(case) = generate::from_seed(seed, number) else {
                            continue;
                        };
                        for text in texts(&case) {
                            report.documents += 1;
                            for difference in differences(&text) {
                                report.add(&text, &difference);
                            }
                        }
                    }
                    progress(end - start);
                }
                if let Ok(mut total) = total.lock() {
                    total.merge(report);
                }
            });
        }
    });
    total.into_inner().unwrap_or_default()
}

/// The kind and what each side says, without the user's own words and places.
fn class_of(difference: &Difference) -> String {
    let words = |save: &Option<String>, usable: bool| {
        let save = save.as_deref().map_or_else(|| "saved".to_owned(), plain);
        format!("{save}{}", if usable { "" } else { ", unusable" })
    };
    format!(
        "{:?}: model {} | emulator {}",
        difference.kind,
        words(&difference.model.save, difference.model.usable),
        words(&difference.emulator.save, difference.emulator.usable),
    )
}

/// A message without ARNs, quoted words and numbers.
fn plain(message: &str) -> String {
    let words: Vec<String> = message
        .split(' ')
        .map(|word| {
            if word.contains("arn") || word.contains("${") {
                "ARN".to_owned()
            } else {
                word.chars().filter(|letter| !letter.is_ascii_digit()).collect()
            }
        })
        .collect();
    words.join(" ").chars().take(110).collect()
}
