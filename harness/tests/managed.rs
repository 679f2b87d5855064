//! An endpoint that Countersign started does not outlive it, even when it is killed: the kernel ends it where `setpriv` is there, the next
//! start where it is not. What is started is a web server of Python's, from a profile of the test's own.
#![cfg(all(feature = "wire", target_os = "linux"))]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROFILE: &str = r#"
name = "a server"
title = "Python's web server"
isolation = "names"
capabilities = []

[enforcement]
hint = "there is none"

[administrator]
kind = "static"
access_key_id = "test"
secret_access_key = "test"

[start]
program = "python3"
arguments = ["-m", "http.server", "--bind", "127.0.0.1", "{port}"]
ready = "/"
within = "60s"
"#;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-managed-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        std::fs::write(path.join("server.toml"), PROFILE).expect("it can be written");
        Self(path)
    }

    /// `countersign target start`, with the programs of `path`, and the id of the process that it started.
    fn start(&self, path: &std::ffi::OsStr) -> (Child, u32) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(&self.0)
            .args(["target", "start", "./server.toml"])
            .env("COUNTERSIGN_CACHE", self.0.join("cache"))
            .env("PATH", path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this package runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        out.read_line(&mut line).expect("it says what it started");
        // It goes on talking, and must not find its end of the pipe closed.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let process = line.trim_end().rsplit(' ').next().and_then(|word| word.parse().ok());
        (child, process.unwrap_or_else(|| panic!("no process: `{line}`")))
    }

    fn runs(&self) -> usize {
        let runs = std::fs::read_dir(self.0.join("cache/runs")).expect("there are runs");
        runs.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()))
            .count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lives(process: u32) -> bool {
    // A dead one that nobody has taken note of yet has no command line.
    std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|text| !text.is_empty())
}

fn is_gone_soon(process: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while lives(process) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    !lives(process)
}

fn kill(mut child: Child) {
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
}

#[test]
fn what_was_started_ends_with_countersign_killed_or_not() {
    if program("python3").is_none() {
        eprintln!("skipped: there is no python3");
        return;
    }
    let everything = std::env::var_os("PATH").unwrap_or_default();
    if program("setpriv").is_some() {
        let folder = Folder::new("tied");
        let (child, process) = folder.start(&everything);
        assert!(lives(process), "it was started");
        kill(child);
        assert!(is_gone_soon(process), "process {process} outlived Countersign");
    } else {
        eprintln!("skipped in part: there is no setpriv");
    }

    // Where `setpriv` cannot do it (that of busybox cannot) it stays until the next start.
    let folder = Folder::new("untied");
    let other_programs = folder.0.join("bin");
    std::fs::create_dir_all(&other_programs).expect("the temporary folder can be made");
    let useless = program("false").expect("`false` is everywhere");
    std::os::unix::fs::symlink(useless, other_programs.join("setpriv")).expect("it can be written");
    let folders = std::iter::once(other_programs).chain(std::env::split_paths(&everything));
    let path = std::env::join_paths(folders).expect("they come from such a list");
    let (first, stray) = folder.start(&path);
    kill(first);
    assert!(lives(stray), "nothing ends it yet");
    let (mut second, process) = folder.start(&path);
    assert!(is_gone_soon(stray), "process {stray} was left by one that was killed");
    assert!(lives(process));
    assert_eq!(folder.runs(), 1, "its folder is gone too");
    // A third beside the second leaves it alone.
    let (third, other) = folder.start(&path);
    assert!(lives(process) && lives(other));
    kill(third);
    assert!(second.try_wait().is_ok_and(|ended| ended.is_none()));
    kill(second);
    let (mut last, end) = folder.start(&path);
    assert!(is_gone_soon(process) && is_gone_soon(other), "both were left");
    // The polite way out.
    interrupt(&last);
    assert!(last.wait().is_ok_and(|status| status.success()));
    assert!(!lives(end), "Ctrl-C ends it");
}

fn interrupt(child: &Child) {
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("`kill` is everywhere");
    assert!(status.success());
}
