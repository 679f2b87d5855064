//! The endpoint target against Countersign's own emulator, which runs as a process of its own and is driven as a stranger would drive it:
//! over its URL, without a control plane, by a profile.
#![cfg(feature = "wire")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use countersign::corpus;
use countersign::differential::{StepStatus, run_case};
use countersign::target::endpoint::{CanaryError, EndpointOptions, Endpoints, Profile, canary};
use countersign::target::{EndpointTarget, TargetError};
use countersign_model::case::{Case, Decision, Syntax, load_all, load_str};

/// The emulator as a process; it ends with its handle.
struct Emulator {
    child: Child,
    url: String,
}

impl Emulator {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["emulator", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this package runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let first = lines.next().expect("it says where it listens").expect("in text");
        let url = first.rsplit(' ').next().expect("an address").to_owned();
        // The rest is read away, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    fn target(&self, profile: Profile) -> EndpointTarget {
        EndpointTarget::new(EndpointOptions {
            endpoints: Endpoints::one(&self.url),
            name: profile.name.clone(),
            profile,
        })
        .expect("a runtime can be made")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn own() -> Profile {
    Profile::find("countersign").expect("it is built in")
}

fn case(text: &str) -> Case {
    load_str("case.yaml", text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn the_corpus_agrees_over_an_endpoint_without_a_control_plane() {
    let emulator = Emulator::start();
    let mut target = emulator.target(own());
    canary(&mut target).expect("the emulator enforces policies");
    let (mut compared, mut skipped, mut wrong) = (0, BTreeMap::new(), Vec::new());
    for (name, text) in corpus::FILES {
        for case in load_all(name, text, Syntax::of_file(name)).expect("the corpus can be read") {
            if case.world.is_none() {
                continue;
            }
            let report = run_case(&case, &mut target).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            assert!(report.reconciles(), "{}", case.id);
            compared += report.compared();
            for step in &report.steps {
                if let StepStatus::Skipped { reason } = &step.status {
                    *skipped.entry(reason.clone()).or_insert(0) += 1;
                }
            }
            let fault = report.provisioning_fault.as_ref();
            if let Some(fault) = fault.filter(|fault| !matches!(fault, TargetError::Unsupported { .. })) {
                wrong.push(format!("{}: {fault}", case.id));
            }
            for step in &report.steps {
                if let StepStatus::Error { error } = &step.status {
                    wrong.push(format!("{}: {:?}: {error}", case.id, step.name));
                }
                for one in &step.disagreements {
                    wrong.push(format!(
                        "{}: {:?}: {} expected {}, observed {}",
                        case.id, step.name, one.path, one.expected, one.observed
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 900, "{compared} steps compared, skipped: {skipped:?}");
}

const PUT: &str = r#"
countersign: 1
id: test.endpoint.put
world:
  accounts:
    "111122223333":
      users:
        alice: {policies: {s3: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: ["{{bucket.logs.arn}}", "{{bucket.logs.arn}}/*"]}]}}}
      buckets: {logs: {}}
steps:
  - {name: alice writes, kind: observed, as: {user: alice}, call: s3:PutObject, with: {Bucket: logs, Key: o, Body: {text: hi}}, expect: {decision: allow}}
  - {name: nobody signs, kind: control, as: {anonymous: true}, call: s3:GetObject, with: {Bucket: logs, Key: o}, expect: {decision: deny}}
"#;

#[test]
fn cases_do_not_meet_although_nothing_is_wiped() {
    let emulator = Emulator::start();
    let (mut one, mut other) = (emulator.target(own()), emulator.target(own()));
    for _ in 0..2 {
        for target in [&mut one, &mut other] {
            let report = run_case(&case(PUT), target).expect("the case can be run");
            assert!(report.agrees(), "{report:?}");
            let text = format!("{report:?}");
            assert!(!text.contains("zq"), "names of the target's own stay there: {text}");
        }
    }
}

#[test]
fn what_is_not_declared_is_skipped_under_its_name() {
    let emulator = Emulator::start();
    let mut profile = own();
    profile
        .capabilities
        .retain(|capability| capability.word() != "anonymous");
    let mut target = emulator.target(profile);
    let report = run_case(&case(PUT), &mut target).expect("the case can be run");
    assert_eq!(report.steps[0].status, StepStatus::Compared);
    assert_eq!(
        report.steps[1].status,
        StepStatus::Skipped {
            reason: "anonymous".to_owned()
        }
    );
    let mut profile = own();
    profile.capabilities.retain(|capability| capability.word() != "s3");
    let mut target = emulator.target(profile);
    let report = run_case(&case(PUT), &mut target).expect("the case can be run");
    assert_eq!(report.skipped(), 2);
    assert_eq!(report.provisioning_fault, Some(TargetError::unsupported("s3")));
    let reasons: Vec<&StepStatus> = report.steps.iter().map(|step| &step.status).collect();
    assert!(
        reasons.iter().all(|status| **status
            == StepStatus::Skipped {
                reason: "s3".to_owned()
            }),
        "{reasons:?}"
    );
}

/// Says yes to everything, as an emulator does whose switch is off.
struct Yes {
    url: String,
}

impl Yes {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                // A client that goes away is none of its business.
                let _ = stream.and_then(|stream| answer(stream, number));
            }
        });
        Self { url }
    }
}

fn answer(mut stream: TcpStream, number: usize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line)? > 2 {
        head.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let asked = format!("{head}{}", String::from_utf8_lossy(&body));
    let answers = [
        (
            "Action=CreateUser&",
            format!(
                "<CreateUserResponse><CreateUserResult><User><Path>/</Path><UserName>u</UserName><UserId>AIDA{number}</UserId><Arn>arn:aws:iam::111122223333:user/u</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></User></CreateUserResult></CreateUserResponse>"
            ),
        ),
        (
            "Action=CreateAccessKey&",
            format!(
                "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>u</UserName><AccessKeyId>AKIA{number}</AccessKeyId><Status>Active</Status><SecretAccessKey>s</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"
            ),
        ),
        (
            "Action=PutUserPolicy&",
            "<PutUserPolicyResponse></PutUserPolicyResponse>".to_owned(),
        ),
        (
            "trentservice.createkey",
            format!("{{\"KeyMetadata\":{{\"KeyId\":\"key-{number}\"}}}}"),
        ),
        (
            "trentservice",
            "{\"KeyId\":\"k\",\"Plaintext\":\"AAAA\",\"CiphertextBlob\":\"AAAA\"}".to_owned(),
        ),
    ];
    let text = answers
        .into_iter()
        .find(|(part, _)| asked.contains(part))
        .map_or_else(String::new, |(_, text)| text);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

#[test]
fn an_endpoint_that_enforces_nothing_is_found_before_anything_counts() {
    let yes = Yes::start();
    let mut target = EndpointTarget::new(EndpointOptions {
        endpoints: Endpoints::one(&yes.url),
        name: "yes".to_owned(),
        profile: own(),
    })
    .expect("a runtime can be made");
    let error = canary(&mut target).expect_err("it allows what must be denied");
    assert!(matches!(error, CanaryError::NotEnforced { .. }), "{error}");

    let output = countersign(&["check", "--target", &yes.url, "--profile", "ministack", "--cases", "1"]);
    let text = flat(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("does not enforce policies") && text.contains("AUTH=true"),
        "{text}"
    );
    assert!(output.stdout.is_empty(), "nothing was run");
}

#[test]
fn the_model_is_asked_about_the_case_as_it_is_written() {
    let emulator = Emulator::start();
    let mut target = emulator.target(own());
    // Behind every name stands another one: a policy for `*-logs` no longer fits, and the step says why it is skipped.
    let text = PUT
        .replace("\"{{bucket.logs.arn}}/*\"", "\"arn:aws:s3:::*-logs/*\"")
        .replace("{{bucket.logs.arn}}", "arn:aws:s3:::my-logs")
        .replace("buckets: {logs:", "buckets: {my-logs:")
        .replace("Bucket: logs", "Bucket: my-logs");
    let case = case(&text);
    let report = run_case(&case, &mut target).expect("the case can be run");
    assert_eq!(
        report.steps[0].status,
        StepStatus::Skipped {
            reason: "names of its own".to_owned()
        },
        "{report:?}"
    );
    let expected = report.steps[0].expected.as_ref().expect("the model took the step");
    assert_eq!(expected.decision, Decision::Allow);
}

fn countersign(arguments: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("countersign-endpoint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(folder)
        .args(arguments)
        .env("NO_COLOR", "1")
        .env_remove("AWS_ENDPOINT_URL")
        .output()
        .expect("the binary of this package runs")
}

/// A message that was wrapped at the width of the terminal, in one line.
fn flat(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('│', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_command_line_says_what_it_will_not_drive() {
    for (arguments, code, words) in [
        (&["--target", "http://10.0.0.1:80"][..], 4, "not on this machine"),
        (
            &["--target", "http://kms.us-east-1.amazonaws.com", "--allow-remote"],
            4,
            "AWS itself",
        ),
        (
            &["--target", "http://127.0.0.1:9", "--profile", "ministak"],
            2,
            "ministack",
        ),
        (
            &["--target", "http://127.0.0.1:9", "--profile", "countersign"],
            3,
            "is it running",
        ),
        (&["--target", "embedded", "--profile", "moto"], 2, "--profile"),
        (&["--target", "endpoint"], 2, "AWS_ENDPOINT_URL"),
    ] {
        let arguments: Vec<&str> = ["check", "--cases", "1"].iter().chain(arguments).copied().collect();
        let output = countersign(&arguments);
        let text = flat(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    let output = countersign(&["target", "list"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("ministack") && text.contains("moto"),
        "{text}"
    );
}

#[test]
fn a_run_over_an_endpoint_agrees_and_says_so() {
    let emulator = Emulator::start();
    let output = countersign(&[
        "check",
        "--target",
        &emulator.url,
        "--profile",
        "countersign",
        "--no-scenarios",
        "--cases",
        "40",
        "--seed",
        "11",
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("countersign at http://127.0.0.1"), "{text}");
}
