"""Documents that were made to run code, to reach out of the cloud, or never to end."""

from __future__ import annotations

import gzip
import http.client
import http.server
import json
import threading

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support import ROLE

from workshop.cloud.seam.documents import DocumentError, read_document, read_template


def send_signed(cloud, service, body, headers, path="/"):
    """Sends what no client would; gives status, headers and body."""
    keys = cloud.environ()
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("POST", cloud.endpoint_url + path, headers, body)
    SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(cloud.endpoint_url.split("//")[1], timeout=60)
    connection.request("POST", path, body, dict(request.headers))
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def stack(lab, body, name="hostile"):
    return lab.cloud.client("cloudformation").create_stack(StackName=name, TemplateBody=body)


def refused(lab, body):
    """The error of a template that CloudFormation does not take."""
    with pytest.raises(ClientError) as caught:
        stack(lab, body)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    return caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "call",
    [
        "builtins.exec [\"open('{0}', 'w').close()\"]",
        "os.system [\"touch '{0}'\"]",
        "builtins.open ['{0}', 'w']",
    ],
)
def test_a_template_runs_no_python(lab, tmp_path, call):
    mark = tmp_path / "ran"
    body = "Resources: !!python/object/apply:" + call.format(mark)
    client = lab.cloud.client("cloudformation")
    assert "YAML not well-formed. (line 1, column 12)" in refused(lab, body)
    for method in (client.validate_template, client.get_template_summary):
        with pytest.raises(ClientError, match="not well-formed"):
            method(TemplateBody=body)
    with pytest.raises(ClientError, match="not well-formed"):
        client.create_change_set(
            StackName="hostile", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body
        )
    assert not mark.exists()


def test_a_template_with_short_forms_still_makes_its_resources(lab):
    body = """
AWSTemplateFormatVersion: 2010-09-09
Description: a queue
Parameters:
  Name: {Type: String, Default: docks}
Conditions:
  Always: !Equals [a, a]
  Both: !And [!Condition Always, !Not [!Equals [a, b]]]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Condition: Both
    Properties:
      QueueName: !Sub "${Name}-queue"
Outputs:
  Arn: {Value: !GetAtt Queue.Arn}
  Url: {Value: !Ref Queue}
  Joined: {Value: !Join ["-", [!Ref Name, 2026-11-27]]}
"""
    stack(lab, body, "forms")
    client = lab.cloud.client("cloudformation")
    outputs = client.describe_stacks(StackName="forms")["Stacks"][0]["Outputs"]
    values = {each["OutputKey"]: each["OutputValue"] for each in outputs}
    assert values["Arn"].endswith(":docks-queue")
    assert values["Joined"] == "docks-2026-11-27"
    assert client.validate_template(TemplateBody=body)["Description"] == "a queue"


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (BOMB, "aliases are not allowed"),
        ("Resources: " + "[" * 900 + "]" * 900, "nested more than 100 levels"),
        ("Resources: " + "[" * 20_000 + "]" * 20_000, "not well-formed"),
        ('{"Resources": ' + "[" * 500 + "]" * 500 + "}", "nested more than 100 levels"),
        ('{"Resources": ' + "[" * 20_000 + "]" * 20_000 + "}", "nested more than 100 levels"),
        ("Resources: {" + "a: 1, " * 9000 + "}", "length less than or equal to 51200"),
        ("Resources: {a: &a {Type: x}, b: *a}", "aliases are not allowed"),
        ("just words", "unsupported structure"),
        ("Description: nothing", "At least one Resources member must be defined"),
        ("Resources: {a: [}", "not well-formed"),
        (
            "Resources: {" + ", ".join(f"r{n}: {{Type: A}}" for n in range(501)) + "}",
            "Number of resources, 501, is greater than maximum allowed, 500",
        ),
    ],
)
def test_a_template_that_is_too_much_is_refused(lab, body, message):
    assert message in refused(lab, body)


