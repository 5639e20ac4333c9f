"""Signatures: what is signed is let in, by every client; what is changed or stolen is not."""

from __future__ import annotations

import base64
import datetime
import io
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from signed import ask, owner, send, sign

from workshop.cloud.access import chunks, signing
from workshop.cloud.access.credentials import Signature
from workshop.cloud.base.keys import AccessKey
from workshop.cloud.base.model import ApiError

BUCKET = "signed"
FUNCTIONS = "/2015-03-31/functions/"


@pytest.fixture(scope="module")
def s3(lab):
    client = lab.cloud.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="k", Body=b"text")
    return client


def code_of(reply) -> str:
    """An error's code, in XML or in a header."""
    found = re.search(rb"<Code>(\w+)</Code>", reply.body)
    return found[1].decode() if found else reply.headers["x-amzn-errortype"]


def error_of(url: str, method: str = "GET", body: bytes | None = None, **headers: str):
    """The status and the code that a URL is refused with."""
    request = urllib.request.Request(url, body, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    return caught.value.code, re.search(rb"<Code>(\w+)</Code>", caught.value.read())[1].decode()


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("lambda", "list_functions", "InvalidSignatureException"),
        ("dynamodb", "list_tables", "InvalidSignatureException"),
        ("sqs", "list_queues", "InvalidSignatureException"),
        ("cloudwatch", "list_metrics", "InvalidSignatureException"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("iam", "list_roles", "SignatureDoesNotMatch"),
        ("sns", "list_topics", "SignatureDoesNotMatch"),
    ],
)
def test_the_owners_key_id_with_another_secret_opens_nothing(lab, service, call, code):
    session = boto3.Session(owner(lab).access_key, "guessed", region_name="us-east-1")
    client = session.client(service, endpoint_url=lab.cloud.endpoint_url)
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"].startswith("The request signature we calculated does not")


def test_a_key_and_a_header_that_are_no_signature(lab):
    key = owner(lab).access_key
    for header in (
        f"AWS4-HMAC-SHA256 Credential={key}/20261103/us-east-1/lambda/aws4_request, x",
        f"AWS4-HMAC-SHA256 Credential={key}/20261103/us-east-1/motoapi.amazonaws.com/aws4_request,"
        f" SignedHeaders=host, Signature={'0' * 64}",
        f"AWS {key}:abc",
        f"AWS4-ECDSA-P256-SHA256 Credential={key}/20261103/lambda/aws4_request, x",
    ):
        reply = send("GET", lab.cloud.endpoint_url + FUNCTIONS, {"Authorization": header})
        assert reply.status in (400, 403)
    for query in (f"AWSAccessKeyId={key}", f"X-Amz-Credential={key}/20261103/us-east-1/s3/x"):
        assert send("GET", f"{lab.cloud.endpoint_url}/?{query}", {}).status in (400, 403)


def test_nothing_that_is_signed_can_be_changed(lab, s3):
    url = lab.cloud.endpoint_url + FUNCTIONS
    headers = sign(owner(lab), "GET", url, "lambda")
    assert send("GET", url, headers).status == 200
    assert code_of(send("DELETE", url, headers)) == "InvalidSignatureException"
    assert code_of(send("GET", url + "other", headers)) == "InvalidSignatureException"
    assert code_of(send("GET", url + "?MaxItems=1", headers)) == "InvalidSignatureException"
    assert code_of(send("GET", url, headers, b"{}")) == "InvalidSignatureException"
    added = {**headers, "X-Amz-Target": "Other.Call"}
    assert code_of(send("GET", url, added)) == "InvalidSignatureException"
    url = f"{lab.cloud.endpoint_url}/{BUCKET}/k2"
    headers = sign(owner(lab), "PUT", url, "s3", b"one")
    assert code_of(send("PUT", url, headers, b"two")) == "XAmzContentSHA256Mismatch"
    assert code_of(send("PUT", url, {**headers, "x-amz-acl": "public-read"}, b"one")) == (
        "AccessDenied"
    )
    assert send("PUT", url, headers, b"one").status == 200


