//! A started process must not outlive Countersign, however that ends. The kernel ends it with its parent where `setpriv` of util-linux is
//! there to ask for that; a note of it in the run's folder lets the next start end what is left, where it is not. Starting is `managed`'s.
//!
//! Whether a run is over is told by a lock on a file in its folder: the system drops it with the process that holds it, and no id of a
//! process is taken for another's.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Held by the process that started the run.
const LOCK: &str = "owner";
/// The id of the process that was started, and its program.
const NOTE: &str = "process";
/// Held while folders of runs are made or removed.
const ALL: &str = "lock";

/// The folder of one run, for as long as it goes.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    _owner: File,
}

impl RunFolder {
    /// A new folder among those of `runs`, after what killed processes left there is gone.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn new(runs: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        let all = lockable(&runs.join(ALL))?;
        all.lock()?;
        end_strays(runs)?;
        let path = runs.join(name);
        fs::create_dir_all(&path)?;
        let owner = lockable(&path.join(LOCK))?;
        owner.lock()?;
        // `all` is dropped here, and its lock with it.
        Ok(Self { path, _owner: owner })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes the process that was started here.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn note(&self, process: u32, program: &OsStr) -> io::Result<()> {
        fs::write(
            self.path.join(NOTE),
            format!("{process}\n{}\n", program.to_string_lossy()),
        )
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A command that the kernel ends with the thread that starts it, where that can be asked for; else the program itself. The thread that
/// starts endpoints is the main one.
pub(super) fn tied(program: &str) -> Command {
    if can_be_tied() {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]);
        command
    } else {
        Command::new(program)
    }
}

/// Not every `setpriv` can: that of busybox cannot.
fn can_be_tied() -> bool {
    cfg!(target_os = "linux")
        && Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}

fn lockable(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Ends the processes of runs whose Countersign is gone, and removes their folders.
fn end_strays(runs: &Path) -> io::Result<()> {
    for entry in fs::read_dir(runs)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let is_over = match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(owner) => owner.try_lock().is_ok(),
            // It was killed before it had locked anything.
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(_) => false,
        };
        if is_over {
            if let Some(process) = stray(&path) {
                super::end_group(process, true);
            }
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// The process that was left running in a folder: the one that was noted, if it still is what was started there.
fn stray(folder: &Path) -> Option<u32> {
    let note = fs::read_to_string(folder.join(NOTE)).ok()?;
    let (process, program) = note.trim_end().split_once('\n')?;
    let process: u32 = process.parse().ok()?;
    let is_ours = command_line(process)?.contains(program)
        // Every endpoint is started in its run's folder. Where the system does not say, the program's path must do.
        && fs::read_link(format!("/proc/{process}/cwd")).map_or(!cfg!(target_os = "linux"), |place| {
            fs::canonicalize(folder).is_ok_and(|folder| folder == place)
        });
    is_ours.then_some(process)
}

/// The command line of a process; none if there is no such process.
fn command_line(process: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let bytes = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &process.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that waits, in the folder, in a group of its own.
    fn sleeper(folder: &Path) -> std::process::Child {
        let mut command = Command::new("sleep");
        command.arg("600").current_dir(folder).stdin(Stdio::null());
        super::super::own_group(&mut command);
        let child = command.spawn().expect("`sleep` is everywhere");
        // The kernel says that a program has begun before it says which: read in between, the stray was nobody's and waited for.
        while !command_line(child.id()).is_some_and(|line| line.contains("sleep")) {
            std::thread::yield_now();
        }
        child
    }

    #[cfg(unix)]
    #[test]
    fn what_a_killed_run_left_goes_and_nothing_else() {
        let runs = std::env::temp_dir().join(format!("countersign-runs-{}", std::process::id()));
        let _ = fs::remove_dir_all(&runs);
        let alive = RunFolder::new(&runs, "alive").expect("the temporary folder can be written");
        let mut kept = sleeper(alive.path());
        alive.note(kept.id(), OsStr::new("sleep")).expect("it can be written");
        // As one that was killed leaves it: nobody holds the lock.
        let dead = runs.join("dead");
        fs::create_dir_all(&dead).expect("the temporary folder can be written");
        fs::write(dead.join(LOCK), "").expect("it can be written");
        let mut stray = sleeper(&dead);
        fs::write(dead.join(NOTE), format!("{}\nsleep\n", stray.id())).expect("it can be written");
        // A note of an id that another program has by now.
        let reused = runs.join("reused");
        fs::create_dir_all(&reused).expect("the temporary folder can be written");
        let mut strangers = sleeper(&runs);
        fs::write(
            reused.join(NOTE),
            format!("{}\n/venv/bin/moto_server\n", strangers.id()),
        )
        .expect("it can be written");
        let half_made = runs.join("half-made");
        fs::create_dir_all(&half_made).expect("the temporary folder can be written");

        let next = RunFolder::new(&runs, "next").expect("the temporary folder can be written");
        assert!(!stray.wait().expect("it is ours").success(), "it was ended");
        for (who, child) in [("alive", &mut kept), ("a stranger", &mut strangers)] {
            assert!(matches!(child.try_wait(), Ok(None)), "{who} goes on");
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
        let is_there = |path: &Path| path.exists();
        assert!(is_there(alive.path()) && is_there(next.path()));
        assert!(!is_there(&dead) && !is_there(&reused) && !is_there(&half_made));
        drop((alive, next));
        assert!(!is_there(&runs.join("alive")) && !is_there(&runs.join("next")));
        let _ = fs::remove_dir_all(&runs);
    }
}
