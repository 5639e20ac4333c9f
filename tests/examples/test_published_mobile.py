"""The solution of stage 09 with a request that has every key of the sample that AWS publishes."""

from __future__ import annotations

import json

import pytest
from published import missing_paths

from workshop.cloud import LocalCloud
from workshop.examples.invoke import account_of
from workshop.examples.mobile import Mobile, request, token_for
from workshop.grading.function import deploy
from workshop.paths import repository

IAM = {
    "accessKey": "AKIA...",
    "accountId": "111122223333",
    "callerId": "AIDA...",
    "cognitoIdentity": None,
    "principalOrgId": None,
    "userArn": "arn:aws:iam::111122223333:user/example-user",
    "userId": "AIDA...",
}
BUTTON = {"serialNumber": "ABCDEFG12345", "clickType": "SINGLE", "batteryVoltage": "2000 mV"}


@pytest.fixture(scope="module")
def account():
    with LocalCloud() as cloud:
        yield account_of(cloud)


@pytest.fixture(scope="module")
def invoke(account):
    """Invokes one of the solution's functions by name."""
    mobile = Mobile(account)
    folder = repository() / "solutions" / "stage_09_mobile_and_iot"
    made = {
        name: deploy(
            account.client("lambda"),
            folder,
            variables=mobile.variables,
            values=mobile.values,
            changes={"Handler": f"handler.{name}"},
        )
        for name in ("telemetry", "find")
    }
    return lambda name, event: made[name].invoke(event)


def sample(token):
    """A request with every key of AWS's sample, and the query of a rider."""
    query = {"parameter1": "value1,value2", "parameter2": "value"}
    event = request({"lat": "38.8893", "lon": "-77.0502", **query}, token)
    event["headers"] |= {"header1": "value1", "header2": "value1,value2"}
    event["requestContext"] |= {"authentication": None, "authorizer": {"iam": IAM}}
    more = {"cookies": ["cookie1", "cookie2"], "body": "Hello from client!"}
    event |= {**more, "pathParameters": None, "stageVariables": None}
    assert missing_paths("function_url", event) == set()
    return event


def test_a_request_like_the_sample_finds_a_bike(invoke):
    answer = invoke("find", sample(token_for("R-7"))).value
    assert answer["statusCode"] == 200
    assert [each["name"] for each in json.loads(answer["body"])["stations"]] == [
        "Henry Bacon Dr",
        "Vietnam Veterans Memorial",
        "Arlington Memorial Bridge",
    ]  # the Lincoln Memorial has not reported


def test_the_same_request_with_another_key_is_refused(invoke):
    other = token_for("R-7", "a key that nobody has given to the function")
    answer = invoke("find", sample(other)).value
    assert (answer["statusCode"], answer["headers"]["WWW-Authenticate"]) == (401, "Bearer")


def test_what_an_iot_button_sends_is_no_report(invoke):
    assert invoke("telemetry", BUTTON).value == {"result": "invalid"}