@pytest.mark.parametrize("minutes", [-20, 20])
@pytest.mark.parametrize("service", ["lambda", "s3"])
def test_a_date_that_is_too_far_away(lab, monkeypatch, service, minutes):
    import botocore.auth

    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *given: moment)
    reply = ask(lab, "GET", FUNCTIONS if service == "lambda" else "/", service)
    assert reply.status == 403
    if service == "s3":
        assert code_of(reply) == "RequestTimeTooSkewed"
    else:
        words = "Signature expired" if minutes < 0 else "Signature not yet current"
        assert reply.value["message"].startswith(words)


def test_keys_with_odd_characters(s3):
    for key in (
        "a b+c/d=e&f?g#h%i~j",
        "ä/é €.txt",
        "//x//",
        "a/../b/./c",
        "%2F%25",
        "(*)'!",
        "a+b",
    ):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), Metadata={"a-b": " x  y "})
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
        url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
        assert urllib.request.urlopen(url).read() == key.encode()
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=key, Delimiter="|", MaxKeys=7)
        assert found["Contents"][0]["Key"] == key
        s3.delete_object(Bucket=BUCKET, Key=key)


def test_functions_by_their_arn(lab):
    name = lab.create()
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    assert lab.client.get_function(FunctionName=arn)["Configuration"]["FunctionArn"] == arn
    lab.client.tag_resource(Resource=arn, Tags={"a b": "c/d"})
    assert lab.client.list_tags(Resource=arn)["Tags"] == {"a b": "c/d"}


@pytest.fixture(params=["s3v4", "s3"])
def presigning(request, lab):
    return lab.cloud.client("s3", config=Config(signature_version=request.param))


def test_a_presigned_url_is_for_one_method_one_key_and_some_time(lab, s3, presigning):
    params = {"Bucket": BUCKET, "Key": "k"}
    url = presigning.generate_presigned_url("get_object", Params=params)
    assert urllib.request.urlopen(url).read() == b"text"
    wrong = (403, "SignatureDoesNotMatch")
    assert error_of(url, "DELETE") == wrong
    assert error_of(url, "PUT", b"x") == wrong
    assert error_of(url.replace("/k?", "/other?")) == wrong
    longer = re.sub(r"(Expires=)(\d+)", lambda m: m[1] + str(int(m[2]) + 1), url)
    assert error_of(longer) == wrong
    assert s3.get_object(**params)["Body"].read() == b"text"


def test_an_expired_presigned_url(lab, s3, monkeypatch):
    import botocore.auth

    params = {"Bucket": BUCKET, "Key": "k"}
    hour = datetime.timedelta(hours=1)
    earlier = datetime.datetime.now(datetime.timezone.utc) - hour
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *given: earlier)
    client = lab.cloud.client("s3", config=Config(signature_version="s3v4"))
    url = client.generate_presigned_url("get_object", Params=params, ExpiresIn=3599)
    assert error_of(url) == (403, "AccessDenied")
    url = client.generate_presigned_url("get_object", Params=params, ExpiresIn=7200)
    assert urllib.request.urlopen(url).read() == b"text"
    url = client.generate_presigned_url("get_object", Params=params, ExpiresIn=700_000)
    assert error_of(url) == (400, "AuthorizationQueryParametersError")
    old = lab.cloud.client("s3", config=Config(signature_version="s3"))
    url = old.generate_presigned_url("get_object", Params=params, ExpiresIn=-1)
    assert error_of(url) == (403, "AccessDenied")


def post(form: dict, body: bytes = b"ride", **fields: str):
    """Posts a form as a browser does; returns the status and the error's code."""
    fields = {**form["fields"], **fields}
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = '--frontier\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    whole = b"".join(parts) + head.encode() + body + b"\r\n--frontier--\r\n"
    reply = send(
        "POST", form["url"], {"Content-Type": "multipart/form-data; boundary=frontier"}, whole
    )
    return reply.status, code_of(reply) if reply.status >= 300 else None


