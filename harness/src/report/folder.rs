//! Makes the files of a report. What is in them is the reports' affair.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder or file cannot be made.
    #[error("cannot write the report `{}`: {source}", path.display())]
    Create {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes a folder and an empty file in it, so that a folder that cannot be written is told before the run and not after it.
pub(super) fn create_file(folder: &Path, name: &str) -> Result<BufWriter<File>, ReportError> {
    let create = |path: PathBuf| move |source| ReportError::Create { path, source };
    std::fs::create_dir_all(folder).map_err(create(folder.to_owned()))?;
    let path = folder.join(name);
    let file = File::create(&path).map_err(create(path))?;
    Ok(BufWriter::new(file))
}
