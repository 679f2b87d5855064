//! The journal: one JSON line for each thing a live run makes, on the disk before the thing is made. It outlives any crash; `clean` reads
//! it. Nothing is made or deleted here.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A name for a key.
    Alias,
    /// A bucket with all its objects.
    Bucket,
    /// An IAM user with its policies and access keys.
    User,
    /// An IAM role with its policies.
    Role,
    /// An IAM group with its policies.
    Group,
    /// A managed policy.
    Policy,
    /// A KMS key. Its name is a token in its tags until its id is known.
    Key,
}

/// Something that was, or was to be, made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// The account it is in.
    pub account: String,
    /// Its Region; that of IAM is `us-east-1`.
    pub region: String,
    /// Its name: for a managed policy its ARN, for a key the token in its tags.
    pub name: String,
}

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is about to be made: it may be there.
    Intended,
    /// It is there.
    Made,
    /// It is not there: it was refused, or it was deleted.
    Gone,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in UTC.
    pub at: String,
    /// The run.
    pub run: String,
    /// What is known.
    pub event: Event,
    /// Of what.
    #[serde(flatten)]
    pub resource: Resource,
    /// The id that AWS chose, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("the journal `{path}` cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line in the middle is none of a journal. A torn last line is: that is what a crash leaves.
    #[error("line {line} of the journal `{path}` is not one: {reason}")]
    Line {
        /// The file.
        path: String,
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// An open journal. Lines are only ever added.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    run: String,
    known: BTreeMap<Resource, Entry>,
}

