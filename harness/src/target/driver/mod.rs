//! Drivers: an operation's parameters under their AWS names go into the SDK's input, the SDK's output comes back as JSON under AWS names.
//! One table for each service. Nothing here knows the model or decides anything.

mod backup;
mod brief;
mod credentials;
mod direct;
mod dynamodb;
mod fields;
mod iam;
mod kms;
mod lambda;
mod members;
mod s3;
mod s3_presignable;
mod s3_types;
mod sts;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use countersign_model::case::{Decision, PublicAccessBlockSpec, Shape};
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::connector::{CaseClock, CurrentCaller, Line, ServiceLine, chain_of};
use super::{TargetError, shape};
pub(crate) use credentials::RoleSession;
use fields::Fields;

/// The SDK could not read the target's answer.
pub const UNPARSABLE: &str = "UnparsableResponse";

/// Codes that mean "authorization refused it".
const DENIALS: [&str; 3] = ["AccessDenied", "AccessDeniedException", "KMSAccessDeniedException"];

/// Every operation that the drivers know, as `service:Name`, in the order of the tables.
pub fn operations() -> impl Iterator<Item = String> {
    [
        ("kms", kms::NAMES),
        ("s3", s3_presignable::NAMES),
        ("s3", s3::NAMES),
        ("iam", iam::NAMES),
        ("sts", sts::NAMES),
        ("lambda", lambda::NAMES),
        ("backup", backup::NAMES),
        ("dynamodb", dynamodb::NAMES),
    ]
    .into_iter()
    .flat_map(|(service, names)| names.iter().map(move |name| format!("{service}:{name}")))
}

/// One call, complete.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Service prefix, such as `kms`.
    pub(crate) service: &'a str,
    /// Operation name, such as `Decrypt`.
    pub(crate) name: &'a str,
    /// Parameters, in the target's values.
    pub(crate) with: &'a Map<String, Value>,
    /// The Region it goes to.
    pub(crate) region: &'a str,
    /// Who signs; none for an anonymous call.
    pub(crate) credentials: Option<Credentials>,
    /// Form of the request.
    pub(crate) shape: Shape,
    /// Headers that the case adds.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the target answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Output on success.
    pub(crate) result: Result<Value, Failure>,
    /// Whether an earlier attempt of the call may have been carried out too.
    pub(crate) repeated: bool,
}

/// A failed call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Error code.
    pub(crate) code: Option<String>,
    /// Error message.
    pub(crate) message: Option<String>,
}

impl Failure {
    /// Code and message of a refusal in JSON, or in XML that was read into JSON.
    pub(crate) fn read(answer: &Value) -> Self {
        let error = answer.get("Error").unwrap_or(answer);
        let member = |names: &[&str]| names.iter().find_map(|name| error.get(name)?.as_str());
        Self {
            code: member(&["__type", "Code"]).map(|code| {
                let code = code.rsplit('#').next().unwrap_or_default();
                code.split(':').next().unwrap_or_default().to_owned()
            }),
            message: member(&["message", "Message"]).map(str::to_owned),
        }
    }
}

impl Answer {
    /// What the answer means, seen from outside.
    pub(crate) fn decision(&self) -> Decision {
        match &self.result {
            Ok(_) => Decision::Allow,
            Err(failure) => match failure.code.as_deref() {
                Some(code) if DENIALS.contains(&code) => Decision::Deny,
                None if self.status == 403 => Decision::Deny,
                _ => Decision::Error,
            },
        }
    }
}

/// The SDK clients over one line. Clients are shared by all callers: the credentials are looked up for each call.
#[derive(Debug)]
pub(crate) struct Driver {
    line: Arc<Line>,
    path_style: bool,
    clients: BTreeMap<(String, bool), Arc<Clients>>,
}

#[derive(Debug)]
struct Clients {
    backup: aws_sdk_backup::Client,
    iam: aws_sdk_iam::Client,
    kms: aws_sdk_kms::Client,
    lambda: aws_sdk_lambda::Client,
    s3: aws_sdk_s3::Client,
    sts: aws_sdk_sts::Client,
}