def test_a_template_in_s3_has_a_bound_too(lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="flow.yaml", Body="Resources: [" + "[]," * 300_000 + "]")
    s3.put_object(Bucket="templates", Key="long.yaml", Body="Resources: {} #" + "x" * 1_048_576)
    client = lab.cloud.client("cloudformation")
    for key, message in (("flow.yaml", "more than 100000 values"), ("long.yaml", "1048576")):
        with pytest.raises(ClientError, match=message):
            client.create_stack(
                StackName="hostile",
                TemplateURL=f"https://templates.s3.us-east-1.amazonaws.com/{key}",
            )


def test_documents_of_other_services_have_the_same_bounds():
    for text in (BOMB, "[" * 900 + "]" * 900, "!!python/object/apply:os.getcwd []", "a: [}"):
        with pytest.raises(DocumentError):
            read_document(text)
    assert read_document("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
    assert read_template("Resources: {a: !GetAZs ''}") == {"Resources": {"a": {"Fn::GetAZs": ""}}}


def test_an_api_and_a_document_of_ssm_are_read_with_bounds(lab):
    deep = "openapi: 3.0.1\nx: " + "[" * 900 + "]" * 900
    with pytest.raises(ClientError, match="nested more than 100 levels"):
        lab.cloud.client("apigateway").import_rest_api(body=deep.encode())
    with pytest.raises(ClientError, match="nested more than 100 levels"):
        lab.cloud.client("apigatewayv2").import_api(Body=deep)
    with pytest.raises(ClientError, match="content for the document is not valid"):
        lab.cloud.client("ssm").create_document(Content=deep, Name="deep", DocumentFormat="YAML")


def test_json_that_is_nested_too_deep_is_the_senders_fault(lab):
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    for service, target in (
        ("dynamodb", "DynamoDB_20120810.PutItem"),
        ("logs", "Logs_20140328.PutLogEvents"),
        ("events", "AWSEvents.PutEvents"),
    ):
        status, headers, body = send_signed(
            lab.cloud,
            service,
            deep,
            {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"},
        )
        assert (status, json.loads(body)["__type"]) == (400, "SerializationException"), service


@pytest.fixture
def listener():
    """A server of this machine that notes who asks it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_moto_sends_nothing_over_http(lab, listener):
    url, asked = listener
    sns, firehose = lab.cloud.client("sns"), lab.cloud.client("firehose")
    topic = sns.create_topic(Name="reach")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{url}/sns")
    sns.publish(TopicArn=topic, Message="hello")
    lab.cloud.idle()
    assert any("sends nothing to HTTP endpoints" in each for each in lab.cloud.problems())
    firehose.create_delivery_stream(
        DeliveryStreamName="reach",
        HttpEndpointDestinationConfiguration={
            "EndpointConfiguration": {"Url": f"{url}/firehose"},
            "S3Configuration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::nowhere"},
        },
    )
    with pytest.raises(ClientError, match="sends nothing to HTTP endpoints"):
        firehose.put_record(DeliveryStreamName="reach", Record={"Data": b"x"})
    assert asked == []


def test_no_container_starts(lab):
    batch = lab.cloud.client("batch")
    with pytest.raises(ClientError, match="runs no containers"):
        batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")
    name = lab.create("def handler(event, context):\n    print('EVENT', event)")
    path = f"/2014-11-13/functions/{name}/invoke-async/"
    status, _, _ = send_signed(lab.cloud, "lambda", b'{"dock": 7}', {}, path)
    assert status == 202
    lab.cloud.idle()
    assert any("EVENT {'dock': 7}" in line for line in lab.log_events(f"/aws/lambda/{name}"))


def test_motos_own_pages_are_gone(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for page in ("reset", "recorder/start-recording", "recorder/upload-recording", "config"):
        status, _, _ = send_signed(lab.cloud, "s3", b"x", {}, f"/moto-api/{page}")
        assert status in (403, 404)
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_body_has_a_bound(lab):
    bomb = gzip.compress(b"0" * (80 * 1024 * 1024))
    headers = {"Content-Encoding": "gzip", "X-Amz-Target": "GraniteServiceVersion20100801.x"}
    status, _, _ = send_signed(lab.cloud, "monitoring", bomb, headers)
    assert status == 413
