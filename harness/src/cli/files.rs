//! Cases from the corpus, from files and from folders. Reading is the model's; here are paths and the messages about them.

use std::path::{Path, PathBuf};

use countersign_model::case::Case;
use countersign_model::case::load::{Syntax, load_all};
use countersign_model::world::World;

use super::{Exit, Failure};
use crate::corpus;

/// Every case of the corpus, with a world and without.
pub(super) fn whole_corpus() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for (name, text) in corpus::FILES {
        cases.extend(load_all(name, text, Syntax::of_file(name)).map_err(|error| Failure::new(Exit::Internal, error))?);
    }
    Ok(cases)
}

/// The cases of files and folders, in the order of their paths.
pub(super) fn cases_of(paths: &[PathBuf]) -> Result<Vec<Case>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    let mut cases = Vec::new();
    for file in &files {
        let name = file.display().to_string();
        let text = text_of(file)?;
        let read = load_all(&name, &text, Syntax::of_file(&name)).map_err(|error| Failure::new(Exit::Usage, error))?;
        for case in &read {
            check_world(&name, case)?;
        }
        cases.extend(read);
    }
    Ok(cases)
}

/// The text of a file.
pub(super) fn text_of(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    String::from_utf8(text).map_err(|error| {
        Failure::message(
            Exit::Usage,
            format!(
                "`{}` is not UTF-8: byte {} is not text",
                file.display(),
                error.utf8_error().valid_up_to()
            ),
            "a Case is a UTF-8 file, YAML or JSON",
        )
    })
}

/// A world that AWS could not hold is a mistake in the file, said before anything runs.
fn check_world(file: &str, case: &Case) -> Result<(), Failure> {
    if case.world.is_none() {
        return Ok(());
    }
    match World::new(case) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::message(
            Exit::Usage,
            format!("{file}: the world of `{}` cannot be: {error}", case.id),
            "no sequence of permitted API calls leads to such a world",
        )),
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        entries.push(entry.map_err(|error| unreadable(path, &error))?.path());
    }
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            // JSON files of a folder are schemas and reports beside the cases; name one to have it read.
            files.push(entry);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::message(
        Exit::Usage,
        format!("cannot read `{}`: {error}", path.display()),
        "name a Case file (.yaml, .json) or a folder of them",
    )
}
