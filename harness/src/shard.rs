//! A part of a run: which numbers are its own, on the command line or from the environment of an indexed job. Nothing is run here;
//! putting the parts together again is `merge`'s.

use std::fmt;
use std::str::FromStr;

/// One of several parts of a run. The parts of a run have every number exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u64,
    // INVARIANT: more than `index`.
    of: u64,
}

/// Why there is no such part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Neither `I/N` nor `env`.
    #[error("`{0}` is no shard: `I/N` with 1 ≤ I ≤ N such as `2/4`, or `env` or `env/N`")]
    Form(String),
    /// No variable of an indexed job is set.
    #[error("no variable of an indexed job is set: none of {}", known_names())]
    NoIndex,
    /// The environment says which part, but not of how many.
    #[error("`{0}` says which shard this is, but not of how many: give `env/N`")]
    NoCount(&'static str),
    /// A variable is not a number, or the index is not below the count.
    #[error("`{0}` is `{1}`: no index of {2} shards")]
    Value(&'static str, String, u64),
}

/// Where a kind of job says which of how many it is.
struct IndexedJob {
    index: &'static str,
    /// The first index.
    first: u64,
    /// Where it says how many there are, if it does.
    count: Option<&'static str>,
}

const fn job(index: &'static str, first: u64, count: Option<&'static str>) -> IndexedJob {
    IndexedJob { index, first, count }
}

/// Asked in this order.
const JOBS: &[IndexedJob] = &[
    // AWS Batch array jobs.
    job("AWS_BATCH_JOB_ARRAY_INDEX", 0, Some("AWS_BATCH_JOB_ARRAY_SIZE")),
    // GitLab `parallel`.
    job("CI_NODE_INDEX", 1, Some("CI_NODE_TOTAL")),
    job("CIRCLE_NODE_INDEX", 0, Some("CIRCLE_NODE_TOTAL")),
    job("BUILDKITE_PARALLEL_JOB", 0, Some("BUILDKITE_PARALLEL_JOB_COUNT")),
    job("CLOUD_RUN_TASK_INDEX", 0, Some("CLOUD_RUN_TASK_COUNT")),
    job("BATCH_TASK_INDEX", 0, Some("BATCH_TASK_COUNT")),
    // Kubernetes indexed jobs do not say how many there are.
    job("JOB_COMPLETION_INDEX", 0, None),
];

fn known_names() -> String {
    let names: Vec<&str> = JOBS.iter().map(|job| job.index).collect();
    names.join(", ")
}

impl Shard {
    /// The whole run.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether it is the whole run.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Whether a number is its own.
    pub fn has(self, number: u64) -> bool {
        number % self.of == self.index
    }

    /// How many of the numbers below `total` are its own.
    pub fn count(self, total: u64) -> u64 {
        total / self.of + u64::from(total % self.of > self.index)
    }

    /// The nth of its own numbers, from 0.
    pub fn number(self, nth: u64) -> u64 {
        nth.saturating_mul(self.of).saturating_add(self.index)
    }

    /// From 0, and how many there are.
    pub fn parts(self) -> (u64, u64) {
        (self.index, self.of)
    }

    /// The part that the environment of an indexed job says this is. `count` wins over what it says of their number.
    ///
    /// # Errors
    /// [`ShardError`] when the environment does not say it.
    pub fn of_environment(look_up: impl Fn(&str) -> Option<String>, count: Option<u64>) -> Result<Self, ShardError> {
        let (job, index) = JOBS
            .iter()
            .find_map(|job| Some((job, look_up(job.index)?)))
            .ok_or(ShardError::NoIndex)?;
        let of = match (count, job.count) {
            (Some(count), _) => count,
            (None, None) => return Err(ShardError::NoCount(job.index)),
            (None, Some(name)) => {
                let text = look_up(name).ok_or(ShardError::NoCount(job.index))?;
                text.parse().map_err(|_| ShardError::Value(name, text, 0))?
            }
        };
        let number = index.parse::<u64>().ok().and_then(|index| index.checked_sub(job.first));
        match number {
            Some(index) if index < of => Ok(Self { index, of }),
            _ => Err(ShardError::Value(job.index, index, of)),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index + 1, self.of)
    }
}

/// `2/4`, counted from 1; `env` or `env/4` for what the environment says.
impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let read = |part: &str| part.parse::<u64>().map_err(|_| form());
        let environment = |name: &str| std::env::var(name).ok();
        match text.split_once('/') {
            None if text == "env" => Self::of_environment(environment, None),
            Some(("env", of)) => Self::of_environment(environment, Some(read(of)?)),
            Some((at, of)) => match (read(at)?, read(of)?) {
                (at, of) if at >= 1 && at <= of => Ok(Self { index: at - 1, of }),
                _ => Err(form()),
            },
            None => Err(form()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shard, ShardError};

    #[test]
    fn the_parts_of_a_run_have_every_number_once() {
        for of in 1..6 {
            for total in 0..20 {
                let mut numbers: Vec<u64> = (1..=of)
                    .map(|at| format!("{at}/{of}").parse::<Shard>().expect("a shard"))
                    .flat_map(|shard| {
                        let own: Vec<u64> = (0..shard.count(total)).map(|nth| shard.number(nth)).collect();
                        assert!(
                            own.iter().all(|number| shard.has(*number) && *number < total),
                            "{shard} of {total}"
                        );
                        own
                    })
                    .collect();
                numbers.sort_unstable();
                assert_eq!(numbers, (0..total).collect::<Vec<_>>(), "{of} shards of {total}");
            }
        }
    }

    #[test]
    fn a_shard_is_written_as_it_is_read() {
        assert_eq!(
            "2/4".parse::<Shard>().map(|shard| shard.to_string()),
            Ok("2/4".to_owned())
        );
        for wrong in ["", "0/4", "5/4", "2", "2/x", "-1/2", "a/b/c", "environment"] {
            assert_eq!(
                wrong.parse::<Shard>(),
                Err(ShardError::Form(wrong.to_owned())),
                "{wrong}"
            );
        }
    }

    /// Variables, the count given beside, the shard or what is wrong.
    type Row = (
        &'static [(&'static str, &'static str)],
        Option<u64>,
        Result<&'static str, ShardError>,
    );

    #[test]
    fn indexed_jobs_say_which_part_they_are() {
        let rows: &[Row] = &[
            (&[("JOB_COMPLETION_INDEX", "3")], Some(8), Ok("4/8")),
            (
                &[("JOB_COMPLETION_INDEX", "3")],
                None,
                Err(ShardError::NoCount("JOB_COMPLETION_INDEX")),
            ),
            (
                &[("JOB_COMPLETION_INDEX", "8")],
                Some(8),
                Err(ShardError::Value("JOB_COMPLETION_INDEX", "8".to_owned(), 8)),
            ),
            (
                &[("AWS_BATCH_JOB_ARRAY_INDEX", "0"), ("AWS_BATCH_JOB_ARRAY_SIZE", "5")],
                None,
                Ok("1/5"),
            ),
            (&[("AWS_BATCH_JOB_ARRAY_INDEX", "4")], Some(5), Ok("5/5")),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")], None, Ok("1/2")),
            (
                &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")],
                None,
                Err(ShardError::Value("CI_NODE_INDEX", "0".to_owned(), 2)),
            ),
            (
                &[("CIRCLE_NODE_INDEX", "1"), ("CIRCLE_NODE_TOTAL", "2")],
                None,
                Ok("2/2"),
            ),
            (
                &[("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "3")],
                None,
                Ok("2/3"),
            ),
            (
                &[("CLOUD_RUN_TASK_INDEX", "2"), ("CLOUD_RUN_TASK_COUNT", "3")],
                None,
                Ok("3/3"),
            ),
            (&[("PATH", "1")], Some(3), Err(ShardError::NoIndex)),
            (
                &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "0")],
                None,
                Err(ShardError::Value("CI_NODE_INDEX", "1".to_owned(), 0)),
            ),
        ];
        for (variables, count, wanted) in rows {
            let look_up = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let found = Shard::of_environment(look_up, *count).map(|shard| shard.to_string());
            assert_eq!(found, wanted.clone().map(str::to_owned), "{variables:?}");
        }
    }
}
