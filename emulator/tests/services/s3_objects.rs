//! S3 as a store: bodies, ranges, headers, versions, listings, copies, multipart uploads. Permissions are tested in
//! `s3_authorization.rs`, encryption in `s3_sse_kms.rs`.

use crate::cloud::{A, Cloud, Keys};

fn put(cloud: &Cloud, who: &Keys, path: &str, body: &str) -> crate::cloud::Reply {
    cloud.s3_with(who, "PUT", path, &[], body).ok()
}

#[test]
fn put_get_head_delete() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let headers = [("content-type", "text/plain"), ("x-amz-meta-color", "red")];
    let reply = cloud
        .s3_with(&root, "PUT", "/bucket/dir/file.txt", &headers, "hello")
        .ok();
    assert_eq!(reply.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(reply.header("x-amz-server-side-encryption"), "AES256");
    let reply = cloud.s3(&root, "GET", "/bucket/dir/file.txt").ok();
    assert_eq!(reply.text(), "hello");
    assert_eq!(reply.header("content-type"), "text/plain");
    assert_eq!(reply.header("x-amz-meta-color"), "red");
    assert_eq!(reply.header("last-modified"), "Wed, 08 Jan 2025 00:00:00 GMT");
    let reply = cloud.s3(&root, "HEAD", "/bucket/dir/file.txt").ok();
    assert_eq!((reply.header("content-length"), reply.body.len()), ("5", 0));
    assert_eq!(cloud.s3(&root, "DELETE", "/bucket/dir/file.txt").status, 204);
    let reply = cloud.s3(&root, "GET", "/bucket/dir/file.txt");
    assert_eq!(reply.error(), (404, "NoSuchKey".to_owned()));
    assert_eq!(reply.element("Key"), "dir/file.txt");
    let reply = cloud.s3(&root, "HEAD", "/bucket/dir/file.txt");
    assert_eq!((reply.status, reply.body.len()), (404, 0));
}

#[test]
fn keys_are_verbatim() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    for (path, key) in [
        ("/bucket/../up", "../up"),
        ("/bucket//double//", "/double//"),
        ("/bucket/%E3%81%82%20%2B", "あ +"),
    ] {
        put(&cloud, &root, path, key);
        assert_eq!(cloud.s3(&root, "GET", path).ok().text(), key);
    }
    let listed = cloud.s3(&root, "GET", "/bucket?list-type=2").ok().text();
    for key in ["../up", "/double//", "あ +"] {
        assert!(listed.contains(&format!("<Key>{key}</Key>")), "{key}: {listed}");
    }
}

#[test]
fn ranges_and_preconditions() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let etag = put(&cloud, &root, "/bucket/k", "0123456789").header("etag").to_owned();
    let get = |name: &str, value: &str| cloud.s3_with(&root, "GET", "/bucket/k", &[(name, value)], "");
    let reply = get("range", "bytes=2-4");
    assert_eq!((reply.status, reply.text().as_str()), (206, "234"));
    assert_eq!(reply.header("content-range"), "bytes 2-4/10");
    assert_eq!(get("range", "bytes=10-").error(), (416, "InvalidRange".to_owned()));
    assert_eq!(get("if-none-match", &etag).status, 304);
    assert_eq!(get("if-match", "\"x\"").error(), (412, "PreconditionFailed".to_owned()));
    let write = |name: &str, value: &str| cloud.s3_with(&root, "PUT", "/bucket/k", &[(name, value)], "new");
    assert_eq!(
        write("if-none-match", "*").error(),
        (412, "PreconditionFailed".to_owned())
    );
    assert_eq!(
        write("if-match", "\"x\"").error(),
        (412, "PreconditionFailed".to_owned())
    );
    write("if-match", &etag).ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").text(), "new");
}

#[test]
fn checksums_are_verified_and_returned() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let send = |value: &str| {
        cloud.s3_with(
            &root,
            "PUT",
            "/bucket/k",
            &[("x-amz-checksum-crc32", value)],
            "123456789",
        )
    };
    assert_eq!(send("AAAAAA==").error(), (400, "BadDigest".to_owned()));
    assert_eq!(send("y/Q5Jg==").ok().header("x-amz-checksum-crc32"), "y/Q5Jg==");
    let plain = cloud.s3(&root, "GET", "/bucket/k").ok();
    assert_eq!(plain.header("x-amz-checksum-crc32"), "");
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let checked = cloud.s3_with(&root, "GET", "/bucket/k", &mode, "").ok();
    assert_eq!(checked.header("x-amz-checksum-crc32"), "y/Q5Jg==");
    let bad = cloud.s3_with(
        &root,
        "PUT",
        "/bucket/k",
        &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
        "x",
    );
    assert_eq!(bad.error(), (400, "BadDigest".to_owned()));
    put(&cloud, &root, "/bucket/crc64", "123456789");
    let checked = cloud.s3_with(&root, "HEAD", "/bucket/crc64", &mode, "").ok();
    assert_eq!(checked.header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
}

