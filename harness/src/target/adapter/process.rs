//! A child process that is asked one line and answers one line. It has time limits, a limit on the length of a line, and it is gone when
//! its handle is. What the lines mean is `protocol`'s.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that is taken.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// Bytes of standard error that are kept: the last ones.
const KEPT_STDERR: usize = 4 * 1024;
/// How long a process that was told to end may take.
const LEAVE: Duration = Duration::from_millis(500);
/// How long the end of a process is waited for once its output has ended, to learn how it ended.
const ENDING: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The process ended; how, and its last words.
    Ended {
        /// Such as `exit status: 1`.
        how: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// No answer in time.
    Silent {
        /// The limit.
        limit: Duration,
        /// The end of its standard error.
        stderr: String,
    },
    /// A line longer than any answer.
    TooLong,
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last_words = |formatter: &mut fmt::Formatter<'_>, stderr: &str| {
            if stderr.is_empty() {
                Ok(())
            } else {
                write!(formatter, "; its standard error ends with: {stderr}")
            }
        };
        match self {
            Self::Ended { how, stderr } => {
                write!(formatter, "the adapter ended ({how})")?;
                last_words(formatter, stderr)
            }
            Self::Silent { limit, stderr } => {
                write!(formatter, "no answer from the adapter in {} s", limit.as_secs_f64())?;
                last_words(formatter, stderr)
            }
            Self::TooLong => write!(formatter, "the adapter sent a line of more than {MAX_LINE} bytes"),
        }
    }
}

/// A running adapter. Dropping it asks the process to leave, then kills it and everything it started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// None once the process has been told to leave.
    requests: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    stderr: Arc<Mutex<Vec<u8>>>,
    listening: thread::JoinHandle<()>,
}

#[derive(Debug)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

impl Process {
    /// Starts a command: the first word is the program, looked up on PATH.
    ///
    /// # Errors
    /// When there is no such program, or the system starts none.
    pub(super) fn start(words: &[String]) -> std::io::Result<Self> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "there is no command"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A group of its own: what it starts can be killed with it, and Ctrl-C in the terminal is ours alone.
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("the process has no pipes"));
        };
        let (requests, to_write) = mpsc::channel::<Vec<u8>>();
        // A thread of its own: a process that does not read must not keep us from seeing that it does not answer.
        thread::spawn(move || {
            for request in to_write {
                if stdin.write_all(&request).and_then(|()| stdin.flush()).is_err() {
                    break;
                }
            }
        });
        let (answers, lines) = mpsc::sync_channel(16);
        thread::spawn(move || read_lines(stdout, |line| answers.send(line).is_ok()));
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        let listening = thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&buffer[..count]);
                let surplus = kept.len().saturating_sub(KEPT_STDERR);
                kept.drain(..surplus);
            }
        });
        Ok(Self {
            child,
            requests: Some(requests),
            lines,
            stderr: kept,
            listening,
        })
    }

    /// Sends one line and waits for one.
    pub(super) fn exchange(&mut self, request: &str, limit: Duration) -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::with_capacity(request.len() + 1);
        bytes.extend_from_slice(request.as_bytes());
        bytes.push(b'\n');
        let sent = self
            .requests
            .as_ref()
            .is_some_and(|requests| requests.send(bytes).is_ok());
        if !sent {
            return Err(self.ended());
        }
        match self.lines.recv_timeout(limit) {
            Ok(Line::Whole(line)) => Ok(line),
            Ok(Line::TooLong) => Err(Trouble::TooLong),
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Silent {
                limit,
                stderr: self.last_words(),
            }),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> Trouble {
        let how = match self.wait(ENDING) {
            Some(status) => status.to_string(),
            None => "it closed its output".to_owned(),
        };
        // What it said last may still be in the pipe; something it started may hold the pipe open for ever.
        within(ENDING, || self.listening.is_finished().then_some(()));
        Trouble::Ended {
            how,
            stderr: self.last_words(),
        }
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        within(limit, || {
            self.child.try_wait().map_or(Some(None), |status| status.map(Some))
        })
        .flatten()
    }

    /// The end of standard error, one line, control characters escaped.
    fn last_words(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        crate::report::plain(&lines.join(" | ")).into_owned()
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if let Ok(group) = i32::try_from(self.child.id()) {
            // It may be gone already, and then there is nothing to kill.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(requests) = self.requests.take() {
            // Standard input is closed once this is written: the process learns of the end in both ways.
            let _ = requests.send(b"{\"cmd\":\"bye\"}\n".to_vec());
        }
        self.wait(LEAVE);
        self.kill();
    }
}

/// What a look finds, looking again and again until the limit.
fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= until {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads lines until the end, until one is too long, or until nobody wants them.
fn read_lines(stdout: ChildStdout, mut hand_over: impl FnMut(Line) -> bool) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let Ok(1..) = reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line) else {
            return;
        };
        if line.pop_if(|last| *last == b'\n').is_none() {
            // The end in the middle of a line: what was said so far says more than nothing.
            let line = if line.len() as u64 > MAX_LINE {
                Line::TooLong
            } else {
                Line::Whole(line)
            };
            hand_over(line);
            return;
        }
        line.pop_if(|last| *last == b'\r');
        if !hand_over(Line::Whole(line)) {
            return;
        }
    }
}
