//! Byte ranges and HTTP preconditions of reads and conditional writes. Pure functions over header texts.

use jiff::Timestamp;

use super::error::S3Error;
use super::exchange::parse_http_time;

/// An inclusive byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    /// First byte.
    pub(crate) first: usize,
    /// Last byte.
    pub(crate) last: usize,
}

/// Reads `Range` against an object's size. Several ranges and other units are ignored, as S3 does.
///
/// # Errors
/// `InvalidRange` when no byte of the object is meant.
pub(crate) fn parse_range(header: Option<&str>, size: usize) -> Result<Option<ByteRange>, S3Error> {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Ok(None);
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Ok(None);
    };
    let unsatisfiable = || {
        S3Error::fixed("InvalidRange")
            .with("RangeRequested", header.unwrap_or_default())
            .with("ActualObjectSize", size.to_string())
    };
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => {
            let Ok(length) = suffix.parse::<usize>() else {
                return Ok(None);
            };
            if length == 0 || size == 0 {
                return Err(unsatisfiable());
            }
            ByteRange {
                first: size - length.min(size),
                last: size - 1,
            }
        }
        (first, last) => {
            let Ok(first) = first.parse::<usize>() else {
                return Ok(None);
            };
            let last = match last {
                "" => usize::MAX,
                text => match text.parse::<usize>() {
                    Ok(last) if last >= first => last,
                    _ => return Ok(None),
                },
            };
            if first >= size {
                return Err(unsatisfiable());
            }
            ByteRange {
                first,
                last: last.min(size - 1),
            }
        }
    };
    Ok(Some(range))
}

/// The preconditions of a read or copy source.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preconditions<'a> {
    /// `If-Match`.
    pub(crate) if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub(crate) if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub(crate) if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub(crate) if_unmodified_since: Option<&'a str>,
}

impl Preconditions<'_> {
    /// Checks them. A failed `If-None-Match` or `If-Modified-Since` is 304 for reads and 412 for copies.
    ///
    /// # Errors
    /// `PreconditionFailed`, `NotModified`.
    pub(crate) fn check(&self, etag: &str, modified: Timestamp, copy: bool) -> Result<(), S3Error> {
        let failed =
            |condition: &str| Err(S3Error::fixed("PreconditionFailed").with("Condition", condition.to_owned()));
        if let Some(list) = self.if_match {
            if !matches_etag(list, etag) {
                return failed("If-Match");
            }
        } else if let Some(since) = self.if_unmodified_since.and_then(parse_http_time)
            && modified.as_second() > since.as_second()
        {
            return failed("If-Unmodified-Since");
        }
        let unchanged = if let Some(list) = self.if_none_match {
            matches_etag(list, etag)
        } else {
            self.if_modified_since
                .and_then(parse_http_time)
                .is_some_and(|since| modified.as_second() <= since.as_second())
        };
        if !unchanged {
            return Ok(());
        }
        if copy {
            failed("If-None-Match")
        } else {
            Err(S3Error::fixed("NotModified").with_header("etag", format!("\"{etag}\"")))
        }
    }
}

/// Whether an `If-Match`-style list names the ETag.
pub(crate) fn matches_etag(list: &str, etag: &str) -> bool {
    list.split(',').any(|entry| {
        let entry = entry.trim();
        let entry = entry.strip_prefix("W/").unwrap_or(entry);
        entry == "*" || entry.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            (None, 10, Ok(None)),
            (Some("bytes=0-3"), 10, Ok(Some((0, 3)))),
            (Some("bytes=4-"), 10, Ok(Some((4, 9)))),
            (Some("bytes=-3"), 10, Ok(Some((7, 9)))),
            (Some("bytes=-30"), 10, Ok(Some((0, 9)))),
            (Some("bytes=5-99999999999"), 10, Ok(Some((5, 9)))),
            (Some("bytes=10-"), 10, Err(())),
            (Some("bytes=-0"), 10, Err(())),
            (Some("bytes=0-0"), 0, Err(())),
            (Some("bytes=3-1"), 10, Ok(None)),
            (Some("bytes=a-b"), 10, Ok(None)),
            (Some("bytes=0-1,3-4"), 10, Ok(None)),
            (Some("lines=0-1"), 10, Ok(None)),
        ];
        for (header, size, expected) in cases {
            let actual = parse_range(header, size)
                .map(|range| range.map(|range| (range.first, range.last)))
                .map_err(|_| ());
            assert_eq!(actual, expected, "{header:?} of {size}");
        }
    }

    #[test]
    fn preconditions() {
        let modified: Timestamp = "2025-01-08T00:00:00.5Z".parse().expect("a literal time");
        let before = "Tue, 07 Jan 2025 00:00:00 GMT";
        let same = "Wed, 08 Jan 2025 00:00:00 GMT";
        let none = Preconditions::default();
        let cases = [
            (none, false, None),
            (
                Preconditions {
                    if_match: Some("\"e\""),
                    ..none
                },
                false,
                None,
            ),
            (
                Preconditions {
                    if_match: Some("\"x\""),
                    ..none
                },
                false,
                Some("PreconditionFailed"),
            ),
            (
                Preconditions {
                    if_none_match: Some("\"e\""),
                    ..none
                },
                false,
                Some("NotModified"),
            ),
            (
                Preconditions {
                    if_none_match: Some("\"e\""),
                    ..none
                },
                true,
                Some("PreconditionFailed"),
            ),
            (
                Preconditions {
                    if_none_match: Some("*"),
                    ..none
                },
                false,
                Some("NotModified"),
            ),
            (
                Preconditions {
                    if_modified_since: Some(same),
                    ..none
                },
                false,
                Some("NotModified"),
            ),
            (
                Preconditions {
                    if_modified_since: Some(before),
                    ..none
                },
                false,
                None,
            ),
            (
                Preconditions {
                    if_unmodified_since: Some(before),
                    ..none
                },
                false,
                Some("PreconditionFailed"),
            ),
            (
                Preconditions {
                    if_unmodified_since: Some(same),
                    ..none
                },
                false,
                None,
            ),
            (
                Preconditions {
                    if_match: Some("e"),
                    if_unmodified_since: Some(before),
                    ..none
                },
                false,
                None,
            ),
            (
                Preconditions {
                    if_modified_since: Some("garbage"),
                    ..none
                },
                false,
                None,
            ),
        ];
        for (conditions, copy, expected) in cases {
            let actual = conditions.check("e", modified, copy).err().map(|error| error.code);
            assert_eq!(actual.as_deref(), expected, "{conditions:?}");
        }
    }
}
