//! The knobs of the generator. Every knob says where it applies; the presets are [`Settings::default`] and [`Settings::small`].

/// What kinds of case are made, and how often. Shares are in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Weights of how many things are broken on the path of one caller: none, one, two, three (`breakage`).
    pub breakages: [u32; 4],
    /// Least number of steps that a story aims at (`story`); stories that tell a sequence may exceed it.
    pub least_steps: u32,
    /// Most steps of a case. No story writes more.
    pub most_steps: u32,
    /// Steps after those of the stories that put their requests again: another caller, another key, another object (`story`, crossing).
    pub crossings: u32,
    /// Share of cases with a second account (`scene`), the ground for cross-account stories.
    pub second_account: u8,
    /// Share of cases with an organization above the accounts (`scene`), the ground for SCPs and RCPs.
    pub organization: u8,
    /// Share of users and roles with a permissions boundary that lets their path through (`scene`); breakages add narrower ones.
    pub boundary: u8,
    /// Share of role sessions with a session policy that lets their path through (`scene`); breakages add narrower ones.
    pub session_policy: u8,
    /// Share of allow statements that carry a condition which holds (`permit`).
    pub condition: u8,
    /// Share of references in noise that point beside what exists on the path: a sibling, an alias, another account (`scene`, noise).
    pub near_miss: u8,
    /// Most noise statements of one policy: statements that do not belong to any path (`scene`, noise).
    pub noise: u32,
    /// Share of cases set on an earlier date, which brings the dated messages and validations (`scene`).
    pub past: u8,
    /// Share of calls that are repeated with a near miss of caller or parameters (`story`).
    pub twist: u8,
    /// Share of requests that come with a twin which differs in one fact and is to be refused (`story`, pair).
    pub pair: u8,
    /// Share of requests that are let through only because of one fact about them (`story`).
    pub leaning: u8,
    /// Whether probes may be told: stories set for one mistake each (`story`, probe).
    pub probes: bool,
    /// Whether stories with Lambda and AWS Backup may be told.
    pub services: bool,
}

impl Default for Settings {
    /// The whole range: one or two accounts, organizations, every kind of story, four to eight steps.
    fn default() -> Self {
        Self {
            breakages: [46, 36, 13, 5],
            least_steps: 4,
            most_steps: 8,
            crossings: 0,
            second_account: 45,
            organization: 18,
            boundary: 14,
            session_policy: 14,
            condition: 38,
            near_miss: 10,
            noise: 2,
            past: 6,
            twist: 40,
            pair: 30,
            leaning: 12,
            probes: true,
            services: true,
        }
    }
}

impl Settings {
    /// Small worlds for exhaustive or very many runs: one account, no organization, no noise, two to four steps.
    pub fn small() -> Self {
        Self {
            breakages: [45, 45, 10, 0],
            least_steps: 2,
            most_steps: 4,
            crossings: 0,
            second_account: 0,
            organization: 0,
            boundary: 10,
            session_policy: 10,
            condition: 25,
            near_miss: 10,
            noise: 0,
            past: 0,
            twist: 25,
            pair: 25,
            leaning: 10,
            probes: false,
            services: false,
        }
    }

    /// Few worlds and very many questions: after the stories of each, so many requests that cross its callers and its calls.
    pub fn crossed(crossings: u32) -> Self {
        Self {
            crossings,
            ..Self::default()
        }
    }
}
