//! Asymmetric cryptography: key pairs by key spec, signatures, RSA encryption, key agreement, and their DER forms.
//! Pure functions over keys; no authorization, no key states, no storage.

use ed25519_dalek::Signer as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{self, CryptoRng, RngCore};
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::hazmat::{PrehashVerifier as _, RandomizedPrehashSigner as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, Pss, RsaPrivateKey, RsaPublicKey};
use sha1_for_rsa::Sha1;
use sha2::Digest as _;

use super::primes::random_prime;

/// A private key with its public half.
#[derive(Clone)]
pub(super) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Secp256k1(k256::SecretKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// Randomness out of a seed: SHA-256 over seed and counter. The same seed makes the same key, so that a key can be
/// made when it is first used and yet be what it would have been at creation.
#[derive(Clone)]
pub(super) struct SeedStream {
    seed: [u8; 32],
    counter: u64,
}

/// How a signing algorithm treats its message (`MessageType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageType {
    Raw,
    Digest,
}

/// A signing algorithm of the API.
#[derive(Debug, Clone, Copy)]
struct Signing {
    name: &'static str,
    scheme: Scheme,
    hash: Hash,
}

#[derive(Debug, Clone, Copy)]
enum Scheme {
    Pkcs1,
    Pss,
    Ecdsa,
    Ed25519,
    Ed25519Prehashed,
}

#[derive(Debug, Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

const SIGNING: &[Signing] = &[
    signing("RSASSA_PKCS1_V1_5_SHA_256", Scheme::Pkcs1, Hash::Sha256),
    signing("RSASSA_PKCS1_V1_5_SHA_384", Scheme::Pkcs1, Hash::Sha384),
    signing("RSASSA_PKCS1_V1_5_SHA_512", Scheme::Pkcs1, Hash::Sha512),
    signing("RSASSA_PSS_SHA_256", Scheme::Pss, Hash::Sha256),
    signing("RSASSA_PSS_SHA_384", Scheme::Pss, Hash::Sha384),
    signing("RSASSA_PSS_SHA_512", Scheme::Pss, Hash::Sha512),
    signing("ECDSA_SHA_256", Scheme::Ecdsa, Hash::Sha256),
    signing("ECDSA_SHA_384", Scheme::Ecdsa, Hash::Sha384),
    signing("ECDSA_SHA_512", Scheme::Ecdsa, Hash::Sha512),
    signing("ED25519_SHA_512", Scheme::Ed25519, Hash::Sha512),
    signing("ED25519_PH_SHA_512", Scheme::Ed25519Prehashed, Hash::Sha512),
];

const fn signing(name: &'static str, scheme: Scheme, hash: Hash) -> Signing {
    Signing { name, scheme, hash }
}

/// The one public exponent of generated RSA keys.
const RSA_EXPONENT: u32 = 65_537;
/// Bits by key spec.
const RSA_BITS: &[(&str, usize)] = &[("RSA_2048", 2048), ("RSA_3072", 3072), ("RSA_4096", 4096)];

/// Bytes of a digest that `algorithm` signs; `None` for algorithms that take no digest or are not here.
pub(super) fn digest_length(algorithm: &str) -> Option<usize> {
    match find(algorithm)? {
        Signing {
            scheme: Scheme::Ed25519,
            ..
        } => None,
        Signing { hash, .. } => Some(hash.length()),
    }
}

/// Whether the algorithm works with the message type: Ed25519 is bound to one each, the others take both.
pub(super) fn takes(algorithm: &str, message_type: MessageType) -> bool {
    match find(algorithm).map(|signing| signing.scheme) {
        Some(Scheme::Ed25519) => message_type == MessageType::Raw,
        Some(Scheme::Ed25519Prehashed) => message_type == MessageType::Digest,
        _ => true,
    }
}

/// Two primes may not go together: the exponent must not divide either less one, and they must differ.
fn rsa_key(bits: usize, random: &mut SeedStream) -> RsaPrivateKey {
    loop {
        let (left, right) = (random_prime(bits / 2, random), random_prime(bits / 2, random));
        if let Ok(key) = RsaPrivateKey::from_p_q(left, right, RSA_EXPONENT.into()) {
            return key;
        }
    }
}

/// Longest plaintext that an RSA key spec encrypts with an algorithm; `None` for everything else.
pub(super) fn longest_rsa_plaintext(spec: &str, algorithm: &str) -> Option<usize> {
    let hash = match algorithm {
        "RSAES_OAEP_SHA_1" => 20,
        "RSAES_OAEP_SHA_256" => 32,
        _ => return None,
    };
    let (_, bits) = RSA_BITS.iter().find(|(name, _)| *name == spec)?;
    Some(bits / 8 - 2 * hash - 2)
}

