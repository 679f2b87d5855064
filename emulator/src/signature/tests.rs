//! Known answers of SigV4 and of aws-chunked decoding.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;

use super::*;
use crate::identity::{Arrival, Principal, Session};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn credential(token: Option<&str>, expires_at: Option<&str>) -> Credential {
    let session = expires_at.map(|text| {
        let expires_at = text.parse().expect("an instant");
        Arc::new(Session {
            expires_at,
            ..Session::default()
        })
    });
    Credential {
        secret_access_key: SECRET.to_owned(),
        session_token: token.map(str::to_owned),
        principal: Principal::Anonymous,
        session,
        arrival: Arrival::default(),
        created_at: Timestamp::UNIX_EPOCH,
        active: true,
        signing_keys: SigningKeys::default(),
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().expect("a header name");
        headers.append(name, HeaderValue::from_str(value).expect("a header value"));
    }
    headers
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a request, spelled out by every test"
)]
fn check(
    service: Service,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
    credential: &Credential,
    now: &str,
) -> Result<Verified, AuthError> {
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| {
            let value = percent_encoding::percent_decode_str(value)
                .decode_utf8()
                .expect("UTF-8")
                .into_owned();
            (name.to_owned(), value)
        })
        .collect();
    let claim = Claim::read(headers, &pairs)?.ok_or(AuthError::Missing)?;
    let body = Bytes::copy_from_slice(body);
    let signed = Signed {
        method,
        raw_path: path,
        raw_query: query,
        headers,
        host: "",
        body: &body,
    };
    verify(
        service,
        &claim,
        credential,
        signed,
        now.parse().expect("an instant"),
        FaultSet::EMPTY,
    )
}

