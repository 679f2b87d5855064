//! What references stand for before there is a world: the very value where the file says it, otherwise a text of the same form. Good
//! for telling whether a policy could be saved, for nothing else; `World::resolve_text` has the values.

use super::super::reference::{Reference, ReferenceKind};
use super::super::{RoleSpec, WorldSpec};
use crate::name::AccountId;

/// A value, and whether its length is a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StandIn {
    pub(super) text: String,
    pub(super) is_a_guess: bool,
}

/// The values of one world.
pub(super) struct StandIns<'a> {
    spec: &'a WorldSpec,
}

const KEY_ID: &str = "00000000-0000-4000-8000-000000000000";
const USER_ID: &str = "AIDAEXAMPLEEXAMPLE000";
const ROLE_ID: &str = "AROAEXAMPLEEXAMPLE000";

impl<'a> StandIns<'a> {
    pub(super) fn of(spec: &'a WorldSpec) -> Self {
        Self { spec }
    }

    /// What a reference stands for in something of an account.
    pub(super) fn value(&self, reference: &Reference, account: Option<&AccountId>) -> StandIn {
        let name = reference.name.as_str();
        let owner = self.owner(reference, account);
        let region = &self.spec.region;
        let exact = |text: String| StandIn {
            text,
            is_a_guess: false,
        };
        let guess = |text: String| StandIn { text, is_a_guess: true };
        let spec = self.spec.accounts.get(&owner);
        match (reference.kind, reference.field.as_str()) {
            (ReferenceKind::Root, "arn") => exact(owner.root_arn()),
            (ReferenceKind::Root, _) | (ReferenceKind::Key, "account") => exact(owner.to_string()),
            (ReferenceKind::Saved, _) => guess("saved".to_owned()),
            (ReferenceKind::Organization, "id") => guess("o-exampleorg".to_owned()),
            (ReferenceKind::Organization, _) => guess("r-exam".to_owned()),
            (ReferenceKind::VpcEndpoint, "id") => guess("vpce-00000000000000000".to_owned()),
            (ReferenceKind::VpcEndpoint, "vpc") => guess("vpc-00000000000000000".to_owned()),
            (ReferenceKind::VpcEndpoint, _) => guess(format!(
                "arn:aws:ec2:{region}:{owner}:vpc-endpoint/vpce-00000000000000000"
            )),
            (_, "name") => exact(name.to_owned()),
            (ReferenceKind::User, "unique_id") => guess(USER_ID.to_owned()),
            (ReferenceKind::User, _) => {
                let path = spec.and_then(|spec| spec.users.get(name)?.path.clone());
                exact(format!(
                    "arn:aws:iam::{owner}:user{}{name}",
                    path.unwrap_or_else(|| "/".to_owned())
                ))
            }
            (ReferenceKind::Role, field) => match &reference.part {
                Some((_, session)) if field == "arn" => {
                    exact(format!("arn:aws:sts::{owner}:assumed-role/{name}/{session}"))
                }
                Some((_, session)) => guess(format!("{ROLE_ID}:{session}")),
                None if field == "arn" => {
                    let path = spec
                        .and_then(|spec| spec.roles.get(name))
                        .map_or_else(|| "/".to_owned(), role_path);
                    exact(format!("arn:aws:iam::{owner}:role{path}{name}"))
                }
                None => guess(ROLE_ID.to_owned()),
            },
            (ReferenceKind::Group, _) => {
                let path = spec.and_then(|spec| spec.groups.get(name)?.path.clone());
                exact(format!(
                    "arn:aws:iam::{owner}:group{}{name}",
                    path.unwrap_or_else(|| "/".to_owned())
                ))
            }
            (ReferenceKind::ManagedPolicy, _) => exact(format!("arn:aws:iam::{owner}:policy/{name}")),
            (ReferenceKind::FederatedUser, _) => exact(format!("arn:aws:sts::{owner}:federated-user/{name}")),
            (ReferenceKind::Key, field) => {
                let key = spec.and_then(|spec| spec.keys.get(name));
                let region = key.and_then(|key| key.region.as_ref()).unwrap_or(region);
                let id = key.and_then(|key| key.id.as_deref()).unwrap_or(KEY_ID);
                match (&reference.part, field) {
                    (Some(_), _) => guess("0".repeat(64)),
                    (None, "region") => exact(region.to_string()),
                    (None, "id") => guess(id.to_owned()),
                    (None, _) => guess(format!("arn:aws:kms:{region}:{owner}:key/{id}")),
                }
            }
            (ReferenceKind::Alias, _) => exact(format!("arn:aws:kms:{region}:{owner}:{name}")),
            (ReferenceKind::Bucket, _) => exact(match &reference.part {
                Some((_, key)) => format!("arn:aws:s3:::{name}/{key}"),
                None => format!("arn:aws:s3:::{name}"),
            }),
            (ReferenceKind::Function, _) => exact(format!("arn:aws:lambda:{region}:{owner}:function:{name}")),
            (ReferenceKind::BackupVault, _) => exact(format!("arn:aws:backup:{region}:{owner}:backup-vault:{name}")),
        }
    }

    /// The account a reference leads to: the one it says, the one that has the name, the one it stands in.
    fn owner(&self, reference: &Reference, account: Option<&AccountId>) -> AccountId {
        let name = reference.name.as_str();
        let has = |(_, spec): &(&AccountId, &super::super::AccountSpec)| match reference.kind {
            ReferenceKind::User => spec.users.contains_key(name),
            ReferenceKind::Role => spec.roles.contains_key(name),
            ReferenceKind::Group => spec.groups.contains_key(name),
            ReferenceKind::ManagedPolicy => spec.managed_policies.contains_key(name),
            ReferenceKind::Key => spec.keys.contains_key(name),
            ReferenceKind::Function => spec.functions.contains_key(name),
            ReferenceKind::BackupVault => spec.backup_vaults.contains_key(name),
            ReferenceKind::VpcEndpoint => spec.vpc_endpoints.contains_key(name),
            _ => false,
        };
        let said = reference.account.as_ref();
        let named = || self.spec.accounts.iter().find(has).map(|(id, _)| id);
        let any = || account.or_else(|| self.spec.accounts.keys().next());
        said.or_else(named)
            .or_else(any)
            .cloned()
            .unwrap_or_else(|| AccountId::new("000000000000").expect("twelve digits are an account id"))
    }
}

/// The path of a role, with the default of service-linked ones.
pub(super) fn role_path(role: &RoleSpec) -> String {
    role.path.clone().unwrap_or_else(|| match &role.service_linked {
        Some(service) => format!("/aws-service-role/{service}/"),
        None => "/".to_owned(),
    })
}
