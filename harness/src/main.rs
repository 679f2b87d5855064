//! The `countersign` command. Everything is in the library; this file only ends the process.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::cli::main().into()
}
