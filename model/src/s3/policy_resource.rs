//! Which resources a bucket policy may name: its own bucket and the objects in it. What else a policy may hold is `policy`'s business.

use crate::policy::Document;

/// The text that S3 gives for it, recorded in public reports (aws-samples/aws-media-services-vod-automation#17).
pub(crate) const INVALID_RESOURCE: &str = "Policy has invalid resource";

/// The first resource of a bucket policy that is neither the bucket nor in it; nothing if S3 saves the policy.
pub(crate) fn foreign_resource<'a>(document: &'a Document, bucket: &str) -> Option<&'a str> {
    document
        .statements()
        .iter()
        .filter_map(|statement| statement.resource_patterns())
        .flat_map(|(_, patterns)| patterns)
        .find(|pattern| !is_of_bucket(pattern, bucket))
}

fn is_of_bucket(pattern: &str, bucket: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let fields: Vec<&str> = pattern.splitn(6, ':').collect();
    let [_, _, service, region, account, resource] = fields.as_slice() else {
        return false;
    };
    // Access points and the like name the bucket behind them in another way.
    if *service != "s3" || !region.is_empty() || !account.is_empty() {
        return *service == "s3";
    }
    let name = resource.split('/').next().unwrap_or("");
    // A variable may stand for any name; what it does stand for is known only when the policy is used.
    name.contains("${") || wildcards_match(name, bucket)
}

/// Whether `*` and `?` can stand for the rest of the name. A star takes as much as it must: linear but for the length of the name.
fn wildcards_match(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::is_of_bucket;

    #[test]
    fn a_bucket_policy_is_about_its_bucket() {
        for (pattern, fine) in [
            ("*", true),
            ("arn:aws:s3:::acme-data", true),
            ("arn:aws:s3:::acme-data/*", true),
            ("arn:aws:s3:::acme-data/a:b/c", true),
            ("arn:*:s3:::acme-data/*", true),
            ("arn:aws:s3:::acme-*", true),
            ("arn:aws:s3:::*", true),
            ("arn:aws:s3:::acme-d?ta/x", true),
            ("arn:aws:s3:::${aws:PrincipalTag/bucket}/x", true),
            ("arn:aws:s3:us-east-1:111122223333:accesspoint/x", true),
            ("arn:aws:s3:::acme-data-2/*", false),
            ("arn:aws:s3:::acme", false),
            ("arn:aws:s3:::other/acme-data", false),
            ("arn:aws:sqs:us-east-1:111122223333:acme-data", false),
            ("arn:aws:s3", false),
        ] {
            assert_eq!(is_of_bucket(pattern, "acme-data"), fine, "{pattern}");
        }
    }
}