impl Driver {
    /// Drivers over a line.
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            path_style: true,
            clients: BTreeMap::new(),
        }
    }

    /// The same with buckets in the host name instead of the path.
    pub(crate) fn with_path_style(mut self, path_style: bool) -> Self {
        self.path_style = path_style;
        self
    }

    /// The line.
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Makes one call.
    ///
    /// # Errors
    /// [`TargetError::Adapter`] names the parameter that cannot be expressed; [`TargetError::Transport`] when there is no answer.
    pub(crate) async fn call(&mut self, call: Call<'_>) -> Result<Answer, TargetError> {
        let mut answer = match brief::call(&self.line, &call).await? {
            Some(answer) => answer,
            None => self.call_by_sdk(&call).await?,
        };
        if let Err(failure) = &mut answer.result
            && call.service == "s3"
            && call.name.starts_with("Head")
        {
            // An answer to HEAD has no body; the SDK makes a code up from the status.
            *failure = Failure::default();
        }
        if call.service == "lambda" && call.name == "Invoke" {
            lambda::judge_invocation(&mut answer);
        }
        Ok(answer)
    }

    async fn call_by_sdk(&mut self, call: &Call<'_>) -> Result<Answer, TargetError> {
        let signed_by_sdk = call.shape == Shape::Header && call.credentials.is_some();
        {
            let mut facts = self.line.facts();
            facts.credentials = call.credentials.clone();
            facts.operation = format!("{}:{}", call.service, call.name);
            facts.region = call.region.to_owned();
            facts.shape = call.shape;
            facts.headers = call.headers.clone();
            facts.presigned = None;
        }
        let clients = self.clients(call.region, signed_by_sdk);
        let operation = format!("{}:{}", call.service, call.name);
        let mut with = call.with.clone();
        if let (Some(rails), Some(credentials)) = (self.line.rails(), &call.credentials)
            && rails.is_provisioner(credentials.access_key_id())
        {
            rails.furnish(&operation, &mut with)?;
        }
        let mut fields = Fields::new(&operation, with);
        let line = Arc::clone(&self.line);
        let bucket = call.with.get("Bucket").and_then(Value::as_str);
        let direct = direct::suits(&line, call).then_some((&*line, bucket));
        let called = match call.service {
            "kms" => kms::call(&clients.kms, direct, call.name, &mut fields).await,
            "s3" if s3_presignable::NAMES.contains(&call.name) => {
                if call.shape == Shape::Presigned && call.credentials.is_some() {
                    self.presign(call, fields.clone()).await?;
                }
                s3_presignable::call(&clients.s3, direct, call.name, &mut fields).await
            }
            "s3" => {
                s3::supply(call.name, call.region, &mut fields);
                s3::call(&clients.s3, direct, call.name, &mut fields).await
            }
            "iam" => iam::call(&clients.iam, direct, call.name, &mut fields).await,
            "sts" => sts::call(&clients.sts, direct, call.name, &mut fields).await,
            "lambda" => {
                lambda::supply(call.name, &mut fields);
                lambda::call(&clients.lambda, direct, call.name, &mut fields).await
            }
            "backup" => backup::call(&clients.backup, direct, call.name, &mut fields).await,
            "dynamodb" => dynamodb::call(&self.line, call.name, &mut fields).await,
            service => Err(unknown_operation(service, call.name)),
        };
        if let Err(TargetError::Transport { .. }) = &called
            && let Some(fault) = self.line.take_fault()
        {
            return Err(fault);
        }
        Ok(Answer {
            status: self.line.last_status(),
            result: called?,
            repeated: self.line.repeated(),
        })
    }

    /// Has the SDK make the presigned URL that the next request then goes to: one client signs, another one sends.
    async fn presign(&mut self, call: &Call<'_>, mut fields: Fields) -> Result<(), TargetError> {
        let presigning = PresigningConfig::builder()
            .start_time(self.line.now())
            .expires_in(shape::VALID_FOR)
            .build()
            .map_err(|error| TargetError::adapter(chain_of(&error)))?;
        let signing = self.clients(call.region, true);
        let presigned = s3_presignable::presign(&signing.s3, call.name, &mut fields, presigning).await?;
        self.line.facts().presigned = Some(presigned.into_http_1x_request(()));
        Ok(())
    }

    /// Sets account-level Block Public Access, which belongs to the S3 control API that no SDK here speaks.
    ///
    /// # Errors
    /// As for [`Driver::call`].
    pub(crate) async fn put_account_block(
        &self,
        account: &str,
        credentials: Credentials,
        region: &str,
        block: &PublicAccessBlockSpec,
    ) -> Result<Answer, TargetError> {
        let body = format!(
            "<PublicAccessBlockConfiguration xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
             <BlockPublicAcls>{}</BlockPublicAcls><IgnorePublicAcls>{}</IgnorePublicAcls>\
             <BlockPublicPolicy>{}</BlockPublicPolicy><RestrictPublicBuckets>{}</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration>",
            block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets
        );
        let request = http::Request::builder()
            .method(http::Method::PUT)
            .uri(format!(
                "{}/v20180820/configuration/publicAccessBlock",
                self.line.endpoint_of("s3")
            ))
            .header("x-amz-account-id", account)
            .header("content-type", "application/xml")
            .header(http::header::CONTENT_LENGTH, body.len())
            .body(Bytes::from(body))
            .map_err(|error| TargetError::adapter(error.to_string()))?;
        let request =
            shape::sign_header(request, "s3", &credentials, region, self.line.now()).map_err(TargetError::adapter)?;
        self.line.facts().operation = "s3:PutAccountPublicAccessBlock".to_owned();
        let response = self.line.send(request).await?;
        let text = String::from_utf8_lossy(response.body());
        let element = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once('<').map(|(content, _)| content.to_owned())
        };
        let result = if response.status().is_success() {
            Ok(Value::Null)
        } else {
            Err(Failure {
                code: element("Code"),
                message: element("Message"),
            })
        };
        Ok(Answer {
            status: response.status().as_u16(),
            result,
            repeated: self.line.repeated(),
        })
    }

    fn clients(&mut self, region: &str, signed: bool) -> Arc<Clients> {
        let (line, path_style) = (&self.line, self.path_style);
        let clients = self
            .clients
            .entry((region.to_owned(), signed))
            .or_insert_with(|| Arc::new(Clients::new(line, region, signed, path_style)));
        Arc::clone(clients)
    }
}

