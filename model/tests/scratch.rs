//! Scratch.
use countersign_model::case::{Syntax, load_all};
use countersign_model::coverage::rules_of_answer;
use countersign_model::evaluate::case::{run, save};
use countersign_model::quirks::Quirks;
use countersign_model::world::{CURRENT_DATE, World};
use countersign_model::case::check::{View, expectation};
#[test]
fn scratch() {
    let path = std::env::var("SCRATCH").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let cases = load_all(&path, &text, Syntax::Yaml).unwrap_or_else(|e| panic!("{e}"));
    let mut out = String::new();
    for case in cases {
        let as_of = case.as_of.unwrap_or(CURRENT_DATE);
        if let Some(ev) = &case.evaluate {
            let quirks = Quirks::from_overrides(&case.quirks).unwrap();
            match run(ev, &quirks, as_of) {
                Err(e) => out += &format!("{}\n", serde_json::json!({"id": case.id, "fault": e.to_string()})),
                Ok(answers) => for (i, (r, a)) in ev.request.iter().chain(&ev.requests).zip(&answers).enumerate() {
                    let rules: Vec<String> = rules_of_answer(a, ev, r).iter().map(ToString::to_string).collect();
                    out += &format!("{}\n", serde_json::json!({"id": case.id, "n": i, "decision": a.decision(), "blamed": a.blamed(), "rules": rules}));
                },
            }
            for (i, d) in ev.saves.iter().enumerate() {
                let a = save(d, as_of);
                out += &format!("{}\n", serde_json::json!({"id": case.id, "save": i, "refusal": a.refusal.map(|r| format!("{r:?}")), "rules": a.rules}));
            }
        } else {
            let mut world = match World::new(&case) { Ok(w) => w, Err(e) => { out += &format!("{}\n", serde_json::json!({"id": case.id, "fault": e.to_string()})); continue } };
            for (i, step) in case.steps.iter().enumerate() {
                match world.apply(step) {
                    Err(e) => { out += &format!("{}\n", serde_json::json!({"id": case.id, "n": i, "fault": e.to_string()})); break }
                    Ok(o) => {
                        let bad: Vec<String> = step.expect().map(|e| expectation(e, &View::from(&o), &|t: &str| world.resolve_text(t).map_err(|e| e.to_string()))).unwrap_or_default().iter().map(ToString::to_string).collect();
                        out += &format!("{}\n", serde_json::json!({"id": case.id, "n": i, "decision": o.decision, "code": o.code, "message": o.message, "output": o.output, "trail": o.trail, "checks": o.checks.iter().map(|c| (c.action.as_str().to_owned(), c.decision, c.blamed, c.all_rules().iter().map(ToString::to_string).collect::<Vec<_>>())).collect::<Vec<_>>(), "rules": o.rules, "bad": bad}));
                    }
                }
            }
        }
    }
    std::fs::write(format!("{path}.out"), out).unwrap();
}
