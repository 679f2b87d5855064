//! Properties over generated worlds and hostile text: order does not matter, a Deny never opens, an Allow in
//! an optional set never closes, nothing panics.

use super::*;

/// A small deterministic generator; the tests must fail the same way twice.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).expect("few sides")).expect("below sides")
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

const EFFECTS: &[&str] = &["Allow", "Allow", "Allow", "Allow", "Allow", "Allow", "Allow", "Deny"];
const ACTIONS: &[&str] = &[
    r#""Action":"*""#,
    r#""Action":"s3:*""#,
    r#""Action":["s3:Get*","s3:Put*"]"#,
    r#""Action":"s3:PutObject""#,
    r#""NotAction":"s3:PutObject""#,
    r#""Action":"s3:?etObject""#,
    r#""Action":[]"#,
];
const RESOURCES: &[&str] = &[
    r#""Resource":"*""#,
    r#""Resource":"arn:aws:s3:::b/*""#,
    r#""Resource":"arn:aws:s3:::b/${aws:username}""#,
    r#""NotResource":"arn:aws:s3:::c/*""#,
    r#""NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/t}""#,
    r#""Resource":["arn:aws:s3:::x","arn:aws:s3:::?/k"]"#,
];
const CONDITIONS: &[&str] = &[
    "",
    "",
    r#","Condition":{"StringEquals":{"aws:username":"u"}}"#,
    r#","Condition":{"StringNotEquals":{"aws:PrincipalTag/t":"x"}}"#,
    r#","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}}"#,
    r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
    r#","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
];
const WHO: &[&str] = &["*", "u", "R", "R/s", "fed", "A:root", "B:root", "x.amazonaws.com"];

