//! Typed condition values: decimals, instants, address ranges, booleans, bytes (`iam:§3.4`). Text in,
//! value out; `None` means the text is not a value of the type.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An exact decimal: optional sign, digits, optional fraction (`iam:C-30`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if all_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (digits, ""),
        };
        if !all_digits(whole) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            negative: negative && !zero,
            whole,
            fraction,
        })
    }

    pub(crate) fn compare(&self, other: &Decimal<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare_magnitude(other),
            (true, true) => self.compare_magnitude(other).reverse(),
        }
    }

    fn compare_magnitude(&self, other: &Decimal<'_>) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        // Without trailing zeros, text order of fractions is their numeric order.
        by_length
            .then_with(|| self.whole.cmp(other.whole))
            .then_with(|| self.fraction.cmp(other.fraction))
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A point in time in nanoseconds since 1970-01-01T00:00:00Z.
pub(crate) type Nanoseconds = i128;

const SECOND: Nanoseconds = 1_000_000_000;

/// A date value with both readings of four bare digits (`iam:OQ-19`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    as_epoch: Nanoseconds,
    as_year: Nanoseconds,
}

impl Instant {
    /// Reads epoch seconds or the W3C profile of ISO 8601 (`iam:C-31`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if all_digits(text.strip_prefix('-').unwrap_or(text)) {
            // Nineteen digits are more seconds than the universe has; more would overflow nothing useful.
            let seconds: i64 = text.parse().ok()?;
            let as_epoch = Nanoseconds::from(seconds) * SECOND;
            let is_year = text.len() == 4 && all_digits(text);
            let as_year = if is_year { w3c(text)? } else { as_epoch };
            return Some(Self { as_epoch, as_year });
        }
        let instant = w3c(text)?;
        Some(Self {
            as_epoch: instant,
            as_year: instant,
        })
    }

    pub(crate) fn nanoseconds(self, year_is_epoch: bool) -> Nanoseconds {
        if year_is_epoch { self.as_epoch } else { self.as_year }
    }
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or the latter with `Thh:mm[:ss[.s]]` and a time zone.
fn w3c(text: &str) -> Option<Nanoseconds> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = i64::from(fixed_digits(parts.next()?, 4)?);
    let month = parts.next().map_or(Some(1), |part| fixed_digits(part, 2))?;
    let has_day = time.is_some();
    let day = match parts.next() {
        Some(part) => fixed_digits(part, 2)?,
        None if has_day => return None,
        None => 1,
    };
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let midnight = Nanoseconds::from(days_since_epoch(year, month, day)) * 86_400 * SECOND;
    match time {
        None => Some(midnight),
        Some(time) => Some(midnight + time_of_day(time)?),
    }
}

/// `hh:mm[:ss[.s]]` with `Z`, `+hh:mm` or `-hh:mm`, as nanoseconds after midnight UTC.
fn time_of_day(text: &str) -> Option<Nanoseconds> {
    let zone_at = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone_at);
    let mut parts = clock.splitn(3, ':');
    let hours = fixed_digits(parts.next()?, 2).filter(|hours| *hours <= 23)?;
    let minutes = fixed_digits(parts.next()?, 2).filter(|minutes| *minutes <= 59)?;
    let mut nanoseconds = Nanoseconds::from(hours * 3600 + minutes * 60) * SECOND;
    if let Some(seconds) = parts.next() {
        let (whole, fraction) = seconds
            .split_once('.')
            .map_or((seconds, None), |(whole, rest)| (whole, Some(rest)));
        let whole = fixed_digits(whole, 2).filter(|seconds| *seconds <= 59)?;
        nanoseconds += Nanoseconds::from(whole) * SECOND;
        if let Some(fraction) = fraction {
            nanoseconds += fraction_nanoseconds(fraction)?;
        }
    }
    Some(nanoseconds - zone_offset(zone)?)
}

