//! The aws-chunked body encoding: signed chunks, unsigned chunks, trailers. Checksums in trailers are the service's.

use bytes::{Bytes, BytesMut};

use super::crypto::SigningKey;
use super::{AuthError, Claim, crypto};

/// Longest accepted chunk header or trailer line.
const LONGEST_LINE: usize = 8192;
/// Most accepted trailer lines.
const MOST_TRAILERS: usize = 32;
/// SHA-256 of nothing.
const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The aws-chunked variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`
    UnsignedTrailer,
}

impl Scheme {
    /// Reads an `x-amz-content-sha256` keyword.
    pub(super) fn parse(keyword: &str) -> Option<Self> {
        match keyword {
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(Self::Signed),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(Self::SignedTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Self::UnsignedTrailer),
            _ => None,
        }
    }
}

/// Decodes and verifies a body.
///
/// # Errors
/// [`AuthError::MalformedChunks`] or [`AuthError::SignatureMismatch`].
pub(super) fn decode(
    scheme: Scheme,
    claim: &Claim,
    signing_key: &SigningKey,
    body: &Bytes,
    decoded_length: Option<usize>,
) -> Result<(Bytes, Vec<(String, String)>), AuthError> {
    let mut reader = Reader { rest: body };
    let mut payload = BytesMut::with_capacity(decoded_length.unwrap_or(0).min(body.len()));
    let mut chain = Chain {
        claim,
        signing_key,
        previous: claim.signature.clone(),
    };
    loop {
        let line = reader.line()?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| AuthError::MalformedChunks("bad chunk size"))?;
        let data = reader.take(size)?;
        if scheme != Scheme::UnsignedTrailer {
            let signature = extension
                .trim()
                .strip_prefix("chunk-signature=")
                .ok_or(AuthError::MalformedChunks("missing chunk signature"))?;
            chain.verify_chunk(data, signature)?;
        }
        if size == 0 {
            break;
        }
        payload.extend_from_slice(data);
        reader.line_break()?;
    }
    let trailers = match scheme {
        Scheme::Signed => Vec::new(),
        Scheme::SignedTrailer => chain.verify_trailers(reader.trailers()?)?,
        Scheme::UnsignedTrailer => reader.trailers()?,
    };
    if decoded_length.is_some_and(|length| length != payload.len()) {
        return Err(AuthError::MalformedChunks(
            "x-amz-decoded-content-length differs from the body",
        ));
    }
    Ok((payload.freeze(), trailers))
}

struct Chain<'a> {
    claim: &'a Claim,
    signing_key: &'a SigningKey,
    previous: String,
}

impl Chain<'_> {
    fn verify_chunk(&mut self, data: &[u8], signature: &str) -> Result<(), AuthError> {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY_HASH}\n{}",
            self.claim.timestamp_text,
            self.claim.scope.text(),
            self.previous,
            crypto::sha256_hex(data)
        );
        self.advance(&text, signature)
    }

    fn verify_trailers(&mut self, mut trailers: Vec<(String, String)>) -> Result<Vec<(String, String)>, AuthError> {
        let position = trailers
            .iter()
            .position(|(name, _)| name == "x-amz-trailer-signature")
            .ok_or(AuthError::MalformedChunks("missing trailer signature"))?;
        let (_, signature) = trailers.remove(position);
        let canonical: String = trailers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let text = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}",
            self.claim.timestamp_text,
            self.claim.scope.text(),
            self.previous,
            crypto::sha256_hex(canonical.as_bytes())
        );
        self.advance(&text, &signature)?;
        Ok(trailers)
    }

    fn advance(&mut self, string_to_sign: &str, signature: &str) -> Result<(), AuthError> {
        let expected = self.signing_key.sign(&[string_to_sign.as_bytes()]);
        if !crypto::equal(&expected, &signature.to_ascii_lowercase()) {
            return Err(AuthError::SignatureMismatch);
        }
        self.previous = expected;
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> Result<&'a str, AuthError> {
        let window = &self.rest[..self.rest.len().min(LONGEST_LINE)];
        let end = window
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .ok_or(AuthError::MalformedChunks("unterminated line"))?;
        let line =
            std::str::from_utf8(&self.rest[..end]).map_err(|_| AuthError::MalformedChunks("line is not text"))?;
        self.rest = &self.rest[end + 2..];
        Ok(line)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], AuthError> {
        let (data, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(AuthError::MalformedChunks("chunk is cut off"))?;
        self.rest = rest;
        Ok(data)
    }

    fn line_break(&mut self) -> Result<(), AuthError> {
        self.rest = self
            .rest
            .strip_prefix(b"\r\n")
            .ok_or(AuthError::MalformedChunks("chunk does not end with CRLF"))?;
        Ok(())
    }

    fn trailers(&mut self) -> Result<Vec<(String, String)>, AuthError> {
        let mut trailers = Vec::new();
        while !self.rest.is_empty() {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if trailers.len() == MOST_TRAILERS {
                return Err(AuthError::MalformedChunks("too many trailers"));
            }
            let (name, value) = line
                .split_once(':')
                .ok_or(AuthError::MalformedChunks("bad trailer line"))?;
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(trailers)
    }
}
