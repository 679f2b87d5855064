//! KMS over the wire: multi-Region keys: replication, change of primary, deletion in order, import into each Region.

use serde_json::{Value, json};

use crate::kms_life::{EUROPE, PLAINTEXT, external, import_body, parameters, state_of};
use crate::support::{A, Keys, World, allow, root, text};

fn in_europe(world: &World, keys: &Keys, operation: &str, body: Value) -> Value {
    let (status, answer) = world.kms_in(EUROPE, keys, operation, body);
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

fn id(arn: &str) -> String {
    arn.rsplit('/').next().expect("an id").to_owned()
}

#[test]
fn replicas_share_material_and_nothing_else() {
    // svc:K-15, svc:K-22
    let world = World::new();
    let root = root(A);
    let made = world.kms_ok(
        &root,
        "CreateKey",
        json!({ "MultiRegion": true, "Description": "primary" }),
    );
    let key = text(&made["KeyMetadata"]["Arn"]);
    assert_eq!(
        made["KeyMetadata"]["MultiRegionConfiguration"]["MultiRegionKeyType"],
        "PRIMARY"
    );
    let single = world.key(A, None);
    assert_eq!(
        world
            .kms_err(
                &root,
                "ReplicateKey",
                json!({ "KeyId": single, "ReplicaRegion": EUROPE })
            )
            .0,
        "UnsupportedOperationException"
    );
    assert_eq!(
        world
            .kms_err(
                &root,
                "ReplicateKey",
                json!({ "KeyId": key, "ReplicaRegion": "nowhere" })
            )
            .0,
        "ValidationException"
    );
    let answer = world.kms_ok(
        &root,
        "ReplicateKey",
        json!({
            "KeyId": key, "ReplicaRegion": EUROPE, "Description": "replica",
            "Tags": [{ "TagKey": "a", "TagValue": "b" }],
        }),
    );
    let metadata = &answer["ReplicaKeyMetadata"];
    assert_eq!(
        (&metadata["KeyState"], &metadata["Description"], &metadata["KeyId"]),
        (&json!("Creating"), &json!("replica"), &made["KeyMetadata"]["KeyId"])
    );
    assert_eq!(answer["ReplicaTags"], json!([{ "TagKey": "a", "TagValue": "b" }]));
    assert_eq!(
        world
            .kms_err(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }))
            .0,
        "AlreadyExistsException"
    );
    let id = id(&key);
    assert_eq!(state_of(&world, EUROPE, &id), "Enabled");
    let blob = world.kms_ok(
        &root,
        "Encrypt",
        json!({ "KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": { "a": "b" } }),
    )["CiphertextBlob"]
        .clone();
    for body in [json!({}), json!({ "KeyId": id })] {
        let mut body = body;
        body["CiphertextBlob"] = blob.clone();
        body["EncryptionContext"] = json!({ "a": "b" });
        let opened = in_europe(&world, &root, "Decrypt", body);
        assert_eq!(opened["Plaintext"], PLAINTEXT);
        assert!(text(&opened["KeyId"]).contains(EUROPE));
    }
    // Rotation is shared and belongs to the primary.
    world.kms_ok(&root, "EnableKeyRotation", json!({ "KeyId": key }));
    let status = in_europe(&world, &root, "GetKeyRotationStatus", json!({ "KeyId": id }));
    assert_eq!(status["KeyRotationEnabled"], true);
    let (code, answer) = world.kms_in(EUROPE, &root, "DisableKeyRotation", json!({ "KeyId": id }));
    assert_eq!(
        (code, &answer["__type"]),
        (400, &json!("UnsupportedOperationException"))
    );
    world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": key }));
    let blob =
        world.kms_ok(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }))["CiphertextBlob"].clone();
    let opened = in_europe(&world, &root, "Decrypt", json!({ "CiphertextBlob": blob }));
    assert_eq!(opened["Plaintext"], PLAINTEXT);
    // State is not: a disabled replica still gets the material that its primary rotated to.
    in_europe(&world, &root, "DisableKey", json!({ "KeyId": id }));
    assert_eq!(state_of(&world, "us-east-1", &key), "Enabled");
    world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": key }));
    world.case(&json!({ "clock": "2026-03-08T00:00:00Z" }));
    let now = "20260308T000000Z";
    let (_, sealed) = world.kms_at(now, &root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }));
    let (status, answer) = world.kms_in_at(EUROPE, now, &root, "EnableKey", json!({ "KeyId": id }));
    assert_eq!(status, 200, "{answer}");
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    let (_, opened) = world.kms_in_at(EUROPE, now, &root, "Decrypt", body);
    assert_eq!(opened["Plaintext"], PLAINTEXT, "{opened}");
}

