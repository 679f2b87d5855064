//! Who is in which group.

use super::super::{Call, empty};
use super::Kind;
use crate::context::Context;
use crate::world::trace::Answer;

impl Call<'_> {
    /// AddUserToGroup and RemoveUserFromGroup: the resource is the group.
    pub(super) fn change_membership(&mut self, member: bool) -> Answer {
        let group = self.target(Kind::Group)?;
        let user = self.target(Kind::User)?;
        let action = if member {
            "iam:AddUserToGroup"
        } else {
            "iam:RemoveUserFromGroup"
        };
        self.authorize_on(action, &group, Context::new())?;
        self.must_exist(&group)?;
        self.must_exist(&user)?;
        let name = group.name;
        self.change_policies(&user, |own| {
            own.groups.retain(|other| *other != name);
            if member {
                own.groups.push(name);
            }
        })?;
        Ok(empty())
    }
}
