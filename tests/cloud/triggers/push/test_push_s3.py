"""S3's notifications: one complete event for each thing that happens to an object."""

from __future__ import annotations

import functools
import io
import json
import re
import urllib.request
from itertools import count

import pytest
from aws_lambda_powertools.utilities.parser.models import S3Model
from botocore.exceptions import ClientError
from published import missing_paths
from signed import ask

PRINTS = "import json\ndef handler(event, context): print('EVENT', json.dumps(event))"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ACCOUNT = "123456789012"
ALL = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"]
_numbers = count(1)


@functools.cache
def client(lab, service):
    """Making one takes longer than most tests."""
    return lab.cloud.client(service)


class Bucket:
    """A bucket that tells a function of what happens in it."""

    def __init__(self, lab, source=PRINTS, versions=False, events=ALL, **config):
        self.lab, self.name = lab, f"bucket-{next(_numbers)}"
        self.s3 = client(lab, "s3")
        self.s3.create_bucket(Bucket=self.name)
        if versions:
            self.s3.put_bucket_versioning(
                Bucket=self.name, VersioningConfiguration={"Status": "Enabled"}
            )
        self.function = lab.create(source)
        self.function_arn = allow(lab, self.function, self.name)
        self.configure([{"LambdaFunctionArn": self.function_arn, "Events": events, **config}])

    def configure(self, functions=(), **config):
        config["LambdaFunctionConfigurations"] = list(functions)
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration=config
        )

    def put(self, key="rides.csv", body=b"ride", **spec):
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **spec)

    def records(self):
        """What the function got, in the order of the sequencers, those without one last."""
        found = [record for event in events(self.lab, self.function) for record in event["Records"]]
        return sorted(found, key=lambda each: each["s3"]["object"].get("sequencer", "G"))

    def names(self):
        return [each["eventName"] for each in self.records()]


def allow(lab, function, bucket, principal="s3.amazonaws.com"):
    """Lets S3 invoke a function for a bucket; returns the function's ARN."""
    lab.client.add_permission(
        FunctionName=function,
        StatementId=f"s3-{next(_numbers)}",
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount=ACCOUNT,
    )
    return lab.client.get_function(FunctionName=function)["Configuration"]["FunctionArn"]


def events(lab, function):
    lab.cloud.idle()
    try:
        lines = lab.log_events(f"/aws/lambda/{function}")
    except ClientError:  # it never ran
        return []
    return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]


def test_event(lab):
    bucket = Bucket(lab, Id="uploads")
    answer = bucket.put("a dir/räd flower@1.csv", b"two\n")
    (event,) = events(lab, bucket.function)
    parsed = S3Model.model_validate(event)
    assert parsed.Records[0].s3.object.size == 4
    assert missing_paths("s3", event, but=["Records[].s3.object.versionId"]) == set()
    (record,) = event["Records"]
    assert re.fullmatch(TIME, record.pop("eventTime"))
    assert re.fullmatch(r"[0-9A-F]{16}", record["s3"]["object"].pop("sequencer"))
    assert record["userIdentity"].pop("principalId").startswith("AWS:")
    assert record["s3"]["bucket"].pop("ownerIdentity")["principalId"]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert record == {
        "eventVersion": "2.5",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": headers["x-amz-request-id"],
            "x-amz-id-2": headers["x-amz-id-2"],
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {"name": bucket.name, "arn": f"arn:aws:s3:::{bucket.name}"},
            "object": {
                "key": "a+dir/r%C3%A4d+flower%401.csv",
                "size": 4,
                "eTag": answer["ETag"].strip('"'),
            },
        },
    }
    assert answer["ResponseMetadata"]["RequestId"] == headers["x-amz-request-id"]


def test_a_put_with_tags_and_acl_is_one_event(lab):
    bucket = Bucket(lab)
    bucket.put(Tagging="city=dc", ACL="public-read", Metadata={"a": "b"})
    assert bucket.names() == ["ObjectCreated:Put"]