/// Digits beyond the ninth are below a nanosecond and dropped.
fn fraction_nanoseconds(digits: &str) -> Option<Nanoseconds> {
    if !all_digits(digits) {
        return None;
    }
    let nine = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(nine.fold(0, |sum, digit| sum * 10 + Nanoseconds::from(digit - b'0')))
}

fn zone_offset(zone: &str) -> Option<Nanoseconds> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let hours = fixed_digits(hours, 2).filter(|hours| *hours <= 23)?;
    let minutes = fixed_digits(minutes, 2).filter(|minutes| *minutes <= 59)?;
    Some(sign * Nanoseconds::from(hours * 3600 + minutes * 60) * SECOND)
}

fn fixed_digits(text: &str, length: usize) -> Option<u32> {
    if text.len() != length || !all_digits(text) {
        return None;
    }
    text.parse().ok()
}

fn days_in_month(year: i64, month: u32) -> u32 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; years start in March so that leap days end one.
fn days_since_epoch(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Whether IAM saves the text as a date value: far more than it can compare (`iam:C-33`).
pub(crate) fn date_is_saved(text: &str) -> bool {
    if text.parse::<i64>().is_ok() && !text.starts_with('+') {
        return true;
    }
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    odd_date_is_saved(date) && odd_time_is_saved(time)
}

fn odd_date_is_saved(date: &str) -> bool {
    let (negative, digits) = match date.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, date),
    };
    let mut parts = digits.split('-');
    let limit = if negative { 292_275_054 } else { 292_278_993 };
    let year = parts.next().is_some_and(|part| number_up_to(part, 0, limit));
    let month = parts.next().is_none_or(|part| number_up_to(part, 1, 12));
    let day = parts.next().is_none_or(|part| number_up_to(part, 1, 31));
    year && month && day && parts.next().is_none()
}

fn odd_time_is_saved(time: &str) -> bool {
    let (clock, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let mut parts = clock.split(':');
    let hours = parts
        .next()
        .is_none_or(|part| part.is_empty() || number_up_to(part, 0, 23));
    let minutes = parts.next().is_none_or(|part| number_up_to(part, 0, 59));
    let seconds = parts.next().is_none_or(odd_seconds_are_saved);
    hours && minutes && seconds && parts.next().is_none() && odd_zone_is_saved(zone)
}

fn odd_seconds_are_saved(seconds: &str) -> bool {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    number_up_to(whole, 0, 59) && all_digits(fraction) && fraction.len() <= 9
}

fn odd_zone_is_saved(zone: &str) -> bool {
    if matches!(zone, "" | "Z" | "z") {
        return true;
    }
    let Some(offset) = zone.strip_prefix(['+', '-']) else {
        return false;
    };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
    fixed_digits(hours, 2).is_some_and(|hours| hours <= 23)
        && fixed_digits(minutes, 2).is_some_and(|minutes| minutes <= 59)
}

fn number_up_to(text: &str, least: u64, most: u64) -> bool {
    all_digits(text) && text.parse().is_ok_and(|number| (least..=most).contains(&number))
}

/// An address range; bits after the prefix do not count (`iam:C-35`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange {
    address: IpAddr,
    prefix: u32,
}

