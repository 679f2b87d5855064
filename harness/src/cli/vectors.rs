//! `countersign vectors`: the suite as files for other people's test programs. Writing and verifying are `crate::vectors`'s.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Exit, Failure, print};
use crate::report::plain;
use crate::vectors::{ExportError, SUITE_VERSION, VerifyError, export, verify};

/// What is wrong that is listed.
const SHOWN: usize = 20;

/// `vectors`.
#[derive(Debug, Clone, Args)]
pub(super) struct VectorsArguments {
    #[command(subcommand)]
    command: VectorsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum VectorsCommand {
    /// Write the corpus and a sample of generated cases as JSON, with what the model answers, a schema and a manifest.
    Export {
        /// The folder: new, empty, or with an earlier export.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Generated cases of each tier.
        #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20_000))]
        sample: u32,
    },
    /// Check an export: hashes, form, and that the model still says the same.
    Verify {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

pub(super) fn run(arguments: &VectorsArguments) -> Result<Exit, Failure> {
    match &arguments.command {
        VectorsCommand::Export { folder, sample } => {
            let done = export(folder, usize::try_from(*sample).unwrap_or(usize::MAX)).map_err(|error| {
                let (exit, help) = match &error {
                    ExportError::NotOurs(_) => (Exit::Refused, "name a new folder, or an empty one"),
                    ExportError::File { .. } => (Exit::Usage, "name a folder that can be written"),
                    _ => (Exit::Internal, "please report it"),
                };
                Failure::message(exit, error, help)
            })?;
            let told = format!(
                "{}: suite {SUITE_VERSION}, {} vectors with {} outcomes in {} files\n",
                folder.display(),
                done.vectors,
                done.outcomes,
                done.files
            );
            print(plain(&told).as_bytes())?;
            Ok(Exit::Conformant)
        }
        VectorsCommand::Verify { folder } => match verify(folder) {
            Ok(done) => {
                let told = format!(
                    "{}: suite {}, {} vectors with {} outcomes in {} files hold\n",
                    folder.display(),
                    done.version,
                    done.vectors,
                    done.outcomes,
                    done.files
                );
                print(plain(&told).as_bytes())?;
                Ok(Exit::Conformant)
            }
            Err(error @ VerifyError::NoExport { .. }) => Err(Failure::message(
                Exit::Usage,
                error,
                "name the folder that `countersign vectors export` wrote",
            )),
            Err(VerifyError::Wrong(wrong)) => {
                let mut told = String::new();
                for one in wrong.iter().take(SHOWN) {
                    told.push_str(one);
                    told.push('\n');
                }
                if wrong.len() > SHOWN {
                    told.push_str(&format!("… and {} more\n", wrong.len() - SHOWN));
                }
                print(plain(&told).as_bytes())?;
                Err(Failure::message(
                    Exit::Divergence,
                    VerifyError::Wrong(wrong),
                    "export again with the Countersign that you compare with, and read its CHANGELOG for changed expectations",
                ))
            }
        },
    }
}