fn statement(dice: &mut Dice, effect: &str, named: bool) -> String {
    let who = if named {
        format!(r#""Principal":{},"#, principal(dice.pick::<&str>(WHO)))
    } else {
        String::new()
    };
    let (action, resource, condition) = (dice.pick(ACTIONS), dice.pick(RESOURCES), dice.pick(CONDITIONS));
    format!(r#"{{"Effect":"{effect}",{who}{action},{resource}{condition}}}"#)
}

#[derive(Clone, Default)]
struct Texts {
    identity: Vec<String>,
    boundary: Vec<String>,
    session: Vec<String>,
    resource: Vec<String>,
    scp: Vec<String>,
}

impl Texts {
    fn random(dice: &mut Dice) -> Self {
        let mut some = |named: bool, most: usize| -> Vec<String> {
            (0..dice.roll(most + 1))
                .map(|_| {
                    let effect = *dice.pick(EFFECTS);
                    statement(dice, effect, named)
                })
                .collect()
        };
        let mut texts = Self {
            identity: some(false, 3),
            boundary: some(false, 2),
            session: some(false, 2),
            resource: some(true, 3),
            scp: some(false, 2),
        };
        // Half of the sets allow everything, so that both answers are common.
        for set in [
            &mut texts.identity,
            &mut texts.boundary,
            &mut texts.session,
            &mut texts.scp,
        ] {
            if !set.is_empty() && dice.roll(2) == 0 {
                set.push(ALLOW_ALL.to_owned());
            }
        }
        texts
    }

    fn build(&self, caller: &Caller, cross_account: bool) -> Case {
        fn texts(list: &[String]) -> Vec<&str> {
            list.iter().map(String::as_str).collect()
        }
        let mut case = case("random", caller.clone());
        if cross_account {
            case = case.owned_by_b();
        }
        if !self.identity.is_empty() {
            case = case.identity(&texts(&self.identity));
        }
        if !self.boundary.is_empty() {
            case = case.boundary(&texts(&self.boundary));
        }
        if !self.session.is_empty() {
            case = case.session_policy(&texts(&self.session));
        }
        if !self.resource.is_empty() {
            case = case.resource_policy(&texts(&self.resource));
        }
        if !self.scp.is_empty() {
            case = case.scp(&texts(&self.scp));
        }
        case
    }
}

#[test]
fn order_is_irrelevant_denies_close_and_allows_open() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let callers = [
        user(),
        session(),
        federated(),
        root(),
        service("x.amazonaws.com"),
        Caller::Anonymous,
        user_of(B, "arn:aws:iam::222222222222:user/u"),
    ];
    let mut seen = [0_usize; 2];
    for _ in 0..3_000 {
        let texts = Texts::random(&mut dice);
        let caller = dice.pick(&callers).clone();
        let cross_account = dice.roll(2) == 1;
        let verdict = texts.build(&caller, cross_account).verdict();
        seen[usize::from(verdict.is_allowed())] += 1;

        let mut reversed = texts.clone();
        reversed.identity.reverse();
        reversed.resource.reverse();
        reversed.scp.reverse();
        let other = reversed.build(&caller, cross_account).verdict();
        assert_eq!(
            verdict.is_allowed(),
            other.is_allowed(),
            "L-04 {}",
            texts.resource.join(",")
        );
        assert_eq!(
            verdict.denial().map(|denial| denial.blamed),
            other.denial().map(|denial| denial.blamed),
            "L-04"
        );

        let mut denied = texts.clone();
        denied.resource.push(statement(&mut dice, "Deny", true));
        denied.identity.push(statement(&mut dice, "Deny", false));
        if denied.build(&caller, cross_account).verdict().is_allowed() {
            assert!(verdict.is_allowed(), "a Deny opened: {}", denied.resource.join(","));
        }

        let mut allowed = texts.clone();
        allowed.resource.push(statement(&mut dice, "Allow", true));
        allowed.identity.push(statement(&mut dice, "Allow", false));
        if verdict.is_allowed() {
            assert!(
                allowed.build(&caller, cross_account).verdict().is_allowed(),
                "an Allow closed"
            );
        }

        // Boundary, session policy and SCP only take away.
        let bare = Texts {
            boundary: vec![],
            session: vec![],
            scp: vec![],
            ..texts
        };
        let may_lack_session = matches!(caller, Caller::FederatedUser { .. });
        if verdict.is_allowed() && !may_lack_session {
            assert!(bare.build(&caller, cross_account).verdict().is_allowed(), "L-85 L-76");
        }
    }
    assert!(
        seen.iter().all(|count| *count > 300),
        "both answers must occur often: {seen:?}"
    );
}

#[test]
fn hostile_text_neither_panics_nor_allows() {
    let mut dice = Dice(42);
    let rules = SaveRules {
        as_of: Settings::CURRENT,
        principals: &NoPrincipals,
    };
    let kinds = [
        PolicyKind::IdentityManaged,
        PolicyKind::IdentityInline,
        PolicyKind::Session,
        PolicyKind::ServiceControl,
        PolicyKind::ResourceControl,
        PolicyKind::Trust,
        PolicyKind::KeyPolicy,
        PolicyKind::BucketPolicy,
        PolicyKind::VpcEndpoint,
    ];
    let splices = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        "null",
        "${",
        "*",
        "é",
        "\\u0000",
        ",",
        ":",
        "1e9",
        "arn:",
        "\u{1F600}",
        "Deny",
    ];
    for _ in 0..4_000 {
        let named = dice.roll(2) == 1;
        let effect = *dice.pick(EFFECTS);
        let mut text = text_of(&[&statement(&mut dice, effect, named)]);
        for _ in 0..dice.roll(4) {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = *dice.pick(&boundaries);
            let splice = *dice.pick(&splices);
            if dice.roll(2) == 0 {
                text.insert_str(at, splice);
            } else {
                text.truncate(at);
                text.push_str(splice);
            }
        }
        for kind in kinds {
            let saved = Policy::save(kind, &text, &rules);
            let stored = Policy::stored(kind, &text);
            if let Ok(saved) = saved {
                assert_eq!(saved.unusable(), None);
                assert_eq!(stored.unusable(), None, "{kind:?} saves what it cannot read: {text}");
                assert_eq!(saved.statements().len(), stored.statements().len());
            }
            assert!(stored.unusable().is_none() || stored.statements().is_empty());
            let mut case = case("hostile", user());
            case.sets.identity.push(AttachedPolicy::inline(Arc::new(stored)));
            let verdict = case.verdict();
            let unusable = case.sets.identity[0].policy.unusable().is_some();
            assert_eq!(matches!(verdict, Verdict::Error(_)), unusable, "{text}");
        }
    }
}

#[test]
fn deep_and_long_documents_are_refused_quickly() {
    let deep = format!(r#"{{"Statement":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    assert!(Policy::stored(PolicyKind::IdentityInline, &deep).unusable().is_some());
    let long = text_of(&[GET]).replace("s3:GetObject", &"s3:*a".repeat(200_000));
    assert!(Policy::stored(PolicyKind::IdentityInline, &long).unusable().is_some());
    let many_members = format!(
        r#"{{"Version":"2012-10-17",{}"Statement":[]}}"#,
        "\"x\":1,".repeat(20_000)
    );
    assert!(
        Policy::stored(PolicyKind::IdentityInline, &many_members)
            .unusable()
            .is_some()
    );
}