#[test]
fn versions() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    put(&cloud, &root, "/bucket/k", "null version");
    let enable = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    cloud.s3_with(&root, "PUT", "/bucket?versioning", &[], enable).ok();
    let first = put(&cloud, &root, "/bucket/k", "one")
        .header("x-amz-version-id")
        .to_owned();
    let second = put(&cloud, &root, "/bucket/k", "two")
        .header("x-amz-version-id")
        .to_owned();
    assert_ne!(first, second);
    let get = |version: &str| cloud.s3(&root, "GET", &format!("/bucket/k?versionId={version}"));
    assert_eq!(get(&first).text(), "one");
    assert_eq!(get("null").text(), "null version");
    let deleted = cloud.s3(&root, "DELETE", "/bucket/k").ok();
    assert_eq!(deleted.header("x-amz-delete-marker"), "true");
    let marker = deleted.header("x-amz-version-id").to_owned();
    let gone = cloud.s3(&root, "GET", "/bucket/k");
    assert_eq!(gone.error(), (404, "NoSuchKey".to_owned()));
    assert_eq!(gone.header("x-amz-delete-marker"), "true");
    assert_eq!(get(&marker).error(), (405, "MethodNotAllowed".to_owned()));
    assert_eq!(get("nonsense").error(), (404, "NoSuchVersion".to_owned()));
    let listed = cloud.s3(&root, "GET", "/bucket?versions").ok().text();
    assert_eq!(listed.matches("<Version>").count(), 3);
    assert_eq!(listed.matches("<DeleteMarker>").count(), 1);
    assert_eq!(listed.matches("<IsLatest>true</IsLatest>").count(), 1);
    assert_eq!(
        cloud.s3(&root, "DELETE", "/bucket").error(),
        (409, "BucketNotEmpty".to_owned())
    );
    cloud.s3(&root, "DELETE", &format!("/bucket/k?versionId={marker}")).ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").text(), "two");
}

#[test]
fn version_listings_resume_inside_a_key() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let enable = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    cloud.s3_with(&root, "PUT", "/bucket?versioning", &[], enable).ok();
    for body in ["1", "2", "3"] {
        put(&cloud, &root, "/bucket/a", body);
    }
    put(&cloud, &root, "/bucket/b", "4");
    let mut seen = Vec::new();
    let mut path = "/bucket?versions&max-keys=1".to_owned();
    loop {
        let page = cloud.s3(&root, "GET", &path).ok();
        seen.push(format!("{} {}", page.element("Key"), page.element("VersionId")));
        assert!(seen.len() < 10, "the listing does not end");
        if page.element("IsTruncated") != "true" {
            break;
        }
        path = format!(
            "/bucket?versions&max-keys=1&key-marker={}&version-id-marker={}",
            page.element("NextKeyMarker"),
            page.element("NextVersionIdMarker")
        );
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (4, 4), "{seen:?}");
}

