"""HTTP for checks and notebooks: answers of any status, and where an API is reached."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from gateways import ECHO

from workshop.grading.account import Account
from workshop.grading.function import Function
from workshop.grading.web import HttpApi, Reply, ask, reachable

ON_AWS = "https://a1.execute-api.us-east-1.amazonaws.com/x"


@pytest.fixture(scope="module")
def api(lab):
    account = Account(lab.cloud.client, lab.cloud.idle)
    function = Function(lab.client, lab.create(ECHO))
    yield HttpApi(account, function, ["GET /stations/{id}", "POST /rides"])
    account.close()


def test_asks_routes_of_an_api(api):
    event = api.ask("GET", "/stations/w-1?limit=3").value
    assert (event["routeKey"], event["version"]) == ("GET /stations/{id}", "2.0")
    assert event["pathParameters"] == {"id": "w-1"}
    assert event["queryStringParameters"] == {"limit": "3"}


def test_sends_objects_as_json_and_texts_as_they_are(api):
    event = api.ask("POST", "/rides", {"bikes": 1}).value
    assert event["body"] == '{"bikes": 1}'
    assert event["headers"]["content-type"] == "application/json"
    event = api.ask("POST", "/rides", "ü", {"Content-Type": "text/plain"}).value
    assert event["body"] == "ü"


def test_answers_of_every_status_come_back(api):
    reply = api.ask("GET", "/nowhere")
    assert (reply.status, reply.value) == (404, {"message": "Not Found"})
    assert reply.content_type == "application/json"


def test_the_api_goes_with_the_account(lab):
    account = Account(lab.cloud.client, lab.cloud.idle)
    api = HttpApi(account, Function(lab.client, lab.create(ECHO)), ["GET /stations"])
    assert api.ask("GET", "/stations").status == 200
    account.close()
    assert ask(api.url + "/stations").status == 403


def test_a_body_that_is_no_json_has_no_value():
    assert Reply(200, {}, "It runs.").value is None
    assert (
        Reply(200, {"content-type": "Text/Plain; charset=utf-8"}, "").content_type == "text/plain"
    )


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        ("https://lambda.us-east-1.amazonaws.com", ON_AWS),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/_aws/execute-api/a1/x"),
    ],
)
def test_finds_an_api_on_aws_and_here(endpoint, found):
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=endpoint))
    assert reachable(ON_AWS, client) == found