#[test]
fn replication_asks_in_both_regions() {
    // svc:K-22, svc:C-23, svc:C-2
    let world = World::new();
    let made = world.kms_ok(&root(A), "CreateKey", json!({ "MultiRegion": true }));
    let key = text(&made["KeyMetadata"]["Arn"]);
    let replicate = |user: &Keys| world.kms(user, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    let only_primary = world.user(A, "one", Some(&allow(&["kms:ReplicateKey"], "*")));
    let (_, answer) = replicate(&only_primary);
    assert!(text(&answer["Message"]).contains("kms:CreateKey"), "{answer}");
    let only_replica = world.user(A, "two", Some(&allow(&["kms:CreateKey"], "*")));
    let (_, answer) = replicate(&only_replica);
    assert!(text(&answer["Message"]).contains("kms:ReplicateKey"), "{answer}");
    let conditioned = |region: &str, kind: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": key,
                    "Condition": { "StringEquals": {
                        "kms:ReplicaRegion": EUROPE, "kms:MultiRegionKeyType": "PRIMARY", "aws:RequestedRegion": "us-east-1",
                    } },
                },
                {
                    "Effect": "Allow", "Action": ["kms:CreateKey", "kms:PutKeyPolicy"], "Resource": "*",
                    "Condition": { "StringEquals": { "aws:RequestedRegion": region, "kms:MultiRegionKeyType": kind } },
                },
            ],
        })
    };
    let wrong = world.user(A, "three", Some(&conditioned("us-east-1", "REPLICA")));
    assert_eq!(replicate(&wrong).0, 400);
    let wrong = world.user(A, "four", Some(&conditioned(EUROPE, "PRIMARY")));
    assert_eq!(replicate(&wrong).0, 400);
    let right = world.user(A, "five", Some(&conditioned(EUROPE, "REPLICA")));
    let (status, answer) = replicate(&right);
    assert_eq!(status, 200, "{answer}");
    // The new key is a replica for conditions too.
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
            "Condition": { "StringEquals": { "kms:MultiRegionKeyType": "REPLICA" } },
        }],
    });
    let user = world.user(A, "six", Some(&policy));
    let body = json!({ "KeyId": id(&key), "Plaintext": PLAINTEXT });
    in_europe(&world, &user, "Encrypt", body.clone());
    assert_eq!(world.kms_err(&user, "Encrypt", body).0, "AccessDeniedException");
}