#[test]
fn listings_page_and_group() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    for key in ["a/1", "a/2", "b", "c/1", "c/2/x", "d"] {
        put(&cloud, &root, &format!("/bucket/{key}"), key);
    }
    let all = |query: &str| {
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page = cloud
                .s3(&root, "GET", &format!("/bucket?list-type=2&max-keys=1{query}{token}"))
                .ok();
            let text = page.text();
            if text.contains("<Contents>") {
                found.push(page.element("Key"));
            } else if text.contains("<CommonPrefixes>") {
                let rest = &text[text.find("<CommonPrefixes>").expect("just seen")..];
                found.push(rest["<CommonPrefixes><Prefix>".len()..rest.find("</Prefix>").expect("closed")].to_owned());
            }
            assert!(found.len() < 20, "the listing does not end");
            if page.element("IsTruncated") != "true" {
                return found;
            }
            token = format!("&continuation-token={}", page.element("NextContinuationToken"));
        }
    };
    assert_eq!(all(""), ["a/1", "a/2", "b", "c/1", "c/2/x", "d"]);
    assert_eq!(all("&delimiter=%2F"), ["a/", "b", "c/", "d"]);
    assert_eq!(all("&delimiter=%2F&prefix=c%2F"), ["c/1", "c/2/"]);
    assert_eq!(all("&start-after=b"), ["c/1", "c/2/x", "d"]);
    let one = cloud.s3(&root, "GET", "/bucket?max-keys=2&delimiter=%2F").ok();
    assert_eq!(one.element("NextMarker"), "b");
    let two = cloud.s3(&root, "GET", "/bucket?delimiter=%2F&marker=b").ok();
    assert_eq!(two.element("Key"), "d");
    assert_eq!(two.text().matches("<CommonPrefixes>").count(), 1);
    let encoded = cloud.s3(&root, "GET", "/bucket?encoding-type=url&prefix=c%2F2").ok();
    assert_eq!(encoded.element("Key"), "c/2/x");
    let bad = cloud.s3(&root, "GET", "/bucket?max-keys=x");
    assert_eq!(bad.error(), (400, "InvalidArgument".to_owned()));
    assert_eq!(
        cloud
            .s3(&root, "GET", "/bucket?list-type=2&max-keys=0")
            .ok()
            .element("IsTruncated"),
        "false"
    );
}

#[test]
fn copies() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let headers = [("x-amz-meta-a", "1"), ("x-amz-tagging", "team=red")];
    cloud.s3_with(&root, "PUT", "/bucket/a", &headers, "body").ok();
    let copy = |target: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("x-amz-copy-source", "/bucket/a")];
        all.extend_from_slice(headers);
        cloud.s3_with(&root, "PUT", target, &all, "")
    };
    assert!(copy("/bucket/b", &[]).ok().text().contains("<CopyObjectResult"));
    let reply = cloud.s3(&root, "GET", "/bucket/b").ok();
    assert_eq!((reply.text().as_str(), reply.header("x-amz-meta-a")), ("body", "1"));
    assert_eq!(reply.header("x-amz-tagging-count"), "1");
    copy(
        "/bucket/c",
        &[
            ("x-amz-metadata-directive", "REPLACE"),
            ("x-amz-tagging-directive", "REPLACE"),
        ],
    )
    .ok();
    let reply = cloud.s3(&root, "GET", "/bucket/c").ok();
    assert_eq!(
        (reply.header("x-amz-meta-a"), reply.header("x-amz-tagging-count")),
        ("", "")
    );
    assert_eq!(copy("/bucket/a", &[]).error(), (400, "InvalidRequest".to_owned()));
    assert_eq!(
        copy("/bucket/d", &[("x-amz-copy-source-if-match", "\"x\"")]).error(),
        (412, "PreconditionFailed".to_owned())
    );
    let missing = cloud.s3_with(&root, "PUT", "/bucket/e", &[("x-amz-copy-source", "bucket/none")], "");
    assert_eq!(missing.error(), (404, "NoSuchKey".to_owned()));
}

