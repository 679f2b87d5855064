//! Object checksums: CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256, MD5 and ETags. Parsing of the headers that carry
//! them is here too; storing them is the operations' business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::error::S3Error;

/// A checksum algorithm of S3's flexible checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Algorithm, API name, header, XML element.
const ALGORITHMS: &[(Algorithm, &str, &str, &str)] = &[
    (Algorithm::Crc32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32"),
    (Algorithm::Crc32c, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C"),
    (
        Algorithm::Crc64Nvme,
        "CRC64NVME",
        "x-amz-checksum-crc64nvme",
        "ChecksumCRC64NVME",
    ),
    (Algorithm::Sha1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1"),
    (Algorithm::Sha256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256"),
];

impl Algorithm {
    fn row(self) -> &'static (Algorithm, &'static str, &'static str, &'static str) {
        // INVARIANT: every variant has a row (table test).
        ALGORITHMS.iter().find(|row| row.0 == self).unwrap_or(&ALGORITHMS[0])
    }

    /// By API name, in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ALGORITHMS
            .iter()
            .find(|row| row.1.eq_ignore_ascii_case(name))
            .map(|row| row.0)
    }

    /// API name.
    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// Header name.
    pub(crate) fn header(self) -> &'static str {
        self.row().2
    }

    /// XML element name.
    pub(crate) fn element(self) -> &'static str {
        self.row().3
    }

    /// All algorithms with their header names.
    pub(crate) fn headers() -> impl Iterator<Item = (Self, &'static str)> {
        ALGORITHMS.iter().map(|row| (row.0, row.2))
    }

    /// Base64 of the digest of `data`.
    pub(crate) fn digest(self, data: &[u8]) -> String {
        STANDARD.encode(self.digest_bytes(data))
    }

    fn digest_bytes(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Crc32 => crc32(&CRC32_TABLE, data).to_be_bytes().to_vec(),
            Self::Crc32c => crc32(&CRC32C_TABLE, data).to_be_bytes().to_vec(),
            Self::Crc64Nvme => crc64(data).to_be_bytes().to_vec(),
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
        }
    }

    /// Whether a multipart upload with this algorithm has a composite checksum unless told otherwise; CRC64NVME
    /// only exists for whole objects.
    pub(crate) fn composite_by_default(self) -> bool {
        self != Self::Crc64Nvme
    }

    /// Composite checksum of a multipart object: digest over the parts' raw digests, `-N` appended.
    pub(crate) fn composite(self, part_digests: &[String]) -> String {
        let raw: Vec<u8> = part_digests
            .iter()
            .flat_map(|digest| STANDARD.decode(digest).unwrap_or_default())
            .collect();
        format!("{}-{}", self.digest(&raw), part_digests.len())
    }
}

/// A recorded checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    /// Algorithm.
    pub(crate) algorithm: Algorithm,
    /// Base64 value, with `-N` when composite.
    pub(crate) value: String,
    /// `x-amz-checksum-type`: COMPOSITE instead of FULL_OBJECT.
    pub(crate) composite: bool,
}

impl Checksum {
    /// `x-amz-checksum-type` value.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }
}

/// The checksum of an uploaded body: the one the request carries (header or trailer), verified; else one of the
/// requested algorithm; else CRC64NVME, which S3 computes by itself since December 2024.
///
/// # Errors
/// `BadDigest` when the carried value does not fit, `InvalidRequest` for a malformed one.
pub(crate) fn of_upload<'a>(
    value_of: impl Fn(&str) -> Option<&'a str>,
    fallback: Option<Algorithm>,
    body: &[u8],
) -> Result<Checksum, S3Error> {
    let carried = Algorithm::headers().find_map(|(algorithm, header)| Some((algorithm, value_of(header)?)));
    let Some((algorithm, value)) = carried else {
        let algorithm = fallback.unwrap_or(Algorithm::Crc64Nvme);
        return Ok(Checksum {
            algorithm,
            value: algorithm.digest(body),
            composite: false,
        });
    };
    let given = STANDARD.decode(value).map_err(|_| invalid(algorithm))?;
    let computed = algorithm.digest_bytes(body);
    if given.len() != computed.len() {
        return Err(invalid(algorithm));
    }
    if given != computed {
        return Err(S3Error::new(
            "BadDigest",
            400,
            format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ),
        ));
    }
    Ok(Checksum {
        algorithm,
        value: value.to_owned(),
        composite: false,
    })
}

fn invalid(algorithm: Algorithm) -> S3Error {
    S3Error::invalid_request(format!("Value for {} header is invalid.", algorithm.header()))
}

