//! The ciphertext blob: AES-256-GCM with the canonical encryption context as associated data, and the identity of key
//! and key material in front. No authorization, no key states.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};

use super::store::KeyAddress;
use crate::names::KeyArn;

/// First bytes of every blob: a format tag of our own.
const TAG: [u8; 3] = [0x01, 0x02, 0xc6];
/// Bytes of a GCM nonce.
const NONCE: usize = 12;
/// Bytes of the id of a key material.
const MATERIAL_ID: usize = 32;

/// A parsed blob.
#[derive(Debug, Clone)]
pub(super) struct Blob<'a> {
    /// ARN of the key that made it.
    arn: &'a str,
    material_id: &'a [u8; MATERIAL_ID],
    header: &'a [u8],
    nonce: [u8; NONCE],
    sealed: &'a [u8],
}

/// Encrypts under `material`; the blob carries `key`'s ARN and the material's id.
pub(super) fn seal(
    material: &[u8; 32],
    material_id: &str,
    key: &KeyAddress,
    nonce: [u8; NONCE],
    plaintext: &[u8],
    context: &BTreeMap<String, String>,
) -> Vec<u8> {
    let arn = key.arn();
    let arn = arn.as_str().as_bytes();
    let mut blob = Vec::with_capacity(TAG.len() + 1 + arn.len() + MATERIAL_ID + NONCE + plaintext.len() + 16);
    blob.extend_from_slice(&TAG);
    // INVARIANT: key ARNs are made of a Region (<= 32 bytes), an account id and a key id; they fit a byte.
    blob.push(u8::try_from(arn.len()).expect("a key ARN is shorter than 256 bytes"));
    blob.extend_from_slice(arn);
    let mut id = [0; MATERIAL_ID];
    // INVARIANT: material ids are SHA-256 digests in hexadecimal digits.
    hex::decode_to_slice(material_id, &mut id).expect("a material id is 64 hexadecimal digits");
    blob.extend_from_slice(&id);
    let associated = associated_data(&blob, context);
    blob.extend_from_slice(&nonce);
    let sealed = cipher(material)
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: plaintext,
                aad: &associated,
            },
        )
        .expect("AES-GCM only fails beyond 64 GiB");
    blob.extend_from_slice(&sealed);
    blob
}

/// Reads the key's identity out of a blob; `None` when it is not one of ours.
pub(super) fn parse(bytes: &[u8]) -> Option<Blob<'_>> {
    let rest = bytes.strip_prefix(&TAG)?;
    let (length, rest) = rest.split_first()?;
    let (arn, rest) = rest.split_at_checked(usize::from(*length))?;
    let arn = std::str::from_utf8(arn).ok()?;
    let (material_id, rest) = rest.split_first_chunk::<MATERIAL_ID>()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
    Some(Blob {
        arn,
        material_id,
        header: &bytes[..TAG.len() + 1 + arn.len() + MATERIAL_ID],
        nonce: *nonce,
        sealed,
    })
}

impl Blob<'_> {
    /// Whether the key of this ARN made it.
    pub(super) fn is_of(&self, arn: &KeyArn) -> bool {
        self.arn == arn.as_str()
    }

    /// The key that made it; `None` when what stands there is no key, so that nobody made it.
    pub(super) fn key(&self) -> Option<KeyAddress> {
        KeyAddress::from_arn(self.arn)
    }

    /// The key material that made it, in hexadecimal digits.
    pub(super) fn material_id(&self) -> String {
        let mut digits = [0; 2 * MATERIAL_ID];
        hex::encode_to_slice(self.material_id, &mut digits).expect("two digits a byte");
        std::str::from_utf8(&digits).expect("digits are ASCII").to_owned()
    }

    /// Decrypts; `None` when the blob was changed or the context differs (svc:K-25).
    pub(super) fn open(&self, material: &[u8; 32], context: &BTreeMap<String, String>) -> Option<Vec<u8>> {
        let associated = associated_data(self.header, context);
        cipher(material)
            .decrypt(
                &Nonce::from(self.nonce),
                Payload {
                    msg: self.sealed,
                    aad: &associated,
                },
            )
            .ok()
    }
}

fn cipher(material: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&(*material).into())
}

/// Header and the sorted pairs, every part with its length, so that no two contexts read alike.
fn associated_data(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut data = header.to_vec();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{AccountId, KeyId, Region};

    fn address() -> KeyAddress {
        KeyAddress {
            account: AccountId::parse("111111111111").expect("12 digits"),
            region: Region::parse("us-east-1").expect("a Region"),
            id: KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").expect("a UUID"),
        }
    }

    fn context(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_the_same_context_opens_a_blob() {
        let material = [7; 32];
        let right = context(&[("a", "b")]);
        let bytes = seal(&material, &"ab".repeat(32), &address(), [1; 12], b"secret", &right);
        let blob = parse(&bytes).expect("just sealed");
        assert_eq!(blob.key(), Some(address()));
        assert!(blob.is_of(&address().arn()));
        assert_eq!(blob.material_id(), "ab".repeat(32));
        assert_eq!(blob.open(&material, &right).as_deref(), Some(&b"secret"[..]));
        for wrong in [
            &[("a", "B")][..],
            &[("A", "b")],
            &[],
            &[("a", "b"), ("c", "d")],
            &[("ab", "")],
        ] {
            assert_eq!(blob.open(&material, &context(wrong)), None, "{wrong:?}");
        }
        assert_eq!(blob.open(&[8; 32], &right), None);
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let material = [7; 32];
        let bytes = seal(
            &material,
            &"ab".repeat(32),
            &address(),
            [1; 12],
            b"secret",
            &context(&[]),
        );
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let opened = parse(&changed).and_then(|blob| blob.open(&material, &context(&[])));
            assert_eq!(opened, None, "byte {index}");
        }
        for length in 0..bytes.len() {
            let opened = parse(&bytes[..length]).and_then(|blob| blob.open(&material, &context(&[])));
            assert_eq!(opened, None, "length {length}");
        }
    }
}
