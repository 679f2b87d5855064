//! Puts the packages of a profile into a virtual environment of their own. Nothing is started here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{ManagedError, at, end_group, last_words, own_group};
use crate::target::endpoint::profile::{Install, Profile};

/// How long an installation may take.
const INSTALLING: Duration = Duration::from_secs(600);

/// The virtual environment with the packages: made once, and made anew if it was left half-made.
pub(super) fn installed(
    profile: &Profile,
    install: &Install,
    home: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, ManagedError> {
    let wanted = install.python.join("\n");
    let name: String = wanted
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '.' {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let folder = home.join("targets").join(name);
    let mark = folder.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|text| text == wanted) {
        return Ok(folder);
    }
    say(&format!(
        "installing {} into {}",
        install.python.join(" "),
        folder.display()
    ));
    fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    let log = folder.join("install.log");
    let python = folder.join("bin").join("python");
    let run = |program: &Path, arguments: &[&str]| -> Result<(), ManagedError> {
        let command = format!("{} {}", program.display(), arguments.join(" "));
        let failed = |how: String| ManagedError::Install {
            profile: profile.name.clone(),
            command: command.clone(),
            how,
            log: last_words(&log),
        };
        let output = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| at(&log, &error))?;
        let errors = output.try_clone().map_err(|error| at(&log, &error))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        own_group(&mut command);
        let mut child = command
            .spawn()
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        let until = Instant::now() + INSTALLING;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(failed(format!("failed ({status})"))),
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(50)),
                Ok(None) => {
                    end_group(child.id(), true);
                    let _ = child.wait();
                    return Err(failed(format!("did not end in {} s", INSTALLING.as_secs())));
                }
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    };
    let folder_text = folder.to_string_lossy().into_owned();
    run(Path::new("python3"), &["-m", "venv", "--clear", &folder_text])?;
    let mut arguments = vec![
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
    ];
    arguments.extend(install.python.iter().map(String::as_str));
    run(&python, &arguments)?;
    fs::write(&mark, &wanted).map_err(|error| at(&mark, &error))?;
    Ok(folder)
}
