//! What a bad network and a busy service do to calls: throttling, resets, failures of the server, slow answers, late propagation. A
//! function of seed, case and call, so that a run can be had again. How a line lives with it is `line`'s and `patience`'s affair.

use std::str::FromStr;
use std::time::Duration;

#[cfg(feature = "wire")]
use sha2::{Digest as _, Sha256};

/// Parts of a whole in millionths: what happens how often.
const WHOLE: u32 = 1_000_000;

/// How often what happens to the calls of AWS's API. The control plane is never disturbed: it is no part of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// Answers "too many requests" before anything is done.
    throttle: u32,
    /// Connections that break: half of them after the service did what it was asked.
    reset: u32,
    /// Answers with a failure of the server: half of them after it did what it was asked.
    server_error: u32,
    /// Answers that take [`Disturbance::slow_by`].
    slow: u32,
    slow_by: Duration,
    propagation: Duration,
    seed: u64,
}

/// What happens to one attempt of a call.
#[cfg(feature = "wire")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incident {
    /// Nothing.
    None,
    /// The service says that there are too many requests, and does nothing.
    Throttled,
    /// The connection breaks.
    Reset {
        /// After the service did what it was asked.
        acted: bool,
    },
    /// The service fails.
    ServerError {
        /// After it did what it was asked.
        acted: bool,
    },
    /// The answer comes late.
    Slow(Duration),
}

impl Disturbance {
    /// How late decisions see what was changed.
    pub fn propagation(&self) -> Duration {
        self.propagation
    }

    /// What happens to an attempt of a call of a case.
    #[cfg(feature = "wire")]
    pub(crate) fn incident(&self, case: &str, call: u64, attempt: u32) -> Incident {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(call.to_le_bytes());
        hash.update(attempt.to_le_bytes());
        hash.update(case.as_bytes());
        let bytes = hash.finalize();
        let mut roll = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % WHOLE;
        let acted = bytes[4] & 1 == 1;
        for (share, incident) in [
            (self.throttle, Incident::Throttled),
            (self.reset, Incident::Reset { acted }),
            (self.server_error, Incident::ServerError { acted }),
            (self.slow, Incident::Slow(self.slow_by)),
        ] {
            if roll < share {
                return incident;
            }
            roll -= share;
        }
        Incident::None
    }
}

impl FromStr for Disturbance {
    type Err = String;

    /// `throttle=0.3,reset=0.1,5xx=0.05,slow=0.1:8s,propagation=2s,seed=1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut disturbance = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` has no value; write it as `throttle=0.3`"))?;
            match name {
                "throttle" => disturbance.throttle = share(value)?,
                "reset" => disturbance.reset = share(value)?,
                "5xx" => disturbance.server_error = share(value)?,
                "slow" => {
                    let (often, by) = value.split_once(':').unwrap_or((value, "8s"));
                    disturbance.slow = share(often)?;
                    disturbance.slow_by = duration(by)?;
                }
                "propagation" => disturbance.propagation = duration(value)?,
                "seed" => {
                    disturbance.seed = value
                        .parse()
                        .map_err(|_| format!("`{value}` is not a seed; a whole number is"))?;
                }
                _ => {
                    return Err(format!(
                        "`{name}` is no disturbance; there are `throttle`, `reset`, `5xx`, `slow`, `propagation` and `seed`"
                    ));
                }
            }
        }
        let all = disturbance.throttle + disturbance.reset + disturbance.server_error + disturbance.slow;
        if all > WHOLE / 10 * 9 {
            return Err("more than nine of ten calls would be disturbed; give smaller shares".to_owned());
        }
        Ok(disturbance)
    }
}

fn share(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a share from 0 to 0.9, such as `0.3`");
    let share: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.0..=0.9).contains(&share) {
        return Err(wrong());
    }
    // Within 0 and 900,000.
    Ok((share * f64::from(WHOLE)).round() as u32)
}

/// `500ms`, `2s` or `1m`, up to ten minutes.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time up to ten minutes, such as `500ms`, `2s` or `1m`");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let unit = match &text[digits.len()..] {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => return Err(wrong()),
    };
    let time = unit.saturating_mul(number);
    if time > Duration::from_secs(600) {
        return Err(wrong());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbances_are_read_whole_or_not_at_all() {
        let read: Disturbance = "throttle=0.3, reset=0.1,5xx=0.05,slow=0.1:1500ms,propagation=2s"
            .parse()
            .expect("the documented form");
        assert_eq!(
            (read.throttle, read.reset, read.server_error, read.slow),
            (300_000, 100_000, 50_000, 100_000)
        );
        assert_eq!(
            (read.slow_by, read.propagation),
            (Duration::from_millis(1_500), Duration::from_secs(2))
        );
        for wrong in [
            "throttle",
            "throttle=2",
            "throttle=-0.1",
            "throttle=nan",
            "throttle=0.6,reset=0.6",
            "propagation=2",
            "propagation=2h",
            "propagation=99999999999s",
            "slow=0.1:5",
            "floods=0.1",
        ] {
            assert!(wrong.parse::<Disturbance>().is_err(), "{wrong}");
        }
    }

    #[cfg(feature = "wire")]
    #[test]
    fn incidents_come_as_often_as_asked_and_again_with_the_same_seed() {
        let disturbance: Disturbance = "throttle=0.3,reset=0.1,5xx=0.05,slow=0.05".parse().expect("in form");
        let mut counts = [0_u32; 7];
        for call in 0..20_000 {
            let incident = disturbance.incident("a case", call, 0);
            assert_eq!(incident, disturbance.incident("a case", call, 0));
            let place = match incident {
                Incident::None => 0,
                Incident::Throttled => 1,
                Incident::Reset { acted } => 2 + usize::from(acted),
                Incident::ServerError { acted } => 4 + usize::from(acted),
                Incident::Slow(_) => 6,
            };
            counts[place] += 1;
        }
        let expected = [10_000.0, 6_000.0, 1_000.0, 1_000.0, 500.0, 500.0, 1_000.0_f64];
        for (count, expected) in counts.iter().zip(expected) {
            // Six standard deviations.
            let off = (f64::from(*count) - expected).abs();
            assert!(off < 6.0 * expected.sqrt(), "{counts:?}");
        }
        let other: Disturbance = "throttle=0.3,reset=0.1,5xx=0.05,slow=0.05,seed=1"
            .parse()
            .expect("in form");
        assert!((0..100).any(|call| other.incident("a case", call, 0) != disturbance.incident("a case", call, 0)));
    }
}
