//! What the faults of single operators make of a comparison (`iam:§3.3`, `iam:§3.4`). The right comparisons are
//! `condition`'s; nothing here runs unless a fault is active.

use std::net::IpAddr;

use super::condition::{Outcome, Subject};
use super::glob_matches;
use super::operator::{Comparison, Ordering};
use super::values::{AddressRange, Decimal, Instant, bytes};
use crate::fault::{Fault, FaultSet};

/// How an active fault compares a context value with a policy value; `None` where the faults leave it alone.
#[cold]
pub(super) fn compare_wrongly(
    comparison: Comparison,
    raw: &str,
    subject: &Subject<'_>,
    text: &str,
    faults: FaultSet,
) -> Option<Outcome> {
    let is = |fault, holds: bool| faults.contains(fault).then(|| Outcome::of(holds));
    // The value is none as far as the fault is concerned.
    let unread = |fault, when: bool| (when && faults.contains(fault)).then_some(Outcome::NoMatch);
    let variables = raw.contains("${");
    match (comparison, subject) {
        (Comparison::StringEquals | Comparison::StringLike | Comparison::Arn, _) if variables => {
            is(Fault::ConditionVariablesLiteral, raw == text)
        }
        (Comparison::StringEquals, _) => is(Fault::StringEqualsIgnoresCase, raw.eq_ignore_ascii_case(text))
            .or_else(|| is(Fault::StringEqualsGlobs, glob_matches(raw, text))),
        (Comparison::StringLike, _) if !raw.contains(['*', '$']) => {
            is(Fault::StringLikeQuestionMarkLiteral, raw == text)
        }
        (Comparison::Numeric(wanted), Subject::Number(Some(number))) => {
            let order = number.compare(&Decimal::parse(raw)?);
            let inverted = matches!(wanted, Ordering::Greater | Ordering::GreaterOrEqual);
            let order = if inverted { order.reverse() } else { order };
            is(Fault::NumbersComparedAsText, wanted.accepts(text.cmp(raw)))
                .or_else(|| is(Fault::GreaterThanInverted, wanted.accepts(order)))
                .or_else(|| unread(Fault::FractionsUnread, raw.contains('.') || text.contains('.')))
        }
        (Comparison::Date(wanted), Subject::Date(Some(instant))) => {
            let value = Instant::parse(raw)?.nanoseconds(true);
            let own = instant.nanoseconds(true);
            let inclusive = wanted == Ordering::Less && faults.contains(Fault::DateLessThanInclusive);
            let zoneless = Instant::parse(&without_zone(raw)).zip(Instant::parse(&without_zone(text)));
            inclusive
                .then(|| Outcome::of(own <= value))
                .or_else(|| unread(Fault::EpochDatesUnread, raw.bytes().all(|byte| byte.is_ascii_digit())))
                .or_else(|| {
                    let (value, own) = zoneless?;
                    let order = own.nanoseconds(true).cmp(&value.nanoseconds(true));
                    is(Fault::DateZoneIgnored, wanted.accepts(order))
                })
        }
        (Comparison::Bool, Subject::Bool(Some(_))) => is(Fault::BoolCaseCounts, raw == text),
        (Comparison::Binary, _) => is(
            Fault::BinaryComparedAsText,
            bytes(raw).is_some_and(|value| value == text.as_bytes()),
        ),
        (Comparison::IpAddress, Subject::Address(Some(address))) => {
            let only: IpAddr = raw.split('/').next()?.parse().ok()?;
            let has_host_bits = AddressRange::parse(raw).is_some_and(|range| range.has_host_bits());
            is(Fault::AddressPrefixIgnored, only == *address)
                .or_else(|| unread(Fault::RangeWithHostBitsUnread, has_host_bits))
                .or_else(|| unread(Fault::AddressWithoutPrefixUnread, !raw.contains('/')))
        }
        (Comparison::Arn, Subject::Arn(Some(_))) => is(Fault::ArnComparedAsWholeText, glob_matches(raw, text))
            .or_else(|| is(Fault::ArnWildcardsLiteral, raw == text)),
        _ => None,
    }
}

/// The same clock time in UTC, for `2026-01-01T02:00:00+02:00`.
fn without_zone(date: &str) -> String {
    match date.split_once('T') {
        Some((day, time)) => {
            let clock = time.split(['+', '-', 'Z']).next().unwrap_or(time);
            format!("{day}T{clock}Z")
        }
        None => date.to_owned(),
    }
}