impl Journal {
    /// Opens a journal, or begins one, for a run.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, run: &str) -> Result<Self, JournalError> {
        let fault = |source| JournalError::File {
            path: path.display().to_string(),
            source,
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)
            .map_err(fault)?;
        let (known, torn) = read(path, &file)?;
        if torn {
            // What a crash cut off was never acted upon; the next line must not be joined to it.
            file.write_all(b"\n").and_then(|()| file.sync_data()).map_err(fault)?;
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
            && let Ok(folder) = File::open(folder)
        {
            // The file's name, too, must be on the disk.
            let _ = folder.sync_all();
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            run: run.to_owned(),
            known,
        })
    }

    /// Writes a line and waits until it is on the disk.
    ///
    /// # Errors
    /// [`JournalError::File`]: then the thing must not be made.
    pub fn write(&mut self, event: Event, resource: Resource, id: Option<String>) -> Result<(), JournalError> {
        let id = id.or_else(|| self.known.get(&resource).and_then(|entry| entry.id.clone()));
        let entry = Entry {
            at: jiff::Timestamp::now().to_string(),
            run: self.run.clone(),
            event,
            resource,
            id,
        };
        let fault = |source: std::io::Error| JournalError::File {
            path: self.path.display().to_string(),
            source,
        };
        let mut line = serde_json::to_vec(&entry).map_err(|error| fault(error.into()))?;
        line.push(b'\n');
        // INVARIANT: one write a line, and it is on the disk before this returns.
        self.file.write_all(&line).map_err(fault)?;
        self.file.sync_data().map_err(fault)?;
        self.known.insert(entry.resource.clone(), entry);
        Ok(())
    }

    /// What is known of a thing.
    pub fn of(&self, resource: &Resource) -> Option<&Entry> {
        self.known.get(resource)
    }

    /// Everything that is or may be there, in the order in which it can be deleted.
    pub fn left(&self) -> Vec<Entry> {
        let left = self.known.values().filter(|entry| entry.event != Event::Gone);
        left.cloned().collect()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The last word on each thing, and whether the last line was torn.
fn read(path: &Path, file: &File) -> Result<(BTreeMap<Resource, Entry>, bool), JournalError> {
    let mut reader = BufReader::new(file);
    let mut known = BTreeMap::new();
    let mut line = Vec::new();
    let mut broken: Option<(usize, String)> = None;
    for number in 1.. {
        line.clear();
        let length = reader
            .read_until(b'\n', &mut line)
            .map_err(|source| JournalError::File {
                path: path.display().to_string(),
                source,
            })?;
        if length == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some((line, reason)) = broken.take() {
            return Err(JournalError::Line {
                path: path.display().to_string(),
                line,
                reason,
            });
        }
        let ended = line.ends_with(b"\n");
        match serde_json::from_slice::<Entry>(&line) {
            Ok(entry) => {
                if !ended {
                    return Ok((with(known, entry), true));
                }
                known = with(known, entry);
            }
            Err(error) if ended => {
                // A torn line that an earlier reading ended: tolerated wherever it stands, if it is the beginning of a line.
                if !line.starts_with(b"{\"at\":") && !b"{\"at\":".starts_with(line.trim_ascii()) {
                    broken = Some((number, error.to_string()));
                    continue;
                }
            }
            Err(_) => return Ok((known, true)),
        }
    }
    match broken {
        Some((line, reason)) => Err(JournalError::Line {
            path: path.display().to_string(),
            line,
            reason,
        }),
        None => Ok((known, false)),
    }
}

fn with(mut known: BTreeMap<Resource, Entry>, entry: Entry) -> BTreeMap<Resource, Entry> {
    let id = entry
        .id
        .clone()
        .or_else(|| known.get(&entry.resource).and_then(|before: &Entry| before.id.clone()));
    known.insert(entry.resource.clone(), Entry { id, ..entry });
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(kind: Kind, name: &str) -> Resource {
        Resource {
            kind,
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            name: name.to_owned(),
        }
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("countersign-journal-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder.join("journal.jsonl")
    }

    #[test]
    fn what_was_intended_is_left_until_it_is_gone() {
        let path = scratch("left");
        let mut journal = Journal::open(&path, "run").expect("a new file");
        let (user, key) = (resource(Kind::User, "countersign-a"), resource(Kind::Key, "token"));
        journal
            .write(Event::Intended, key.clone(), None)
            .expect("it can be written");
        journal
            .write(Event::Intended, user.clone(), None)
            .expect("it can be written");
        journal
            .write(Event::Made, key.clone(), Some("id".to_owned()))
            .expect("it can be written");
        drop(journal);
        let mut journal = Journal::open(&path, "later").expect("it is there");
        let left: Vec<_> = journal
            .left()
            .into_iter()
            .map(|entry| (entry.resource, entry.id))
            .collect();
        assert_eq!(left, [(user.clone(), None), (key.clone(), Some("id".to_owned()))]);
        journal.write(Event::Gone, user, None).expect("it can be written");
        journal.write(Event::Gone, key, None).expect("it can be written");
        assert!(Journal::open(&path, "later").expect("it is there").left().is_empty());
    }

    #[test]
    fn a_torn_last_line_is_no_obstacle_and_nothing_is_joined_to_it() {
        let path = scratch("torn");
        let mut journal = Journal::open(&path, "run").expect("a new file");
        journal
            .write(Event::Intended, resource(Kind::User, "countersign-a"), None)
            .expect("it can be written");
        drop(journal);
        let whole = std::fs::read(&path).expect("it is there");
        for cut in 1..whole.len() {
            let mut text = whole.clone();
            text.extend_from_slice(&whole[..cut]);
            std::fs::write(&path, &text).expect("it can be written");
            let mut journal = Journal::open(&path, "run").unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
            assert_eq!(journal.left().len(), 1, "cut at {cut}");
            journal
                .write(Event::Intended, resource(Kind::Role, "countersign-b"), None)
                .expect("it can be written");
            let again = Journal::open(&path, "run").unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
            assert_eq!(again.left().len(), 2, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_journal_is_refused_with_its_line() {
        let path = scratch("other");
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
        std::fs::write(&path, "dear diary\n").expect("it can be written");
        assert!(matches!(
            Journal::open(&path, "run"),
            Err(JournalError::Line { line: 1, .. })
        ));
    }
}
