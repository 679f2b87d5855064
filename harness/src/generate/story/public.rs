//! Buckets that are open to everybody, and what becomes of that.

use super::super::scene::{Encryption, Scene};

impl Scene<'_, '_, '_> {
    /// An open bucket: nobody in particular reads and writes, and somebody in particular too.
    pub(super) fn public_bucket(&mut self) {
        let key = self.new_key(0);
        let bucket = self.new_bucket(0, Some(key));
        self.buckets[bucket].open = true;
        if self.dice.coin() {
            self.buckets[bucket].encryption = Encryption::Aes;
        }
        if self.dice.below(3) == 0 {
            self.buckets[bucket].acl =
                Some(
                    *self
                        .dice
                        .pick(&["public-read", "public-read-write", "authenticated-read"]),
                );
        }
        if self.dice.below(6) == 0 {
            self.buckets[bucket].requester_pays = true;
        }
        let object = self.new_object(bucket);
        if self.buckets[bucket].acl.is_some()
            && self.dice.coin()
            && let Some(spec) = self.buckets[bucket].objects.get_mut(&object)
        {
            spec.acl = Some("public-read".to_owned());
        }
        let goal = self.steps.len() + 3 + self.dice.position(3);
        while self.steps.len() < goal && self.room() > 0 {
            let actor = if self.dice.below(3) > 0 {
                self.anonymous_actor()
            } else {
                let account = self.caller_account();
                self.new_actor(account)
            };
            let operation = *self.dice.pick(&[
                "GetObject",
                "GetObject",
                "GetObject",
                "PutObject",
                "ListObjectsV2",
                "HeadObject",
                "DeleteObject",
            ]);
            let name = if operation == "PutObject" {
                self.object_name()
            } else {
                object.clone()
            };
            let mut request = self.object_request(actor, operation, bucket, &name);
            if self.buckets[bucket].requester_pays && self.dice.coin() {
                request
                    .call
                    .with
                    .insert("RequestPayer".to_owned(), serde_json::json!("requester"));
            }
            let request = self.perform(request);
            self.perhaps_twist(&request);
        }
    }
}