#[test]
fn the_primary_moves_and_is_deleted_last() {
    // svc:K-22, svc:ST-4
    let world = World::new();
    let root = root(A);
    let made = world.kms_ok(&root, "CreateKey", json!({ "MultiRegion": true }));
    let key = text(&made["KeyMetadata"]["Arn"]);
    let id = id(&key);
    let move_to = |region: &str| json!({ "KeyId": id, "PrimaryRegion": region });
    assert_eq!(
        world.kms_err(&root, "UpdatePrimaryRegion", move_to(EUROPE)).0,
        "NotFoundException"
    );
    world.kms_ok(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    let one_side = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "kms:UpdatePrimaryRegion", "Resource": "*",
            "Condition": { "StringEquals": { "aws:RequestedRegion": "us-east-1" } },
        }],
    });
    let user = world.user(A, "mover", Some(&one_side));
    assert_eq!(
        world.kms_err(&user, "UpdatePrimaryRegion", move_to(EUROPE)).0,
        "AccessDeniedException"
    );
    world.case(&json!({ "propagation_seconds": 60 }));
    assert_eq!(world.kms(&root, "UpdatePrimaryRegion", move_to(EUROPE)).0, 200);
    assert_eq!(state_of(&world, "us-east-1", &id), "Updating");
    assert_eq!(
        world.kms_err(&root, "DisableKey", json!({ "KeyId": id })),
        ("KMSInvalidStateException".to_owned(), format!("{key} is updating."))
    );
    world.kms_ok(&root, "Encrypt", json!({ "KeyId": id, "Plaintext": PLAINTEXT }));
    assert_eq!(world.control("POST", "arrange", &json!({ "settle": true })).0, 204);
    world.case(&json!({ "propagation_seconds": 0 }));
    assert_eq!(state_of(&world, "us-east-1", &id), "Enabled");
    let metadata = in_europe(&world, &root, "DescribeKey", json!({ "KeyId": id }))["KeyMetadata"].clone();
    assert_eq!(
        metadata["MultiRegionConfiguration"],
        json!({
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": { "Arn": key.replace("us-east-1", EUROPE), "Region": EUROPE },
            "ReplicaKeys": [{ "Arn": key, "Region": "us-east-1" }],
        })
    );
    assert_eq!(
        world.kms_err(&root, "UpdatePrimaryRegion", move_to(EUROPE)).0,
        "UnsupportedOperationException",
        "the caller's key is a replica now"
    );
    // The primary waits for its replica.
    let scheduled = in_europe(
        &world,
        &root,
        "ScheduleKeyDeletion",
        json!({ "KeyId": id, "PendingWindowInDays": 8 }),
    );
    assert_eq!(
        (&scheduled["KeyState"], scheduled.get("DeletionDate")),
        (&json!("PendingReplicaDeletion"), None)
    );
    let described = in_europe(&world, &root, "DescribeKey", json!({ "KeyId": id }))["KeyMetadata"].clone();
    assert_eq!(described["PendingDeletionWindowInDays"], 8);
    world.kms_ok(
        &root,
        "ScheduleKeyDeletion",
        json!({ "KeyId": id, "PendingWindowInDays": 7 }),
    );
    assert_eq!(state_of(&world, EUROPE, &id), "PendingReplicaDeletion");
    world.case(&json!({ "clock": "2025-01-15T00:00:00Z" }));
    let at = |date: &str, region: &str| {
        let (status, answer) = world.kms_in_at(region, date, &root, "DescribeKey", json!({ "KeyId": id }));
        (
            status,
            answer["KeyMetadata"]["KeyState"].clone(),
            answer["KeyMetadata"]["DeletionDate"].clone(),
        )
    };
    assert_eq!(at("20250115T000000Z", "us-east-1").0, 400, "svc:ST-5");
    assert_eq!(
        at("20250115T000000Z", EUROPE),
        (200, json!("PendingDeletion"), json!(1_736_294_400.0 + 15.0 * 86_400.0))
    );
    world.case(&json!({ "clock": "2025-01-23T00:00:00Z" }));
    assert_eq!(at("20250123T000000Z", EUROPE).0, 400, "svc:ST-5");
}

