//! An emulator in AWS's place, as a process of its own, with a user who provisions, and lists of everything in it: Countersign's, or
//! MiniStack where it has been installed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use aws_credential_types::Credentials;
use aws_sdk_kms::config::Region;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::http_client_fn;
use countersign::target::endpoint::managed;

pub(crate) const ACCOUNT: &str = "111122223333";
const CONTROL: &str = "rehearsal";

pub(crate) const STORY: &str = r#"countersign: 1
id: test.live.story
world:
  accounts:
    "111122223333":
      managed_policies:
        readers: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}
      groups:
        staff: {policies: {list: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:ListBucket", Resource: "*"}]}}}
      users:
        alice:
          groups: [staff]
          attached: ["arn:aws:iam::111122223333:policy/readers"]
          policies: {kms: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["kms:Encrypt", "s3:PutObject"], Resource: "*"}]}}
        bob: {}
      roles:
        worker: {policies: {kms: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:Encrypt", Resource: "*"}]}}}
      keys:
        plain: {aliases: [alias/plain]}
        narrow:
          policy:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Principal: {AWS: "{{user.alice.arn}}"}, Action: "kms:Encrypt", Resource: "*"}]
          grants:
            one: {GranteePrincipal: "{{user.bob.arn}}", Operations: [Encrypt]}
      buckets:
        papers: {objects: {letter: {body: hello}}}
steps:
  - name: alice encrypts
    kind: observed
    as: {user: alice}
    call: kms:Encrypt
    with: {KeyId: "{{key.plain.arn}}", Plaintext: {text: hello}}
    expect: {decision: allow}
  - name: bob may not
    kind: observed
    as: {user: bob}
    call: kms:Encrypt
    with: {KeyId: "{{key.plain.arn}}", Plaintext: {text: hello}}
    expect: {decision: deny, code: AccessDeniedException}
  - name: bob has a grant
    kind: observed
    as: {user: bob}
    call: kms:Encrypt
    with: {KeyId: "{{key.narrow.arn}}", Plaintext: {text: hello}}
    expect: {decision: allow}
  - name: the worker is not named
    kind: observed
    as: {role: worker, session: shift}
    call: kms:Encrypt
    with: {KeyId: "{{key.narrow.arn}}", Plaintext: {text: hello}}
    expect: {decision: deny}
  - name: alice reads
    kind: observed
    as: {user: alice}
    call: s3:GetObject
    with: {Bucket: papers, Key: letter}
    expect: {decision: allow}
  - name: bob does not
    kind: observed
    as: {user: bob}
    call: s3:GetObject
    with: {Bucket: papers, Key: letter}
    expect: {decision: deny}
"#;

