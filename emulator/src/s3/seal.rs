//! Object bytes at rest: AES-256-GCM under a data key, twice for DSSE-KMS. Where the data key comes from is not
//! this file's business.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Length of a GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;

/// Sealed bytes with the nonce of each layer, innermost first.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    nonces: Vec<[u8; NONCE_BYTES]>,
    ciphertext: Bytes,
}

/// The data key is not 32 bytes, or the bytes do not open with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data key does not open the object")]
pub(crate) struct SealError;

/// Seals `plaintext` in one layer per nonce.
///
/// # Errors
/// [`SealError`] when the data key has the wrong length.
pub(crate) fn seal(data_key: &[u8], nonces: Vec<[u8; NONCE_BYTES]>, plaintext: &[u8]) -> Result<Sealed, SealError> {
    let mut bytes = plaintext.to_vec();
    for (layer, nonce) in nonces.iter().enumerate() {
        bytes = cipher(data_key, layer)?
            .encrypt(&Nonce::from(*nonce), bytes.as_slice())
            .map_err(|_| SealError)?;
    }
    Ok(Sealed {
        nonces,
        ciphertext: Bytes::from(bytes),
    })
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`SealError`] when the key is not the one that sealed.
pub(crate) fn open(data_key: &[u8], sealed: &Sealed) -> Result<Bytes, SealError> {
    let mut bytes = sealed.ciphertext.to_vec();
    for (layer, nonce) in sealed.nonces.iter().enumerate().rev() {
        bytes = cipher(data_key, layer)?
            .decrypt(&Nonce::from(*nonce), bytes.as_slice())
            .map_err(|_| SealError)?;
    }
    Ok(Bytes::from(bytes))
}

/// The cipher of one layer: each layer has its own key, derived from the data key.
fn cipher(data_key: &[u8], layer: usize) -> Result<Aes256Gcm, SealError> {
    if data_key.len() != 32 {
        return Err(SealError);
    }
    // One hash suffices: everything before and behind the secret has a fixed length.
    let mut hasher = Sha256::new();
    hasher.update(b"s3 layer");
    hasher.update((layer as u64).to_be_bytes());
    hasher.update(data_key);
    let layer_key = hasher.finalize();
    let key = Key::<Aes256Gcm>::try_from(&layer_key[..]).map_err(|_| SealError)?;
    Ok(Aes256Gcm::new(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_key_that_sealed() {
        for layers in 0..3_u8 {
            let nonces: Vec<[u8; NONCE_BYTES]> = (0..layers).map(|n| [n; NONCE_BYTES]).collect();
            let sealed = seal(&[7; 32], nonces, b"object bytes").expect("a 32-byte key");
            assert_eq!(open(&[7; 32], &sealed).as_deref(), Ok(&b"object bytes"[..]));
            if layers > 0 {
                assert_ne!(&sealed.ciphertext[..], b"object bytes");
                assert_eq!(open(&[8; 32], &sealed), Err(SealError));
            }
        }
        assert!(seal(&[1; 31], vec![[0; NONCE_BYTES]], b"").is_err());
    }
}