def test_a_form_keeps_its_policy(lab, s3, presigning):
    conditions = [["content-length-range", 1, 100], ["starts-with", "$key", "in/"]]
    form = presigning.generate_presigned_post(
        BUCKET, "in/${filename}", Conditions=conditions, ExpiresIn=60
    )
    assert post(form)[0] in (200, 204)
    assert s3.get_object(Bucket=BUCKET, Key="in/f")["Body"].read() == b"ride"
    assert post(form, key="out/f") == (403, "AccessDenied")
    assert post(form, acl="public-read") == (403, "AccessDenied")
    assert post(form, b"x" * 101) == (400, "EntityTooLarge")
    assert post(form, b"") == (400, "EntityTooSmall")
    name = "x-amz-signature" if "x-amz-signature" in form["fields"] else "signature"
    assert post(form, **{name: "0" * 64}) == (403, "SignatureDoesNotMatch")
    late = presigning.generate_presigned_post(BUCKET, "in/f", ExpiresIn=-1)
    assert post(late) == (403, "AccessDenied")
    del presigning  # what follows is signed by hand
    keys = owner(lab)
    text = json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": [{"key": "in/g"}]})
    policy = base64.b64encode(text.encode()).decode()
    value = HmacV1QueryAuth(keys).sign_string(policy)
    fields = {"AWSAccessKeyId": keys.access_key, "policy": policy, "signature": value}
    anywhere = {"url": form["url"], "fields": {**fields, "key": "in/g"}}
    assert post(anywhere) == (403, "AccessDenied")  # its policy names no bucket
    other = {**form, "url": form["url"] + "-other"}
    assert post(other) == (403, "AccessDenied")
    assert b"in/g" not in str(s3.list_objects_v2(Bucket=BUCKET)).encode()


def chunked(body: bytes, trailer: str = "") -> bytes:
    """A body in AWS's chunks, without signatures."""
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer.encode())


def test_a_trailing_checksum(lab, s3):
    body = chunked(b"hello", "x-amz-checksum-crc32:NhCmhg==\r\n")
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-sdk-checksum-algorithm": "CRC32",
        "content-encoding": "aws-chunked",
    }
    assert put_chunked(lab, "trailing", headers, body).status == 200
    found = s3.get_object(Bucket=BUCKET, Key="trailing", ChecksumMode="ENABLED")
    assert found["Body"].read() == b"hello"
    assert found["ChecksumCRC32"] == "NhCmhg=="
    for bad in (b"5\r\nhel", b"-5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"", body + body[:0]):
        reply = put_chunked(lab, "bad", headers | {"x-amz-decoded-content-length": "6"}, bad)
        assert reply.status == 400


def put_chunked(lab, key: str, headers: dict[str, str], body: bytes, keys=None, on_seed=None):
    """PUTs a body whose hash stands in a header, as SDKs do."""
    import botocore.auth

    class Signer(botocore.auth.S3SigV4Auth):
        def payload(self, request):
            return headers["x-amz-content-sha256"]

    url = f"{lab.cloud.endpoint_url}/{BUCKET}/{key}"
    request = AWSRequest("PUT", url, data=body, headers=headers)
    signer = Signer(keys or owner(lab), "s3", "us-east-1")
    signer.add_auth(request)
    if on_seed:
        body = on_seed(signer, request)
    return send("PUT", url, dict(request.headers.items()), body)


def test_each_chunk_has_a_signature(lab, s3):
    from hashlib import sha256

    empty = sha256(b"").hexdigest()
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "11",
        "content-encoding": "aws-chunked",
    }

    def make(change: bytes = b""):
        def body(signer, request) -> bytes:
            before = request.headers["Authorization"].rpartition("=")[2]
            head = f"{request.context['timestamp']}\n{signer.credential_scope(request)}"
            parts = []
            for chunk in (b"hello ", b"world", b""):
                digest = sha256(chunk).hexdigest()
                text = f"AWS4-HMAC-SHA256-PAYLOAD\n{head}\n{before}\n{empty}\n{digest}"
                before = signer.signature(text, request)
                sent = change if change and chunk == b"world" else chunk
                parts.append(
                    b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), before.encode(), sent)
                )
            return b"".join(parts)

        return body

    assert put_chunked(lab, "chunks", headers, b"", on_seed=make()).status == 200
    assert s3.get_object(Bucket=BUCKET, Key="chunks")["Body"].read() == b"hello world"
    reply = put_chunked(lab, "chunks", headers, b"", on_seed=make(b"wurld"))
    assert (reply.status, code_of(reply)) == (403, "SignatureDoesNotMatch")


