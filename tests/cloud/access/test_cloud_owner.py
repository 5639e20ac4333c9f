"""The cloud answers its owner, and nobody else: no web page, no other key, no other name."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

NAME = "only-mine"
PATH = f"/2015-03-31/functions/{NAME}/invocations"


@pytest.fixture(scope="module", autouse=True)
def function(lab):
    lab.create(FunctionName=NAME)


def send(lab, headers: dict[str, str], path: str = PATH) -> tuple[int, dict]:
    """POSTs to the cloud, signed as its owner does, with more headers on top."""
    variables = lab.cloud.environ()
    request = AWSRequest("POST", lab.cloud.endpoint_url + path, data=b"{}")
    keys = Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "lambda", "us-east-1").add_auth(request)
    address = urlsplit(lab.cloud.endpoint_url).netloc
    connection = http.client.HTTPConnection(address)
    every = {"Host": address, **dict(request.headers), **headers}
    connection.putrequest("POST", path, skip_host=True)
    for name, value in every.items():
        if value is not None:
            connection.putheader(name, value)
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"{}")


def test_the_owner_is_let_in(lab):
    before = len(lab.cloud.invocations(NAME))
    assert send(lab, {}) == (200, {})
    assert len(lab.cloud.invocations(NAME)) == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "example.com"},
        {"Host": "localhost.example.com:80"},
        {"Authorization": None},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/lambda/aws4"},
    ],
    ids=lambda headers: "-".join(map(str, *headers.items()))[:40],
)
@pytest.mark.parametrize("path", [PATH, "/2015-03-31/functions", "/moto-api/reset"])
def test_others_get_403_and_nothing_runs(lab, headers, path):
    before = len(lab.cloud.invocations())
    status, body = send(lab, headers, path)
    assert status == 403
    assert body["message"]
    assert len(lab.cloud.invocations()) == before
    assert lab.client.get_function(FunctionName=NAME)["Configuration"]["FunctionName"] == NAME


@pytest.mark.parametrize("service", ["lambda", "s3", "dynamodb", "iam", "sqs", "logs"])
def test_another_key_is_refused_in_each_services_form(lab, service):
    client = boto3.Session("AKIAOTHER", "secret", region_name="us-east-1").client(
        service, endpoint_url=lab.cloud.endpoint_url
    )
    call = {
        "lambda": "list_functions",
        "s3": "list_buckets",
        "dynamodb": "list_tables",
        "iam": "list_roles",
        "sqs": "list_queues",
        "logs": "describe_log_groups",
    }[service]
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Code"] == "UnrecognizedClientException"
    assert "AWS_ACCESS_KEY_ID that this run of the local cloud printed" in error["Message"]


def test_presigned_urls_of_the_owner_work(lab):
    import urllib.request

    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="k", Body=b"text")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "mine", "Key": "k"})
    assert urllib.request.urlopen(url).read() == b"text"


def test_it_listens_on_this_machine_only(lab):
    import psutil

    port = urlsplit(lab.cloud.endpoint_url).port
    addresses = {
        c.laddr.ip
        for c in psutil.Process().net_connections()
        if c.status == psutil.CONN_LISTEN and c.laddr.port == port
    }
    assert addresses == {"127.0.0.1"}


def test_the_runtime_api_answers_no_web_page(lab):
    """The port that a function's runtime speaks to is open on 127.0.0.1 as well."""
    name = lab.create(
        "import http.client, os\n"
        "def handler(event, context):\n"
        "    address = os.environ['AWS_LAMBDA_RUNTIME_API']\n"
        "    path = f'/2018-06-01/runtime/invocation/{context.aws_request_id}/response'\n"
        "    statuses = []\n"
        "    for headers in ({'Origin': 'https://example.com'}, {'Host': 'example.com'}):\n"
        "        connection = http.client.HTTPConnection(address)\n"
        "        connection.request('POST', path, b'forged', headers)\n"
        "        statuses.append(connection.getresponse().status)\n"
        "    return statuses"
    )
    assert lab.invoke(name).value == [403, 403]
