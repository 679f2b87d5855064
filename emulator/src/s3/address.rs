//! Which bucket and key a request names: path style, virtual-host style, key decoding. Nothing is looked up here.

use percent_encoding::percent_decode_str;

use super::error::S3Error;

/// Longest key in bytes of UTF-8.
const MAXIMUM_KEY_BYTES: usize = 1024;

/// The addressed resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The service itself (ListBuckets).
    Service,
    /// A bucket.
    Bucket(String),
    /// A key in a bucket. The key is the decoded path verbatim: `..`, `//` and `%2F` are not normalized.
    Object(String, String),
    /// The account-level configuration API (S3 Control), by its path below `/v20180820`.
    Control(String),
}

impl Target {
    /// Reads host and raw path.
    ///
    /// # Errors
    /// `InvalidURI` for a path that is not percent-encoded UTF-8, `KeyTooLongError` for long keys, `NoSuchAccessPoint` for
    /// the host of an access point: there are none here, and no bucket may answer in the place of one.
    pub(crate) fn of(host: &str, raw_path: &str, control: bool) -> Result<Self, S3Error> {
        let path = raw_path.strip_prefix('/').unwrap_or(raw_path);
        if control && let Some(rest) = path.strip_prefix("v20180820") {
            return Ok(Self::Control(rest.to_owned()));
        }
        if names_access_point(host) {
            return Err(S3Error::new(
                "NoSuchAccessPoint",
                404,
                "The specified accesspoint does not exist",
            ));
        }
        let (bucket, raw_key) = match bucket_of_host(host) {
            Some(bucket) => (bucket, path),
            None => {
                let (raw_bucket, raw_key) = path.split_once('/').unwrap_or((path, ""));
                if raw_bucket.is_empty() {
                    return Ok(Self::Service);
                }
                (decode(raw_bucket)?, raw_key)
            }
        };
        if raw_key.is_empty() {
            return Ok(Self::Bucket(bucket));
        }
        let key = decode(raw_key)?;
        check_key(&key)?;
        Ok(Self::Object(bucket, key))
    }

    /// The `Resource` element of error documents.
    pub(crate) fn resource(&self) -> String {
        match self {
            Self::Service => "/".to_owned(),
            Self::Bucket(bucket) => format!("/{bucket}"),
            Self::Object(bucket, key) => format!("/{bucket}/{key}"),
            Self::Control(path) => path.clone(),
        }
    }

    /// The bucket, if one is named.
    pub(crate) fn bucket(&self) -> Option<&str> {
        match self {
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
            Self::Service | Self::Control(_) => None,
        }
    }

    /// The key, if one is named.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::Object(_, key) => Some(key),
            _ => None,
        }
    }
}

/// Refuses keys over S3's length limit.
pub(crate) fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() > MAXIMUM_KEY_BYTES {
        return Err(S3Error::fixed("KeyTooLongError")
            .with("Size", key.len().to_string())
            .with("MaxSizeAllowed", MAXIMUM_KEY_BYTES.to_string()));
    }
    Ok(())
}

/// Source of a copy: `x-amz-copy-source: [/]bucket/key[?versionId=…]`, percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopySource {
    /// Source bucket.
    pub(crate) bucket: String,
    /// Source key.
    pub(crate) key: String,
    /// Source version.
    pub(crate) version_id: Option<String>,
}

impl CopySource {
    /// Reads the header.
    ///
    /// # Errors
    /// `InvalidArgument` when it does not name bucket and key.
    pub(crate) fn parse(header: &str) -> Result<Self, S3Error> {
        let invalid = || S3Error::invalid_argument("Invalid copy source object key", "x-amz-copy-source", header);
        let (path, version_id) = match header.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (header, None),
        };
        let decoded = decode(path).map_err(|_| invalid())?;
        let path = decoded.strip_prefix('/').unwrap_or(&decoded);
        let (bucket, key) = path.split_once('/').ok_or_else(invalid)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(invalid());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id,
        })
    }
}

/// Bucket naming rules of general purpose buckets.
pub(crate) fn is_valid_bucket_name(name: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| edge(*byte) || matches!(byte, b'-' | b'.'))
        && bytes.first().is_some_and(|byte| edge(*byte))
        && bytes.last().is_some_and(|byte| edge(*byte))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !["xn--", "sthree-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

fn decode(raw: &str) -> Result<String, S3Error> {
    percent_decode_str(raw)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| S3Error::new("InvalidURI", 400, "Couldn't parse the specified URI."))
}

/// `NAME-ACCOUNT.s3-accesspoint.REGION.amazonaws.com`, `ALIAS.accesspoint.s3-global.amazonaws.com`, and what S3 Outposts
/// and Object Lambda have of the kind.
fn names_access_point(host: &str) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let kinds = ["s3-accesspoint", "s3-object-lambda", "s3-outposts"];
    let of_region = |label: &str| kinds.iter().any(|kind| label.starts_with(kind));
    // The first label is the access point's, or a bucket's, and may be anything.
    name.ends_with(".accesspoint.s3-global.amazonaws.com")
        || name.ends_with(".amazonaws.com") && name.split('.').skip(1).any(of_region)
}

