//! The checks: each looks at one element of a draft and says what is wrong with it. Nothing here knows texts or order.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::fault::{Fault, Found};
use crate::policy::condition::{Operator, is_operator, savable_date};
use crate::policy::draft::{Draft, Members, items, scalar, text};
use crate::policy::json::{Json, Member, Node};
use crate::policy::{PolicyKind, PrincipalForm};

/// Since this day KMS refuses key-policy statements without actions or resources (`svc:K-14`).
const KEY_STATEMENTS_COMPLETE_SINCE: Date = date(2025, 8, 18);

/// Resource types IAM knows in its own ARNs (`iam:G-54`, `iam:E-11`); `root` stands alone.
const IAM_RESOURCE_TYPES: &[&str] = &[
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// Every fault of a document, in no particular order. `saved_on` is none for a document that is already stored.
pub(super) fn faults(draft: &Draft<'_>, node: &Node, kind: PolicyKind, saved_on: Option<Date>) -> Vec<Found> {
    let mut checker = Checker {
        kind,
        saved_on,
        found: Vec::new(),
    };
    checker.document(draft);
    checker.duplicates(draft, node);
    let mut sids = BTreeSet::new();
    for statement in &draft.statements {
        checker.statement(statement);
        checker.sid(statement, &mut sids);
    }
    checker.drop_legacy_arns_behind_shape_faults();
    checker.found
}

struct Checker {
    kind: PolicyKind,
    saved_on: Option<Date>,
    found: Vec<Found>,
}

impl Checker {
    fn fault(&mut self, fault: Fault, offset: usize) {
        self.found.push(fault.at(offset));
    }

    fn document(&mut self, draft: &Draft<'_>) {
        for member in draft.members.unknown() {
            self.fault(Fault::UnknownMember(member.key.clone()), member.offset);
        }
        let version = draft.members.last("Version");
        match version.map(|member| text(&member.value)) {
            Some(Some("2012-10-17")) => {}
            // Managed policies and organization policies need the newer version (iam:G-21, iam:OQ-3).
            None | Some(Some("2008-10-17")) if self.kind == PolicyKind::Managed || self.kind.is_organization() => {
                self.fault(
                    Fault::OldVersion,
                    version.map_or(draft.members.offset, |member| member.value.offset),
                );
            }
            None | Some(Some("2008-10-17")) => {}
            Some(_) => self.fault(Fault::BadVersion, version.map_or(0, |member| member.value.offset)),
        }
        if let Some(id) = draft.members.last("Id") {
            if text(&id.value).is_none() {
                self.fault(Fault::WrongType, id.value.offset);
            } else if self.kind.is_organization() || (self.kind == PolicyKind::Session && self.saved_on.is_some()) {
                // Observed to be stored in identity policies (iam:G-22); nobody saw it in a session policy.
                self.fault(Fault::IdForbidden, id.offset);
            }
        }
    }

    /// The same member twice in any object (`iam:G-06`), or condition keys that differ only in case (`iam:G-07`).
    fn duplicates(&mut self, draft: &Draft<'_>, node: &Node) {
        for member in draft.members.duplicates() {
            self.fault(Fault::Duplicate { readable: false }, member.offset);
        }
        for statement in &draft.statements {
            for member in statement.duplicates() {
                // Legacy documents may repeat these: the last effect counts, lists are joined.
                let readable = matches!(
                    member.key.as_str(),
                    "Effect" | "Action" | "NotAction" | "Resource" | "NotResource"
                );
                self.fault(Fault::Duplicate { readable }, member.offset);
            }
            for condition in statement.all("Condition") {
                for operator in members(&condition.value) {
                    self.repeated_members(&operator.value);
                    self.keys_alike(&operator.value);
                }
                self.repeated_members(&condition.value);
            }
            for principal in statement.all("Principal").chain(statement.all("NotPrincipal")) {
                self.repeated_members(&principal.value);
            }
        }
        debug_assert!(matches!(node.value, Json::Object(_)), "a draft comes from an object");
    }

    /// The very same name twice: the legacy rule says nothing about condition blocks and principals, so nothing reads them.
    fn repeated_members(&mut self, node: &Node) {
        let mut seen = BTreeSet::new();
        for member in members(node) {
            if !seen.insert(member.key.as_str()) {
                self.fault(Fault::Duplicate { readable: false }, member.offset);
            }
        }
    }

    /// Condition keys that differ only in case (`iam:G-07`): refused when saved, both tested where stored (`iam:OQ-1`).
    fn keys_alike(&mut self, node: &Node) {
        let mut seen = BTreeSet::new();
        for member in members(node) {
            if !seen.insert(member.key.to_ascii_lowercase()) {
                self.fault(Fault::Duplicate { readable: true }, member.offset);
            }
        }
    }

    fn statement(&mut self, statement: &Members<'_>) {
        for member in statement.unknown() {
            self.fault(Fault::UnknownMember(member.key.clone()), member.offset);
        }
        for (plain, negated) in [
            ("Action", "NotAction"),
            ("Resource", "NotResource"),
            ("Principal", "NotPrincipal"),
        ] {
            if let (Some(_), Some(second)) = (statement.last(plain), statement.last(negated)) {
                self.fault(Fault::BothForms, second.offset);
            }
        }
        self.effect(statement);
        self.principals(statement);
        self.actions(statement);
        self.resources(statement);
        for condition in statement.all("Condition") {
            self.condition(&condition.value);
        }
        self.organization_rules(statement);
    }

    fn effect(&mut self, statement: &Members<'_>) {
        // An earlier one in a legacy text counts for nothing, its faults included (iam:G-06).
        let Some(effect) = statement.last("Effect") else {
            return self.fault(Fault::MissingEffect, statement.offset);
        };
        match text(&effect.value) {
            Some("Allow" | "Deny") => {}
            Some(word) if ["allow", "deny"].contains(&word.to_ascii_lowercase().as_str()) => {
                self.fault(Fault::EffectCase(word.to_owned()), effect.value.offset);
            }
            Some(word) => self.fault(Fault::BadEffect(word.to_owned()), effect.value.offset),
            None => self.fault(Fault::WrongType, effect.value.offset),
        }
    }

    fn sid<'a>(&mut self, statement: &Members<'a>, seen: &mut BTreeSet<&'a str>) {
        let Some(member) = statement.last("Sid") else { return };
        let Some(sid) = text(&member.value) else {
            return self.fault(Fault::WrongType, member.value.offset);
        };
        let iam = self.kind.is_identity() || self.kind == PolicyKind::Trust;
        if iam && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.fault(Fault::SidCharacters, member.value.offset);
        }
        // Empty ones do not collide (iam:G-30); KMS takes duplicates observedly, S3 documents that it does not.
        if self.kind != PolicyKind::Key && !sid.is_empty() && !seen.insert(sid) {
            self.fault(Fault::SidDuplicate, member.value.offset);
        }
    }

    fn principals(&mut self, statement: &Members<'_>) {
        let element = statement.last("Principal").or_else(|| statement.last("NotPrincipal"));
        let Some(element) = element else {
            if self.kind.names_principals() || self.kind == PolicyKind::ResourceControl {
                self.fault(Fault::MissingPrincipal, statement.offset);
            }
            return;
        };
        if self.kind.is_identity() || self.kind == PolicyKind::ServiceControl {
            return self.fault(Fault::PrincipalForbidden, element.offset);
        }
        if element.key == "NotPrincipal" {
            let allows = statement.last("Effect").and_then(|effect| text(&effect.value)) == Some("Allow");
            if allows {
                self.fault(Fault::AllowNotPrincipal, element.offset);
            } else if matches!(self.kind, PolicyKind::Trust | PolicyKind::ResourceControl) {
                self.fault(Fault::NotPrincipalForbidden, element.offset);
            }
        }
        match &element.value.value {
            Json::String(text) if text == "*" => {}
            Json::String(text) => self.fault(Fault::BarePrincipal(text.clone()), element.value.offset),
            Json::Object(entries) if entries.is_empty() => self.fault(Fault::EmptyPrincipal, element.value.offset),
            Json::Object(entries) => {
                for entry in entries {
                    self.principal_entry(entry);
                }
            }
            _ => self.fault(Fault::WrongType, element.value.offset),
        }
    }

    fn principal_entry(&mut self, entry: &Member) {
        if PrincipalForm::under(&entry.key, "").is_none() {
            return self.fault(Fault::UnknownMember(entry.key.clone()), entry.offset);
        }
        let items = items(&entry.value);
        if items.is_empty() {
            self.fault(Fault::EmptyPrincipal, entry.value.offset);
        }
        for item in items {
            match text(item) {
                None => self.fault(Fault::WrongType, item.offset),
                Some(name) => {
                    let impossible = PrincipalForm::under(&entry.key, name) == Some(PrincipalForm::Impossible);
                    if impossible || (self.saved_on.is_some() && !self.is_principal_shaped(&entry.key, name)) {
                        let fault = Fault::InvalidPrincipal {
                            member: entry.key.clone(),
                            text: name.to_owned(),
                        };
                        self.fault(fault, item.offset);
                    }
                }
            }
        }
    }

    fn actions(&mut self, statement: &Members<'_>) {
        let Some(element) = statement.last("Action").or_else(|| statement.last("NotAction")) else {
            return self.missing_in_key_or(Fault::MissingActions, statement.offset);
        };
        let items = items(&element.value);
        // A stored statement with an empty list never applies (iam:G-71, iam:G-72).
        if items.is_empty() && self.saved_on.is_some() {
            self.fault(Fault::MissingActions, element.value.offset);
        }
        // Legacy texts say it twice, and both count (iam:G-06).
        let every = statement
            .all(&element.key)
            .flat_map(|member| self::items(&member.value));
        for item in every {
            let Some(action) = text(item) else {
                self.fault(Fault::WrongType, item.offset);
                continue;
            };
            if self.kind == PolicyKind::Trust && !action.to_ascii_lowercase().starts_with("sts:") {
                self.fault(Fault::NotAssumeRole, item.offset);
            }
            self.action_shape(action, item.offset);
        }
    }

    /// `*` or `service:name`: exactly one colon, no wildcard in the service (`iam:G-40`).
    fn action_shape(&mut self, action: &str, offset: usize) {
        if action == "*" {
            return;
        }
        let Some((vendor, name)) = action.split_once(':') else {
            return self.fault(Fault::ActionWithoutVendor, offset);
        };
        if name.contains(':') {
            self.fault(Fault::ActionColons, offset);
        } else if vendor.is_empty()
            || !vendor
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        {
            self.fault(Fault::ActionVendor(vendor.to_owned()), offset);
        }
    }

    fn resources(&mut self, statement: &Members<'_>) {
        let Some(element) = statement.last("Resource").or_else(|| statement.last("NotResource")) else {
            // Resource policies may leave it out (iam:G-13), trust policies must. S3 stores none without.
            let may_lack_it = match self.kind {
                PolicyKind::Resource | PolicyKind::Trust => true,
                PolicyKind::Bucket => self.saved_on.is_none(),
                _ => false,
            };
            if !may_lack_it {
                self.missing_in_key_or(Fault::MissingResources, statement.offset);
            }
            return;
        };
        if self.kind == PolicyKind::Trust {
            let fault = if element.key == "Resource" {
                Fault::ResourceForbidden
            } else {
                Fault::NotResourceForbidden
            };
            self.fault(fault, element.offset);
        }
        if items(&element.value).is_empty() && self.saved_on.is_some() {
            self.fault(Fault::MissingResources, element.value.offset);
        }
        // Legacy texts say it twice, and both count (iam:G-06).
        let every = statement.all(&element.key).flat_map(|member| {
            let in_list = matches!(member.value.value, Json::Array(_));
            items(&member.value).into_iter().map(move |item| (item, in_list))
        });
        for (item, in_list) in every {
            match &item.value {
                // Accepted and ignored inside a list (iam:G-10 as corrected).
                Json::Null if in_list => {}
                Json::String(resource) => self.resource(resource, item.offset),
                _ => self.fault(Fault::WrongType, item.offset),
            }
        }
    }

    /// One resource, as far as a document of this kind is checked for it.
    fn resource(&mut self, resource: &str, offset: usize) {
        let is_incomplete = resource.starts_with("arn:") && resource.splitn(6, ':').count() < 6;
        match self.kind {
            PolicyKind::Managed | PolicyKind::Inline => self.resource_shape(resource, offset),
            PolicyKind::Session => {
                self.resource_shape(resource, offset);
                if is_incomplete {
                    self.fault(Fault::IncompleteArn, offset);
                }
            }
            // In a key policy it is a pattern for the key, whatever it says (svc:K-14); a trust policy has none.
            PolicyKind::Key | PolicyKind::Trust => {}
            // Stored it never matches; an organization does not take it (iam:OQ-6).
            PolicyKind::ServiceControl | PolicyKind::ResourceControl if is_incomplete => {
                self.fault(Fault::IncompleteArn, offset);
            }
            PolicyKind::Bucket | PolicyKind::Resource | PolicyKind::VpcEndpoint if is_incomplete => {}
            _ => self.resource_shape(resource, offset),
        }
    }

    /// What IAM checks about the shape of a resource (`iam:G-50`…`G-54`, `iam:E-08`…`E-11`).
    fn resource_shape(&mut self, resource: &str, offset: usize) {
        if resource == "*" {
            return;
        }
        let fields: Vec<&str> = resource.splitn(6, ':').collect();
        let field = |position: usize| fields.get(position).copied();
        if fields.len() < 2 || fields[0] != "arn" {
            return self.fault(Fault::ResourceNotArn(resource.to_owned()), offset);
        }
        if !matches!(fields[1], "aws" | "*") {
            return self.fault(Fault::ResourcePartition(resource.to_owned()), offset);
        }
        if field(2).is_none_or(|service| service.contains(['*', '?'])) {
            return self.fault(Fault::ResourceVendor, offset);
        }
        // A wildcard is a Region too (iam:G-54).
        let has_region = field(3).is_some_and(|region| !region.is_empty());
        match (field(2), field(5)) {
            (Some("iam"), _) if has_region => self.fault(Fault::IamResourceRegion(resource.to_owned()), offset),
            (Some("iam"), Some(name)) if !is_iam_resource(name) => self.fault(Fault::IamResourceType, offset),
            (Some("s3"), name) if has_region && !name.is_some_and(is_regional_s3_resource) => {
                self.fault(Fault::ResourceRegion(resource.to_owned()), offset);
            }
            _ => {}
        }
        if (resource.contains("::") && fields.len() < 6) || field(2) == Some("") {
            self.fault(Fault::LegacyArn, offset);
        }
    }

    /// A malformed ARN is reported as such only if no resource has a fault of its own (`iam:E-20` as corrected).
    fn drop_legacy_arns_behind_shape_faults(&mut self) {
        use super::fault::Stage;
        if self
            .found
            .iter()
            .any(|found| found.fault.stage() == Stage::ResourceShape && found.fault != Fault::IncompleteArn)
        {
            self.found.retain(|found| found.fault != Fault::LegacyArn);
        }
    }

    /// In a key policy missing actions and resources are accepted until 2025-08-18 (`svc:K-14`).
    fn missing_in_key_or(&mut self, otherwise: Fault, offset: usize) {
        if self.kind != PolicyKind::Key {
            self.fault(otherwise, offset);
        } else if self.saved_on.is_some_and(|day| day >= KEY_STATEMENTS_COMPLETE_SINCE) {
            self.fault(Fault::KeyStatementIncomplete, offset);
        }
    }

    /// `{ operator: { key: value or list } }`; nothing else may stand there (`iam:G-60`…`G-66`).
    fn condition(&mut self, node: &Node) {
        let Json::Object(operators) = &node.value else {
            return self.fault(Fault::WrongType, node.offset);
        };
        for operator in operators {
            let Json::Object(keys) = &operator.value.value else {
                self.fault(Fault::WrongType, operator.value.offset);
                continue;
            };
            // An unknown operator without keys is stored (iam:G-62).
            if !is_operator(&operator.key) && !keys.is_empty() {
                self.fault(Fault::UnknownOperator(operator.key.clone()), operator.offset);
            }
            for key in keys {
                self.condition_values(&operator.key, key);
            }
        }
    }

    fn condition_values(&mut self, operator: &str, key: &Member) {
        let is_date = Operator::parse(operator).is_some_and(Operator::compares_dates);
        for item in items(&key.value) {
            match scalar(item) {
                None => self.fault(Fault::WrongType, item.offset),
                Some(value) if is_date && !savable_date(&value) => {
                    self.fault(Fault::BadDate, item.offset);
                }
                Some(_) => {}
            }
        }
        // KMS says so of the values of the encryption context alone (svc:C-4).
        let is_single_valued = key.key.to_ascii_lowercase().starts_with("kms:encryptioncontext:");
        if self.kind == PolicyKind::Key && operator.starts_with("ForAllValues:") && is_single_valued {
            self.fault(Fault::OverlyPermissive, key.offset);
        }
    }

    /// What customer-written RCPs may not say (`iam:G-15`).
    fn organization_rules(&mut self, statement: &Members<'_>) {
        if self.kind != PolicyKind::ResourceControl {
            return;
        }
        let effect = statement.last("Effect").and_then(|member| text(&member.value));
        let principal = statement.last("Principal").and_then(|member| text(&member.value));
        let bare_action = statement.last("Action").is_some_and(|member| {
            items(&member.value)
                .into_iter()
                .filter_map(text)
                .any(|action| !action.contains(':'))
        });
        let refused = effect == Some("Allow") || principal != Some("*") || bare_action || statement.has("NotAction");
        if refused {
            self.fault(Fault::ResourceControlForm, statement.offset);
        }
    }

    /// Whether an entry has the form that its member asks for (`iam:P-09`, `iam:P-12`); what stands under `AWS` is read by [`PrincipalForm`].
    fn is_principal_shaped(&self, member: &str, name: &str) -> bool {
        const SERVICE_ENDS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"];
        const CANONICAL_USER: usize = 64;
        match member {
            "Service" => {
                // Names of services are case-sensitive, and all of them are written small.
                let is_host =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
                let ends = SERVICE_ENDS
                    .iter()
                    .any(|end| name.len() > end.len() && name.ends_with(end));
                ends && name.bytes().all(is_host)
            }
            // Canonical ids are S3's: KMS and endpoints do not list them among their principals.
            "CanonicalUser" if matches!(self.kind, PolicyKind::Key | PolicyKind::VpcEndpoint) => false,
            "CanonicalUser" => name.len() == CANONICAL_USER && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
            _ => true,
        }
    }
}

fn members(node: &Node) -> &[Member] {
    match &node.value {
        Json::Object(members) => members,
        _ => &[],
    }
}

/// A known type, `*` instead of the type, or `root` (`iam:G-51`, `iam:G-54` as corrected). Another wildcard is none of these: `u*ser/x`
/// and `?` start with no known type (`iam:E-11`).
fn is_iam_resource(resource: &str) -> bool {
    resource == "root" || is_any_type(resource) || IAM_RESOURCE_TYPES.iter().any(|known| resource.starts_with(known))
}

/// S3 resources that live in a Region (`iam:G-54` as corrected).
fn is_regional_s3_resource(resource: &str) -> bool {
    is_any_type(resource)
        || ["accesspoint/", "access-grants/"]
            .iter()
            .any(|start| resource.starts_with(start))
}

/// `*` in the place of the resource type (`iam:G-51`): it takes the whole word.
fn is_any_type(resource: &str) -> bool {
    let type_word = resource.split('/').next().unwrap_or("");
    !type_word.is_empty() && type_word.bytes().all(|byte| byte == b'*')
}
