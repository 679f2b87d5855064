//! Stories on keys of every kind: signatures, MACs, key agreement, data key pairs, public keys; import, rotation, replicas.

use countersign_model::kms::table;
use serde_json::{Map, Value, json};

use super::super::fact::Fact;
use super::super::request::Request;
use super::super::scene::{Scene, text_blob};
use super::super::vocabulary::{Identifier, REGIONS};
use super::pair::Order;

/// A kind of key with what is done with it.
struct Kind {
    spec: &'static str,
    usage: &'static str,
    algorithms: &'static [&'static str],
}

/// Kinds of key with weights. Making RSA keys takes a target's time.
const KINDS: &[(u32, Kind)] = &[
    (
        6,
        Kind {
            spec: "ECC_NIST_P256",
            usage: "SIGN_VERIFY",
            algorithms: &["ECDSA_SHA_256"],
        },
    ),
    (
        2,
        Kind {
            spec: "ECC_NIST_P384",
            usage: "SIGN_VERIFY",
            algorithms: &["ECDSA_SHA_384"],
        },
    ),
    (
        5,
        Kind {
            spec: "HMAC_256",
            usage: "GENERATE_VERIFY_MAC",
            algorithms: &["HMAC_SHA_256"],
        },
    ),
    (
        2,
        Kind {
            spec: "HMAC_512",
            usage: "GENERATE_VERIFY_MAC",
            algorithms: &["HMAC_SHA_512"],
        },
    ),
    (
        4,
        Kind {
            spec: "ECC_NIST_P256",
            usage: "KEY_AGREEMENT",
            algorithms: &["ECDH"],
        },
    ),
    (
        1,
        Kind {
            spec: "RSA_2048",
            usage: "SIGN_VERIFY",
            algorithms: &["RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512"],
        },
    ),
];

/// Operations on a symmetric key that need nothing but its name, with weights.
const PLAIN: &[(u32, &str)] = &[
    (3, "RotateKeyOnDemand"),
    (3, "ListKeyRotations"),
    (3, "ListKeyPolicies"),
    (3, "GetKeyLastUsage"),
    (2, "GetKeyRotationStatus"),
    (2, "EnableKeyRotation"),
    (2, "DisableKeyRotation"),
    (2, "UpdateKeyDescription"),
    (2, "ListResourceTags"),
    (2, "TagResource"),
    (2, "UntagResource"),
];

