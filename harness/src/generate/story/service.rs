//! Services that call as themselves: on keys and on buckets, for one source or another, and the Deny that hits them unawares.

use super::super::fact::{self, Fact, Known};
use super::super::request::{KmsCall, Request};
use super::super::scene::{ActorKind, Place, Scene};
use super::super::statement::{Draft, Principals};
use super::super::vocabulary::{KmsOperation, kms_operation};

impl Scene<'_, '_, '_> {
    /// A service principal on a key or a bucket, and the Deny that hits it unawares (`svc:F-6`).
    pub(super) fn service_call(&mut self) {
        if self.dice.below(3) == 0 {
            self.service_on_bucket();
        } else {
            self.service_on_key();
        }
    }

    fn service_on_key(&mut self) {
        let key = self.new_key(0);
        let context = self.encryption_context();
        let ciphertext = self.encrypts(key, &context);
        if self.dice.below(10) < 7 {
            self.deny_by_principal_arn(key);
        }
        let goal = self.steps.len() + 3 + self.dice.position(2);
        while self.steps.len() < goal && self.room() > 0 {
            let actor = if self.dice.below(4) > 0 {
                self.service_actor()
            } else {
                self.new_actor(0)
            };
            let operation = *self.dice.pick(&[
                "Decrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "Encrypt",
                "DescribeKey",
            ]);
            let operation: &KmsOperation = kms_operation(operation);
            let kms = KmsCall {
                context: context.clone(),
                ciphertext: (operation.name == "Decrypt").then(|| ciphertext.clone()),
                destination: None,
            };
            let request = self.kms_request(actor, operation, key, &kms);
            let request = self.perform(request);
            if self.dice.below(4) == 0 && self.room() > 0 {
                self.other_source(&request);
            }
        }
    }

    /// The same call for another source: another ARN, another account, none.
    fn other_source(&mut self, request: &Request) {
        let mut who = self.actors[request.call.actor].clone();
        let ActorKind::Service {
            source_arn,
            source_account,
            ..
        } = &mut who.kind
        else {
            return;
        };
        match self.dice.below(3) {
            0 => *source_arn = None,
            1 => *source_arn = source_arn.as_ref().map(|arn| format!("{arn}0")),
            _ => *source_account = None,
        }
        self.actors.push(who);
        let mut call = request.call.clone();
        call.actor = self.actors.len() - 1;
        call.save.clear();
        self.call(call);
    }

    /// A Deny for everybody but some ARNs: negated operators hold where the key is absent (`iam:C-11`).
    pub(super) fn deny_by_principal_arn(&mut self, key: usize) {
        let account = self.keys[key].account;
        let spared = self.new_role(account);
        let actions = vec![
            (*self
                .dice
                .pick(&["kms:Decrypt", "kms:GenerateDataKey*", "kms:*", "kms:*"]))
            .to_owned(),
        ];
        let mut draft = Draft::deny(Principals::Everyone, actions, vec!["*".to_owned()]);
        let mut condition = match self.dice.below(3) {
            0 => fact::on_fact(&mut self.dice, &Fact::new("aws:PrincipalArn", Known::AbsentArn), true),
            1 => fact::on_fact(&mut self.dice, &Fact::new("aws:PrincipalArn", Known::Absent), true),
            _ => fact::on_fact(&mut self.dice, &Fact::new("aws:PrincipalArn", Known::AbsentArn), false),
        };
        if condition.operator.contains("Not") {
            // The root user stays in, or nobody of the story could prepare anything.
            let root = self.accounts[account].root_arn();
            condition.values.extend([self.identity_arn(spared), root]);
        }
        draft.conditions.push(condition);
        if self.dice.below(3) == 0 {
            let service = Fact::new("aws:PrincipalIsAWSService", Known::Bool(true));
            let holds = self.dice.coin();
            draft.conditions.push(fact::on_fact(&mut self.dice, &service, holds));
        }
        self.write(Place::Key(key), draft);
    }

    fn service_on_bucket(&mut self) {
        let (_, bucket) = self.encrypted_bucket();
        let object = self.new_object(bucket);
        let goal = self.steps.len() + 3;
        while self.steps.len() < goal && self.room() > 0 {
            let actor = if self.dice.below(4) > 0 {
                self.service_actor()
            } else {
                self.new_actor(0)
            };
            let operation = *self
                .dice
                .pick(&["PutObject", "PutObject", "GetObject", "ListObjectsV2"]);
            let name = if operation == "PutObject" {
                self.object_name()
            } else {
                object.clone()
            };
            let request = self.object_request(actor, operation, bucket, &name);
            let request = self.perform(request);
            if self.dice.below(4) == 0 && self.room() > 0 {
                self.other_source(&request);
            }
        }
    }
}
