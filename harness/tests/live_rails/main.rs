//! Live runs, rehearsed: the command as a user runs it, with `countersign emulator` in AWS's place. Nothing here reaches further than
//! loopback. `rehearsal` starts and lists the emulator, `front` stands before it and answers what it cannot.
#![cfg(feature = "wire")]

mod front;
mod rehearsal;

use std::time::{Duration, Instant};

use front::Front;
use rehearsal::{ACCOUNT, Rehearsal, STORY, text};

/// Slow enough to be killed in the middle.
const SLOW: &str = "slow=0.9:30ms";
const BAD: &str = "throttle=0.3,reset=0.1,5xx=0.05,seed=3";

#[test]
fn killed_in_the_middle_of_provisioning_and_cleaned_nothing_is_left() {
    let rehearsal = Rehearsal::start("kill");
    // In the middle of keys, of principals, of buckets: wherever it is killed, whatever the journal says is enough.
    let seen = killed_and_cleaned(&rehearsal, &[1, 2, 5, 9, 14, 20, 27, 33]);
    assert!(seen > 20, "there was nothing to clean: {seen}");
}

/// An emulator that somebody else wrote: what is left there is not what we think an emulator keeps.
#[test]
fn on_ministack_too_nothing_is_left() {
    let Some(rehearsal) = Rehearsal::ministack("ministack") else {
        assert!(
            std::env::var_os("COUNTERSIGN_MINISTACK").is_none(),
            "MiniStack is not installed, and COUNTERSIGN_MINISTACK asks for it: `countersign target start ministack` once"
        );
        eprintln!("skipped: MiniStack is not installed; `countersign target start ministack` installs it");
        return;
    };
    // Further lines come after the steps, of which some differ there and are asked again for a minute.
    let seen = killed_and_cleaned(&rehearsal, &[1, 2, 5, 9, 14, 17]);
    assert!(seen > 10, "there was nothing to clean: {seen}");
}

/// Kills a run when it has written so many lines of its journal, and cleans up; again and again. Answers how many things were there to clean.
fn killed_and_cleaned(rehearsal: &Rehearsal, after: &[usize]) -> usize {
    let case = rehearsal.file("story.yaml", STORY);
    let mut seen_things = 0;
    for lines in after.iter().copied() {
        let journal = format!("journal-{lines}.jsonl");
        let path = rehearsal.path(&journal);
        let mut child = rehearsal.spawn(&["replay", &case, "--journal", &journal, "--disturb", SLOW]);
        let until = Instant::now() + Duration::from_secs(60);
        let written = || std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        while written() < lines && Instant::now() < until && child.try_wait().expect("it can be asked").is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        // SIGKILL: no handler, no destructor.
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert!(written() >= lines, "it ended before {lines} lines were written");
        seen_things += rehearsal.things().len();
        let cleaned = rehearsal.live(&["clean", "--journal", &journal]);
        assert_eq!(
            cleaned.status.code(),
            Some(0),
            "{lines}: {}{}",
            text(&cleaned.stdout),
            text(&cleaned.stderr)
        );
        assert_eq!(rehearsal.things(), Vec::<String>::new(), "killed after {lines} lines");
        let again = rehearsal.live(&["clean", "--journal", &journal]);
        assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
        assert!(
            text(&again.stdout).contains("0 gone, 0 left, 0 refused"),
            "{}",
            text(&again.stdout)
        );
    }
    seen_things
}

#[test]
fn a_run_under_faults_agrees_keeps_its_keys_and_leaves_nothing_else() {
    let rehearsal = Rehearsal::start("faults");
    let case = rehearsal.file("story.yaml", STORY);
    let first = rehearsal.live(&["replay", &case, "--disturb", BAD]);
    let shown = format!("{}{}", text(&first.stdout), text(&first.stderr));
    assert_eq!(first.status.code(), Some(0), "{shown}");
    assert!(shown.contains("calls sent again"), "{shown}");
    let left = rehearsal.things();
    assert!(
        !left.is_empty() && left.iter().all(|thing| thing.starts_with("key ")),
        "{left:?}"
    );
    // The second run makes no key: it takes those of the first.
    let second = rehearsal.live(&["replay", &case]);
    let shown = text(&second.stdout);
    assert_eq!(second.status.code(), Some(0), "{shown}{}", text(&second.stderr));
    assert!(shown.contains(" 0 keys made"), "{shown}");
    assert_eq!(rehearsal.things(), left);
    let policy = rehearsal.policy_of(left[0].trim_start_matches("key "));
    assert!(policy.contains("CountersignProvisioner"), "{policy}");
    let cleaned = rehearsal.live(&["clean", "--disturb", BAD]);
    assert_eq!(
        cleaned.status.code(),
        Some(0),
        "{}{}",
        text(&cleaned.stdout),
        text(&cleaned.stderr)
    );
    assert_eq!(rehearsal.things(), Vec::<String>::new());
}