/// The GET Object example of the S3 API reference (sigv4-header-based-auth).
fn documented_get() -> HeaderMap {
    headers(&[
        ("host", "examplebucket.s3.amazonaws.com"),
        ("range", "bytes=0-9"),
        (
            "x-amz-content-sha256",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        ("x-amz-date", "20130524T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
    ])
}

#[test]
fn the_documented_get_object_signature_verifies() {
    let result = check(
        Service::S3,
        &Method::GET,
        "/test.txt",
        "",
        &documented_get(),
        b"",
        &credential(None, None),
        "2013-05-24T00:10:00Z",
    );
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn the_documented_put_object_signature_verifies() {
    let headers = headers(&[
        ("host", "examplebucket.s3.amazonaws.com"),
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        (
            "x-amz-content-sha256",
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        ),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
             Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
    ]);
    let result = check(
        Service::S3,
        &Method::PUT,
        "/test%24file.text",
        "",
        &headers,
        b"Welcome to Amazon S3.",
        &credential(None, None),
        "2013-05-24T00:00:00Z",
    );
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn every_change_to_a_signed_request_is_noticed() {
    let good = documented_get();
    let now = "2013-05-24T00:00:00Z";
    let run = |method: &Method, path: &str, query: &str, headers: &HeaderMap, body: &[u8]| {
        check(
            Service::S3,
            method,
            path,
            query,
            headers,
            body,
            &credential(None, None),
            now,
        )
        .err()
    };
    let mismatch = Some(AuthError::SignatureMismatch);
    assert_eq!(run(&Method::PUT, "/test.txt", "", &good, b""), mismatch);
    assert_eq!(run(&Method::GET, "/test2.txt", "", &good, b""), mismatch);
    assert_eq!(run(&Method::GET, "/test.txt", "versionId=1", &good, b""), mismatch);
    let mut changed = good.clone();
    changed.insert("range", HeaderValue::from_static("bytes=0-99"));
    assert_eq!(run(&Method::GET, "/test.txt", "", &changed, b""), mismatch);
    let mut added = good.clone();
    added.insert("x-amz-acl", HeaderValue::from_static("public-read"));
    assert_eq!(
        run(&Method::GET, "/test.txt", "", &added, b""),
        Some(AuthError::HeadersNotSigned("x-amz-acl".to_owned()))
    );
    assert!(matches!(
        run(&Method::GET, "/test.txt", "", &good, b"x"),
        Some(AuthError::ContentHashMismatch { .. })
    ));
}

#[test]
fn header_signatures_live_a_quarter_of_an_hour() {
    let now = |text: &str| {
        check(
            Service::S3,
            &Method::GET,
            "/test.txt",
            "",
            &documented_get(),
            b"",
            &credential(None, None),
            text,
        )
    };
    for good in ["2013-05-23T23:45:00Z", "2013-05-24T00:15:00Z"] {
        assert!(now(good).is_ok(), "{good}");
    }
    for bad in ["2013-05-23T23:44:59Z", "2013-05-24T00:15:01Z"] {
        assert!(matches!(now(bad), Err(AuthError::Skewed { .. })), "{bad}");
    }
}

/// The presigned example of the S3 API reference (sigv4-query-string-auth).
const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F\
                         us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&\
                         X-Amz-SignedHeaders=host&X-Amz-Signature=\
                         aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

#[test]
fn the_documented_presigned_url_verifies_until_it_expires() {
    let headers = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let at = |query: &str, now: &str| {
        check(
            Service::S3,
            &Method::GET,
            "/test.txt",
            query,
            &headers,
            b"",
            &credential(None, None),
            now,
        )
    };
    assert!(at(PRESIGNED, "2013-05-24T23:59:59Z").is_ok());
    assert!(matches!(
        at(PRESIGNED, "2013-05-25T00:00:01Z"),
        Err(AuthError::PresignExpired { .. })
    ));
    assert_eq!(
        at(PRESIGNED, "2013-05-23T23:00:00Z").err(),
        Some(AuthError::PresignNotYetValid)
    );
    let longer = PRESIGNED.replace("86400", "604800");
    assert_eq!(
        at(&longer, "2013-05-25T00:00:01Z").err(),
        Some(AuthError::SignatureMismatch)
    );
    let forever = PRESIGNED.replace("86400", "604801");
    assert!(matches!(
        at(&forever, "2013-05-24T00:00:01Z"),
        Err(AuthError::Malformed(_))
    ));
}

#[test]
fn tokens_must_be_there_match_and_live() {
    let with = |credential: &Credential| {
        check(
            Service::S3,
            &Method::GET,
            "/test.txt",
            "",
            &documented_get(),
            b"",
            credential,
            "2013-05-24T00:00:00Z",
        )
        .err()
    };
    assert_eq!(
        with(&credential(Some("t"), Some("2013-05-25T00:00:00Z"))),
        Some(AuthError::InvalidToken)
    );
    let mut headers = documented_get();
    headers.insert("x-amz-security-token", HeaderValue::from_static("t"));
    let with = |credential: &Credential| {
        check(
            Service::Kms,
            &Method::GET,
            "/test.txt",
            "",
            &headers,
            b"",
            credential,
            "2013-05-24T00:00:00Z",
        )
        .err()
    };
    assert_eq!(with(&credential(None, None)), Some(AuthError::InvalidToken));
    assert_eq!(
        with(&credential(Some("u"), Some("2013-05-25T00:00:00Z"))),
        Some(AuthError::InvalidToken)
    );
    assert_eq!(
        with(&credential(Some("t"), Some("2013-05-24T00:00:00Z"))),
        Some(AuthError::ExpiredToken)
    );
    assert_eq!(with(&credential(Some("t"), Some("2013-05-24T00:00:01Z"))), None);
}

/// The chunked upload example of the S3 API reference (sigv4-streaming): 65 KiB of `a` in three chunks.
#[test]
fn the_documented_chunked_upload_verifies_and_decodes() {
    let headers = headers(&[
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
             x-amz-decoded-content-length;x-amz-storage-class,\
             Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        ),
    ]);
    let mut body = Vec::new();
    for (size, signature) in [
        (
            65_536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ] {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend_from_slice(b"\r\n");
    }
    let run = |body: &[u8]| {
        check(
            Service::S3,
            &Method::PUT,
            "/examplebucket/chunkObject.txt",
            "",
            &headers,
            body,
            &credential(None, None),
            "2013-05-24T00:00:00Z",
        )
    };
    let verified = run(&body).expect("AWS's own example");
    assert_eq!(verified.body.len(), 66_560);
    assert!(verified.body.iter().all(|byte| *byte == b'a'));
    let mut changed = body.clone();
    changed[200] = b'b';
    assert_eq!(run(&changed).err(), Some(AuthError::SignatureMismatch));
    assert!(matches!(run(&body[..70_00]), Err(AuthError::MalformedChunks(_))));
}

#[test]
fn unsigned_chunks_carry_their_trailers() {
    let claim = Claim::read(&documented_get(), &[])
        .expect("well formed")
        .expect("signed");
    let body = Bytes::from_static(b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    let key = SigningKey::derive(SECRET, &claim.scope);
    let decode = |body: &Bytes, length| chunked::decode(chunked::Scheme::UnsignedTrailer, &claim, &key, body, length);
    let (payload, trailers) = decode(&body, Some(5)).expect("well formed");
    assert_eq!(payload, "hello");
    assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "NhCmhg==".to_owned())]);
    assert!(matches!(decode(&body, Some(6)), Err(AuthError::MalformedChunks(_))));
    for broken in ["", "5\r\nhel", "zz\r\n", "5\r\nhelloXX0\r\n", "0\r\nno-colon\r\n\r\n"] {
        let broken = Bytes::from_static(broken.as_bytes());
        assert!(
            matches!(decode(&broken, None), Err(AuthError::MalformedChunks(_))),
            "{broken:?}"
        );
    }
}

/// The policy of the documented form (sigv4-post-example), which has CRLF line ends.
const FORM_POLICY: &[&str] = &[
    r#"{ "expiration": "2015-12-30T12:00:00.000Z","#,
    r#"  "conditions": ["#,
    r#"    {"bucket": "sigv4examplebucket"},"#,
    r#"    ["starts-with", "$key", "user/user1/"],"#,
    r#"    {"acl": "public-read"},"#,
    r#"    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},"#,
    r#"    ["starts-with", "$Content-Type", "image/"],"#,
    r#"    {"x-amz-meta-uuid": "14365123651274"},"#,
    r#"    {"x-amz-server-side-encryption": "AES256"},"#,
    r#"    ["starts-with", "$x-amz-meta-tag", ""],"#,
    "",
    r#"    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},"#,
    r#"    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},"#,
    r#"    {"x-amz-date": "20151229T000000Z" }"#,
    "  ]",
    "}",
];

#[test]
fn the_documented_form_verifies_for_a_week() {
    use base64::Engine as _;
    let policy = base64::engine::general_purpose::STANDARD.encode(FORM_POLICY.join("\r\n"));
    let claim = |signature: &str| {
        let scope = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";
        Claim::from_form(scope, "20151229T000000Z", signature, None).expect("well formed")
    };
    let signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
    let verify = |signature: &str, policy: &str, now: &str| {
        verify_form(
            &claim(signature),
            &credential(None, None),
            policy,
            now.parse().expect("an instant"),
        )
    };
    assert_eq!(verify(signature, &policy, "2015-12-29T00:00:00Z"), Ok(()));
    assert_eq!(verify(signature, &policy, "2016-01-05T00:00:00Z"), Ok(()));
    assert!(matches!(
        verify(signature, &policy, "2016-01-05T00:00:01Z"),
        Err(AuthError::PresignExpired { .. })
    ));
    assert_eq!(
        verify(signature, &policy[1..], "2015-12-29T00:00:00Z"),
        Err(AuthError::SignatureMismatch)
    );
    let other = signature.replacen('8', "9", 1);
    assert_eq!(
        verify(&other, &policy, "2015-12-29T00:00:00Z"),
        Err(AuthError::SignatureMismatch)
    );
}
