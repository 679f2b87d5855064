//! What a live run would do, counted from its cases before anything is sent: resources, calls, and what it may cost at most.

use std::collections::BTreeMap;
use std::fmt;

use countersign_model::case::{Case, Step, WorldSpec};

use super::options::Ceilings;
use super::rails::price_of_call;

/// Calls that keep and clean a thing, beside the one that makes it: tags, policies, lists and deletion.
const CARE: u64 = 8;
/// Times a step may be asked while changes propagate, on average.
const ASKED: u64 = 3;

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LivePlan {
    /// Cases.
    pub cases: u64,
    /// What is made, by kind, over all cases; keys by the most that one case needs at once.
    pub resources: BTreeMap<&'static str, u64>,
    /// Calls of steps, by operation.
    pub steps: BTreeMap<String, u64>,
    /// All calls, estimated from above.
    pub calls: u64,
    /// What it may cost at most, every key counted for a month, in millionths of a dollar.
    pub micro_dollars: u64,
}

/// Counts what the cases would do.
pub fn plan<'a>(cases: impl IntoIterator<Item = &'a Case>) -> LivePlan {
    let mut plan = LivePlan::default();
    let mut most_keys = 0;
    for case in cases {
        let Some(world) = &case.world else { continue };
        plan.cases += 1;
        let keys = plan.world(world);
        most_keys = most_keys.max(keys);
        // A key of the pool is looked at, given its policy, its grants and names of before taken away.
        plan.calls += keys * CARE;
        plan.micro_dollars += keys * CARE * price_of_call("kms:DescribeKey");
        for step in &case.steps {
            if let Step::Call(call) = step {
                *plan.steps.entry(call.call.to_string()).or_default() += 1;
                plan.calls += ASKED;
                plan.micro_dollars += ASKED * price_of_call(call.call.as_str());
            }
        }
    }
    if most_keys > 0 {
        plan.resources.insert("keys (kept and used again)", most_keys);
        plan.micro_dollars += most_keys * price_of_call("kms:CreateKey");
        plan.calls += most_keys;
    }
    plan
}

impl LivePlan {
    /// Counts a world without its keys, and answers how many keys it has.
    fn world(&mut self, world: &WorldSpec) -> u64 {
        let mut keys = 0;
        for account in world.accounts.values() {
            let made = [
                ("users", account.users.len()),
                ("roles", account.roles.len()),
                ("groups", account.groups.len()),
                ("managed policies", account.managed_policies.len()),
                ("buckets", account.buckets.len()),
            ];
            for (kind, count) in made {
                let count = count as u64;
                if count > 0 {
                    *self.resources.entry(kind).or_default() += count;
                }
                self.calls += count * CARE;
            }
            let buckets = account.buckets.len() as u64;
            self.micro_dollars += buckets * CARE * price_of_call("s3:CreateBucket");
            let objects: usize = account.buckets.values().map(|bucket| bucket.objects.len()).sum();
            self.calls += objects as u64 * 2;
            self.micro_dollars += objects as u64 * 2 * price_of_call("s3:PutObject");
            let own = account
                .keys
                .values()
                .filter(|key| key.manager.as_deref() != Some("AWS"));
            keys += own.count() as u64;
        }
        keys
    }

    /// The ceilings that the run would reach, in words.
    pub fn over(&self, ceilings: Ceilings) -> Vec<String> {
        let keys = self
            .resources
            .get("keys (kept and used again)")
            .copied()
            .unwrap_or_default();
        let mut over = Vec::new();
        if keys > ceilings.keys {
            over.push(format!(
                "it needs {keys} keys at once, and {} may be made",
                ceilings.keys
            ));
        }
        if self.calls > ceilings.calls {
            over.push(format!(
                "it may take {} calls, and {} are allowed",
                self.calls, ceilings.calls
            ));
        }
        if self.micro_dollars > ceilings.micro_dollars {
            over.push(format!(
                "it may cost {:.2} US dollars, and {:.2} are allowed",
                dollars(self.micro_dollars),
                dollars(ceilings.micro_dollars)
            ));
        }
        over
    }
}

fn dollars(micro: u64) -> f64 {
    micro as f64 / 1e6
}

impl fmt::Display for LivePlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "cases     {}", self.cases)?;
        for (kind, count) in &self.resources {
            writeln!(formatter, "makes     {count} {kind}")?;
        }
        for (operation, count) in &self.steps {
            writeln!(formatter, "asks      {count} × {operation}")?;
        }
        writeln!(formatter, "calls     at most about {}", self.calls)?;
        writeln!(
            formatter,
            "costs     at most {:.2} US dollars at list prices, each key counted for a whole month",
            dollars(self.micro_dollars)
        )
    }
}
