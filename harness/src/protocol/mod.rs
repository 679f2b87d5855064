//! The stdio protocol with the model behind it: one JSON object a line in, one a line out, so that the model is an oracle for any
//! language. Here is the loop; `line` reads lines of bounded length, `message` says what a line asks, `oracle` answers.
//!
//! Nothing that comes in ends the loop but `bye` and the end of the input: whatever cannot be understood is answered with an `error`
//! that names the byte.

mod line;
mod message;
mod oracle;

use std::io::{self, BufRead, Write};

use line::{Line, next_line};
pub use oracle::{Oracle, Reply};
pub(crate) use oracle::{evaluator_answer, save_answer, step_answer};

/// Longest line that is read, in bytes: as long as the longest Case file.
pub const MAX_LINE_BYTES: usize = countersign_model::case::load::MAX_CASE_BYTES;

/// Answers every line of `input` on `output`, each as soon as it is read, until `bye` or the end of the input.
///
/// # Errors
/// What reading or writing fails with; nothing that a line says is an error here.
pub fn serve(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut oracle = Oracle::default();
    loop {
        let reply = match next_line(&mut input, MAX_LINE_BYTES)? {
            Line::End => return Ok(()),
            Line::TooLong => Reply::Line(message::Fault::too_long(MAX_LINE_BYTES).reply()),
            Line::Bytes(bytes) => oracle.answer(&bytes),
        };
        match reply {
            Reply::Bye => return Ok(()),
            Reply::Line(value) => {
                writeln!(output, "{value}")?;
                output.flush()?;
            }
        }
    }
}
