"""Requests that never end, are too large, too deep or carry odd headers: each has a clear end."""

from __future__ import annotations

import base64
import json
import socket
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from gateways import ECHO, function_arn
from signed import ask, owner, send, sign
from waiting import until

from workshop.cloud.base import reading
from workshop.cloud.base.model import ApiError
from workshop.cloud.base.reading import TooLarge, gunzipped, read_body
from workshop.cloud.base.tracing import clean, next_trace
from workshop.cloud.http import moto_api, server

FUNCTIONS = "/2015-03-31/functions/"
LONG = 30  # seconds: whoever is not answered by then hangs


def connect(lab) -> socket.socket:
    parts = urlsplit(lab.cloud.endpoint_url)
    return socket.create_connection((parts.hostname, parts.port), timeout=LONG)


def talk(lab, text: bytes) -> bytes:
    """Sends bytes, and reads until the cloud ends the connection."""
    with closing(connect(lab)) as connection:
        connection.sendall(text)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


@pytest.fixture(scope="module")
def url(lab):
    arn = function_arn(lab, ECHO)
    spec = {"FunctionName": arn, "Principal": "*"}
    lab.client.add_permission(
        **spec, StatementId="u", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    lab.client.add_permission(
        **spec, StatementId="i", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    config = lab.client.create_function_url_config(FunctionName=arn, AuthType="NONE")
    return lab.cloud.url(config["FunctionUrl"])


LENGTHS = [b"-1", b"99999999999999999999", b"1e3", b"0x10", b"+5", "\u0663".encode()]


@pytest.mark.parametrize("length", LENGTHS)
def test_lengths_that_are_none(lab, url, length):
    path = urlsplit(url).path.encode()
    for target in (path, b"/2015-03-31/functions/"):
        head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %s\r\n\r\n"
        answer = talk(lab, head % (target, length) + b"{}")
        assert answer.split()[1] in (b"400", b"403", b"413")


def test_signed_requests_with_such_lengths(lab):
    headers = sign(owner(lab), "POST", lab.cloud.endpoint_url + FUNCTIONS, "lambda", b"")
    for length in ("-1", "99999999999"):
        reply = send(
            "POST", lab.cloud.endpoint_url + FUNCTIONS, {**headers, "Content-Length": length}
        )
        assert reply.status in (400, 413)
        assert reply.headers["x-amzn-errortype"]


@pytest.mark.parametrize("signed_as", ["nobody", "lambda", "s3", "url"])
def test_chunks_without_end_are_not_kept(lab, url, monkeypatch, signed_as):
    """The limits are made small, so that the test need not send much; what counts is the end."""
    monkeypatch.setitem(reading.LARGEST, "s3", 1_000_000)
    monkeypatch.setitem(reading.LARGEST, "lambda", 1_000_000)
    monkeypatch.setattr(server, "REFUSED_S", 1)
    address = url if signed_as == "url" else lab.cloud.endpoint_url + FUNCTIONS
    headers = {}
    if signed_as in ("lambda", "s3"):
        headers = sign(owner(lab), "POST", address, signed_as, b"")
    parts = urlsplit(address)
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nTransfer-Encoding: chunked\r\n"
    with closing(connect(lab)) as connection:
        connection.sendall((head + "".join(lines) + "\r\n").encode())
        ended = sent = 0
        deadline = time.monotonic() + LONG
        try:
            while sent < 40_000_000 and time.monotonic() < deadline:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            ended = 1
        connection.settimeout(LONG)
        answer = read_all(connection) if not ended else b""
    assert ended or answer.split()[1] in (b"400", b"403", b"413")


def test_an_unsigned_request_is_refused_before_its_body_is_read(lab):
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000000000\r\n\r\n"
    with closing(connect(lab)) as connection:
        connection.sendall(head)
        assert connection.recv(100).split()[1] == b"403"


def test_a_form_is_refused_before_its_file_is_read(lab):
    head = (
        "POST /bucket HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="AWSAccessKeyId"\r\n\r\nAKIAOTHER\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    with closing(connect(lab)) as connection:
        connection.sendall(head.encode() + b"x" * 70_000)
        assert connection.recv(100).split()[1] == b"403"


def test_what_a_service_takes(lab, url, monkeypatch):
    monkeypatch.setitem(reading.LARGEST, "s3", 1000)
    monkeypatch.setitem(reading.LARGEST, "lambda", 1000)
    monkeypatch.setattr(reading, "LARGEST_OTHER", 1000)
    s3 = lab.cloud.client("s3")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="any", Key="k", Body=b"x" * 1001)
    assert caught.value.response["Error"]["Code"] == "EntityTooLarge"
    for client, call, arguments in (
        (lab.client, "update_function_code", {"FunctionName": "f", "ZipFile": b"x" * 1001}),
        (lab.cloud.client("ssm"), "put_parameter", {"Name": "x" * 1001, "Value": "v"}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(client, call)(**arguments)
        answer = caught.value.response
        assert answer["Error"]["Code"] == "RequestEntityTooLargeException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert send("POST", url, {}, b"x" * (6 * 1024 * 1024 + 1)).status == 413


def test_all_that_is_held_at_once_has_a_limit(monkeypatch):
    import io

    monkeypatch.setattr(reading, "HELD_AT_ONCE", 1000)
    requests = [{"CONTENT_LENGTH": "600", "wsgi.input": io.BytesIO(b"x" * 600)} for _ in range(3)]
    assert len(read_body(requests[0], 1000)) == 600
    with pytest.raises(ApiError) as caught:
        read_body(requests[1], 1000)
    assert caught.value.status == 503
    reading.release(requests[0])
    reading.release(requests[1])
    assert len(read_body(requests[2], 1000)) == 600
    reading.release(requests[2])


def test_what_comes_after_the_answer_is_read_in_small_parts():
    import io

    rest = server._Rest(io.BufferedReader(io.BytesIO(b"x" * 1_000_000), 1_000_000))
    assert 0 < len(rest.read(10_000_000)) <= 64 * 1024


def test_a_small_body_that_unpacks_to_a_large_one():
    import gzip

    with pytest.raises(TooLarge):
        gunzipped(gzip.compress(b"0" * 10_000_000), 1_000_000)
    with pytest.raises(ApiError):
        gunzipped(b"no gzip", 1000)


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(300)),
        b"".join(b"X-%d: %s\r\n" % (number, b"y" * 5000) for number in range(50)),
        b"X: " + b"y" * 100_000 + b"\r\n",
    ],
)
def test_too_many_headers(lab, head):
    answer = talk(lab, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n")
    assert not answer or answer.split()[1] == b"431"


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(1000) == b"" or is_closed(connection)
    except TimeoutError:
        return False
    except OSError:
        return True


def test_who_is_silent_or_slow_is_dropped(lab, url, monkeypatch):
    monkeypatch.setattr(server, "HEADERS_S", 1)
    monkeypatch.setattr(reading, "BODY_S", 1)
    with (
        closing(connect(lab)) as silent,
        closing(connect(lab)) as slow,
        closing(connect(lab)) as body,
    ):
        path = urlsplit(url).path.encode()
        body.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n" % path)

        def drip(connection: socket.socket) -> bool:
            try:
                connection.sendall(b"X")
            except OSError:
                return True
            return is_closed(connection)

        slow.sendall(b"GET / HTTP/1.1\r\nX-")
        until(lambda: drip(slow))
        until(lambda: is_closed(silent))
        until(lambda: is_closed(body))


def test_an_invocation_may_take_longer_than_a_client_may_be_silent(lab, monkeypatch):
    monkeypatch.setattr(server, "HEADERS_S", 1)
    monkeypatch.setattr(reading, "BODY_S", 1)
    source = "import time\ndef handler(event, context): time.sleep(3)\n"
    assert lab.invoke(lab.create(source, Timeout=10)).error is None


def test_a_crowd_of_silent_connections_keeps_nobody_out(lab, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 20)
    crowd = [connect(lab) for _ in range(60)]
    lab.client.list_functions()
    until(lambda: sum(is_closed(each) for each in crowd) >= 40)
    for each in crowd:
        each.close()


@pytest.mark.parametrize(
    "trace",
    [
        "Root=1-5759e988-bd862e3fe1be46a994272793%0d%0aLambda-Runtime-Deadline-Ms: 1",
        "Root=1%0aX: y",
        "Root=\u20ac",
        "Root=%E2%82%AC",
        "Root=\x00",
        "%",
        "x" * 5000,
    ],
)
def test_trace_headers_that_could_not_be_sent_on(lab, url, trace):
    assert clean(trace) is None or clean(trace).isprintable()
    assert "\r" not in next_trace(trace, "arn") and next_trace(trace, "arn").isascii()
    source = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']"
    path = f"{FUNCTIONS}{lab.create(source)}/invocations"
    address = lab.cloud.endpoint_url + path
    headers = sign(owner(lab), "POST", address, "lambda", b"{}")
    raw = trace.encode().decode("latin-1")  # as the bytes of it come
    reply = send("POST", address, {**headers, "X-Amzn-Trace-Id": raw}, b"{}")
    assert reply.status == 200
    assert reply.value.isascii() and "\n" not in reply.value
    assert send("GET", url, {"X-Amzn-Trace-Id": raw}).status == 200


def test_a_client_context_of_all_characters(lab):
    source = "def handler(event, context): return context.client_context.custom"
    custom = {"€": "ä\r\nX: y", "b": "\u2028"}
    text = base64.b64encode(json.dumps({"custom": custom}, ensure_ascii=False).encode()).decode()
    answer = lab.client.invoke(FunctionName=lab.create(source), ClientContext=text)
    assert json.loads(answer["Payload"].read()) == custom
    deep = base64.b64encode(b"[" * 100_000).decode()
    headers = {"X-Amz-Client-Context": deep[:50_000]}
    reply = ask(lab, "POST", f"{FUNCTIONS}x/invocations", "lambda", b"{}", headers)
    assert reply.status in (400, 404)


DEEP = b"[" * 10_000


@pytest.mark.parametrize(
    ("method", "path", "service", "headers"),
    [
        ("POST", FUNCTIONS + "f/invocations", "lambda", {}),
        ("PUT", "/2024-08-31/functions/f/recursion-config", "lambda", {}),
        ("POST", "/2015-03-31/functions", "lambda", {}),
        ("POST", "/", "dynamodb", {"X-Amz-Target": "DynamoDB_20120810.PutItem"}),
        ("POST", "/", "sqs", {"X-Amz-Target": "AmazonSQS.SendMessage"}),
        ("POST", "/_aws/clock/advance", "local-cloud", {}),
        ("POST", "/restapis", "apigateway", {}),
    ],
)
def test_bodies_that_are_nested_too_deeply(lab, method, path, service, headers):
    reply = ask(lab, method, path, service, DEEP, headers)
    assert 400 <= reply.status < 500
    assert b"<html" not in reply.body.lower() and b"Traceback" not in reply.body
    assert reply.value.get("message") or reply.value.get("Message")


def test_a_result_that_is_nested_too_deeply_is_a_502(lab, url):
    body = b'{"a":' * 50_000
    assert send("POST", url, {"Content-Type": "application/json"}, body).status in (200, 413, 502)


def test_what_fails_inside_is_answered_shortly_and_noted(lab, monkeypatch):
    def broken(*given):
        raise KeyError("inside of moto")

    monkeypatch.setattr(moto_api.MotoApi, "answer", broken)
    before = len(lab.cloud.problems())
    with pytest.raises(ClientError) as caught:
        lab.cloud.client("dynamodb").list_tables()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert answer["Error"]["Code"] == "InternalFailure"
    with pytest.raises(ClientError) as caught:
        lab.cloud.client("s3").list_buckets()
    assert caught.value.response["Error"]["Code"] == "InternalError"
    noted = lab.cloud.problems()[before:]
    assert len(noted) == 2
    assert "KeyError" in noted[0]
    assert owner(lab).access_key not in str(noted)