#[test]
fn multipart_uploads() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let started = cloud
        .s3_with(&root, "POST", "/bucket/big?uploads", &[("x-amz-meta-a", "1")], "")
        .ok();
    let id = started.element("UploadId");
    let large = vec![b'x'; 5 * 1024 * 1024];
    let part = |number: u32, body: &[u8]| {
        cloud
            .s3_with(
                &root,
                "PUT",
                &format!("/bucket/big?partNumber={number}&uploadId={id}"),
                &[],
                body,
            )
            .ok()
            .header("etag")
            .to_owned()
    };
    let etags = [part(1, &large), part(2, b"tail")];
    let parts = cloud.s3(&root, "GET", &format!("/bucket/big?uploadId={id}")).ok();
    assert_eq!(parts.text().matches("<Part>").count(), 2);
    assert!(cloud.s3(&root, "GET", "/bucket?uploads").ok().text().contains(&id));
    let complete = |list: &[(u32, &str)]| {
        let mut body = "<CompleteMultipartUpload>".to_owned();
        for (number, etag) in list {
            body.push_str(&format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            ));
        }
        body.push_str("</CompleteMultipartUpload>");
        cloud.s3_with(&root, "POST", &format!("/bucket/big?uploadId={id}"), &[], body)
    };
    assert_eq!(
        complete(&[(2, &etags[1]), (1, &etags[0])]).error(),
        (400, "InvalidPartOrder".to_owned())
    );
    assert_eq!(complete(&[(1, "\"x\"")]).error(), (400, "InvalidPart".to_owned()));
    assert_eq!(complete(&[]).error(), (400, "MalformedXML".to_owned()));
    let done = complete(&[(1, &etags[0]), (2, &etags[1])]).ok();
    assert!(done.element("ETag").ends_with("-2\""));
    let get = cloud.s3(&root, "GET", "/bucket/big").ok();
    assert_eq!((get.body.len(), get.header("x-amz-meta-a")), (large.len() + 4, "1"));
    let second = cloud.s3(&root, "GET", "/bucket/big?partNumber=2");
    assert_eq!((second.status, second.text().as_str()), (206, "tail"));
    assert_eq!(second.header("x-amz-mp-parts-count"), "2");
    assert_eq!(complete(&[(1, &etags[0])]).error(), (404, "NoSuchUpload".to_owned()));
    let attributes = [("x-amz-object-attributes", "ETag,ObjectSize,ObjectParts")];
    let reply = cloud
        .s3_with(&root, "GET", "/bucket/big?attributes", &attributes, "")
        .ok();
    assert_eq!(reply.element("ObjectSize"), (large.len() + 4).to_string());
    assert_eq!(reply.element("PartsCount"), "2");
    let paged = [
        ("x-amz-object-attributes", "ObjectParts"),
        ("x-amz-max-parts", "1"),
        ("x-amz-part-number-marker", "1"),
    ];
    let page = |count: usize| {
        cloud
            .s3_with(&root, "GET", "/bucket/big?attributes", &paged[..count], "")
            .ok()
    };
    let first = page(2);
    assert_eq!(
        (first.element("IsTruncated"), first.element("NextPartNumberMarker")),
        ("true".to_owned(), "1".to_owned())
    );
    let last = page(3);
    assert_eq!(
        (last.element("IsTruncated"), last.element("PartNumber")),
        ("false".to_owned(), "2".to_owned())
    );
}

#[test]
fn small_parts_and_copied_parts() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    put(&cloud, &root, "/bucket/source", "0123456789");
    let id = cloud.s3(&root, "POST", "/bucket/k?uploads").ok().element("UploadId");
    let copied = cloud
        .s3_with(
            &root,
            "PUT",
            &format!("/bucket/k?partNumber=1&uploadId={id}"),
            &[
                ("x-amz-copy-source", "bucket/source"),
                ("x-amz-copy-source-range", "bytes=2-5"),
            ],
            "",
        )
        .ok();
    let etag = copied.element("ETag");
    cloud
        .s3_with(&root, "PUT", &format!("/bucket/k?partNumber=2&uploadId={id}"), &[], "x")
        .ok();
    let two = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part><Part><PartNumber>2</PartNumber><ETag>9dd4e461268c8034f5c8564e155c67a6</ETag></Part></CompleteMultipartUpload>"
    );
    let reply = cloud.s3_with(&root, "POST", &format!("/bucket/k?uploadId={id}"), &[], two);
    assert_eq!(reply.error(), (400, "EntityTooSmall".to_owned()));
    let one = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    cloud
        .s3_with(&root, "POST", &format!("/bucket/k?uploadId={id}"), &[], one)
        .ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").text(), "2345");
    let id = cloud.s3(&root, "POST", "/bucket/k?uploads").ok().element("UploadId");
    assert_eq!(
        cloud.s3(&root, "DELETE", &format!("/bucket/k?uploadId={id}")).status,
        204
    );
    assert_eq!(
        cloud.s3(&root, "GET", &format!("/bucket/k?uploadId={id}")).error(),
        (404, "NoSuchUpload".to_owned())
    );
}

#[test]
fn bulk_deletion() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    for key in ["a", "b", "c"] {
        put(&cloud, &root, &format!("/bucket/{key}"), key);
    }
    let body =
        "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Object><Key>none</Key></Object></Delete>";
    let reply = cloud.s3_with(&root, "POST", "/bucket?delete", &[], body).ok();
    assert_eq!(reply.text().matches("<Deleted>").count(), 3);
    assert_eq!(cloud.s3(&root, "GET", "/bucket?list-type=2").element("KeyCount"), "1");
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>";
    let reply = cloud.s3_with(&root, "POST", "/bucket?delete", &[], quiet).ok();
    assert_eq!(reply.text().matches("<Deleted>").count(), 0);
    assert_eq!(
        cloud
            .s3_with(&root, "POST", "/bucket?delete", &[], "<Delete></Delete>")
            .error(),
        (400, "MalformedXML".to_owned())
    );
    cloud.s3(&root, "DELETE", "/bucket").ok();
}

