//! How people write what they mean: actions exact or by wildcard, resources whole or by pattern, conditions that hold. Which
//! statements are needed is `permit`'s to say.

use super::fact::{self, Fact, Known};
use super::permit::exact_actions;
use super::request::{Request, Target};
use super::scene::{Place, Scene};
use super::statement::Draft;
use super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// The actions as somebody would write them: exact, by wildcard, in company.
    pub(super) fn written_actions(&mut self, request: &Request, positions: &[usize], identity: bool) -> Vec<String> {
        let exact = exact_actions(request, positions);
        let service = exact[0].split(':').next().unwrap_or("kms").to_owned();
        match self.dice.below(20) {
            0 if identity => return vec!["*".to_owned()],
            1 | 2 => return vec![format!("{service}:*")],
            _ => {}
        }
        let mut written: Vec<String> = Vec::new();
        for action in exact {
            let wider = words::wider_actions(&action);
            let form = if !wider.is_empty() && self.dice.below(4) == 0 {
                self.dice.pick(&wider).clone()
            } else {
                action
            };
            if !written.contains(&form) {
                written.push(form);
            }
        }
        if self.dice.below(4) == 0 && service == "kms" {
            let extra = (*self
                .dice
                .pick(&["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:ListGrants"]))
            .to_owned();
            if !written.contains(&extra) {
                written.push(extra);
            }
        }
        written
    }

    /// The resources as somebody would write them in an identity policy.
    pub(super) fn written_resources(&mut self, request: &Request, positions: &[usize]) -> Vec<String> {
        if self.dice.below(6) == 0 {
            return vec!["*".to_owned()];
        }
        let mut written = Vec::new();
        for position in positions {
            let resource = match request.needs[*position].target.clone() {
                Target::Key(key) => match self.dice.below(8) {
                    0 => format!("arn:aws:kms:*:{}:key/*", self.accounts[self.keys[key].account]),
                    1 => format!("arn:aws:kms:{}:*:key/{}", self.region, self.key_id(key)),
                    _ => self.key_arn(key),
                },
                Target::Bucket(bucket) => self.bucket_arn(bucket),
                Target::Object(bucket, object) => self.object_pattern(bucket, &object),
                Target::Alias(key, alias) => {
                    format!(
                        "arn:aws:kms:{}:{}:{alias}",
                        self.region, self.accounts[self.keys[key].account]
                    )
                }
                Target::Role(role) => self.identity_arn(role),
                // Both stand for all buckets (`iam:M-26`).
                Target::Any if request.needs[*position].action == "s3:ListAllMyBuckets" && self.dice.coin() => {
                    "arn:aws:s3:::*".to_owned()
                }
                Target::Any => "*".to_owned(),
            };
            if !written.contains(&resource) {
                written.push(resource);
            }
        }
        if written.iter().any(|one| one == "*") {
            vec!["*".to_owned()]
        } else {
            written
        }
    }

    pub(super) fn object_patterns(&mut self, request: &Request, positions: &[usize], bucket: usize) -> Vec<String> {
        let mut written: Vec<String> = Vec::new();
        for position in positions {
            if let Target::Object(_, object) = request.needs[*position].target.clone() {
                let pattern = self.object_pattern(bucket, &object);
                if !written.contains(&pattern) {
                    written.push(pattern);
                }
            }
        }
        written
    }

    /// Patterns that cover an object.
    pub(super) fn object_pattern(&mut self, bucket: usize, object: &str) -> String {
        let arn = self.bucket_arn(bucket);
        if let Some(pattern) = self.home_pattern(&arn, object)
            && self.dice.coin()
        {
            return pattern;
        }
        match (self.dice.below(6), object.rsplit_once('/')) {
            (0, Some((folder, _))) => format!("{arn}/{folder}/*"),
            (1, _) if object.is_ascii() && object.len() > 2 => format!("{arn}/{}?*", &object[..object.len() - 2]),
            (2, _) => format!("{arn}/{object}"),
            _ => format!("{arn}/*"),
        }
    }

    /// `home/NAME/…` by the variable that stands for the user's name.
    pub(super) fn home_pattern(&self, bucket_arn: &str, object: &str) -> Option<String> {
        let (name, _) = object.strip_prefix("home/")?.split_once('/')?;
        let is_user = self
            .identities
            .iter()
            .any(|identity| !identity.role && identity.name == name);
        is_user.then(|| format!("{bucket_arn}/home/${{aws:username}}/*"))
    }

    /// One or two conditions that hold for every check of the statement.
    pub(super) fn add_holding_condition(
        &mut self,
        request: &Request,
        positions: &[usize],
        draft: &mut Draft,
        place: Place,
    ) {
        let facts = self.some_facts(request, positions, place);
        let many = 1 + u32::from(self.dice.below(4) == 0);
        for _ in 0..many {
            if let Some(condition) = fact::condition(&mut self.dice, &facts, true) {
                draft.conditions.push(condition);
            }
        }
    }

    /// The facts that a condition may speak of, once in a while the rare ones of a single check.
    pub(super) fn some_facts(&mut self, request: &Request, positions: &[usize], place: Place) -> Vec<Fact> {
        if let [position] = positions
            && self.dice.below(7) == 0
        {
            let need = &request.needs[*position];
            let mut facts = self.rare_facts(request, need);
            if matches!(place, Place::Bucket(_)) {
                // A bucket policy is refused for keys that its actions do not have.
                facts.retain(|fact| fact.key.starts_with("aws:") || need.action.ends_with("Object"));
            } else {
                facts.retain(|fact| need.action.starts_with("s3:") || !fact.key.starts_with("s3:"));
            }
            if !facts.is_empty() {
                return facts;
            }
        }
        self.shared_facts(request, positions, place)
    }

    /// The facts that hold for every check and that a policy at this place may speak of.
    pub(super) fn shared_facts(&self, request: &Request, positions: &[usize], place: Place) -> Vec<Fact> {
        let mut shared: Option<Vec<Fact>> = None;
        for position in positions {
            let facts = self.facts(request.call.actor, request, &request.needs[*position]);
            shared = Some(match shared {
                None => facts,
                Some(before) => before.into_iter().filter(|fact| facts.contains(fact)).collect(),
            });
        }
        let in_bucket_policy = matches!(place, Place::Bucket(_));
        let in_resource_policy = matches!(place, Place::Bucket(_) | Place::Key(_));
        let on_key = positions
            .iter()
            .all(|position| matches!(request.needs[*position].target, Target::Key(_)));
        shared
            .unwrap_or_default()
            .into_iter()
            .filter(|fact| !(fact.identity_only && in_resource_policy))
            .filter(|fact| !(in_bucket_policy && fact.key.starts_with("kms:")))
            .filter(|fact| on_key || !fact.key.starts_with("kms:"))
            // An empty text is nobody's condition.
            .filter(|fact| !matches!(&fact.value, Known::Text(text) if text.is_empty()))
            .collect()
    }
}
