//! What users never have here: passwords, SSH keys, MFA devices, certificates, service-specific credentials. Tools look
//! before they delete a user.

use super::call::{Call, Kind};
use super::error::IamError;
use super::{render, users};
use crate::authorizer::Context;
use crate::protocol::XmlWriter;
use crate::state::State;

/// `iam:ListMFADevices`.
pub(super) fn mfa_devices(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    nothing(state, call, xml, "MFADevices")
}

/// `iam:ListSSHPublicKeys`.
pub(super) fn ssh_public_keys(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    nothing(state, call, xml, "SSHPublicKeys")
}

/// `iam:ListServiceSpecificCredentials`.
pub(super) fn service_credentials(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    nothing(state, call, xml, "ServiceSpecificCredentials")
}

/// `iam:ListSigningCertificates`.
pub(super) fn certificates(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    nothing(state, call, xml, "Certificates")
}

/// `iam:GetLoginProfile`, `iam:DeleteLoginProfile`.
pub(super) fn login_profile(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = user(state, call)?;
    let message = format!("Login Profile for User {name} cannot be found.");
    Err(IamError::new("NoSuchEntity", message))
}

fn nothing(state: &State, call: &Call<'_>, xml: &mut XmlWriter, name: &str) -> Result<(), IamError> {
    user(state, call)?;
    render::page::<()>(xml, call.parameters, name, &[], |_, ()| {})
}

/// The user named, after authorization.
fn user<'a>(state: &State, call: &Call<'a>) -> Result<&'a str, IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::User, name), Context::new())?;
    users::find(state, call, name)?;
    Ok(name)
}
