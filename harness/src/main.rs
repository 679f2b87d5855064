//! The `countersign` command. Everything is in the library; this file only ends the process.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A run allocates small things by the million and gives them back at once.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::cli::main().into()
}