macro_rules! client {
    ($sdk:ident, $service:literal, $line:expr, $region:expr, $signed:expr $(, $extra:ident ( $($argument:expr),* ))*) => {{
        let builder = $sdk::Config::builder()
            .region(Region::new($region.to_owned()))
            .endpoint_url($line.endpoint_of($service))
            .http_client(ServiceLine::new(Arc::clone($line), $service))
            .time_source(CaseClock(Arc::clone($line)))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::no_cache())
            $(.$extra($($argument),*))*;
        let builder = if $signed {
            builder.credentials_provider(SharedCredentialsProvider::new(CurrentCaller(Arc::clone($line))))
        } else {
            builder.allow_no_auth()
        };
        $sdk::Client::from_conf(builder.build())
    }};
}

impl Clients {
    fn new(line: &Arc<Line>, region: &str, signed: bool, path_style: bool) -> Self {
        Self {
            backup: client!(aws_sdk_backup, "backup", line, region, signed),
            iam: client!(aws_sdk_iam, "iam", line, region, signed),
            kms: client!(aws_sdk_kms, "kms", line, region, signed),
            lambda: client!(aws_sdk_lambda, "lambda", line, region, signed),
            s3: client!(
                aws_sdk_s3,
                "s3",
                line,
                region,
                signed,
                force_path_style(path_style),
                disable_s3_express_session_auth(true)
            ),
            sts: client!(aws_sdk_sts, "sts", line, region, signed),
        }
    }
}

/// What an SDK call came to: the outer error is ours, the inner one the target's.
type Called = Result<Result<Value, Failure>, TargetError>;

fn unknown_operation(service: &str, name: &str) -> TargetError {
    TargetError::adapter(format!("`{service}:{name}` is not an operation the drivers know"))
}

