"""What a call to S3 asks for: many of its operations have other names in IAM.

Follows "Actions, resources, and condition keys for Amazon S3"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html) and
"Required permissions for Amazon S3 API operations"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
"""

from __future__ import annotations

from urllib.parse import unquote

from .asked import Asked
from .operations import find_operation

ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
OF_VERSIONS = {
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
}
Pairs = list[tuple[str, str]]


def s3_calls(asked: Asked) -> Pairs | None:
    """Actions and resources of a request by path; None where they cannot be read."""
    if asked.path.startswith("/v20180820/"):
        return None  # S3 Control's, signed for the same service
    bucket, _, key = asked.path.lstrip("/").partition("/")
    if asked.form:
        return [("s3:PutObject", f"arn:aws:s3:::{bucket}/{asked.form.key}")]
    operation = find_operation("s3", asked)
    if operation is None:
        return None
    action = ACTIONS.get(operation.name, operation.name)
    if "versionId" in operation.parameters:
        action = OF_VERSIONS.get(action, action)
    if not bucket:
        return [(f"s3:{action}", "*")]
    resource = f"arn:aws:s3:::{bucket}"
    if operation.name == "DeleteObjects":
        resource += "/*"  # a role must allow it for all keys: the body's are not looked at
    elif key:
        resource += f"/{key}"
    calls = [(f"s3:{action}", resource)]
    source = asked.headers.get("x-amz-copy-source")
    if source is not None:
        calls.append(_source(source))
    return calls


def _source(header: str) -> tuple[str, str]:
    """What copying takes: a right to read the object that is copied."""
    path, _, version = header.lstrip("/").partition("?versionId=")
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    return action, f"arn:aws:s3:::{unquote(path)}"