def test_a_copy_is_one_event(lab):
    bucket = Bucket(lab)
    bucket.put("in/a.csv", b"four")
    bucket.s3.copy_object(
        Bucket=bucket.name, Key="out/b.csv", CopySource={"Bucket": bucket.name, "Key": "in/a.csv"}
    )
    put, copied = bucket.records()
    assert [put["eventName"], copied["eventName"]] == ["ObjectCreated:Put", "ObjectCreated:Copy"]
    assert copied["s3"]["object"]["key"] == "out/b.csv"
    assert copied["s3"]["object"]["size"] == 4


def test_a_multipart_upload_is_one_event(lab):
    bucket = Bucket(lab)
    bucket.put("source", b"x" * 10)
    where = {"Bucket": bucket.name, "Key": "big.csv"}
    upload = bucket.s3.create_multipart_upload(**where, Tagging="a=b")["UploadId"]
    part = bucket.s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"y" * 6_000_000)
    copy = bucket.s3.upload_part_copy(
        **where, UploadId=upload, PartNumber=2, CopySource=f"{bucket.name}/source"
    )
    parts = [
        {"PartNumber": 1, "ETag": part["ETag"]},
        {"PartNumber": 2, "ETag": copy["CopyPartResult"]["ETag"]},
    ]
    done = bucket.s3.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    _, record = bucket.records()
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["size"] == 6_000_010
    assert record["s3"]["object"]["eTag"] == done["ETag"].strip('"')
    assert record["s3"]["object"]["eTag"].endswith("-2")


def test_upload_file_of_boto3(lab):
    bucket = Bucket(lab)
    bucket.s3.upload_fileobj(io.BytesIO(b"x" * 9_000_000), bucket.name, "big")
    bucket.s3.upload_fileobj(io.BytesIO(b"x"), bucket.name, "small")
    assert bucket.names() == ["ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Put"]


def test_a_presigned_url(lab):
    bucket = Bucket(lab)
    url = bucket.s3.generate_presigned_url(
        "put_object", Params={"Bucket": bucket.name, "Key": "by url"}
    )
    request = urllib.request.Request(url, b"hello", method="PUT", headers={"Content-Type": ""})
    assert urllib.request.urlopen(request).status == 200
    (record,) = bucket.records()
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["object"]["key"] == "by+url"


def test_a_form(lab):
    bucket = Bucket(lab)
    form = bucket.s3.generate_presigned_post(bucket.name, "by form.csv")
    fields = {**form["fields"], "file": "ride"}
    lines = []
    for name, value in fields.items():
        lines += ["--frontier", f'Content-Disposition: form-data; name="{name}"', "", value]
    request = urllib.request.Request(
        form["url"],
        "\r\n".join([*lines, "--frontier--", ""]).encode(),
        headers={"Content-Type": "multipart/form-data; boundary=frontier"},
    )
    assert urllib.request.urlopen(request).status in (200, 204)
    (record,) = bucket.records()
    assert record["eventName"] == "ObjectCreated:Post"
    assert record["s3"]["object"]["key"] == "by+form.csv"
    assert record["s3"]["object"]["size"] == 4


def test_the_host_names_the_bucket(lab):
    bucket = Bucket(lab)
    host = f"{bucket.name}.s3.amazonaws.com"
    url = lab.cloud.endpoint_url + "/a/b.csv"
    assert ask(lab, "PUT", url, "s3", b"hello", {"Host": host}).status == 200
    (record,) = bucket.records()
    assert record["s3"]["bucket"]["name"] == bucket.name
    assert record["s3"]["object"]["key"] == "a/b.csv"


def test_a_deletion(lab):
    bucket = Bucket(lab)
    bucket.put()
    bucket.s3.delete_object(Bucket=bucket.name, Key="rides.csv")
    bucket.s3.delete_object(Bucket=bucket.name, Key="rides.csv")  # nothing is there any more
    put, deleted = bucket.records()
    assert deleted["eventName"] == "ObjectRemoved:Delete"
    assert set(deleted["s3"]["object"]) == {"key", "sequencer"}
    assert deleted["s3"]["object"]["sequencer"] > put["s3"]["object"]["sequencer"]