/// One ReplicateKey, two events: its own and a CreateKey in the Region of the replica (developer guide,
/// ct-replicate-key); a failed one is one event.
#[test]
fn replicating_is_told_in_both_regions() {
    let world = World::new();
    let root = root(A);
    let made = world.kms_ok(&root, "CreateKey", json!({ "MultiRegion": true }));
    let key = text(&made["KeyMetadata"]["Arn"]);
    let before = world.trail().len();
    world.kms_ok(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    let events = world.trail()[before..].to_vec();
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|event| {
            (
                event["eventName"].as_str().unwrap_or_default(),
                event["awsRegion"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(told, [("ReplicateKey", "us-east-1"), ("CreateKey", EUROPE)]);
    assert_eq!(events[1]["userIdentity"], events[0]["userIdentity"]);
    assert_eq!(events[1]["requestParameters"]["multiRegion"], true);
    assert_eq!(
        events[1]["resources"],
        json!([{ "accountId": A, "type": "AWS::KMS::Key", "ARN": key.replace("us-east-1", EUROPE) }])
    );
    assert_ne!(events[0]["eventID"], events[1]["eventID"]);
    let before = world.trail().len();
    world.kms_err(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    assert_eq!(world.trail().len(), before + 1);
}

/// One UpdatePrimaryRegion, two events: one a Region, each with the key of the Region (developer guide,
/// ct-update-primary-region); a failed one is one event.
#[test]
fn a_new_primary_is_told_in_both_regions() {
    let world = World::new();
    let root = root(A);
    let made = world.kms_ok(&root, "CreateKey", json!({ "MultiRegion": true }));
    let key = text(&made["KeyMetadata"]["Arn"]);
    world.kms_ok(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    let parameters = json!({ "keyId": key, "primaryRegion": EUROPE });
    let body = json!({ "KeyId": key, "PrimaryRegion": EUROPE });
    let before = world.trail().len();
    world.kms_ok(&root, "UpdatePrimaryRegion", body.clone());
    let events = world.trail()[before..].to_vec();
    let arns = [key.clone(), key.replace("us-east-1", EUROPE)];
    assert_eq!(events.len(), 2);
    for ((event, region), arn) in events.iter().zip(["us-east-1", EUROPE]).zip(arns) {
        assert_eq!(event["eventName"], "UpdatePrimaryRegion");
        assert_eq!(
            (&event["awsRegion"], &event["requestParameters"]),
            (&json!(region), &parameters)
        );
        assert_eq!(
            event["resources"],
            json!([{ "accountId": A, "type": "AWS::KMS::Key", "ARN": arn }])
        );
        assert_eq!(event["userIdentity"], events[0]["userIdentity"]);
    }
    assert_ne!(events[0]["eventID"], events[1]["eventID"]);
    let before = world.trail().len();
    world.kms_err(&root, "UpdatePrimaryRegion", body);
    assert_eq!(world.trail().len(), before + 1);
}

#[test]
fn imported_multi_region_keys_take_the_primarys_material_only() {
    let world = World::new();
    let root = root(A);
    let algorithm = "RSAES_OAEP_SHA_256";
    let key = external(&world, json!({ "MultiRegion": true }));
    assert_eq!(
        world
            .kms_err(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }))
            .0,
        "KMSInvalidStateException"
    );
    let given = parameters(&world, "us-east-1", &key, algorithm);
    world.kms_ok(
        &root,
        "ImportKeyMaterial",
        import_body(&key, &given, algorithm, &[5; 32]),
    );
    world.kms_ok(&root, "ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": EUROPE }));
    let id = id(&key);
    assert_eq!(state_of(&world, EUROPE, &id), "PendingImport");
    let given = parameters(&world, EUROPE, &id, algorithm);
    let (_, answer) = world.kms_in(
        EUROPE,
        &root,
        "ImportKeyMaterial",
        import_body(&id, &given, algorithm, &[6; 32]),
    );
    assert_eq!(answer["__type"], "IncorrectKeyMaterialException");
    in_europe(
        &world,
        &root,
        "ImportKeyMaterial",
        import_body(&id, &given, algorithm, &[5; 32]),
    );
    let blob = world.kms_ok(&root, "Encrypt", json!({ "KeyId": id, "Plaintext": PLAINTEXT }))["CiphertextBlob"].clone();
    assert_eq!(
        in_europe(&world, &root, "Decrypt", json!({ "CiphertextBlob": blob }))["Plaintext"],
        PLAINTEXT
    );
}