/// Sorts an SDK's error into the target's answer or somebody's fault.
fn failure<E>(error: SdkError<E, HttpResponse>) -> Result<Failure, TargetError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(context) => Ok(Failure {
            code: context.err().code().map(str::to_owned),
            message: context.err().message().map(str::to_owned),
        }),
        SdkError::ResponseError(_) => Ok(Failure {
            code: Some(UNPARSABLE.to_owned()),
            message: Some(chain_of(&error)),
        }),
        SdkError::DispatchFailure(ref dispatch) if dispatch.is_user() => Err(TargetError::adapter(chain_of(&error))),
        SdkError::ConstructionFailure(_) => Err(TargetError::adapter(format!(
            "the SDK refuses the parameters: {}",
            chain_of(&error)
        ))),
        _ => Err(TargetError::transport(chain_of(&error))),
    }
}

/// The table of one service: operation, SDK method, parameters with reader and setter, output.
///
/// A table marked `presignable` also makes presigned requests for its operations.
macro_rules! service_table {
    (presignable $service:literal, $sdk:ident; $($name:literal $method:ident $operation:ident {
        $($field:literal $reader:ident $setter:ident,)*
    } => |$output:ident| $json:expr;)*) => {
        $crate::target::driver::service_table! { $service, $sdk; $($name $method $operation {
            $($field $reader $setter,)*
        } => |$output| $json;)* }

        /// Has the SDK presign the request of this name.
        pub(super) async fn presign(
            client: &$sdk::Client,
            name: &str,
            fields: &mut $crate::target::driver::fields::Fields,
            presigning: aws_sdk_s3::presigning::PresigningConfig,
        ) -> Result<aws_sdk_s3::presigning::PresignedRequest, $crate::target::TargetError> {
            match name {
                $($name => {
                    let request = client.$method();
                    $(let request = request.$setter($reader(fields, $field)?);)*
                    fields.finish()?;
                    Box::pin(request.presigned(presigning)).await.map_err(|error| {
                        $crate::target::TargetError::adapter($crate::target::connector::chain_of(&error))
                    })
                })*
                _ => Err($crate::target::driver::unknown_operation($service, name)),
            }
        }
    };
    ($service:literal, $sdk:ident; $($name:literal $method:ident $operation:ident {
        $($field:literal $reader:ident $setter:ident,)*
    } => |$output:ident| $json:expr;)*) => {
        /// The operations of this service.
        pub(super) const NAMES: &[&str] = &[$($name),*];

        /// Makes the call of this name; through the SDK's client, or straight over a line to a bucket.
        pub(super) async fn call(
            client: &$sdk::Client,
            direct: Option<(&$crate::target::connector::Line, Option<&str>)>,
            name: &str,
            fields: &mut $crate::target::driver::fields::Fields,
        ) -> $crate::target::driver::Called {
            use aws_smithy_runtime_api::client::interceptors::context::Input;
            match name {
                // A function each: without optimisation the locals of all arms together would fill a stack.
                $($name => {
                    async fn this(
                        client: &$sdk::Client,
                        direct: Option<(&$crate::target::connector::Line, Option<&str>)>,
                        fields: &mut $crate::target::driver::fields::Fields,
                    ) -> $crate::target::driver::Called {
                        let input = $crate::target::driver::direct::fresh(client.$method().as_input());
                        $(let input = input.$setter($reader(fields, $field)?);)*
                        fields.finish()?;
                        let answer = match direct {
                            None => Box::pin(input.send_with(client)).await,
                            Some((line, bucket)) => match input.build() {
                                Err(error) => Err(aws_sdk_kms::error::SdkError::construction_failure(error)),
                                Ok(input) => {
                                    static GLUE: std::sync::OnceLock<aws_smithy_types::config_bag::FrozenLayer> =
                                        std::sync::OnceLock::new();
                                    let glue = GLUE.get_or_init(|| {
                                        $crate::target::driver::direct::glue(&$sdk::operation::$method::$operation::new())
                                    });
                                    let of = ($name, bucket);
                                    let input = Input::erase(input);
                                    $crate::target::driver::direct::call(line, $service, of, glue, input).await
                                }
                            },
                        };
                        Ok(match answer {
                            Ok($output) => Ok(serde_json::Value::from($json)),
                            Err(error) => Err($crate::target::driver::failure(error)?),
                        })
                    }
                    Box::pin(this(client, direct, fields)).await
                })*
                _ => Err($crate::target::driver::unknown_operation($service, name)),
            }
        }
    };
}
use service_table;

#[cfg(test)]
mod tests;