impl AddressRange {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if all_digits(digits) => digits.parse().ok()?,
            Some(_) => return None,
            None => longest,
        };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether bits after the prefix are set.
    pub(crate) fn has_host_bits(self) -> bool {
        match self.address {
            IpAddr::V4(address) => address.to_bits().checked_shl(self.prefix).unwrap_or(0) != 0,
            IpAddr::V6(address) => address.to_bits().checked_shl(self.prefix).unwrap_or(0) != 0,
        }
    }

    /// Addresses of the other family are never in the range.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// `true` or `false` in any letter case (`iam:C-34`, `iam:C-73`).
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The bytes of base64 text.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{AddressRange, Decimal, Instant, date_is_saved};
    use std::cmp::Ordering;

    #[test]
    fn decimals_compare_exactly() {
        for (left, right, order) in [
            ("1.0", "1", Ordering::Equal),
            ("0.3", "0.30", Ordering::Equal),
            ("-0", "+0.0", Ordering::Equal),
            ("007", "7", Ordering::Equal),
            ("9", "10", Ordering::Less),
            ("-9", "-10", Ordering::Greater),
            ("-1", "0", Ordering::Less),
            ("0.29", "0.3", Ordering::Less),
            ("0.301", "0.3", Ordering::Greater),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
        ] {
            let (a, b) = (Decimal::parse(left).expect(left), Decimal::parse(right).expect(right));
            assert_eq!(a.compare(&b), order, "{left} {right}");
            assert_eq!(b.compare(&a), order.reverse(), "{right} {left}");
        }
        for text in ["", "x", ".5", "5.", "1e3", " 1", "1 ", "+-1", "1.2.3", "٣"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn instants_are_read_in_every_profile() {
        let nanoseconds = |text: &str| Instant::parse(text).map(|instant| instant.nanoseconds(true));
        let second = |text: &str| nanoseconds(text).map(|value| value / 1_000_000_000);
        for (text, seconds) in [
            ("1577836801", 1_577_836_801),
            ("2020-01-01T00:00:01Z", 1_577_836_801),
            ("2020-01", 1_577_836_800),
            ("2020-01-01", 1_577_836_800),
            ("2020-01-01T00:00:00+01:00", 1_577_833_200),
            ("2020-01-01T00:00-00:30", 1_577_838_600),
            ("2000-02-29", 951_782_400),
            ("1969-12-31T23:59:59Z", -1),
            ("0000-01-01", -62_167_219_200),
            ("2024", 2024),
            ("-5", -5),
            ("-123", -123),
        ] {
            assert_eq!(second(text), Some(seconds), "{text}");
        }
        assert_eq!(
            Instant::parse("2024").map(|instant| instant.nanoseconds(false) / 1_000_000_000),
            Some(1_704_067_200)
        );
        assert_eq!(nanoseconds("1970-01-01T00:00:00.5Z"), Some(500_000_000));
        for text in [
            "",
            "soon",
            "2020-13-01",
            "2021-02-29",
            "2020-01-01T",
            "2020-01T00:00Z",
            "2020-01-01T24:00Z",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:00:00",
            "2020-01-01t00:00:00Z",
            "2020-01-01T00:00:00+1:00",
            "20200",
            "99999999999999999999",
            "--5",
            "-",
            "+5",
            "2020-1-1",
        ] {
            if text == "20200" {
                assert_eq!(second(text), Some(20_200));
            } else {
                assert_eq!(second(text), None, "{text}");
            }
        }
    }

    #[test]
    fn odd_dates_are_saved_but_words_are_not() {
        for text in [
            "01T",
            "2020-01-01T00:00:00+23",
            "9223372036854775807",
            "292278993-01-01",
            "-292275054",
            "2020-01-01t01:02:03Z",
        ] {
            assert!(date_is_saved(text), "{text}");
        }
        for text in ["soon", "sdfdsf", "2020-13-01", "292278994-01-01", "2020-01-01T25", ""] {
            assert!(!date_is_saved(text), "{text}");
        }
    }

    #[test]
    fn ranges_ignore_host_bits_and_the_other_family() {
        let contains = |range: &str, address: &str| {
            AddressRange::parse(range)
                .expect(range)
                .contains(address.parse().expect("an address"))
        };
        assert!(contains("203.0.113.200/24", "203.0.113.5"));
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("203.0.113.7", "203.0.113.7"));
        assert!(!contains("203.0.113.7", "203.0.113.8"));
        for text in [
            "",
            "not-an-ip",
            "203.0.113.0/33",
            "::/129",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "203.0.113",
        ] {
            assert!(AddressRange::parse(text).is_none(), "{text}");
        }
    }
}
