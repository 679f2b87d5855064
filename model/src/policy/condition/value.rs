//! Typed condition values: numbers, instants, truth values, address ranges, bytes. Reading never guesses: what is not of the type
//! is [`Unreadable`], and the caller decides what that means (`iam:C-37`).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::operator::Base;
use crate::quirks::Quirks;

/// A value, of the policy or the request, is not of the operator's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Compares a request value with a policy value under a typed operator, before negation.
pub(super) fn compare(base: Base, expected: &str, requested: &str, quirks: &Quirks) -> Result<bool, Unreadable> {
    match base {
        Base::Numeric(order) => Ok(order.accepts(number(requested)?.cmp(&number(expected)?))),
        Base::Date(order) => Ok(order.accepts(instant(requested, quirks)?.cmp(&instant(expected, quirks)?))),
        Base::Bool => Ok(truth(requested)? == truth(expected)?),
        Base::Binary => Ok(bytes(requested)? == bytes(expected)?),
        Base::IpAddress => Ok(range(expected)?.contains(requested.parse().map_err(|_| Unreadable)?)),
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Arn | Base::Null => {
            Err(Unreadable)
        }
    }
}

/// Optional sign, digits, optional fraction, as many of them as there are; exact, never floating (`iam:C-30`). Exponents, a bare fraction
/// and white space are not numbers here: an open point of the specification, read strictly.
fn number(text: &str) -> Result<BigDecimal, Unreadable> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(Unreadable);
    }
    text.parse().map_err(|_| Unreadable)
}

/// `true` or `false` in any case (`iam:C-34`).
fn truth(text: &str) -> Result<bool, Unreadable> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Unreadable)
    }
}

/// Base64 on both sides: a request value of a binary key is its base64 text (`iam:C-36`).
fn bytes(text: &str) -> Result<Vec<u8>, Unreadable> {
    STANDARD.decode(text).map_err(|_| Unreadable)
}

/// An address with its prefix length; none means one host (`iam:C-35`).
struct Range {
    address: IpAddr,
    prefix: u32,
}

fn range(text: &str) -> Result<Range, Unreadable> {
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().map_err(|_| Unreadable)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| Unreadable)?,
        Some(_) => return Err(Unreadable),
    };
    if prefix > longest {
        Err(Unreadable)
    } else {
        Ok(Range { address, prefix })
    }
}

impl Range {
    /// Bits behind the prefix are ignored; different families never match (`iam:C-35`).
    fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// An instant in nanoseconds of the epoch: seconds as a whole number of 64 bits, whatever year that is, or the W3C profile of ISO 8601
/// with missing parts at the start of the period (`iam:C-31`). What is laxer is let through on saving only (`iam:C-33`).
fn instant(text: &str, quirks: &Quirks) -> Result<i128, Unreadable> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // `2024` is a year or an epoch second (iam:OQ-19).
        if digits.len() != 4 || text.starts_with('-') || quirks.year_is_epoch {
            let seconds: i64 = text.parse().map_err(|_| Unreadable)?;
            return Ok(i128::from(seconds) * 1_000_000_000);
        }
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = fixed_digits(parts.next(), 4)?;
    let month = parts.next().map_or(Ok(1), |part| fixed_digits(Some(part), 2))?;
    let day = parts.next().map_or(Ok(1), |part| fixed_digits(Some(part), 2))?;
    if parts.next().is_some() || (time.is_some() && date.len() != 10) {
        return Err(Unreadable);
    }
    let small = |number: i32| i8::try_from(number).map_err(|_| Unreadable);
    let year = i16::try_from(year).map_err(|_| Unreadable)?;
    let date = Date::new(year, small(month)?, small(day)?).map_err(|_| Unreadable)?;
    let (time, offset) = time.map_or(Ok((Time::midnight(), Offset::UTC)), time_of_day)?;
    offset
        .to_timestamp(DateTime::from_parts(date, time))
        .map(Timestamp::as_nanosecond)
        .map_err(|_| Unreadable)
}

/// `hh:mm[:ss[.s…]]` with `Z` or `±hh:mm` behind it.
fn time_of_day(text: &str) -> Result<(Time, Offset), Unreadable> {
    let zone_at = text.find(['Z', '+', '-']).ok_or(Unreadable)?;
    let (clock, zone) = text.split_at(zone_at);
    let small = |number: i32| i8::try_from(number).map_err(|_| Unreadable);
    let mut parts = clock.split(':');
    let hour = small(fixed_digits(parts.next(), 2)?)?;
    let minute = small(fixed_digits(parts.next(), 2)?)?;
    let (second, nanosecond) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (second, fraction) = part
                .split_once('.')
                .map_or((part, "0"), |(second, fraction)| (second, fraction));
            (small(fixed_digits(Some(second), 2)?)?, nanoseconds(fraction)?)
        }
    };
    if parts.next().is_some() {
        return Err(Unreadable);
    }
    let offset = if zone == "Z" {
        Offset::UTC
    } else {
        let sign = if zone.starts_with('-') { -1 } else { 1 };
        let (hours, minutes) = zone[1..].split_once(':').ok_or(Unreadable)?;
        let (hours, minutes) = (fixed_digits(Some(hours), 2)?, fixed_digits(Some(minutes), 2)?);
        if hours > 23 || minutes > 59 {
            return Err(Unreadable);
        }
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| Unreadable)?
    };
    Ok((
        Time::new(hour, minute, second, nanosecond).map_err(|_| Unreadable)?,
        offset,
    ))
}

