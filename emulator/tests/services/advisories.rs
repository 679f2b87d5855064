//! The table of published advisories about S3-compatible servers and their policy engines, row by row: which test shows
//! that the mistake is not made here. Rows that had no test have one in `advisories/`; what is no API of this emulator
//! says so.

mod administration;
mod shapes;

/// Where the tests of a row are; `file` is below `emulator/`, empty for what is not here.
struct Row {
    /// The advisories, as the table of the field names them.
    ids: &'static [&'static str],
    /// What was got wrong.
    mistake: &'static str,
    /// Tests by file.
    tests: &'static [(&'static str, &'static str)],
}

const fn row(
    ids: &'static [&'static str],
    mistake: &'static str,
    tests: &'static [(&'static str, &'static str)],
) -> Row {
    Row { ids, mistake, tests }
}

const SHAPES: &str = "tests/services/advisories/shapes.rs";
const ADMINISTRATION: &str = "tests/services/advisories/administration.rs";
const FORMS: &str = "tests/services/s3_forms.rs";
const ODD_SHAPES: &str = "tests/services/s3_shapes.rs";
const S3: &str = "tests/services/s3_authorization.rs";
const STS: &str = "tests/core/sts.rs";
const CONDITIONS: &str = "src/authorizer/tests/conditions.rs";