@pytest.mark.parametrize("quiet", [False, True])
def test_delete_objects_is_one_event_an_object_there_or_not(lab, quiet):
    bucket = Bucket(lab, events=["s3:ObjectRemoved:*"])
    bucket.put("a b")
    bucket.put("c")
    keys = [{"Key": key} for key in ("a b", "c", "never there")]
    bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": keys, "Quiet": quiet})
    records = bucket.records()
    assert [each["s3"]["object"]["key"] for each in records] == ["a+b", "c", "never+there"]
    assert {each["eventName"] for each in records} == {"ObjectRemoved:Delete"}


def test_a_bucket_with_versions(lab):
    bucket = Bucket(lab, versions=True)
    first = bucket.put()["VersionId"]
    marker = bucket.s3.delete_object(Bucket=bucket.name, Key="rides.csv")["VersionId"]
    bucket.s3.delete_object(Bucket=bucket.name, Key="rides.csv", VersionId=first)
    bucket.s3.delete_object(Bucket=bucket.name, Key="rides.csv", VersionId=first)  # is gone
    records = bucket.records()
    assert [(each["eventName"], each["s3"]["object"]["versionId"]) for each in records] == [
        ("ObjectCreated:Put", first),
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", first),
    ]
    assert set(records[1]["s3"]["object"]) == {"key", "versionId", "sequencer"}


def test_delete_objects_in_a_bucket_with_versions(lab):
    bucket = Bucket(lab, versions=True, events=["s3:ObjectRemoved:*"])
    old = bucket.put("old")["VersionId"]
    bucket.put("new")
    objects = [{"Key": "old", "VersionId": old}, {"Key": "new"}]
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})
    marker = next(
        each["DeleteMarkerVersionId"] for each in answer["Deleted"] if "DeleteMarker" in each
    )
    assert [
        (each["eventName"], each["s3"]["object"]["versionId"]) for each in bucket.records()
    ] == [
        ("ObjectRemoved:Delete", old),
        ("ObjectRemoved:DeleteMarkerCreated", marker),
    ]


def test_tags_and_acls(lab):
    bucket = Bucket(lab, events=ALL[2:])
    etag = bucket.put()["ETag"].strip('"')
    where = {"Bucket": bucket.name, "Key": "rides.csv"}
    tags = {"TagSet": [{"Key": "city", "Value": "dc"}]}
    bucket.s3.put_object_tagging(**where, Tagging=tags)
    bucket.s3.delete_object_tagging(**where)
    bucket.s3.put_object_acl(**where, ACL="public-read")
    records = bucket.records()
    assert sorted(each["eventName"] for each in records) == [
        "ObjectAcl:Put",
        "ObjectTagging:Delete",
        "ObjectTagging:Put",
    ]
    for each in records:
        assert each["s3"]["object"] == {"key": "rides.csv", "eTag": etag}


def test_a_failed_call_is_no_event(lab):
    bucket = Bucket(lab)
    with pytest.raises(ClientError, match="NoSuchKey"):
        bucket.s3.copy_object(Bucket=bucket.name, Key="b", CopySource=f"{bucket.name}/missing")
    with pytest.raises(ClientError, match="NoSuchKey"):
        bucket.s3.put_object_acl(Bucket=bucket.name, Key="missing", ACL="private")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        bucket.put("a")
        bucket.put("a", IfNoneMatch="*")
    with pytest.raises(ClientError, match="InvalidStorageClass"):
        bucket.put("b", StorageClass="CHEAP")
    assert bucket.names() == ["ObjectCreated:Put"]


def test_reading_and_the_bucket_itself_are_no_events(lab):
    bucket = Bucket(lab)
    bucket.s3.list_objects_v2(Bucket=bucket.name)
    bucket.s3.put_bucket_tagging(
        Bucket=bucket.name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    )
    bucket.s3.put_bucket_acl(Bucket=bucket.name, ACL="private")
    bucket.s3.delete_bucket_tagging(Bucket=bucket.name)
    bucket.s3.delete_bucket(Bucket=bucket.name)
    assert bucket.names() == []