/// Digits behind the decimal point of a second; beyond nine they do not matter.
fn nanoseconds(fraction: &str) -> Result<i32, Unreadable> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unreadable);
    }
    format!("{fraction:0<9}")[..9].parse().map_err(|_| Unreadable)
}

fn fixed_digits(part: Option<&str>, length: usize) -> Result<i32, Unreadable> {
    let part = part.ok_or(Unreadable)?;
    if part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()) {
        part.parse().map_err(|_| Unreadable)
    } else {
        Err(Unreadable)
    }
}

/// Whether IAM's own date check lets a value be saved (`iam:G-66`, `iam:C-33`). It is laxer than evaluation: a two-digit year, an
/// empty time, an hour-only zone, huge years and 64-bit epochs pass.
pub(in crate::policy) fn savable_date(text: &str) -> bool {
    // Years reach 292 million before our era too; a plus sign is nowhere recorded.
    if text.starts_with('+') {
        return false;
    }
    if text.parse::<i64>().is_ok() {
        return true;
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    savable_calendar_date(date) && time.is_none_or(savable_time)
}

/// Digits of a number no larger than a limit.
fn at_most(text: &str, length: usize, limit: i64) -> bool {
    text.len() == length
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<i64>().is_ok_and(|number| number <= limit)
}

fn savable_calendar_date(date: &str) -> bool {
    let unsigned = date.strip_prefix('-').unwrap_or(date);
    let mut parts = unsigned.split('-');
    let year = parts.next().unwrap_or("");
    let year_fits = !year.is_empty()
        && year.bytes().all(|byte| byte.is_ascii_digit())
        && year.parse::<i64>().is_ok_and(|year| year <= 292_278_993);
    let month_fits = parts.next().is_none_or(|month| month != "00" && at_most(month, 2, 12));
    let day_fits = parts.next().is_none_or(|day| day != "00" && at_most(day, 2, 31));
    year_fits && month_fits && day_fits && parts.next().is_none()
}

fn savable_time(time: &str) -> bool {
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let mut parts = clock.split(':');
    let hour = parts.next().unwrap_or("");
    let hour_fits = hour.is_empty() || at_most(hour, 2, 23);
    let minute_fits = parts.next().is_none_or(|minute| at_most(minute, 2, 59));
    let second_fits = parts.next().is_none_or(|second| {
        let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
        at_most(whole, 2, 59) && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    let zone_fits = match zone.strip_prefix(['+', '-']) {
        None => zone.len() <= 1,
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
            at_most(hours, 2, 23) && at_most(minutes, 2, 59)
        }
    };
    hour_fits && minute_fits && second_fits && parts.next().is_none() && zone_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        // iam:C-31, iam:C-33: what evaluation reads, and what it does not.
        let quirks = Quirks::default();
        let shown = |nanoseconds| Timestamp::from_nanosecond(nanoseconds).map(|timestamp| timestamp.to_string());
        let at = |text: &str| instant(text, &quirks).map(|at| shown(at).expect("these are years of four digits"));
        for (text, expected) in [
            ("1577836801", "2020-01-01T00:00:01Z"),
            ("2020-01", "2020-01-01T00:00:00Z"),
            ("2020-01-01", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.5Z"),
            ("2020-01-01T00:00:00+01:00", "2019-12-31T23:00:00Z"),
            ("2024", "1970-01-01T00:33:44Z"),
            ("-1", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "01T",
            "2020-13",
            "2020-1-1",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00+23",
            "2020-01T00:00Z",
            "9223372036854775808",
            "2020-01-01T00:00:00z",
            "2020-01-01t00:00:00Z",
        ] {
            assert_eq!(at(text), Err(Unreadable), "{text}");
        }
        assert_eq!(instant("222222222222", &quirks), Ok(222_222_222_222_000_000_000));
        let years = Quirks {
            year_is_epoch: false,
            ..Quirks::default()
        };
        assert_eq!(instant("2024", &years), instant("2024-01-01", &quirks));
    }

    #[test]
    fn dates_that_can_be_saved() {
        // iam:C-33, iam:G-66
        for good in [
            "01T",
            "2020-01-01T00:00:00+23",
            "9223372036854775807",
            "292278993-01-01",
            "2020-01-01t00:00:00z",
            "2020",
        ] {
            assert!(savable_date(good), "{good}");
        }
        for bad in [
            "sdfdsf",
            "soon",
            "9223372036854775808",
            "2020-13-01",
            "2020-01-01T25:00",
            "",
        ] {
            assert!(!savable_date(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_exact_and_strict() {
        // iam:C-30
        assert_eq!(number("0.30"), number("0.3"));
        assert_eq!(number("+1"), number("1.0"));
        assert_eq!(number("-0"), number("0"));
        let long = "8".repeat(64);
        let value = |text: &str| number(text).expect("digits are a number");
        assert!(value("-22") < value(&long) && value(&format!("-{long}")) < value("-22"));
        assert!(value(&long) < value(&format!("{long}.01")));
        for bad in ["", ".5", "5.", "1e3", " 1", "x", "--1"] {
            assert_eq!(number(bad), Err(Unreadable), "{bad}");
        }
    }
}
