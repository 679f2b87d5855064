//! What a run has made and spent so far, and the ceilings that it may not go over. Prices are list prices.

use std::collections::BTreeSet;
use std::time::Instant;

use super::super::journal::{Journal, Kind};
use super::super::options::{LiveError, LiveOptions};
use super::super::request::Wire;
use super::Permit;

/// What a run has made and spent.
#[derive(Debug)]
pub(super) struct State {
    pub(super) journal: Journal,
    pub(super) started: Instant,
    pub(super) calls: u64,
    pub(super) keys: u64,
    pub(super) micro_dollars: u64,
    /// Ids of the keys that are the run's.
    pub(super) own_keys: BTreeSet<String>,
    /// Tokens given to keys so far.
    pub(super) tokens: u64,
}

impl State {
    /// Counts a request, unless that goes over a ceiling.
    pub(super) fn charge(&mut self, options: &LiveOptions, permit: &Permit, price: u64) -> Result<(), LiveError> {
        let ceilings = options.ceilings;
        let over = |ceiling: String| Err(LiveError::Ceiling { ceiling });
        let key = u64::from(permit.makes.as_ref().is_some_and(|made| made.kind == Kind::Key));
        if self.calls >= ceilings.calls {
            return over(format!("{} calls", ceilings.calls));
        }
        if self.started.elapsed().as_secs() >= ceilings.minutes.saturating_mul(60) {
            return over(format!("{} minutes", ceilings.minutes));
        }
        if self.keys + key > ceilings.keys {
            return over(format!("{} keys", ceilings.keys));
        }
        if self.micro_dollars.saturating_add(price) > ceilings.micro_dollars {
            return over(format!("{:.2} US dollars", ceilings.micro_dollars as f64 / 1e6));
        }
        self.calls += 1;
        self.keys += key;
        self.micro_dollars += price;
        Ok(())
    }
}

/// What a request costs at most, at list prices of the dearest Region, in millionths of a dollar. A key counts for a whole month.
pub(in crate::live) fn price_of_call(operation: &str) -> u64 {
    match operation {
        "kms:CreateKey" => 1_000_000,
        "kms:GenerateDataKeyPair" | "kms:GenerateDataKeyPairWithoutPlaintext" => 1_200,
        kms if kms.starts_with("kms:") => 15,
        s3 if s3.starts_with("s3:") => 10,
        _ => 0,
    }
}

/// The same of a request.
pub(super) fn price_of(wire: &Wire) -> u64 {
    match wire {
        Wire::Kms { operation, .. } => price_of_call(&format!("kms:{operation}")),
        Wire::S3 { .. } => price_of_call("s3:"),
        Wire::Query { .. } | Wire::Organizations | Wire::Other => 0,
    }
}
