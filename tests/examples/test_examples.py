"""`workshop invoke`: each stage's function runs with its example, and its errors are shown."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventV2Model,
    DynamoDBStreamModel,
    KinesisDataStreamModel,
    S3Model,
)
from support import STAGES, submission

from workshop.cloud import LocalCloud
from workshop.examples.invoke import NoEvent, account_of, example_event, invoke, read_event
from workshop.examples.scenes import first_days
from workshop.paths import repository
from workshop.stages import find

EXERCISES, SOLUTIONS = repository() / "exercises", repository() / "solutions"
each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud:
        yield cloud


def tried(cloud: LocalCloud, number: str, exercises: Path) -> tuple[bool, str]:
    """Invokes a stage's function with its example; whether it answered, and what is shown."""
    stage = find(number)
    event = example_event(stage, exercises)
    answered, lines = invoke(stage, exercises, event, account_of(cloud))
    return answered, "\n".join(lines)


@each_stage
def test_a_solution_answers_and_nothing_is_left(cloud, stage):
    answered, said = tried(cloud, stage.number, SOLUTIONS)
    assert answered, said
    assert said.startswith("Answer:\n")
    assert "\nLog:\n  " in said
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("01", ['"minutes": 13', '"fare_cents": 165', "  REPORT RequestId: "]),
        ("02", ['"cents": 450', '"complete": true', '"message": "quoted"']),
        ("03", ['"outcome": "started"', '  item in TABLE: {"ride_id": {"S": "R-1001"}']),
        ("04", ["  null", "  object reports/first days/", '"bikers": {"N": "1786"}']),
        ("05", ['"statusCode": 200', "Union Station"]),
        ("06", ['message to TOPIC_ARN: {"station_id": "31623", "alert": "empty"', "MARKS_TABLE"]),
        ("07", ['"meters": {"N": "2912"}', "message to FAILURES_URL: ", "unit is missing"]),
        ("08", ['"files": 3', "Then the worker:", "Then the reducer:", "2011-01-01,24,331,654"]),
        ("09", ['"result": "stored"', "Then the function find:", "battery: 3.71"]),
        ("11", ['"total": "6.68"', "Then the choice of memory:", '"memory_mb": 512', "409.10"]),
    ],
)
def test_it_shows_the_answer_the_log_and_what_was_written(cloud, number, words):
    _, said = tried(cloud, number, SOLUTIONS)
    for word in words:
        assert word in said


def test_a_worker_without_messages_is_said_to_wait(cloud):
    _, said = tried(cloud, "08", EXERCISES)
    assert "Then the worker: not invoked, because the planner sent no message" in said
    assert "Then the reducer:" in said


def test_the_functions_error_is_shown_and_not_ours(cloud, tmp_path):
    source = 'def handler(event, context):\n    print("so far")\n    return event["rides"]\n'
    (tmp_path / "handler.py").write_text(source)
    folder = submission(tmp_path / "exercises", STAGES[0], tmp_path / "handler.py")
    answered, said = tried(cloud, "01", folder)
    assert not answered
    assert said.startswith("The function failed:\n  KeyError: 'rides'\nLog:\n")
    assert "\n  so far\n" in said
    assert "[ERROR] KeyError: 'rides'" in said
    assert 'File "/var/task/handler.py", line 3, in handler' in said
    assert "workshop/" not in said


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("handler.py", "def handler(event context):\n", "handler.py has a syntax error in line 1"),
        ("function.json", "{", "function.json is not JSON"),
        ("function.json", '{"Timeout": 901}', "AWS refuses the settings in function.json"),
        ("function.json", '{"ReservedConcurrentExecutions": 0}', "AWS refuses it: "),
    ],
    ids=["syntax", "no JSON", "refused settings", "throttled"],
)
def test_what_cannot_be_deployed_or_invoked_says_what_to_fix(cloud, tmp_path, file, text, words):
    folder = submission(tmp_path / "exercises", STAGES[0])
    (folder / STAGES[0].name / file).write_text(text)
    answered, said = tried(cloud, "01", folder)
    assert not answered
    assert words in said
    assert "Traceback" not in said


def test_a_partner_that_the_learner_made_stays(cloud):
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/bikeshare/partner-key", Value="of mine", Type="SecureString")
    answered, said = tried(cloud, "02", SOLUTIONS)
    assert not answered, "the example's partner has another key"
    assert "refused" in said
    kept = ssm.get_parameter(Name="/bikeshare/partner-key", WithDecryption=True)["Parameter"]
    assert kept["Value"] == "of mine"
    ssm.delete_parameter(Name="/bikeshare/partner-key")


def test_the_learners_event_comes_before_the_workshops(tmp_path):
    stage = STAGES[0]
    assert example_event(stage, tmp_path) == read_event(EXERCISES / stage.name / "event.json")
    (tmp_path / stage.name).mkdir()
    (tmp_path / stage.name / "event.json").write_text('{"mine": 1}')
    assert json.loads(example_event(stage, tmp_path)) == {"mine": 1}


@pytest.mark.parametrize(
    "text",
    [None, "", "{'ride_id': 1}", "[" * 100_000],
    ids=["missing", "empty", "Python's notation", "nested"],
)
def test_an_event_that_cannot_be_sent(tmp_path, text):
    file = tmp_path / "event.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(NoEvent, match="event.json (cannot be read|is not JSON)"):
        read_event(file)


@each_stage
def test_each_stage_has_an_example(stage):
    assert json.loads(read_event(EXERCISES / stage.name / "event.json"))


def test_the_events_are_those_that_aws_sends():
    """By the models of Powertools, and by the file that the example of stage 04 uploads."""
    events = {s.number: json.loads(example_event(s, EXERCISES)) for s in STAGES}
    APIGatewayProxyEventV2Model.model_validate(events["05"])
    DynamoDBStreamModel.model_validate(events["06"])
    KinesisDataStreamModel.model_validate(events["07"])
    S3Model.model_validate(events["04"])
    (record,) = events["04"]["Records"]
    assert record["s3"]["object"]["size"] == len(first_days())
    assert record["s3"]["object"]["eTag"] == hashlib.md5(first_days()).hexdigest()