#[test]
fn bucket_life() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let reply = cloud.s3(&root, "HEAD", "/bucket").ok();
    assert_eq!(reply.header("x-amz-bucket-region"), "us-east-1");
    assert!(
        cloud
            .s3(&root, "GET", "/bucket?location")
            .ok()
            .text()
            .contains("></LocationConstraint>")
    );
    assert!(cloud.s3(&root, "GET", "/").ok().text().contains("<Name>bucket</Name>"));
    let other = cloud.root(crate::cloud::B);
    assert_eq!(
        cloud.s3(&other, "PUT", "/bucket").error(),
        (409, "BucketAlreadyExists".to_owned())
    );
    assert!(!cloud.s3(&other, "GET", "/").ok().text().contains("<Name>bucket</Name>"));
    cloud.s3(&root, "PUT", "/bucket").ok();
    assert_eq!(
        cloud.s3(&root, "PUT", "/Bad_Name").error(),
        (400, "InvalidBucketName".to_owned())
    );
    assert_eq!(
        cloud.s3(&root, "GET", "/nowhere").error(),
        (404, "NoSuchBucket".to_owned())
    );
    let body =
        "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    cloud
        .send(
            Some(&root),
            "s3",
            "eu-west-1",
            "PUT",
            "/european",
            &[],
            body.as_bytes().to_vec(),
        )
        .ok();
    let wrong = cloud.s3(&root, "GET", "/european");
    assert_eq!(wrong.error(), (400, "AuthorizationHeaderMalformed".to_owned()));
    assert_eq!(wrong.element("Region"), "eu-west-1");
    let location = cloud.send(
        Some(&root),
        "s3",
        "eu-west-1",
        "GET",
        "/european?location",
        &[],
        Vec::new(),
    );
    assert!(location.ok().text().contains(">eu-west-1</LocationConstraint>"));
    for (query, code) in [
        ("policy", "NoSuchBucketPolicy"),
        ("tagging", "NoSuchTagSet"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("metadataTable", "NotImplemented"),
    ] {
        assert_eq!(cloud.s3(&root, "GET", &format!("/bucket?{query}")).error().1, code);
    }
}

#[test]
fn configuration_round_trips() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let default = cloud.s3(&root, "GET", "/bucket?encryption").ok();
    assert_eq!(default.element("SSEAlgorithm"), "AES256");
    let block = cloud.s3(&root, "GET", "/bucket?publicAccessBlock").ok();
    assert_eq!(block.text().matches(">true<").count(), 4);
    let ownership = cloud.s3(&root, "GET", "/bucket?ownershipControls").ok();
    assert_eq!(ownership.element("ObjectOwnership"), "BucketOwnerEnforced");
    cloud.s3(&root, "DELETE", "/bucket?publicAccessBlock").ok();
    assert_eq!(
        cloud.s3(&root, "GET", "/bucket?publicAccessBlock").error().1,
        "NoSuchPublicAccessBlockConfiguration"
    );
    cloud.default_kms(A, "bucket", "bogus", true);
    let kms = cloud.s3(&root, "GET", "/bucket?encryption").ok();
    assert_eq!(
        (kms.element("KMSMasterKeyID"), kms.element("BucketKeyEnabled")),
        ("bogus".into(), "true".into())
    );
    let tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>";
    cloud.s3_with(&root, "PUT", "/bucket?tagging", &[], tags).ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket?tagging").ok().element("Value"), "v");
    let account = [("x-amz-account-id", A)];
    let path = "/v20180820/configuration/publicAccessBlock";
    assert_eq!(
        cloud.s3_with(&root, "GET", path, &account, "").error().1,
        "NoSuchPublicAccessBlockConfiguration"
    );
    let body =
        "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    cloud.s3_with(&root, "PUT", path, &account, body).ok();
    assert_eq!(
        cloud
            .s3_with(&root, "GET", path, &account, "")
            .ok()
            .element("IgnorePublicAcls"),
        "true"
    );
    let foreign = [("x-amz-account-id", crate::cloud::B)];
    assert_eq!(cloud.s3_with(&root, "GET", path, &foreign, "").status, 403);
}
