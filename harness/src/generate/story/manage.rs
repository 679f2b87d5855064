//! Stories in which somebody changes a key or a bucket between two uses: states, key policies, aliases, bucket policies.

use serde_json::{Value, json};

use super::super::request::{KmsCall, Need, Request, Target};
use super::super::scene::{Place, Scene};
use super::super::statement::{Draft, Principals, document};
use super::super::vocabulary::{self as words, MANAGING, kms_operation};

impl Scene<'_, '_, '_> {
    /// A key is disabled, enabled, scheduled for deletion, tagged, renamed; in between somebody uses it.
    pub(super) fn key_management(&mut self) {
        let key = self.new_key(0);
        let context = self.encryption_context();
        let ciphertext = self.encrypts(key, &context);
        let user_account = self.caller_account();
        let user = self.new_actor(user_account);
        let use_request = self.use_of_key(user, key, &context, &ciphertext);
        self.permit(&use_request);
        if self.dice.below(5) == 0 {
            self.break_once(&use_request);
        }
        let admin = self.new_actor(0);
        if self.dice.below(5) == 0 {
            self.keys[key].state = Some("Disabled".to_owned());
        }
        let goal = self.steps.len() + 3 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 0 {
            let by = if self.dice.below(7) == 0 {
                self.new_actor(user_account)
            } else {
                admin
            };
            let request = if self.dice.below(4) == 0 {
                self.alias_request(by, key)
            } else {
                self.managing_request(by, key)
            };
            self.permit(&request);
            if self.dice.below(4) == 0 {
                self.break_once(&request);
            }
            self.call(request.call);
            if self.dice.below(3) > 0 {
                self.call(use_request.call.clone());
            }
        }
    }

    fn managing_request(&mut self, actor: usize, key: usize) -> Request {
        let weights = [(6, 0), (5, 1), (4, 2), (3, 3), (1, 4), (1, 5), (1, 6), (2, 7), (1, 8)];
        let operation = &MANAGING[self.dice.weighted(&weights)];
        self.kms_request(actor, operation, key, &KmsCall::default())
    }

    pub(super) fn alias_request(&mut self, actor: usize, key: usize) -> Request {
        let existing = self.keys[key].alias.clone();
        let (operation, alias) = match (self.dice.below(4), existing) {
            (0, Some(alias)) => ("UpdateAlias", alias),
            (1, Some(alias)) => ("DeleteAlias", alias),
            (2, _) if self.dice.below(4) == 0 => ("CreateAlias", "alias/aws/mine".to_owned()),
            _ => (
                "CreateAlias",
                format!("alias/{}-{}", self.dice.pick(words::WORDS), self.dice.below(100)),
            ),
        };
        let mut call = self.bare(actor, &format!("kms:{operation}"));
        call.with.insert("AliasName".to_owned(), json!(alias));
        if operation != "DeleteAlias" {
            call.with.insert("TargetKeyId".to_owned(), json!(self.key_arn(key)));
        }
        let on_key = self.key_need(operation, key, None, None);
        let on_alias = Need {
            target: Target::Alias(key, alias),
            facts: Vec::new(),
            ..on_key.clone()
        };
        Request {
            call,
            needs: vec![on_alias, on_key],
        }
    }

    /// The key policy is rewritten between two uses: the user's statement goes, a Deny comes, an unknown principal is named.
    pub(super) fn key_policy_change(&mut self) {
        let key = self.new_key(0);
        let context = self.encryption_context();
        let ciphertext = self.encrypts(key, &context);
        let account = self.caller_account();
        let user = self.new_actor(account);
        let use_request = self.use_of_key(user, key, &context, &ciphertext);
        let use_request = self.perform(use_request);
        let admin = self.new_actor(0);
        let read = self.kms_request(admin, kms_operation("GetKeyPolicy"), key, &KmsCall::default());
        if self.dice.below(3) == 0 {
            self.perform_unbroken(read);
        }
        let mut call = self.bare(admin, "kms:PutKeyPolicy");
        call.with.insert("KeyId".to_owned(), json!(self.key_id(key)));
        let need = self.key_need("PutKeyPolicy", key, None, None);
        let mut request = Request {
            call,
            needs: vec![need],
        };
        self.permit(&request);
        if self.dice.below(6) == 0 {
            self.break_once(&request);
        }
        let policy = self.changed_key_policy(key, &use_request);
        request.call.with.insert("Policy".to_owned(), policy);
        if self.dice.below(4) == 0 {
            request.call.with.insert("PolicyName".to_owned(), json!("default"));
        }
        self.call(request.call);
        self.call(use_request.call.clone());
        self.perhaps_twist(&use_request);
    }

    fn changed_key_policy(&mut self, key: usize, use_request: &Request) -> Value {
        let mut drafts = self.policies.get(&Place::Key(key)).cloned().unwrap_or_default();
        let user = use_request.call.actor;
        let actions: Vec<String> = use_request.needs.iter().map(|need| need.action.clone()).collect();
        let resource = vec!["*".to_owned()];
        let arn = self.principal_arn(user);
        match (self.dice.below(9), arn) {
            (0 | 1, _) => {
                // Only what the user stands on goes; the administrator stays.
                drafts.retain(|draft| draft.serves.is_empty() || draft.serves.iter().any(|(actor, _)| *actor != user));
            }
            (2 | 3, Some(arn)) => drafts.push(Draft::deny(Principals::Aws(vec![arn]), actions, resource)),
            (4, Some(arn)) => drafts.push(Draft::allow(Principals::Aws(vec![arn]), actions, resource)),
            (5, _) => {
                let ghost = format!("arn:aws:iam::{}:role/ghost-{}", self.accounts[0], self.dice.below(100));
                drafts.push(Draft::allow(Principals::Aws(vec![ghost]), actions, resource));
            }
            (6, _) => {
                let action = *self.dice.pick(&["kms:DescribeKey", "kms:Decrypt", "kms:List*"]);
                let root = self.accounts[0].root_arn();
                drafts = vec![Draft::allow(
                    Principals::Aws(vec![root]),
                    vec![action.to_owned()],
                    resource,
                )];
            }
            (7, _) => {
                let root = self.accounts[0].root_arn();
                drafts.insert(
                    0,
                    Draft::allow(Principals::Aws(vec![root]), vec!["kms:*".to_owned()], resource),
                );
            }
            _ => drafts.push(Draft::deny(Principals::Everyone, actions, resource)),
        }
        if drafts.is_empty() {
            let root = self.accounts[0].root_arn();
            drafts.push(Draft::allow(
                Principals::Aws(vec![root]),
                vec!["kms:*".to_owned()],
                vec!["*".to_owned()],
            ));
        }
        if self.dice.below(10) == 0 {
            return json!(self.broken_policy("kms:Decrypt", "*"));
        }
        if self.dice.below(16) == 0
            && let Some(draft) = drafts.last_mut()
        {
            draft.resources.clear();
        }
        let policy = document(&mut self.dice, &drafts);
        serde_json::to_value(policy).unwrap_or_else(|_| json!({}))
    }

    /// Bucket policy, default encryption or Block Public Access change between two uses.
    pub(super) fn bucket_change(&mut self) {
        let (key, bucket) = self.encrypted_bucket();
        let object = self.new_object(bucket);
        let account = self.caller_account();
        let user = self.new_actor(account);
        let operation = *self
            .dice
            .pick(&["GetObject", "PutObject", "ListObjectsV2", "DeleteObject"]);
        let use_request = self.object_request(user, operation, bucket, &object);
        let use_request = self.perform(use_request);
        let admin = self.new_actor(0);
        let (operation, action, value) = self.bucket_setting(key, bucket, &use_request);
        let mut call = self.bare(admin, &format!("s3:{operation}"));
        call.with.insert("Bucket".to_owned(), json!(self.buckets[bucket].name));
        if let Some((name, value)) = value {
            call.with.insert(name.to_owned(), value);
        }
        let need = self.s3_need(action, bucket, None);
        let request = Request {
            call,
            needs: vec![need],
        };
        self.permit(&request);
        if self.dice.below(6) == 0 {
            self.break_once(&request);
        }
        self.call(request.call);
        let again = if matches!(use_request.call.call.as_str(), "s3:PutObject") {
            let object = self.object_name();
            self.object_request(user, "PutObject", bucket, &object).call
        } else {
            use_request.call.clone()
        };
        self.call(again);
        self.perhaps_twist(&use_request);
    }

    fn bucket_setting(
        &mut self,
        key: usize,
        bucket: usize,
        use_request: &Request,
    ) -> (&'static str, &'static str, Option<(&'static str, Value)>) {
        match self.dice.below(7) {
            0 => ("DeleteBucketPolicy", "s3:DeleteBucketPolicy", None),
            1 => {
                let rule = if self.dice.coin() {
                    json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}})
                } else {
                    let bucket_key = self.dice.coin();
                    json!({
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key_arn(key)},
                        "BucketKeyEnabled": bucket_key,
                    })
                };
                let value = json!({"Rules": [rule]});
                (
                    "PutBucketEncryption",
                    "s3:PutEncryptionConfiguration",
                    Some(("ServerSideEncryptionConfiguration", value)),
                )
            }
            2 => {
                let value = json!({
                    "BlockPublicAcls": true, "IgnorePublicAcls": true,
                    "BlockPublicPolicy": self.dice.coin(), "RestrictPublicBuckets": self.dice.coin(),
                });
                (
                    "PutPublicAccessBlock",
                    "s3:PutBucketPublicAccessBlock",
                    Some(("PublicAccessBlockConfiguration", value)),
                )
            }
            choice => {
                let (principals, _) = self.direct_principals(use_request.call.actor);
                let mut by_kind: [Vec<String>; 2] = [Vec::new(), Vec::new()];
                for need in &use_request.needs {
                    match need.target {
                        Target::Object(..) => by_kind[1].push(need.action.clone()),
                        Target::Bucket(_) => by_kind[0].push(need.action.clone()),
                        _ => {}
                    }
                }
                let arn = self.bucket_arn(bucket);
                let mut drafts = self.policies.get(&Place::Bucket(bucket)).cloned().unwrap_or_default();
                for (kind, mut actions) in by_kind.into_iter().enumerate() {
                    actions.dedup();
                    if actions.is_empty() {
                        continue;
                    }
                    let resource = if kind == 1 { format!("{arn}/*") } else { arn.clone() };
                    drafts.push(if choice < 5 {
                        Draft::deny(principals.clone(), actions, vec![resource])
                    } else {
                        Draft::allow(principals.clone(), actions, vec![resource])
                    });
                }
                let policy = document(&mut self.dice, &drafts);
                let mut policy = serde_json::to_value(policy).unwrap_or_else(|_| json!({}));
                if self.dice.below(8) == 0 {
                    policy = json!(self.broken_policy("s3:GetObject", &format!("{arn}/*")));
                }
                ("PutBucketPolicy", "s3:PutBucketPolicy", Some(("Policy", policy)))
            }
        }
    }
}
