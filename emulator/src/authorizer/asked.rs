//! One question, prepared once for all the statements it is put to: the action in lower case, the resource
//! cut into fields, context lookups. No matching.

use std::cell::Cell;
use std::net::IpAddr;

use super::context::ContextValue;
use super::pattern::Key;
use super::{AccessRequest, Caller, Context, Settings, arn};
use crate::fault::Fault;

/// What every statement is asked. Lives on the stack; preparing it allocates nothing unless the action's name is
/// longer than any AWS has.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) action: ActionText<'a>,
    /// `None` when the pair has no resource ARN (`iam:M-25`).
    pub(crate) resource: Option<[Text<'a>; 6]>,
    pub(crate) resource_text: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) settings: &'a Settings,
    /// Any fault is active; most questions are put to an authorizer without.
    pub(crate) faulty: bool,
    /// The last address that was read: policies ask for the same one again and again.
    address: Cell<Option<(&'a str, Option<IpAddr>)>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(request: &AccessRequest<'a>, settings: &'a Settings) -> Self {
        Self {
            caller: request.caller,
            action: ActionText::lower(request.action),
            resource: arn::split(request.resource).map(|parts| parts.map(Text::of)),
            resource_text: request.resource,
            context: request.context,
            settings,
            faulty: !settings.faults.is_empty(),
            address: Cell::new(None),
        }
    }

    /// Whether a fault is active.
    #[inline]
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faulty && self.settings.faults.contains(fault)
    }

    /// The value of a context key in lower case, and its hash.
    #[inline]
    pub(crate) fn fact(&self, key: &str, hash: u64) -> Option<Fact<'a>> {
        if self.faulty
            && let Some(told) = self.told_wrongly(key)
        {
            return Some(told);
        }
        Some(match self.context.get_hashed(key, hash)? {
            ContextValue::Single(text) => Fact::Single(text),
            ContextValue::Many(texts) => Fact::Many(texts),
            ContextValue::Conflicting => Fact::Conflicting,
        })
    }

    /// The text of a single-valued key (`iam:V-04`).
    #[inline]
    pub(crate) fn single(&self, key: &Key) -> Option<&'a str> {
        match self.fact(&key.text, key.hash)? {
            Fact::Single(text) => Some(text),
            Fact::Many(_) | Fact::Conflicting => None,
        }
    }

    /// Reads an address, or remembers having read it.
    #[inline]
    pub(crate) fn address(&self, text: &'a str) -> Option<IpAddr> {
        match self.address.get() {
            Some((known, address)) if std::ptr::eq(known, text) => address,
            _ => {
                let address = text.parse().ok();
                self.address.set(Some((text, address)));
                address
            }
        }
    }

    /// What active faults say of a global key.
    #[cold]
    fn told_wrongly(&self, key: &str) -> Option<Fact<'a>> {
        let faults = self.settings.faults;
        match (key, self.caller) {
            ("aws:principalarn", Caller::RoleSession { arn, .. })
                if faults.contains(Fault::SessionArnAsPrincipalArn) =>
            {
                Some(Fact::Single(arn))
            }
            ("aws:username", Caller::RoleSession { role_arn, .. }) if faults.contains(Fault::RoleNameAsUserName) => {
                role_arn.rsplit('/').next().map(Fact::Single)
            }
            ("aws:viaawsservice", _) if faults.contains(Fault::ViaAwsServiceAlwaysFalse) => Some(Fact::Single("false")),
            _ => None,
        }
    }
}

/// A text with its first eight bytes as a number, to tell most patterns off by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) head: u64,
}

impl<'a> Text<'a> {
    #[inline]
    pub(crate) fn of(text: &'a str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// INVARIANT: the bytes are UTF-8.
    #[inline]
    fn of_bytes(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            head: head_of(bytes),
        }
    }
}

/// The value of a context key, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact<'a> {
    Single(&'a str),
    Many(&'a [String]),
    Conflicting,
}

/// Longer than the longest action name of any service.
const INLINE: usize = 96;

/// An action in lower case (`iam:M-01`).
pub(crate) struct ActionText<'a> {
    /// As written in the request.
    pub(crate) written: &'a str,
    head: u64,
    inline: [u8; INLINE],
    spilled: Option<Box<[u8]>>,
}

impl std::fmt::Debug for ActionText<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.written)
    }
}

impl<'a> ActionText<'a> {
    pub(crate) fn lower(written: &'a str) -> Self {
        let bytes = written.as_bytes();
        let mut inline = [0; INLINE];
        let (head, spilled) = match inline.get_mut(..bytes.len()) {
            Some(start) => {
                start.copy_from_slice(bytes);
                start.make_ascii_lowercase();
                (head_of(start), None)
            }
            None => {
                let spilled = bytes.to_ascii_lowercase().into_boxed_slice();
                (head_of(&spilled), Some(spilled))
            }
        };
        Self {
            written,
            head,
            inline,
            spilled,
        }
    }

    #[inline]
    pub(crate) fn text(&self) -> Text<'_> {
        let inline = || self.inline.get(..self.written.len()).unwrap_or_default();
        Text {
            bytes: self.spilled.as_deref().unwrap_or_else(inline),
            head: self.head,
        }
    }
}

/// The first eight bytes, first byte lowest; zeros where there are fewer.
#[inline]
pub(crate) fn head_of(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*eight);
    }
    bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::{ActionText, INLINE, head_of};

    #[test]
    fn actions_are_lowered_whatever_their_length() {
        for length in [0, 1, 8, INLINE - 1, INLINE, INLINE + 1, 1000] {
            let written = "Kms:É".chars().cycle().take(length).collect::<String>();
            let action = ActionText::lower(&written);
            assert_eq!(action.text().bytes, written.to_ascii_lowercase().as_bytes());
            assert_eq!(action.text().head, head_of(action.text().bytes));
        }
        assert_eq!(head_of(b"ab"), 0x6261);
        assert_eq!(head_of(b"abcdefgh"), head_of(b"abcdefghi"));
        assert_ne!(head_of(b"abcdefgh"), head_of(b"abcdefg"));
    }
}