impl PrivateKey {
    /// Makes the key pair of a key spec; `None` for specs without cryptography here (SM2, ML-DSA, ML-KEM).
    pub(super) fn generate(spec: &str, random: &mut SeedStream) -> Option<Self> {
        if let Some((_, bits)) = RSA_BITS.iter().find(|(name, _)| *name == spec) {
            return Some(Self::Rsa(Box::new(rsa_key(*bits, random))));
        }
        Some(match spec {
            "ECC_NIST_P256" => Self::P256(p256::SecretKey::random(random)),
            "ECC_NIST_P384" => Self::P384(p384::SecretKey::random(random)),
            "ECC_NIST_P521" => Self::P521(p521::SecretKey::random(random)),
            "ECC_SECG_P256K1" => Self::Secp256k1(k256::SecretKey::random(random)),
            "ECC_NIST_EDWARDS25519" => {
                let mut secret = [0; 32];
                random.fill_bytes(&mut secret);
                Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&secret)))
            }
            _ => return None,
        })
    }

    /// Reads a PKCS #8 document that must hold a key of this spec.
    pub(super) fn from_pkcs8(spec: &str, der: &[u8]) -> Option<Self> {
        if let Some((_, bits)) = RSA_BITS.iter().find(|(name, _)| *name == spec) {
            let key = RsaPrivateKey::from_pkcs8_der(der).ok()?;
            return (key.size() * 8 == *bits).then(|| Self::Rsa(Box::new(key)));
        }
        match spec {
            "ECC_NIST_P256" => p256::SecretKey::from_pkcs8_der(der).ok().map(Self::P256),
            "ECC_NIST_P384" => p384::SecretKey::from_pkcs8_der(der).ok().map(Self::P384),
            "ECC_NIST_P521" => p521::SecretKey::from_pkcs8_der(der).ok().map(Self::P521),
            "ECC_SECG_P256K1" => k256::SecretKey::from_pkcs8_der(der).ok().map(Self::Secp256k1),
            "ECC_NIST_EDWARDS25519" => ed25519_dalek::SigningKey::from_pkcs8_der(der)
                .ok()
                .map(|key| Self::Ed25519(Box::new(key))),
            _ => None,
        }
    }

    /// The private key as PKCS #8.
    pub(super) fn pkcs8(&self) -> Vec<u8> {
        let document = match self {
            Self::Rsa(key) => key.to_pkcs8_der(),
            Self::P256(key) => key.to_pkcs8_der(),
            Self::P384(key) => key.to_pkcs8_der(),
            Self::P521(key) => key.to_pkcs8_der(),
            Self::Secp256k1(key) => key.to_pkcs8_der(),
            Self::Ed25519(key) => key.to_pkcs8_der(),
        };
        document
            .expect("keys of these fixed sizes fit into DER")
            .as_bytes()
            .to_vec()
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(super) fn public_der(&self) -> Vec<u8> {
        let document = match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::P256(key) => key.public_key().to_public_key_der(),
            Self::P384(key) => key.public_key().to_public_key_der(),
            Self::P521(key) => key.public_key().to_public_key_der(),
            Self::Secp256k1(key) => key.public_key().to_public_key_der(),
            Self::Ed25519(key) => key.verifying_key().to_public_key_der(),
        };
        document
            .expect("keys of these fixed sizes fit into DER")
            .as_bytes()
            .to_vec()
    }

    /// Signs; `None` when the algorithm is not one of this key's or a digest has the wrong length. ECDSA and PSS take a
    /// fresh nonce or salt each time, so two signatures of one message differ.
    pub(super) fn sign(
        &self,
        algorithm: &str,
        message: &[u8],
        message_type: MessageType,
        random: &mut SeedStream,
    ) -> Option<Vec<u8>> {
        let signing = find(algorithm)?;
        let hashed = signing.hash.digest(message, message_type)?;
        match (self, signing.scheme) {
            (Self::Rsa(key), Scheme::Pkcs1) => key.sign_with_rng(random, signing.hash.pkcs1(), &hashed).ok(),
            (Self::Rsa(key), Scheme::Pss) => key.sign_with_rng(random, signing.hash.pss(), &hashed).ok(),
            (Self::P256(key), Scheme::Ecdsa) => {
                let key = p256::ecdsa::SigningKey::from(key);
                let signature: p256::ecdsa::Signature = key.sign_prehash_with_rng(random, &hashed).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::P384(key), Scheme::Ecdsa) => {
                let key = p384::ecdsa::SigningKey::from(key);
                let signature: p384::ecdsa::Signature = key.sign_prehash_with_rng(random, &hashed).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::P521(key), Scheme::Ecdsa) => {
                let key = p521::ecdsa::SigningKey::from_bytes(&key.to_bytes()).ok()?;
                let signature: p521::ecdsa::Signature = key.sign_prehash_with_rng(random, &hashed).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::Secp256k1(key), Scheme::Ecdsa) => {
                let key = k256::ecdsa::SigningKey::from(key);
                let signature: k256::ecdsa::Signature = key.sign_prehash_with_rng(random, &hashed).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
            (Self::Ed25519(key), Scheme::Ed25519) => Some(key.sign(message).to_bytes().to_vec()),
            // KMS hashes the digest once more (API_Sign, ED25519_PH_SHA_512).
            (Self::Ed25519(key), Scheme::Ed25519Prehashed) => key
                .sign_prehashed(<Sha512 as rsa::sha2::Digest>::new_with_prefix(message), None)
                .ok()
                .map(|signature| signature.to_bytes().to_vec()),
            _ => None,
        }
    }

    /// Whether a signature is this key's over the message.
    pub(super) fn verify(&self, algorithm: &str, message: &[u8], message_type: MessageType, signature: &[u8]) -> bool {
        let Some(signing) = find(algorithm) else {
            return false;
        };
        let Some(hashed) = signing.hash.digest(message, message_type) else {
            return false;
        };
        match (self, signing.scheme) {
            (Self::Rsa(key), Scheme::Pkcs1) => key
                .to_public_key()
                .verify(signing.hash.pkcs1(), &hashed, signature)
                .is_ok(),
            (Self::Rsa(key), Scheme::Pss) => key
                .to_public_key()
                .verify(signing.hash.pss(), &hashed, signature)
                .is_ok(),
            (Self::P256(key), Scheme::Ecdsa) => {
                let verifying = p256::ecdsa::VerifyingKey::from(key.public_key());
                p256::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| verifying.verify_prehash(&hashed, &signature).is_ok())
            }
            (Self::P384(key), Scheme::Ecdsa) => {
                let verifying = p384::ecdsa::VerifyingKey::from(key.public_key());
                p384::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| verifying.verify_prehash(&hashed, &signature).is_ok())
            }
            (Self::P521(key), Scheme::Ecdsa) => {
                let Ok(verifying) = p521::ecdsa::VerifyingKey::from_affine(*key.public_key().as_affine()) else {
                    return false;
                };
                p521::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| verifying.verify_prehash(&hashed, &signature).is_ok())
            }
            (Self::Secp256k1(key), Scheme::Ecdsa) => {
                let verifying = k256::ecdsa::VerifyingKey::from(key.public_key());
                // The crate refuses signatures with a high S, which are valid all the same.
                k256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                    let signature = signature.normalize_s().unwrap_or(signature);
                    verifying.verify_prehash(&hashed, &signature).is_ok()
                })
            }
            (Self::Ed25519(key), Scheme::Ed25519) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verifying_key().verify_strict(message, &signature).is_ok()),
            (Self::Ed25519(key), Scheme::Ed25519Prehashed) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| {
                    let digest = <Sha512 as rsa::sha2::Digest>::new_with_prefix(message);
                    key.verifying_key()
                        .verify_prehashed_strict(digest, None, &signature)
                        .is_ok()
                }),
            _ => false,
        }
    }

    /// RSA encryption under the public key; `None` for other keys, other algorithms, too long a plaintext.
    pub(super) fn encrypt(&self, algorithm: &str, plaintext: &[u8], random: &mut SeedStream) -> Option<Vec<u8>> {
        let Self::Rsa(key) = self else {
            return None;
        };
        RsaPublicKey::from(&**key)
            .encrypt(random, oaep(algorithm)?, plaintext)
            .ok()
    }

    /// RSA decryption; `None` when the ciphertext is not one for this key and algorithm.
    pub(super) fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let Self::Rsa(key) = self else {
            return None;
        };
        key.decrypt(oaep(algorithm)?, ciphertext).ok()
    }

    /// The raw ECDH secret with a peer's SubjectPublicKeyInfo; `None` when that is no key on the same NIST curve.
    pub(super) fn agree(&self, peer: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256(key) => {
                let peer = p256::PublicKey::from_public_key_der(peer).ok()?;
                let secret = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
                Some(secret.raw_secret_bytes().to_vec())
            }
            Self::P384(key) => {
                let peer = p384::PublicKey::from_public_key_der(peer).ok()?;
                let secret = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
                Some(secret.raw_secret_bytes().to_vec())
            }
            Self::P521(key) => {
                let peer = p521::PublicKey::from_public_key_der(peer).ok()?;
                let secret = p521::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
                Some(secret.raw_secret_bytes().to_vec())
            }
            _ => None,
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PrivateKey")
    }
}