/// `bucket.localhost[:port]`, `bucket.s3.amazonaws.com`, `bucket.s3.REGION.amazonaws.com`, `bucket.s3.localhost…`.
fn bucket_of_host(host: &str) -> Option<String> {
    let name = if host.starts_with('[') {
        return None;
    } else {
        host.split_once(':').map_or(host, |(name, _)| name)
    };
    let prefix = if let Some(prefix) = name.strip_suffix(".localhost") {
        prefix
    } else {
        let stem = name.strip_suffix(".amazonaws.com")?;
        let position = [".s3.", ".s3-"]
            .iter()
            .filter_map(|mark| stem.rfind(mark))
            .max()
            .or_else(|| stem.ends_with(".s3").then(|| stem.len() - 3))?;
        &stem[..position]
    };
    let service = prefix == "s3" || prefix.starts_with("s3.") || prefix.is_empty();
    (!service).then(|| prefix.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bucket: &str, key: &str) -> Target {
        Target::Object(bucket.to_owned(), key.to_owned())
    }

    #[test]
    fn targets() {
        let bucket = |name: &str| Target::Bucket(name.to_owned());
        let cases = [
            ("127.0.0.1:80", "/", Target::Service),
            ("localhost:4566", "/b", bucket("b")),
            ("localhost", "/b/", bucket("b")),
            ("localhost", "/b/k", object("b", "k")),
            ("localhost", "/b/../c/./d", object("b", "../c/./d")),
            ("localhost", "/b/a%2Fb%2f..%2Fc", object("b", "a/b/../c")),
            ("localhost", "/b//k//", object("b", "/k//")),
            ("localhost", "/b/a+b%20c%2B", object("b", "a+b c+")),
            ("localhost", "/b/%E3%81%82", object("b", "あ")),
            ("b.localhost:4566", "/", bucket("b")),
            ("my.b.localhost", "/k/x", object("my.b", "k/x")),
            ("s3.localhost", "/b/k", object("b", "k")),
            ("b.s3.amazonaws.com", "/k", object("b", "k")),
            ("b.c.s3.eu-west-1.amazonaws.com", "/k", object("b.c", "k")),
            ("s3.eu-west-1.amazonaws.com", "/b/k", object("b", "k")),
            ("[::1]:80", "/b/k", object("b", "k")),
        ];
        for (host, path, expected) in cases {
            assert_eq!(Target::of(host, path, false).as_ref(), Ok(&expected), "{host}{path}");
        }
        assert_eq!(
            Target::of("localhost", "/b/%FF", false)
                .map_err(|e| e.code)
                .unwrap_err(),
            "InvalidURI"
        );
        for host in [
            "b-111111111111.s3-accesspoint.us-east-1.amazonaws.com",
            "b-111111111111.s3-accesspoint.dualstack.us-east-1.amazonaws.com:443",
            "b.accesspoint.s3-global.amazonaws.com",
            "b-111111111111.s3-object-lambda.us-east-1.amazonaws.com",
        ] {
            let code = Target::of(host, "/k", false).map_err(|e| e.code).unwrap_err();
            assert_eq!(code, "NoSuchAccessPoint", "{host}");
        }
        assert_eq!(
            Target::of("my.accesspoint.s3.us-east-1.amazonaws.com", "/k", false),
            Ok(object("my.accesspoint", "k"))
        );
        let long = format!("/b/{}", "k".repeat(1025));
        assert_eq!(
            Target::of("localhost", &long, false).map_err(|e| e.code).unwrap_err(),
            "KeyTooLongError"
        );
    }

    #[test]
    fn copy_sources() {
        let source = CopySource::parse("/b/a%20b/c?versionId=v1").expect("it names bucket and key");
        assert_eq!(
            (
                source.bucket.as_str(),
                source.key.as_str(),
                source.version_id.as_deref()
            ),
            ("b", "a b/c", Some("v1"))
        );
        assert!(CopySource::parse("b").is_err());
        assert!(CopySource::parse("b/").is_err());
        assert_eq!(CopySource::parse("b%2Fk").map(|s| s.key), Ok("k".into()));
    }

    #[test]
    fn bucket_names() {
        for good in ["abc", "a-b.c", "123", "sample-dev-blog-bucket"] {
            assert!(is_valid_bucket_name(good), "{good}");
        }
        for bad in [
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            "a..b",
            "127.0.0.1",
            "xn--abc",
            "abc-s3alias",
        ] {
            assert!(!is_valid_bucket_name(bad), "{bad}");
        }
        assert!(!is_valid_bucket_name(&"a".repeat(64)));
    }
}
