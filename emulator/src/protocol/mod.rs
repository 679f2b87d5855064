//! Wire protocols: routing, reading of Query and JSON, writing of XML and JSON, error rendering.
//!
//! A service handler is `pub fn handle(state: &mut State, request: &Authenticated) -> Response` in
//! `s3`, `lambda`, `backup`, `dynamodb`, `kms`, `iam` and `sts`, called by [`route::dispatch`].

pub mod error;
pub mod json;
pub mod multipart;
pub mod query;
mod request;
pub mod route;
mod xml;

pub use request::{Authenticated, Authentication, Response, Service, SignatureForm};
pub use xml::XmlWriter;