EXAMPLE = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("kind", "seed", "signatures", "trailer"),
    [
        (
            chunks.SIGNED,
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
            [
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ],
            "",
        ),
        (
            f"{chunks.SIGNED}-TRAILER",
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
            [
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
            ],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
        ),
    ],
)
def test_the_examples_of_awss_documentation(kind, seed, signatures, trailer):
    signed = Signature("header", EXAMPLE.id, seed, date="20130524")
    parts = []
    for content, signature in zip((b"a" * 65536, b"a" * 1024, b""), signatures, strict=True):
        parts.append(f"{len(content):x};chunk-signature={signature}\r\n".encode() + content)
        parts.append(b"\r\n" if content else b"")
    body = b"".join(parts) + trailer.encode() + b"\r\n"

    def sign_it(text: str) -> str:
        return signing.sign(EXAMPLE, signed, text)

    def decode(whole: bytes):
        scope = "20130524/us-east-1/s3/aws4_request"
        chain = chunks.Chain("20130524T000000Z", scope, seed, sign_it)
        return chunks.decode(whole, kind, chain)

    content, trailers = decode(body)
    assert content == b"a" * 66560
    assert trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if trailer else {})
    with pytest.raises(ApiError, match="signature of a chunk"):
        decode(body.replace(b"aaaa\r\n", b"aaab\r\n", 1))
    if trailer:
        with pytest.raises(ApiError, match="signature of a chunk"):
            decode(body.replace(b"sOO8", b"sOO9"))


def test_large_and_small_uploads_of_boto3(lab, s3):
    for algorithm in ("CRC32", "SHA256"):
        s3.put_object(Bucket=BUCKET, Key="sum", Body=b"x", ChecksumAlgorithm=algorithm)
    s3.upload_fileobj(io.BytesIO(b"x" * 9_000_000), BUCKET, "big")
    assert s3.head_object(Bucket=BUCKET, Key="big")["ContentLength"] == 9_000_000


def test_compressed_requests(lab):
    cloudwatch = lab.cloud.client("cloudwatch")
    data = [{"MetricName": f"metric-{number}", "Value": 1.0} for number in range(400)]
    cloudwatch.put_metric_data(Namespace="Compressed", MetricData=data)
    assert len(cloudwatch.list_metrics(Namespace="Compressed")["Metrics"]) > 0


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing here")
@pytest.mark.parametrize("service", ["lambda", "s3"])
def test_curl(lab, s3, service):
    keys = owner(lab)
    paths = {"lambda": f"{FUNCTIONS}?MaxItems=5", "s3": f"/{BUCKET}?list-type=2&prefix=a%2Fb"}
    command = ["curl", "-s", "-w", "%{http_code}", "-o", "-", "--user"]
    command += [f"{keys.access_key}:{keys.secret_key}", "--aws-sigv4"]
    command += [f"aws:amz:us-east-1:{service}"]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    command += ["-H", f"x-amz-content-sha256: {empty}", lab.cloud.endpoint_url + paths[service]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "unknown" in done.stderr or done.returncode == 2:
        pytest.skip("this curl has no --aws-sigv4")
    assert done.stdout.endswith("200"), done.stdout


def test_the_aws_cli(lab, s3, tmp_path):
    import os

    def aws(*arguments: str) -> str:
        environ = {**os.environ, **lab.cloud.environ()}
        command = [str(Path(sys.executable).with_name("aws")), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "a b.txt").write_bytes(b"x" * 1000)
    aws("s3", "cp", str(tmp_path / "a b.txt"), f"s3://{BUCKET}/cli/a b.txt")
    url = aws("s3", "presign", f"s3://{BUCKET}/cli/a b.txt", "--expires-in", "60").strip()
    assert len(urllib.request.urlopen(url).read()) == 1000
    assert json.loads(aws("lambda", "list-functions"))["Functions"] is not None


def test_a_link_that_somebody_clicks_and_a_page_that_asks(lab, s3):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    clicked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert send("GET", url, clicked).status == 200
    for site in ("cross-site", "same-site"):
        image = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        assert send("GET", url, image).status == 403
    assert send("GET", url, {"Sec-Fetch-Site": "none"}).status == 200


def test_errors_are_valid_xml(lab):
    from xml.etree import ElementTree

    headers = sign(owner(lab), "GET", lab.cloud.endpoint_url + "/", "s3")
    reply = send("GET", lab.cloud.endpoint_url + "/", {**headers, "x-amz-<&>": "1"})
    assert reply.status in (400, 403)
    headers["Host"] = "<script>&evil"
    reply = send("GET", lab.cloud.endpoint_url + "/", headers)
    assert reply.status == 403
    assert "<script>&evil" in ElementTree.fromstring(reply.body).findtext("Message")