const ROWS: &[Row] = &[
    row(
        &["CVE-2021-21362"],
        "a form uploads where a signed PUT may not",
        &[
            (SHAPES, "uploads_are_decided_alike_in_every_shape"),
            (FORMS, "forms_are_authorized"),
        ],
    ),
    row(
        &["CVE-2021-43858", "CVE-2022-24842", "CVE-2026-22043", "CVE-2025-62506"],
        "who may little makes himself more: own password, keys of root, children without limits, own account",
        &[(ADMINISTRATION, "limited_sessions_stay_limited")],
    ),
    row(
        &["CVE-2023-25812"],
        "a Deny of BypassGovernanceRetention is passed over",
        &[("tests/services/s3_object_lock.rs", "object_lock")],
    ),
    row(
        &["CVE-2023-27589", "CVE-2026-55873", "CVE-2026-45043"],
        "two identities under one name, nobody as somebody, a parent of one's choice",
        &[(ADMINISTRATION, "names_are_no_identities")],
    ),
    row(
        &["CVE-2023-28434", "CVE-2023-43040"],
        "the bucket of a form is another than the one that is checked",
        &[(SHAPES, "the_bucket_of_a_form_is_the_one_of_its_url")],
    ),
    row(
        &["CVE-2024-24747", "minio#18939"],
        "credentials without a policy of their own: too much, then too little",
        &[
            (ADMINISTRATION, "limited_sessions_stay_limited"),
            (STS, "sessions_work_and_carry_their_limits"),
        ],
    ),
    row(
        &["CVE-2024-36107"],
        "preconditions are answered before permissions",
        &[(SHAPES, "preconditions_and_ranges_tell_nothing_to_the_denied")],
    ),
    row(
        &["CVE-2024-55949", "CVE-2026-22042", "GHSA-mm2q-qcmx-gw4w", "ceph#54826"],
        "an administrative call that asks nobody, or for another action",
        &[(ADMINISTRATION, "every_iam_call_asks_for_its_own_action")],
    ),
    row(
        &["CVE-2025-31489", "CVE-2026-40344", "CVE-2026-41145", "seaweedfs#2180"],
        "uploads in chunks: signature unverified, permission unasked",
        &[
            (SHAPES, "uploads_are_decided_alike_in_every_shape"),
            (SHAPES, "forged_uploads_are_refused_in_every_shape"),
        ],
    ),
    row(
        &["CVE-2021-41137"],
        "no policies for plain users",
        &[
            ("tests/core/kms_permissions.rs", "delegation_is_not_access"),
            (S3, "operations_ask_for_their_action"),
        ],
    ),
    row(
        &["CVE-2026-27607"],
        "conditions of a form's policy are not enforced",
        &[(FORMS, "signatures_and_policies_are_checked")],
    ),
    row(
        &["GHSA-mx42-j6wv-px98"],
        "parts that are copied, completed or thrown away unasked",
        &[(SHAPES, "every_step_of_a_multipart_upload_asks")],
    ),
    row(
        &["GHSA-wfxj-ph3v-7mjf"],
        "a condition on the source of a copy is not evaluated",
        &[("tests/services/s3_condition_keys.rs", "condition_keys")],
    ),
    row(
        &["GHSA-3ppv-fx5m-m749"],
        "a version is read with the permission for the current one",
        &[(S3, "operations_ask_for_their_action")],
    ),
    row(
        &["GHSA-g8w9-qw9q-fghr", "GHSA-xm99-m3gq-83g8"],
        "a copy source that nobody signed turns an upload into a read",
        &[(SHAPES, "headers_that_nobody_signed_are_refused")],
    ),
    row(
        &["GHSA-f4vq-9ffr-m8m3", "GHSA-8r6f-hmq2-28rg", "CVE-2026-54917"],
        "`..` in a key: one path checked, another stored",
        &[
            (ODD_SHAPES, "odd_shapes_are_decided_like_their_plain_twin"),
            ("tests/services/s3_objects.rs", "keys_are_verbatim"),
        ],
    ),
    row(
        &["CVE-2026-55874"],
        "`..` in a copy source leads into another bucket",
        &[(SHAPES, "dots_in_a_copy_source_are_part_of_the_key")],
    ),
    row(
        &["GHSA-fc6g-2gcp-2qrq"],
        "aws:SourceIp is what X-Forwarded-For says",
        &[
            (ODD_SHAPES, "odd_shapes_are_decided_like_their_plain_twin"),
            (SHAPES, "forged_origins_change_nothing_at_kms"),
        ],
    ),
    row(
        &["GHSA-3g29-xff2-92vp", "GHSA-g3vq-vv42-f647"],
        "another protocol without authorization",
        &[],
    ),
    row(
        &["GHSA-xrrf-67jm-3c2r"],
        "said to be encrypted, stored as it came",
        &[
            ("src/s3/seal.rs", "opens_only_with_the_key_that_sealed"),
            ("tests/services/s3_sse_kms.rs", "key_errors"),
        ],
    ),
    row(
        &["CVE-2026-72920"],
        "an administrative interface without authentication",
        &[("tests/core/control.rs", "the_rails_hold")],
    ),
    row(
        &["seaweedfs#9555", "seaweedfs#9546"],
        "the source of a copy is not checked",
        &[
            (S3, "copies_need_both_sides"),
            (SHAPES, "every_step_of_a_multipart_upload_asks"),
        ],
    ),
    row(
        &["seaweedfs#11283"],
        "a condition operator that nobody knows is passed over",
        &[
            ("src/authorizer/tests/saving.rs", "identity_policies"),
            (
                "src/authorizer/tests/saving/elements.rs",
                "stored_documents_that_cannot_be_used",
            ),
        ],
    ),
    row(
        &["CVE-2024-48916"],
        "a web identity token of any algorithm is accepted",
        &[(ADMINISTRATION, "web_identities_and_assertions_are_refused")],
    ),
    row(
        &["ceph#41931"],
        "a resource that means nothing here is dropped, and the statement means everything",
        &[
            ("tests/services/rulings.rs", "partitions_and_sids_of_saved_policies"),
            ("src/authorizer/tests/patterns.rs", "resource_vectors"),
        ],
    ),
    row(
        &["ceph#66909"],
        "who assumes a role of another account is not asked for his own permission",
        &[(ADMINISTRATION, "foreign_roles_need_both_sides")],
    ),
    row(
        &["ceph#41585", "ceph#42247"],
        "session policies are combined wrongly, or are nothing to CreateBucket",
        &[(ADMINISTRATION, "limited_sessions_stay_limited")],
    ),
    row(
        &["CVE-2016-7031"],
        "authenticated-read lets anybody list",
        &[(SHAPES, "authenticated_read_is_not_for_everybody")],
    ),
    row(
        &[
            "rustfs#2015",
            "minio#3660",
            "minio#6955",
            "minio#7021",
            "ceph#15607",
            "ceph#16463",
        ],
        "negated operators, Null and IfExists",
        &[(CONDITIONS, "strings"), (CONDITIONS, "null_and_set_operators")],
    ),
    row(
        &["floci#3195", "floci#3536", "floci#2333", "floci#3584"],
        "presigned requests pass, anybody writes bucket policies, copy sources and boundaries unasked",
        &[
            (SHAPES, "presigned_requests_are_decided_like_signed_ones"),
            (SHAPES, "nobody_in_particular_changes_settings"),
            (S3, "copies_need_both_sides"),
            ("src/authorizer/tests/micro_cases.rs", "cross_account_t_030_to_t_041"),
        ],
    ),
];

/// The tests that the table names are there, and no advisory is in two rows.
#[test]
fn every_row_names_its_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = std::collections::BTreeSet::new();
    for row in ROWS {
        for id in row.ids {
            assert!(seen.insert(id), "{id} is in two rows");
        }
        for (file, test) in row.tests {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            let found =
                text.contains(&format!("#[test]\nfn {test}()")) || text.contains(&format!("#[test]\n    fn {test}()"));
            assert!(found, "{:?} ({}): no test `{test}` in {file}", row.ids, row.mistake);
        }
    }
    assert_eq!(seen.len(), 57);
}