impl SeedStream {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut buffer = vec![0; count];
        self.fill_bytes(&mut buffer);
        buffer
    }
}

impl std::fmt::Debug for SeedStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SeedStream")
    }
}

impl RngCore for SeedStream {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let mut hasher = sha2::Sha256::new();
            hasher.update(b"countersign-key-stream");
            hasher.update(self.seed);
            hasher.update(self.counter.to_be_bytes());
            self.counter += 1;
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl CryptoRng for SeedStream {}

impl Hash {
    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of a raw message, or the digest that the message already is.
    fn digest(self, message: &[u8], message_type: MessageType) -> Option<Vec<u8>> {
        match message_type {
            MessageType::Digest => (message.len() == self.length()).then(|| message.to_vec()),
            MessageType::Raw => Some(match self {
                Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
                Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
                Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
            }),
        }
    }

    fn pkcs1(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }

    fn pss(self) -> Pss {
        match self {
            Self::Sha256 => Pss::new::<Sha256>(),
            Self::Sha384 => Pss::new::<Sha384>(),
            Self::Sha512 => Pss::new::<Sha512>(),
        }
    }
}

fn find(algorithm: &str) -> Option<&'static Signing> {
    SIGNING.iter().find(|signing| signing.name == algorithm)
}

fn oaep(algorithm: &str) -> Option<Oaep> {
    match algorithm {
        "RSAES_OAEP_SHA_1" => Some(Oaep::new::<Sha1>()),
        "RSAES_OAEP_SHA_256" => Some(Oaep::new::<Sha256>()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(seed: u8) -> SeedStream {
        SeedStream::new([seed; 32])
    }

    #[test]
    fn every_key_pair_signs_what_only_it_verifies() {
        for (spec, algorithm) in [
            ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384"),
            ("RSA_2048", "RSASSA_PSS_SHA_256"),
            ("ECC_NIST_P256", "ECDSA_SHA_256"),
            ("ECC_NIST_P384", "ECDSA_SHA_384"),
            ("ECC_NIST_P521", "ECDSA_SHA_512"),
            ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
            ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ] {
            let key = PrivateKey::generate(spec, &mut stream(1)).expect("the spec is known");
            let signature = key
                .sign(algorithm, b"message", MessageType::Raw, &mut stream(2))
                .expect("the algorithm suits the key");
            assert!(
                key.verify(algorithm, b"message", MessageType::Raw, &signature),
                "{spec}"
            );
            assert!(!key.verify(algorithm, b"other", MessageType::Raw, &signature), "{spec}");
            let mut changed = signature.clone();
            *changed.last_mut().expect("a signature is not empty") ^= 1;
            assert!(!key.verify(algorithm, b"message", MessageType::Raw, &changed), "{spec}");
            let again = PrivateKey::from_pkcs8(spec, &key.pkcs8()).expect("a key reads its own PKCS #8");
            assert_eq!(again.public_der(), key.public_der(), "{spec}");
            assert!(PrivateKey::from_pkcs8(spec, b"no key").is_none(), "{spec}");
        }
    }

    #[test]
    fn a_digest_signs_like_its_message_but_for_prehashed_ed25519() {
        let key = PrivateKey::generate("ECC_NIST_P256", &mut stream(1)).expect("the spec is known");
        let digest = sha2::Sha256::digest(b"message");
        let signature = key
            .sign("ECDSA_SHA_256", &digest, MessageType::Digest, &mut stream(2))
            .expect("a digest of the right length");
        assert!(key.verify("ECDSA_SHA_256", b"message", MessageType::Raw, &signature));
        assert!(
            key.sign("ECDSA_SHA_256", b"short", MessageType::Digest, &mut stream(2))
                .is_none()
        );
        let key = PrivateKey::generate("ECC_NIST_EDWARDS25519", &mut stream(1)).expect("the spec is known");
        let digest = sha2::Sha512::digest(b"message");
        let signature = key
            .sign("ED25519_PH_SHA_512", &digest, MessageType::Digest, &mut stream(2))
            .expect("a digest of the right length");
        assert!(key.verify("ED25519_PH_SHA_512", &digest, MessageType::Digest, &signature));
        assert!(!key.verify("ED25519_SHA_512", b"message", MessageType::Raw, &signature));
    }

    #[test]
    fn two_parties_agree_on_the_same_curve_only() {
        for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
            let left = PrivateKey::generate(spec, &mut stream(1)).expect("the spec is known");
            let right = PrivateKey::generate(spec, &mut stream(2)).expect("the spec is known");
            let secret = left.agree(&right.public_der());
            assert!(secret.is_some(), "{spec}");
            assert_eq!(secret, right.agree(&left.public_der()), "{spec}");
            let other = PrivateKey::generate("ECC_SECG_P256K1", &mut stream(1)).expect("the spec is known");
            assert_eq!(left.agree(&other.public_der()), None, "{spec}");
        }
    }
}