#[test]
fn late_changes_are_waited_for_and_the_time_is_told() {
    let rehearsal = Rehearsal::start("late");
    rehearsal.propagation(2);
    let case = rehearsal.file("story.yaml", STORY);
    let run = rehearsal.live(&["replay", &case, "--report", "report"]);
    let shown = format!("{}{}", text(&run.stdout), text(&run.stderr));
    assert_eq!(run.status.code(), Some(0), "{shown}");
    assert!(!shown.contains("0 s for changes to propagate"), "{shown}");
    rehearsal.propagation(0);
}

#[test]
fn what_was_not_fully_allowed_is_refused_before_anything_is_sent() {
    let rehearsal = Rehearsal::start("refused");
    let case = rehearsal.file("story.yaml", STORY);
    let before = rehearsal.everything();
    let aws = ["--target", "aws"];
    let url = rehearsal.url.as_str();
    let said = ["--account", ACCOUNT, "--region", "us-east-1"];
    let fully = |more: &[&'static str]| -> Vec<String> {
        let start = ["replay", case.as_str(), "--live"].into_iter();
        start
            .chain(said)
            .chain(more.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    let half = |arguments: &[&str]| -> Vec<String> { arguments.iter().map(|word| (*word).to_owned()).collect() };
    let at = |mut arguments: Vec<String>| {
        arguments.extend(["--live-endpoint".to_owned(), url.to_owned()]);
        arguments
    };
    let refusals = [
        half(&["replay", &case]),
        half(&["scenarios"]),
        half(&["check"]),
        half(&["record"]),
        half(&["replay", &case, "--live"]),
        half(&["replay", &case, "--live", "--account", ACCOUNT]),
        at(half(&[
            "replay",
            &case,
            "--live",
            "--account",
            "999988887777",
            "--region",
            "us-east-1",
        ])),
        fully(&["--live-endpoint", "http://192.0.2.1:80"]),
        fully(&["--live-endpoint", "http://localhost:80"]),
        // AWS itself is not disturbed, and without TLS not spoken to.
        fully(&["--disturb", "throttle=0.1"]),
        at(fully(&["--max-calls", "1"])),
        half(&[&["check", "--cases", "5", "--plan", "--max-cost-usd", "0"], &said[..]].concat()),
    ];
    for arguments in &refusals {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(aws).collect();
        let output = rehearsal.command(&arguments);
        let shown = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {shown}");
        assert!(
            shown.contains("help:") || shown.contains("over ") || shown.contains("refused "),
            "{arguments:?}: {shown}"
        );
    }
    let clean = rehearsal.command(&[
        "clean",
        "--live",
        "--account",
        ACCOUNT,
        "--region",
        "us-east-1",
        "--live-endpoint",
        url,
        "--journal",
        "none.jsonl",
    ]);
    assert_eq!(clean.status.code(), Some(4), "{}", text(&clean.stderr));
    let root = rehearsal.as_root(&["replay", &case]);
    assert_eq!(root.status.code(), Some(4), "{}", text(&root.stderr));
    assert!(text(&root.stderr).contains("root user"), "{}", text(&root.stderr));
    assert_eq!(rehearsal.everything(), before);
}

#[test]
fn a_plan_sends_nothing() {
    let rehearsal = Rehearsal::start("plan");
    let case = rehearsal.file("story.yaml", STORY);
    let before = rehearsal.everything();
    let plan = rehearsal.command(&[
        "replay",
        &case,
        "--target",
        "aws",
        "--plan",
        "--account",
        ACCOUNT,
        "--region",
        "us-east-1",
        "--live-endpoint",
        "http://127.0.0.1:9",
    ]);
    let shown = text(&plan.stdout);
    assert_eq!(plan.status.code(), Some(0), "{shown}{}", text(&plan.stderr));
    for part in [
        "nothing is sent",
        "2 keys",
        "2 users",
        "1 buckets",
        "kms:Encrypt",
        "US dollars",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(rehearsal.everything(), before);
}

#[test]
fn a_management_account_is_refused_and_so_is_one_that_may_be_one() {
    let rehearsal = Rehearsal::start("organization");
    let case = rehearsal.file("story.yaml", STORY);
    let manager = format!(r#"{{"Organization":{{"Id":"o-1","MasterAccountId":"{ACCOUNT}"}}}}"#);
    for (status, body, code) in [
        (200, manager.as_str(), 4),
        (200, r#"{"Organization":{"Id":"o-1"}}"#, 4),
        (400, r#"{"__type":"AccessDeniedException","message":"no"}"#, 4),
        (
            200,
            r#"{"Organization":{"Id":"o-1","MasterAccountId":"999988887777"}}"#,
            0,
        ),
        (
            400,
            r#"{"__type":"AWSOrganizationsNotInUseException","message":"none"}"#,
            0,
        ),
    ] {
        let front = Front::before(&rehearsal.url, status, body);
        let output = rehearsal.live_at(&front.url(), &["replay", &case]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{body}: {}",
            text(&output.stderr) + &text(&output.stdout)
        );
        assert!(front.asked(), "nobody asked: {body}");
    }
    // An emulator whose every account is one is named as such, and only an address on loopback can be.
    let front = Front::before(&rehearsal.url, 200, &manager);
    let named = ["replay", case.as_str(), "--live-profile", "ministack"];
    let output = rehearsal.live_at(&front.url(), &named);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        text(&output.stderr) + &text(&output.stdout)
    );
    let of_aws = [
        "--target",
        "aws",
        "--live",
        "--account",
        ACCOUNT,
        "--region",
        "us-east-1",
    ];
    let output = rehearsal.command(&[&named[..], &of_aws].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("--live-endpoint"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_lockout_check_is_never_bypassed_and_everything_goes_through_the_rails() {
    let rehearsal = Rehearsal::start("wire");
    let case = rehearsal.file("story.yaml", STORY);
    let front = Front::before(&rehearsal.url, 400, r#"{"__type":"AWSOrganizationsNotInUseException"}"#);
    let output = rehearsal.live_at(&front.url(), &["replay", &case]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        text(&output.stderr) + &text(&output.stdout)
    );
    let requests = front.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.contains("TrentService.PutKeyPolicy"))
    );
    for request in &requests {
        assert!(!request.contains("BypassPolicyLockoutSafetyCheck"), "{request}");
        if request.contains("TrentService.PutKeyPolicy") {
            assert!(request.contains("CountersignProvisioner"), "{request}");
        }
        if request.contains("TrentService.CreateKey") || request.contains("Action=CreateUser") {
            assert!(
                request.contains("countersign:run") || request.contains("countersign%3Arun"),
                "{request}"
            );
        }
        assert!(
            !request.contains("/_countersign/"),
            "the control plane is not AWS's: {request}"
        );
    }
}

#[test]
fn clean_refuses_what_does_not_carry_the_tag() {
    let rehearsal = Rehearsal::start("untagged");
    rehearsal.make_user("countersign-somebodys");
    rehearsal.make_user("admin");
    let line = |kind: &str, name: &str| {
        format!(
            "{{\"at\":\"2026-11-22T00:00:00Z\",\"run\":\"x\",\"event\":\"made\",\"kind\":\"{kind}\",\"account\":\"{ACCOUNT}\",\
             \"region\":\"us-east-1\",\"name\":\"{name}\"}}\n"
        )
    };
    rehearsal.file(
        "countersign-live.jsonl",
        &(line("user", "countersign-somebodys") + &line("user", "admin") + &line("group", "admins")),
    );
    let before = rehearsal.everything();
    let output = rehearsal.live(&["clean"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("3 refused") && shown.contains("somebody else's"),
        "{shown}"
    );
    assert_eq!(rehearsal.everything(), before);
}

#[test]
fn what_is_recorded_is_scrubbed_and_agrees_when_it_is_played_back() {
    let rehearsal = Rehearsal::start("record");
    // The case's account is not the live one.
    let case = rehearsal.file("story.yaml", &STORY.replace(ACCOUNT, "444455556666"));
    let output = rehearsal.live(&["record", &case, "--out", "observed"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        text(&output.stdout) + &text(&output.stderr)
    );
    let path = rehearsal.path("observed/test.live.story.json");
    let observation = std::fs::read_to_string(&path).expect("it was recorded");
    for own in [ACCOUNT, "countersign-alice", "AKIA", "AROA", "AIDA"] {
        assert!(!observation.contains(own), "{own}: {observation}");
    }
    for part in [
        "\"date\": \"",
        "\"region\": \"us-east-1\"",
        "444455556666",
        "\"decision\": \"deny\"",
    ] {
        assert!(observation.contains(part), "{part}: {observation}");
    }
    let again = rehearsal.command(&["check", "--against", "observed"]);
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        text(&again.stdout) + &text(&again.stderr)
    );
    // An observation that contradicts the model is a divergence.
    let turned = observation.replacen(
        "\"decision\": \"deny\",\n        \"code\"",
        "\"decision\": \"allow\",\n        \"code\"",
        1,
    );
    assert_ne!(turned, observation);
    std::fs::write(&path, turned).expect("it can be written");
    let differs = rehearsal.command(&["check", "--against", "observed"]);
    assert_eq!(
        differs.status.code(),
        Some(1),
        "{}",
        text(&differs.stdout) + &text(&differs.stderr)
    );
}

#[test]
fn a_case_cannot_name_an_endpoint_or_a_profile() {
    let rehearsal = Rehearsal::start("case");
    for member in [
        "endpoint: http://192.0.2.1",
        "profile: prod",
        "target: aws",
        "live: true",
    ] {
        for (place, story) in [
            ("the case", STORY.replacen("world:", &format!("{member}\nworld:"), 1)),
            (
                "the world",
                STORY.replacen("  accounts:", &format!("  {member}\n  accounts:"), 1),
            ),
            (
                "a step",
                STORY.replacen(
                    "  - name: alice encrypts",
                    &format!("  - {member}\n    name: alice encrypts"),
                    1,
                ),
            ),
        ] {
            let case = rehearsal.file("named.yaml", &story);
            let output = rehearsal.command(&["replay", &case, "--target", "in-process"]);
            assert_eq!(
                output.status.code(),
                Some(2),
                "`{member}` in {place}: {}",
                text(&output.stderr)
            );
        }
    }
}
