//! The whole emulated cloud at one moment, to go back to: for whoever takes other steps in the same world again and again. What
//! is in a world belongs to the services; ids, secrets and key material that are drawn
//! afterwards are new ones, but from a deterministic source: it goes back too, and the same requests get the same answers.

use crate::emulator::Emulator;
use crate::identity::CredentialStore;
use crate::state::CaseSettings;

/// What a case can change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    case: CaseSettings,
    credentials: CredentialStore,
    iam: crate::iam::Store,
    kms: crate::kms::Store,
    s3: crate::s3::Store,
    lambda: crate::lambda::Store,
    backup: crate::backup::Store,
    dynamodb: crate::dynamodb::Store,
    ids: Option<u64>,
}

impl Emulator {
    /// The cloud as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot {
            case: state.case.clone(),
            credentials: state.credentials.clone(),
            iam: state.iam.clone(),
            kms: state.kms.clone(),
            s3: state.s3.clone(),
            lambda: state.lambda.clone(),
            backup: state.backup.clone(),
            dynamodb: state.dynamodb.clone(),
            ids: state.sources.ids.position(),
        }
    }

    /// Makes the cloud what it was.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut state = self.lock();
        let Snapshot {
            case,
            credentials,
            iam,
            kms,
            s3,
            lambda,
            backup,
            dynamodb,
            ids,
        } = snapshot.clone();
        state.case = case;
        state.credentials = credentials;
        state.iam = iam;
        state.replace_kms(kms);
        state.s3 = s3;
        state.lambda = lambda;
        state.backup = backup;
        state.dynamodb = dynamodb;
        if let Some(position) = ids {
            state.sources.ids.go_to(position);
        }
    }
}