impl Scene<'_, '_, '_> {
    /// A key that is not for encryption, and callers who use it.
    pub(super) fn other_key_use(&mut self) {
        let weights: Vec<(u32, usize)> = KINDS
            .iter()
            .enumerate()
            .map(|(at, (weight, _))| (*weight, at))
            .collect();
        let kind = &KINDS[self.dice.weighted(&weights)].1;
        let key = self.new_key(0);
        self.keys[key].kind = Some((kind.spec, kind.usage));
        let algorithm = *self.dice.pick(kind.algorithms);
        match kind.usage {
            "SIGN_VERIFY" => {
                self.made_and_checked(key, ["Sign", "Verify"], ["SigningAlgorithm", "Signature"], algorithm)
            }
            "GENERATE_VERIFY_MAC" => {
                self.made_and_checked(key, ["GenerateMac", "VerifyMac"], ["MacAlgorithm", "Mac"], algorithm);
            }
            _ => self.agreement(key, kind.spec),
        }
        if kind.usage != "GENERATE_VERIFY_MAC" && self.room() > 1 {
            let actor = self.user_of_key();
            let request = self.keyed(actor, "GetPublicKey", key, Map::new(), Vec::new());
            self.pair(request, Order::Either);
        }
    }

    /// Something is made of a message, and checked by others.
    fn made_and_checked(&mut self, key: usize, [make, check]: [&str; 2], [name, blob]: [&str; 2], algorithm: &str) {
        let message = text_blob(&self.phrase());
        let signing = make == "Sign";
        let with: Map<String, Value> = [(name.to_owned(), json!(algorithm)), ("Message".to_owned(), message)]
            .into_iter()
            .collect();
        let mut facts = vec![Fact::text(format!("kms:{name}"), algorithm)];
        if signing {
            facts.push(Fact::text("kms:MessageType", "RAW"));
        }
        let maker = self.user_of_key();
        let mut request = self.keyed(maker, make, key, with.clone(), facts.clone());
        let saved = self.saved_name("signature");
        request.call.with.remove("DryRun");
        request.call.save.insert(saved.clone(), blob.to_owned());
        self.pair(request, Order::RefusedFirst);
        let goal = self.steps.len() + 2;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.user_of_key();
            let mut with = with.clone();
            with.insert(blob.to_owned(), json!(format!("{{{{saved.{saved}}}}}")));
            if self.dice.below(6) == 0 {
                with.insert("Message".to_owned(), text_blob(&self.phrase()));
            }
            let request = self.keyed(actor, check, key, with, facts.clone());
            self.pair(request, Order::Either);
        }
    }

    /// Two parties come to one secret.
    fn agreement(&mut self, key: usize, spec: &'static str) {
        let other = self.new_key(0);
        self.keys[other].kind = Some((spec, "KEY_AGREEMENT"));
        let owner = self.root_actor(0);
        let mut asked = self.keyed(owner, "GetPublicKey", other, Map::new(), Vec::new());
        let public = self.saved_name("public");
        asked.call.save.insert(public.clone(), "PublicKey".to_owned());
        self.perform_unbroken(asked);
        let goal = self.steps.len() + 2;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.user_of_key();
            let with = [
                ("KeyAgreementAlgorithm".to_owned(), json!("ECDH")),
                ("PublicKey".to_owned(), json!(format!("{{{{saved.{public}}}}}"))),
            ];
            let facts = vec![Fact::text("kms:KeyAgreementAlgorithm", "ECDH")];
            let request = self.keyed(actor, "DeriveSharedSecret", key, with.into_iter().collect(), facts);
            self.pair(request, Order::Either);
        }
    }

    /// A symmetric key that is rotated, described, imported into, replicated; data key pairs are made under it.
    pub(super) fn key_upkeep(&mut self) {
        let key = self.new_key(0);
        match self.dice.below(8) {
            0 | 1 => self.key_pairs(key),
            2 => self.imported_key(key),
            3 | 4 => self.replicas(key),
            5 => self.new_keys(),
            _ => {
                let goal = self.steps.len() + 3 + self.dice.position(3);
                while self.steps.len() < goal && self.room() > 1 {
                    let actor = self.user_of_key();
                    let name = self.dice.weighted(PLAIN);
                    let request = self.plain_request(actor, name, key);
                    if self.dice.below(3) > 0 {
                        self.pair(request, Order::Either);
                    } else {
                        self.perform(request);
                    }
                }
            }
        }
    }

    fn plain_request(&mut self, actor: usize, name: &str, key: usize) -> Request {
        let mut with = Map::new();
        let mut facts = Vec::new();
        match name {
            "EnableKeyRotation" if self.dice.coin() => {
                let days = 90 + self.dice.below(2000);
                with.insert("RotationPeriodInDays".to_owned(), json!(days));
                facts.push(Fact::new(
                    "kms:RotationPeriodInDays",
                    super::super::fact::Known::Number(i64::from(days)),
                ));
            }
            "UpdateKeyDescription" => {
                with.insert("Description".to_owned(), json!(self.phrase()));
            }
            "TagResource" => {
                let tags = self.tags();
                facts.extend(
                    tags.iter()
                        .map(|(key, value)| Fact::text(format!("aws:RequestTag/{key}"), value)),
                );
                let tags: Vec<Value> = tags
                    .into_iter()
                    .map(|(key, value)| json!({"TagKey": key, "TagValue": value}))
                    .collect();
                with.insert("Tags".to_owned(), Value::Array(tags));
            }
            "UntagResource" => {
                let keys: Vec<String> = self.tags().into_keys().collect();
                with.insert("TagKeys".to_owned(), json!(keys));
            }
            _ => {}
        }
        self.keyed(actor, name, key, with, facts)
    }

    fn key_pairs(&mut self, key: usize) {
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.user_of_key();
            let name = *self
                .dice
                .pick(&["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"]);
            let spec = *self.dice.pick(&["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P256"]);
            let context = self.encryption_context();
            let mut with: Map<String, Value> = [("KeyPairSpec".to_owned(), json!(spec))].into_iter().collect();
            if !context.is_empty() {
                with.insert("EncryptionContext".to_owned(), json!(context));
            }
            let facts = vec![Fact::text("kms:DataKeyPairSpec", spec)];
            let mut request = self.keyed(actor, name, key, with, facts);
            // The context is known only now.
            request.needs = vec![{
                let mut need = self.key_need(name, key, Some(context), None);
                need.grantable = true;
                need.facts.push(Fact::text("kms:DataKeyPairSpec", spec));
                need.facts.retain(|fact| fact.key != "kms:RequestAlias");
                need
            }];
            self.pair(request, Order::Either);
        }
    }

    /// A key without material of its own.
    fn imported_key(&mut self, key: usize) {
        self.keys[key].origin = Some("EXTERNAL");
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.user_of_key();
            let request = if self.dice.below(3) > 0 {
                let algorithm = *self.dice.pick(&["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"]);
                let with = [
                    ("WrappingAlgorithm".to_owned(), json!(algorithm)),
                    ("WrappingKeySpec".to_owned(), json!("RSA_2048")),
                ];
                let facts = vec![
                    Fact::text("kms:WrappingAlgorithm", algorithm),
                    Fact::text("kms:WrappingKeySpec", "RSA_2048"),
                ];
                self.keyed(actor, "GetParametersForImport", key, with.into_iter().collect(), facts)
            } else {
                self.keyed(actor, "DeleteImportedKeyMaterial", key, Map::new(), Vec::new())
            };
            self.pair(request, Order::Either);
        }
    }

    /// A key of several Regions: it is replicated, and the replica becomes the primary.
    fn replicas(&mut self, key: usize) {
        self.keys[key].multi_region = true;
        let others: Vec<&str> = REGIONS
            .iter()
            .copied()
            .filter(|region| *region != self.region)
            .collect();
        let region = *self.dice.pick(&others);
        let actor = self.user_of_own_key();
        let with = [("ReplicaRegion".to_owned(), json!(region))].into_iter().collect();
        let mut request = self.keyed(
            actor,
            "ReplicateKey",
            key,
            with,
            vec![Fact::text("kms:ReplicaRegion", region)],
        );
        request.needs.push(self.any_need("kms:CreateKey"));
        self.pair(request, Order::RefusedFirst);
        let goal = self.steps.len() + 2;
        while self.steps.len() < goal && self.room() > 1 {
            // The replica has the default policy: its account's policies decide there.
            let actor = self.user_of_own_key();
            let target = if self.dice.below(8) == 0 { others[0] } else { region };
            let with = [("PrimaryRegion".to_owned(), json!(target))].into_iter().collect();
            let facts = vec![Fact::text("kms:PrimaryRegion", target)];
            let mut request = self.keyed(actor, "UpdatePrimaryRegion", key, with, facts);
            let mut there = self.any_need("kms:UpdatePrimaryRegion");
            there.facts.push(Fact::text("kms:PrimaryRegion", target));
            request.needs.push(there);
            self.pair(request, Order::RefusedFirst);
        }
    }

    /// Keys are made, of every kind and with tags.
    fn new_keys(&mut self) {
        let goal = self.steps.len() + 4;
        while self.steps.len() < goal && self.room() > 1 {
            let actor = self.user_of_own_key();
            let mut call = self.bare(actor, "kms:CreateKey");
            let mut need = self.any_need("kms:CreateKey");
            let (spec, usage) = *self.dice.pick(&[
                ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
                ("ECC_NIST_P256", "SIGN_VERIFY"),
                ("HMAC_256", "GENERATE_VERIFY_MAC"),
            ]);
            call.with.insert("KeySpec".to_owned(), json!(spec));
            call.with.insert("KeyUsage".to_owned(), json!(usage));
            call.with.insert("Description".to_owned(), json!(self.phrase()));
            need.facts.push(Fact::text("kms:KeySpec", spec));
            need.facts.push(Fact::text("kms:KeyUsage", usage));
            let mut needs = vec![need];
            if self.dice.coin() {
                let tags = self.tags();
                let mut tagging = self.any_need("kms:TagResource");
                for (key, value) in &tags {
                    tagging.facts.push(Fact::text(format!("aws:RequestTag/{key}"), value));
                }
                let tags: Vec<Value> = tags
                    .into_iter()
                    .map(|(key, value)| json!({"TagKey": key, "TagValue": value}))
                    .collect();
                call.with.insert("Tags".to_owned(), Value::Array(tags));
                needs.push(tagging);
            }
            self.pair(Request { call, needs }, Order::Either);
        }
    }

    /// A caller of either account.
    fn user_of_key(&mut self) -> usize {
        let account = self.caller_account();
        self.new_actor(account)
    }

    /// A caller of the key's account: no other can be allowed (`svc:K-8`).
    fn user_of_own_key(&mut self) -> usize {
        self.new_actor(0)
    }

    /// An operation on one key with these parameters and what is known because of them.
    pub(super) fn keyed(
        &mut self,
        actor: usize,
        name: &str,
        key: usize,
        with: Map<String, Value>,
        facts: Vec<Fact>,
    ) -> Request {
        let mut call = self.bare(actor, &format!("kms:{name}"));
        let operation = table::table().operation(name);
        let takes_alias = operation.is_some_and(|operation| operation.takes_alias);
        let grantable = operation.is_some_and(|operation| !operation.grant_operations.is_empty());
        let tried = operation.is_some_and(|operation| operation.dry_run);
        let kind = if takes_alias {
            Identifier::KeyOrAlias
        } else {
            Identifier::Key
        };
        let (identifier, _) = self.name_key(actor, key, kind);
        call.with.insert("KeyId".to_owned(), json!(identifier));
        call.with.extend(with);
        if tried && self.dice.below(25) == 0 {
            call.with.insert("DryRun".to_owned(), json!(true));
        }
        let mut need = self.key_need(name, key, None, None);
        need.facts.extend(facts);
        need.grantable = grantable;
        Request {
            call,
            needs: vec![need],
        }
    }
}