def test_filters(lab):
    rules = [{"Name": "prefix", "Value": "in/räd "}, {"Name": "Suffix", "Value": ".csv"}]
    bucket = Bucket(lab, Filter={"Key": {"FilterRules": rules}})
    for key in ("in/räd 1.csv", "in/räd 1.txt", "out/räd 1.csv", "in/räd 2.csv"):
        bucket.put(key)
    assert [each["s3"]["object"]["key"] for each in bucket.records()] == [
        "in/r%C3%A4d+1.csv",
        "in/r%C3%A4d+2.csv",
    ]


def test_several_configurations(lab):
    bucket = Bucket(lab)
    other = lab.create(PRINTS)
    arn = allow(lab, other, bucket.name)

    def config(arn, events, prefix, id):
        rules = [{"Name": "prefix", "Value": prefix}]
        return {
            "Id": id,
            "LambdaFunctionArn": arn,
            "Events": events,
            "Filter": {"Key": {"FilterRules": rules}},
        }

    bucket.configure(
        [
            config(bucket.function_arn, ["s3:ObjectCreated:Put"], "in/", "puts"),
            config(arn, ["s3:ObjectRemoved:Delete"], "in/", "removals"),
            config(arn, ["s3:ObjectCreated:Put"], "archive/", "archive"),
        ]
    )
    bucket.put("in/a")
    bucket.s3.delete_object(Bucket=bucket.name, Key="in/a")
    bucket.put("archive/a")
    bucket.put("elsewhere")
    assert [each["s3"]["configurationId"] for each in bucket.records()] == ["puts"]
    got = [event["Records"][0]["s3"]["configurationId"] for event in events(lab, other)]
    assert sorted(got) == ["archive", "removals"]


def test_an_alias_is_invoked_as_one(lab):
    bucket = Bucket(lab)
    lab.client.publish_version(FunctionName=bucket.function)
    lab.client.create_alias(FunctionName=bucket.function, Name="live", FunctionVersion="1")
    lab.client.add_permission(
        FunctionName=bucket.function,
        Qualifier="live",
        StatementId="alias",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket.name}",
    )
    arn = f"{bucket.function_arn}:live"
    bucket.configure([{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}])
    bucket.put()
    assert bucket.names() == ["ObjectCreated:Put"]
    assert any("Version: 1" in line for line in lab.log_events(f"/aws/lambda/{bucket.function}"))


def test_permission_is_asked_at_every_delivery(lab):
    bucket = Bucket(lab)
    bucket.put("first")
    policy = json.loads(lab.client.get_policy(FunctionName=bucket.function)["Policy"])
    lab.client.remove_permission(
        FunctionName=bucket.function, StatementId=policy["Statement"][0]["Sid"]
    )
    bucket.put("second")
    assert [each["s3"]["object"]["key"] for each in bucket.records()] == ["first"]
    assert f"arn:aws:s3:::{bucket.name}: User: s3.amazonaws.com" in lab.cloud.problems()[-1]


def test_put_object_returns_before_the_handler_does(lab):
    bucket = Bucket(
        lab,
        "import os, time\n"
        "import boto3\n"
        "def handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    record = event['Records'][0]['s3']\n"
        "    while 'Contents' not in s3.list_objects_v2(\n"
        "        Bucket=record['bucket']['name'], Prefix='go'):\n"
        "        time.sleep(0.01)\n"
        "    print('EVENT', '{\"Records\": []}')",
        Filter={"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}},
    )
    bucket.put("in/a")
    bucket.put("go")  # the handler waits for it
    assert events(lab, bucket.function) == [{"Records": []}]


def test_a_loop_stops_after_16_rounds(lab):
    bucket = Bucket(
        lab,
        "import boto3\n"
        "s3 = boto3.client('s3')\n"
        "def handler(event, context):\n"
        "    record = event['Records'][0]['s3']\n"
        "    key = record['object']['key'] + 'x'\n"
        "    s3.put_object(Bucket=record['bucket']['name'], Key=key, Body=b'')",
    )
    bucket.put("x")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(bucket.function)) == 16
    keys = bucket.s3.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert len(keys) == 17
    log = "".join(lab.log_events(f"/aws/lambda/{bucket.function}"))
    assert "Recursive loop stopped" in log