/// Verifies `Content-MD5`.
///
/// # Errors
/// `InvalidDigest` when it is not 16 bytes of base64, `BadDigest` when it does not fit.
pub(crate) fn verify_content_md5(header: Option<&str>, body: &[u8]) -> Result<(), S3Error> {
    let Some(value) = header else {
        return Ok(());
    };
    let given = STANDARD
        .decode(value)
        .ok()
        .filter(|bytes| bytes.len() == 16)
        .ok_or_else(|| S3Error::fixed("InvalidDigest"))?;
    if given == Md5::digest(body).to_vec() {
        Ok(())
    } else {
        Err(S3Error::fixed("BadDigest"))
    }
}

/// CRC-32 as a number, which event streams use.
pub(crate) fn crc32_of(data: &[u8]) -> u32 {
    crc32(&CRC32_TABLE, data)
}

/// Hexadecimal MD5, the ETag of plain objects and of parts.
pub(crate) fn md5_hex(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}

/// ETag of a multipart object: MD5 over the parts' raw MD5s, `-N` appended.
pub(crate) fn multipart_etag(part_etags: &[String]) -> String {
    let raw: Vec<u8> = part_etags
        .iter()
        .flat_map(|etag| hex::decode(etag).unwrap_or_default())
        .collect();
    format!("{}-{}", md5_hex(&raw), part_etags.len())
}

const CRC32_TABLE: [u32; 256] = crc32_table(0xEDB8_8320);
const CRC32C_TABLE: [u32; 256] = crc32_table(0x82F6_3B78);
const CRC64_TABLE: [u64; 256] = crc64_table(0x9A6C_9329_AC4B_C9B5);

const fn crc32_table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ polynomial
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

const fn crc64_table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ polynomial
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

fn crc32(table: &[u32; 256], data: &[u8]) -> u32 {
    !data
        .iter()
        .fold(!0, |crc: u32, byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

fn crc64(data: &[u8]) -> u64 {
    !data.iter().fold(!0, |crc: u64, byte| {
        CRC64_TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogued check values of `123456789`.
    #[test]
    fn check_values() {
        let data = b"123456789";
        assert_eq!(crc32(&CRC32_TABLE, data), 0xCBF4_3926);
        assert_eq!(crc32(&CRC32C_TABLE, data), 0xE306_9283);
        assert_eq!(crc64(data), 0xAE8B_1486_0A79_9888);
        assert_eq!(md5_hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Algorithm::Sha1.digest(b"abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        assert_eq!(
            Algorithm::Sha256.digest(b""),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    #[test]
    fn every_algorithm_has_its_row() {
        for (algorithm, name, header, element) in ALGORITHMS {
            assert_eq!(algorithm.name(), *name);
            assert_eq!(algorithm.header(), *header);
            assert_eq!(algorithm.element(), *element);
            assert_eq!(Algorithm::parse(&name.to_lowercase()), Some(*algorithm));
        }
    }

    #[test]
    fn uploads_are_verified() {
        let good = Algorithm::Crc32.digest(b"body");
        let get = |name: &str| (name == "x-amz-checksum-crc32").then_some(good.as_str());
        let checksum = of_upload(get, None, b"body").expect("the digest fits");
        assert_eq!(checksum.algorithm, Algorithm::Crc32);
        assert_eq!(
            of_upload(get, None, b"other").map_err(|e| e.code).unwrap_err(),
            "BadDigest"
        );
        let bad = |name: &str| (name == "x-amz-checksum-sha256").then_some("AAAA");
        assert_eq!(
            of_upload(bad, None, b"x").map_err(|e| e.code).unwrap_err(),
            "InvalidRequest"
        );
        let default = of_upload(|_| None, None, b"x").expect("nothing to verify");
        assert_eq!(default.algorithm, Algorithm::Crc64Nvme);
    }

    #[test]
    fn content_md5() {
        assert!(verify_content_md5(None, b"x").is_ok());
        let good = STANDARD.encode(Md5::digest(b"x"));
        assert!(verify_content_md5(Some(&good), b"x").is_ok());
        assert_eq!(
            verify_content_md5(Some(&good), b"y").map_err(|e| e.code).unwrap_err(),
            "BadDigest"
        );
        assert_eq!(
            verify_content_md5(Some("!"), b"y").map_err(|e| e.code).unwrap_err(),
            "InvalidDigest"
        );
    }

    #[test]
    fn multipart_etag_is_md5_of_md5s() {
        let parts = [md5_hex(b"a"), md5_hex(b"b")];
        let raw: Vec<u8> = parts.iter().flat_map(|p| hex::decode(p).expect("hex")).collect();
        assert_eq!(multipart_etag(&parts), format!("{}-2", md5_hex(&raw)));
    }
}
