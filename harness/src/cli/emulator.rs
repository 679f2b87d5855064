//! `countersign emulator`: the embedded emulator alone, on a loopback port, until Ctrl-C.

use std::io::Write as _;
use std::sync::Arc;

use countersign_emulator::fault::FaultSet;
use countersign_emulator::{Emulator, EmulatorOptions, serve};

use super::arguments::EmulatorArguments;
use super::{Exit, Failure, known_faults};

pub(super) fn run(arguments: &EmulatorArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.faults)?;
    if !arguments.bind.is_loopback() {
        return Err(Failure::message(
            Exit::Refused,
            format!("`{}` is not a loopback address", arguments.bind),
            "the emulator's secrets are public knowledge: it binds 127.0.0.0/8 or ::1 only",
        ));
    }
    let faults = FaultSet::from_ids(&arguments.faults)
        .map_err(|error| Failure::message(Exit::Usage, error, "`countersign faults --list` lists the faults"))?;
    let emulator = Arc::new(Emulator::new(EmulatorOptions {
        control_token: arguments.control_token.clone(),
        root_secret: arguments.root_secret.clone(),
        faults,
        ..EmulatorOptions::default()
    }));
    // One thread: every request waits for the one lock of the emulator's state, so that a second thread would bring
    // little but waiting and waking, which costs more than the requests do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::message(
                Exit::Internal,
                format!("no runtime: {error}"),
                "is the machine out of threads?",
            )
        })?;
    let address = arguments.address();
    runtime.block_on(async {
        let server = serve(emulator, address).await.map_err(|error| {
            Failure::message(
                Exit::Target,
                format!("cannot listen on {address}: {error}"),
                "another program holds the port: choose one with --port, or --port 0 for any free one",
            )
        })?;
        announce(arguments, &format!("http://{}", server.address()))?;
        tokio::signal::ctrl_c().await.map_err(|error| {
            Failure::message(
                Exit::Internal,
                format!("cannot wait for Ctrl-C: {error}"),
                "end the process otherwise",
            )
        })?;
        drop(server);
        Ok(Exit::Conformant)
    })
}

fn announce(arguments: &EmulatorArguments, endpoint: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "countersign emulator on {endpoint}")?;
    writeln!(out, "  export AWS_ENDPOINT_URL={endpoint} AWS_REGION=us-east-1")?;
    let secret = if arguments.root_secret == "test" { "test" } else { "…" };
    writeln!(
        out,
        "  export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY={secret}   # root of any account: its id is the key id"
    )?;
    if !arguments.faults.is_empty() {
        writeln!(out, "  seeded faults switched on: {}", arguments.faults.join(", "))?;
    }
    writeln!(out, "Ctrl-C ends it; nothing is kept.")?;
    out.flush()
}
