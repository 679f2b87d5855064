//! An endpoint that Countersign installs and starts itself: packages in a virtual environment of their own (`install`), a process group on a
//! loopback port, gone when its handle is, or when Countersign is (`tied`). No shell is involved. How it is driven is the profile's.

mod install;
mod tied;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::install::installed;
use self::tied::{RunFolder, tied};
use super::profile::{Profile, StartCommand};
use crate::expectations::file_stem;

/// How long a process that was told to end may take.
const LEAVE: Duration = Duration::from_secs(2);
/// Bytes of a log that are quoted: the last ones.
const QUOTED: u64 = 2_048;
/// What a child process is handed of the user's environment. AWS settings are not among it.
const HANDED_ON: [&str; 9] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "PIP_INDEX_URL",
    "PIP_CONFIG_FILE",
    "PIP_CERT",
];

/// Process groups that run now. A second Ctrl-C ends Countersign without unwinding: they go with it.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Why the endpoint does not run.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// The profile does not say how it is started.
    #[error(
        "the profile `{profile}` does not say how it is started: start it yourself and give its URL, as in `--target http://127.0.0.1:4566 --profile {profile}`"
    )]
    NotStartable {
        /// The profile.
        profile: String,
    },
    /// A file or folder cannot be made.
    #[error("`{}`: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// It cannot be installed.
    #[error("`{profile}` cannot be installed: `{command}` {how}; {log}")]
    Install {
        /// The profile.
        profile: String,
        /// What was run.
        command: String,
        /// How it ended.
        how: String,
        /// The end of its log.
        log: String,
    },
    /// It does not start.
    #[error("`{profile}` does not start: {how}; {log}")]
    Start {
        /// The profile.
        profile: String,
        /// What happened.
        how: String,
        /// The end of its log.
        log: String,
    },
}

/// An endpoint that was started. Dropping it ends the process and everything that it started.
#[derive(Debug)]
pub struct Managed {
    child: Child,
    port: u16,
    folder: RunFolder,
}

impl Managed {
    /// Installs the endpoint of a profile if need be, starts it on the port (0: a free one) and waits until it answers. `say` is told what
    /// takes long.
    ///
    /// # Errors
    /// [`ManagedError`].
    pub fn start(profile: &Profile, port: u16, say: &mut dyn FnMut(&str)) -> Result<Self, ManagedError> {
        let command = profile.start.as_ref().ok_or_else(|| ManagedError::NotStartable {
            profile: profile.name.clone(),
        })?;
        let home = cache();
        let environment = match &profile.install {
            Some(install) => installed(profile, install, &home, say)?,
            None => PathBuf::new(),
        };
        let port = match port {
            0 => free_port().map_err(|error| at(Path::new("127.0.0.1:0"), &error))?,
            given => given,
        };
        let runs = home.join("runs");
        let name = format!("{}-{}-{port}", file_stem(&profile.name), std::process::id());
        let folder = RunFolder::new(&runs, &name).map_err(|error| at(&runs.join(&name), &error))?;
        let mut managed = spawn(profile, command, &environment, port, folder)?;
        managed.wait_until_ready(profile, command)?;
        Ok(managed)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The id of its process, which is that of its group.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it writes what it has to say.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn wait_until_ready(&mut self, profile: &Profile, command: &StartCommand) -> Result<(), ManagedError> {
        let until = Instant::now() + command.within;
        let failed = |how: String, log: &Path| ManagedError::Start {
            profile: profile.name.clone(),
            how,
            log: last_words(log),
        };
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(failed(format!("it ended ({status})"), &self.log()));
            }
            if answers(self.port, &command.ready) {
                return Ok(());
            }
            if Instant::now() >= until {
                let how = format!("no answer at `{}` in {} s", command.ready, command.within.as_secs());
                return Err(failed(how, &self.log()));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        end_group(self.child.id(), false);
        let until = Instant::now() + LEAVE;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        end_group(self.child.id(), true);
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|process| *process != self.child.id());
    }
}

/// Ends every endpoint that this process started, at once. For the way out that runs no destructors.
pub fn end_all() {
    for process in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        end_group(process, true);
    }
}

/// Where installations are kept: `COUNTERSIGN_CACHE`, else `countersign` in the user's cache folder.
pub fn cache() -> PathBuf {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable("COUNTERSIGN_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("countersign")))
        .or_else(|| Some(variable("HOME")?.join(".cache").join("countersign")))
        .unwrap_or_else(|| std::env::temp_dir().join("countersign"))
}

fn spawn(
    profile: &Profile,
    start: &StartCommand,
    environment: &Path,
    port: u16,
    folder: RunFolder,
) -> Result<Managed, ManagedError> {
    let data = folder.path().to_owned();
    let filled = |text: &str| {
        text.replace("{venv}", &environment.to_string_lossy())
            .replace("{port}", &port.to_string())
            .replace("{data}", &data.to_string_lossy())
    };
    let log = data.join("log");
    let output = fs::File::create(&log).map_err(|error| at(&log, &error))?;
    let errors = output.try_clone().map_err(|error| at(&log, &error))?;
    let program = filled(&start.program);
    let missing = |reason: &str| ManagedError::Start {
        profile: profile.name.clone(),
        how: format!("`{program}` cannot be run ({reason}): is it installed, and on PATH?"),
        log: profile.homepage.clone().unwrap_or_default(),
    };
    if !is_there(&program) {
        return Err(missing("there is no such program"));
    }
    let mut command = tied(&program);
    command
        .args(start.arguments.iter().map(|argument| filled(argument)))
        .current_dir(&data)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .env_clear();
    for name in HANDED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in &start.environment {
        command.env(name, filled(value));
    }
    own_group(&mut command);
    let child = command.spawn().map_err(|error| missing(&error.to_string()))?;
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(child.id());
    let managed = Managed { child, port, folder };
    let noted = managed.folder.note(managed.process(), program.as_ref());
    noted.map_err(|error| at(managed.folder.path(), &error))?;
    Ok(managed)
}

/// Whether a program can be found: what ties it to this process could not say so.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

/// A group of its own: what it starts can be ended with it, and Ctrl-C in the terminal is ours alone.
fn own_group(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    #[cfg(not(unix))]
    let _ = command;
}

fn end_group(process: u32, at_once: bool) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(process) {
        use nix::sys::signal::{Signal, killpg};
        let signal = if at_once { Signal::SIGKILL } else { Signal::SIGTERM };
        // It may be gone already, and then there is nothing to end.
        let _ = killpg(nix::unistd::Pid::from_raw(group), signal);
    }
    #[cfg(not(unix))]
    let _ = (process, at_once);
}

fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether something answers a GET of the path with a status of HTTP.
fn answers(port: u16, path: &str) -> bool {
    use std::io::Write as _;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        )?;
        let mut start = [0; 9];
        stream.read_exact(&mut start)?;
        let mut status = [0; 3];
        stream.read_exact(&mut status)?;
        Ok(start.starts_with(b"HTTP/1.") && status[0] == b'2')
    };
    asked().unwrap_or(false)
}

/// The end of a log, in one line, control characters escaped.
fn last_words(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(QUOTED)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "its log is empty".to_owned();
    }
    let first = lines.len().saturating_sub(6);
    format!(
        "its log ends with: {}",
        crate::report::plain(&lines[first..].join(" | "))
    )
}

fn at(path: &Path, error: &std::io::Error) -> ManagedError {
    ManagedError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