pub(crate) struct Rehearsal {
    pub(crate) url: String,
    /// What stands there, if it is not Countersign's own emulator.
    profile: Option<&'static str>,
    emulator: Child,
    folder: PathBuf,
    runtime: tokio::runtime::Runtime,
    key: (String, String),
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Rehearsal {
    pub(crate) fn start(name: &str) -> Self {
        Self::of(name, None, &["emulator", "--port", "0", "--control-token", CONTROL])
    }

    /// MiniStack; none where it is not installed, for nothing is installed for a test.
    pub(crate) fn ministack(name: &str) -> Option<Self> {
        let installed = std::fs::read_dir(managed::cache().join("targets")).ok()?.any(|entry| {
            entry.is_ok_and(|entry| {
                entry.file_name().to_string_lossy().starts_with("ministack-")
                    && entry.path().join("installed.txt").exists()
            })
        });
        installed.then(|| Self::of(name, Some("ministack"), &["target", "start", "ministack"]))
    }

    fn of(name: &str, profile: Option<&'static str>, start: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("countersign-live-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
        let mut emulator = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(start)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this package runs");
        let mut line = String::new();
        let mut out = BufReader::new(emulator.stdout.take().expect("it is piped"));
        out.read_line(&mut line).expect("it says where it is");
        // It goes on talking, and must not find its end of the pipe closed.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let mut words = line.split([' ', ',', '\n']);
        let url = words.rfind(|word| word.starts_with("http://127.0.0.1:"));
        let url = url.unwrap_or_else(|| panic!("no address: {line}")).to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let mut rehearsal = Self {
            url,
            profile,
            emulator,
            folder,
            runtime,
            key: Default::default(),
        };
        rehearsal.key = rehearsal.provisioner();
        rehearsal
    }

    /// A user who may do everything.
    fn provisioner(&self) -> (String, String) {
        let iam = self.iam();
        self.runtime.block_on(async {
            iam.create_user().user_name("tester").send().await.expect("root may");
            let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
            let put = iam
                .put_user_policy()
                .user_name("tester")
                .policy_name("all")
                .policy_document(all);
            put.send().await.expect("root may");
            let made = iam
                .create_access_key()
                .user_name("tester")
                .send()
                .await
                .expect("root may");
            let key = made.access_key().expect("it was made");
            (key.access_key_id().to_owned(), key.secret_access_key().to_owned())
        })
    }

    pub(crate) fn make_user(&self, name: &str) {
        let made = self.iam().create_user().user_name(name).send();
        self.runtime.block_on(made).expect("root may");
    }

    /// How late decisions see changes.
    pub(crate) fn propagation(&self, seconds: u64) {
        use std::io::{Read as _, Write as _};
        let address = self.url.trim_start_matches("http://");
        let body = format!("{{\"propagation_seconds\":{seconds}}}");
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        write!(
            stream,
            "POST /_countersign/v1/case HTTP/1.1\r\nhost: {address}\r\nx-countersign-token: {CONTROL}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file, and gives its name.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).expect("the temporary folder can be written");
        name.to_owned()
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .current_dir(&self.folder)
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .env("HOME", &self.folder)
            .env("AWS_ACCESS_KEY_ID", &self.key.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.key.1)
            .env("NO_COLOR", "1");
        command
    }

    /// The command with the provisioner's credentials.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.prepared()
            .args(arguments)
            .output()
            .expect("the binary of this package runs")
    }

    /// The same, allowed to drive the emulator.
    pub(crate) fn live(&self, arguments: &[&str]) -> Output {
        self.live_at(&self.url, arguments)
    }

    pub(crate) fn live_at(&self, url: &str, arguments: &[&str]) -> Output {
        self.allowed(url, arguments)
            .output()
            .expect("the binary of this package runs")
    }

    /// The command with everything that must be said before AWS is driven.
    fn allowed(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = self.prepared();
        command
            .args(arguments)
            .args(["--live", "--account", ACCOUNT, "--region", "us-east-1"]);
        command.args(["--live-endpoint", url]);
        if arguments.first() != Some(&"clean") {
            command.args(["--target", "aws"]);
        }
        if let Some(profile) = self.profile {
            command.args(["--live-profile", profile]);
        }
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.allowed(&self.url, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the binary of this package runs")
    }

    /// With the credentials of the root user.
    pub(crate) fn as_root(&self, arguments: &[&str]) -> Output {
        let mut command = self.allowed(&self.url, arguments);
        command
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command.output().expect("the binary of this package runs")
    }

    /// What is there beside the provisioner, by listing; keys that are on their way out are not.
    pub(crate) fn things(&self) -> Vec<String> {
        let mut things = self.everything();
        things.retain(|thing| thing != "user tester");
        things
    }

    pub(crate) fn everything(&self) -> Vec<String> {
        let (iam, kms, s3) = (self.iam(), self.kms(), self.s3());
        self.runtime.block_on(async {
            let mut things = Vec::new();
            let users = iam.list_users().send().await.expect("root may");
            things.extend(users.users().iter().map(|user| format!("user {}", user.user_name())));
            let roles = iam.list_roles().send().await.expect("root may");
            things.extend(roles.roles().iter().map(|role| format!("role {}", role.role_name())));
            let groups = iam.list_groups().send().await.expect("root may");
            things.extend(
                groups
                    .groups()
                    .iter()
                    .map(|group| format!("group {}", group.group_name())),
            );
            let policies = iam
                .list_policies()
                .scope(aws_sdk_iam::types::PolicyScopeType::Local)
                .send();
            let policies = policies.await.expect("root may");
            things.extend(
                policies
                    .policies()
                    .iter()
                    .map(|policy| format!("policy {}", policy.arn().unwrap_or_default())),
            );
            let buckets = s3.list_buckets().send().await.expect("root may");
            things.extend(
                buckets
                    .buckets()
                    .iter()
                    .map(|bucket| format!("bucket {}", bucket.name().unwrap_or_default())),
            );
            let aliases = kms.list_aliases().send().await.expect("root may");
            let names = aliases
                .aliases()
                .iter()
                .map(|alias| alias.alias_name().unwrap_or_default());
            things.extend(
                names
                    .filter(|name| !name.starts_with("alias/aws/"))
                    .map(|name| format!("alias {name}")),
            );
            let keys = kms.list_keys().send().await.expect("root may");
            for key in keys.keys() {
                let id = key.key_id().unwrap_or_default();
                let described = kms.describe_key().key_id(id).send().await;
                // A key that cannot be looked at is there.
                let gone = described.as_ref().is_ok_and(|described| {
                    described.key_metadata().is_some_and(|metadata| {
                        metadata.key_state() == Some(&aws_sdk_kms::types::KeyState::PendingDeletion)
                            || metadata.key_manager() == Some(&aws_sdk_kms::types::KeyManagerType::Aws)
                    })
                });
                if !gone {
                    things.push(format!("key {id}"));
                }
            }
            things
        })
    }

    /// A key's policy, as the provisioner reads it.
    pub(crate) fn policy_of(&self, key: &str) -> String {
        let asked = self.kms().get_key_policy().key_id(key).send();
        let answer = self.runtime.block_on(asked).expect("the provisioner always may");
        answer.policy().unwrap_or_default().to_owned()
    }

    fn iam(&self) -> aws_sdk_iam::Client {
        let builder = aws_sdk_iam::Config::builder()
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .credentials_provider(root())
            .http_client(plain_http());
        aws_sdk_iam::Client::from_conf(builder.build())
    }

    /// As the provisioner, whom every key of a live run keeps: the root user may not even look at some of them.
    fn kms(&self) -> aws_sdk_kms::Client {
        let builder = aws_sdk_kms::Config::builder()
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(&self.key.0, &self.key.1, None, None, "test"))
            .http_client(plain_http());
        aws_sdk_kms::Client::from_conf(builder.build())
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let builder = aws_sdk_s3::Config::builder()
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .force_path_style(true)
            .credentials_provider(root())
            .http_client(plain_http());
        aws_sdk_s3::Client::from_conf(builder.build())
    }
}

fn root() -> Credentials {
    Credentials::new(ACCOUNT, "test", None, None, "test")
}

fn plain_http() -> impl aws_smithy_runtime_api::client::http::HttpClient + 'static {
    http_client_fn(|_, _| {
        let connector = Connector::builder()
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .build_http();
        aws_smithy_runtime_api::client::http::SharedHttpConnector::new(connector)
    })
}
