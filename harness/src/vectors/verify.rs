//! Holds an exported folder to its manifest (every file, its hash, nothing else), to the schema, and to the model: it must still answer what
//! the vectors say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::export::{Manifest, is_inside};
use super::{FORMAT, MANIFEST, SUITE, SUITE_VERSION, VectorFile, outcomes, schema};
use crate::hexadecimal::sha256_hex;
use crate::json_schema::Schema;

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The suite's version.
    pub version: String,
    /// Vectors.
    pub vectors: u64,
    /// Outcomes that the model was asked again.
    pub outcomes: u64,
    /// Files.
    pub files: usize,
}

/// Why a folder does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no manifest, or it is none.
    #[error("`{}` is no export of vectors: {why}", path.display())]
    NoExport {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// It holds, but not what it should.
    #[error("{} of the export do not hold", if .0.len() == 1 { "1 part".to_owned() } else { format!("{} parts", .0.len()) })]
    Wrong(Vec<String>),
}

/// Verifies a folder.
///
/// # Errors
/// [`VerifyError`]; everything that is wrong is told, not the first alone.
pub fn verify(folder: &Path) -> Result<Verified, VerifyError> {
    let none = |why: String| VerifyError::NoExport {
        path: folder.to_owned(),
        why,
    };
    let text = std::fs::read_to_string(folder.join(MANIFEST)).map_err(|error| none(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| none(format!("{MANIFEST}: {error}")))?;
    if manifest.suite != SUITE {
        return Err(none(format!("{MANIFEST} is of `{}`", manifest.suite)));
    }
    if manifest.format != FORMAT {
        return Err(none(format!(
            "its form is {}, and this Countersign knows {FORMAT}",
            manifest.format
        )));
    }
    let mut wrong = Vec::new();
    let mut listed: BTreeSet<PathBuf> = BTreeSet::from([folder.join(MANIFEST)]);
    let form = schema();
    let (mut vectors, mut answers) = (0, 0);
    let mut ids = BTreeSet::new();
    for file in &manifest.files {
        if !is_inside(&file.path) {
            wrong.push(format!("{}: the path leaves the folder", file.path));
            continue;
        }
        let path = folder.join(&file.path);
        listed.insert(path.clone());
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                wrong.push(format!("{}: {error}", file.path));
                continue;
            }
        };
        if sha256_hex(&bytes) != file.sha256 {
            wrong.push(format!("{}: the hash is not that of the manifest", file.path));
        }
        if file.vectors.is_none() {
            continue;
        }
        let read = read(&bytes, &form).map_err(|why| format!("{}: {why}", file.path));
        let read = match read {
            Ok(read) => read,
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        vectors += read.vectors.len() as u64;
        for one in &read.vectors {
            answers += one.outcomes.len() as u64;
            if !ids.insert(one.id.clone()) {
                wrong.push(format!("{}: `{}` is there twice", file.path, one.id));
            }
            match outcomes(&one.case) {
                Ok(now) if now == one.outcomes => {}
                Ok(now) => {
                    let first = now.iter().zip(&one.outcomes).position(|(now, then)| now != then);
                    let at = first.unwrap_or(now.len().min(one.outcomes.len()));
                    wrong.push(format!(
                        "{}: `{}`: the model answers outcome {at} otherwise (suite {}, this is {SUITE_VERSION})",
                        file.path, one.id, manifest.version
                    ));
                }
                Err(error) => wrong.push(format!("{}: {error}", file.path)),
            }
        }
    }
    if (vectors, answers) != (manifest.counts.vectors, manifest.counts.outcomes) {
        wrong.push(format!(
            "{MANIFEST} counts {} vectors with {} outcomes, and there are {vectors} with {answers}",
            manifest.counts.vectors, manifest.counts.outcomes
        ));
    }
    for path in all_files(folder) {
        if !listed.contains(&path) {
            wrong.push(format!("{}: not in {MANIFEST}", path.display()));
        }
    }
    if wrong.is_empty() {
        Ok(Verified {
            version: manifest.version,
            vectors,
            outcomes: answers,
            files: listed.len(),
        })
    } else {
        Err(VerifyError::Wrong(wrong))
    }
}

fn read(bytes: &[u8], form: &Value) -> Result<VectorFile, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Schema::new(form)
        .check(&value)
        .map_err(|mismatch| format!("not of the schema: {mismatch}"))?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Every file below a folder; what cannot be read is told by the manifest.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(all_files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
