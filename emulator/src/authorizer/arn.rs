//! Splitting ARNs into six parts. No meaning of the parts.

/// The six parts of an ARN; the sixth keeps its colons. `None` with fewer parts.
#[inline]
pub(crate) fn split(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    Some([next()?, next()?, next()?, next()?, next()?, next()?])
}
