//! Statements that belong to no path: other callers, other actions, Denies that seldom hold. They make policies look like policies,
//! and what ought not to matter must not.

use super::scene::{Place, Scene};
use super::statement::{Condition, Draft, Effect, Principals};
use super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// Adds noise where there are policies or could be.
    pub(super) fn add_noise(&mut self) {
        let most = self.settings.noise;
        if most == 0 {
            return;
        }
        for key in 0..self.keys.len() {
            if !self.keys[key].default_policy {
                for _ in 0..=self.dice.below(most) {
                    let draft = self.key_noise(key);
                    self.insert_anywhere(Place::Key(key), draft);
                }
            }
        }
        for bucket in 0..self.buckets.len() {
            let has_policy = self
                .policies
                .get(&Place::Bucket(bucket))
                .is_some_and(|list| !list.is_empty());
            if has_policy && self.dice.coin() || self.dice.below(4) == 0 {
                let draft = self.bucket_noise(bucket);
                self.insert_anywhere(Place::Bucket(bucket), draft);
            }
        }
        for identity in 0..self.identities.len() {
            if self.identities[identity].bare {
                continue;
            }
            for _ in 0..self.dice.below(most + 1) {
                let draft = self.identity_noise(identity);
                self.insert_anywhere(Place::Identity(identity), draft);
            }
        }
    }

    fn insert_anywhere(&mut self, place: Place, draft: Draft) {
        let list = self.policies.entry(place).or_default();
        let position = self.dice.position(list.len() + 1);
        list.insert(position, draft);
    }

    /// A statement of a key policy that no path is built on: somebody else, something else, or a Deny that does not hold.
    fn key_noise(&mut self, key: usize) -> Draft {
        let account = self.keys[key].account;
        let actions: Vec<String> = self
            .dice
            .some(words::KMS_NOISE, 1, 3)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let principals = self.noise_principals(account);
        let mut draft = Draft::allow(principals, actions, vec!["*".to_owned()]);
        if self.dice.below(4) == 0 {
            draft.effect = Effect::Deny;
        }
        if draft.effect == Effect::Deny || self.dice.below(2) == 0 {
            draft.conditions.push(self.noise_condition(true));
        }
        if self.past && self.year < 2025 && self.dice.below(5) == 0 {
            // Accepted before August 2025, and inert (`svc:K-14`).
            draft.resources.clear();
            draft.conditions.clear();
        }
        draft
    }

    fn bucket_noise(&mut self, bucket: usize) -> Draft {
        let account = self.buckets[bucket].account;
        let principals = self.noise_principals(account);
        let arn = self.bucket_arn(bucket);
        let (actions, resource) = if self.dice.coin() {
            (
                words::OBJECT_NOISE,
                format!("{arn}/{}*", self.dice.pick(words::FOLDERS)),
            )
        } else {
            (words::BUCKET_NOISE, arn)
        };
        let actions: Vec<String> = self.dice.some(actions, 1, 2).into_iter().map(str::to_owned).collect();
        let mut draft = Draft::allow(principals, actions, vec![resource]);
        if self.dice.below(3) == 0 {
            draft.effect = Effect::Deny;
        }
        if draft.effect == Effect::Deny || self.dice.below(3) == 0 {
            draft.conditions.push(self.noise_condition(false));
        }
        draft
    }

    fn identity_noise(&mut self, identity: usize) -> Draft {
        let account = self.identities[identity].account;
        let mut draft = match self.dice.below(4) {
            0 if !self.buckets.is_empty() => {
                let bucket = self.dice.position(self.buckets.len());
                let arn = self.bucket_arn(bucket);
                let actions = self.dice.some(words::OBJECT_NOISE, 1, 2);
                let resource = format!("{arn}/{}*", self.dice.pick(words::FOLDERS));
                Draft::allow(
                    Principals::Absent,
                    actions.into_iter().map(str::to_owned).collect(),
                    vec![resource],
                )
            }
            1 => {
                let actions = self.dice.some(words::OTHER_NOISE, 1, 2);
                Draft::allow(
                    Principals::Absent,
                    actions.into_iter().map(str::to_owned).collect(),
                    vec!["*".to_owned()],
                )
            }
            _ if !self.keys.is_empty() => {
                let key = self.dice.position(self.keys.len());
                let actions = self.dice.some(words::KMS_NOISE, 1, 2);
                let resource = if self.dice.percent(self.settings.near_miss) {
                    let alias = self.keys[key]
                        .alias
                        .clone()
                        .unwrap_or_else(|| format!("alias/{}", self.keys[key].name));
                    format!("arn:aws:kms:{}:{}:{alias}", self.region, self.accounts[account])
                } else {
                    self.key_arn(key)
                };
                Draft::allow(
                    Principals::Absent,
                    actions.into_iter().map(str::to_owned).collect(),
                    vec![resource],
                )
            }
            _ => Draft::allow(
                Principals::Absent,
                vec!["s3:ListAllMyBuckets".to_owned()],
                vec!["*".to_owned()],
            ),
        };
        if self.dice.below(5) == 0 {
            draft.effect = Effect::Deny;
        }
        if draft.effect == Effect::Deny || self.dice.below(3) == 0 {
            draft.conditions.push(self.noise_condition(false));
        }
        draft
    }

    fn noise_principals(&mut self, account: usize) -> Principals {
        let others: Vec<usize> = (0..self.identities.len()).collect();
        match self.dice.below(6) {
            0 => Principals::Aws(vec![self.accounts[account].root_arn()]),
            1 => Principals::Service(vec![(*self.dice.pick(words::SERVICES)).to_owned()]),
            2 if self.crosses() => Principals::Aws(vec![self.accounts[self.other_account()].root_arn()]),
            _ if !others.is_empty() => {
                let chosen = self.dice.some(&others, 1, 2);
                let role_session = self.dice.percent(self.settings.near_miss);
                Principals::Aws(
                    chosen
                        .into_iter()
                        .map(|one| {
                            if role_session && self.identities[one].role {
                                self.session_arn(one, "somebody-else")
                            } else {
                                self.identity_arn(one)
                            }
                        })
                        .collect(),
                )
            }
            _ => Principals::Aws(vec![self.accounts[account].root_arn()]),
        }
    }

    /// A condition that seldom holds.
    fn noise_condition(&mut self, on_key: bool) -> Condition {
        let word = (*self.dice.pick(words::WORDS)).to_owned();
        let table: &[(&str, &str)] = if on_key {
            &[
                ("StringEquals", "kms:ViaService"),
                ("StringEquals", "aws:PrincipalTag/team"),
                ("StringLike", "kms:EncryptionContext:tenant"),
                ("Bool", "kms:GrantIsForAWSResource"),
                ("StringEquals", "aws:SourceVpce"),
                ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys"),
                ("NotIpAddress", "aws:SourceIp"),
                ("Bool", "aws:MultiFactorAuthPresent"),
            ]
        } else {
            &[
                ("StringEquals", "aws:PrincipalTag/team"),
                ("StringEquals", "aws:SourceVpce"),
                ("NotIpAddress", "aws:SourceIp"),
                ("Bool", "aws:MultiFactorAuthPresent"),
                ("Bool", "aws:SecureTransport"),
                ("DateGreaterThan", "aws:CurrentTime"),
            ]
        };
        let (operator, key) = *self.dice.pick(table);
        let value = match (operator, key) {
            (_, "kms:ViaService") => format!(
                "{}.{}.amazonaws.com",
                self.dice.pick(&["ec2", "lambda", "rds", "s3"]),
                self.region
            ),
            (_, "aws:SourceIp") => "127.0.0.0/8".to_owned(),
            (_, "aws:SecureTransport") => "false".to_owned(),
            ("Bool", _) => "true".to_owned(),
            ("DateGreaterThan", _) => format!("{}-01-01T00:00:00Z", self.year + 2),
            (_, "aws:SourceVpce") => format!("vpce-0{:07x}", self.dice.below(60_000)),
            ("StringLike", _) => format!("{word}*"),
            _ => word,
        };
        Condition {
            operator: operator.to_owned(),
            key: key.to_owned(),
            values: vec![value],
        }
    }

    /// Boundaries and session policies without a statement, keys without a policy.
    pub(super) fn fill_empty_places(&mut self) {
        let empty: Vec<Place> = self
            .policies
            .iter()
            .filter(|(_, list)| list.is_empty())
            .map(|(place, _)| *place)
            .collect();
        for place in empty {
            match place {
                Place::Boundary(_) | Place::Session(_) => {
                    let action = *self
                        .dice
                        .pick(&["s3:ListAllMyBuckets", "kms:ListKeys", "ec2:Describe*"]);
                    self.write(
                        place,
                        Draft::allow(Principals::Absent, vec![action.to_owned()], vec!["*".to_owned()]),
                    );
                }
                _ => {
                    self.policies.remove(&place);
                }
            }
        }
        for key in 0..self.keys.len() {
            if !self.keys[key].default_policy && !self.policies.contains_key(&Place::Key(key)) {
                let root = self.accounts[self.keys[key].account].root_arn();
                let actions = vec!["kms:Describe*".to_owned(), "kms:Put*".to_owned()];
                self.write(
                    Place::Key(key),
                    Draft::allow(Principals::Aws(vec![root]), actions, vec!["*".to_owned()]),
                );
            }
        }
    }
}
