"""What both kinds of streams share: retries, cuts, partial failures, failure records, changes."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from streams_support import (
    FAILS,
    PRINTS,
    Queue,
    Stream,
    Table,
    batches,
    change,
    connect,
    events,
    result,
)
from support import metric_sum
from waiting import until

ISO_MS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

# Raises for a batch with one of the letters in BAD, on its first FAILURES attempts, or always.
FAILS_ON = """
import base64, json
BAD, FAILURES = {bad!r}, {failures!r}
failures = 0
def handler(event, context):
    global failures
    print('EVENT', json.dumps(event))
    letters = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    if set(letters) & set(BAD) and (FAILURES is None or failures < FAILURES):
        failures += 1
        raise ValueError("bad")
"""

REPORTS = """
import base64, json
def handler(event, context):
    print('EVENT', json.dumps(event))
    bad = [r["kinesis"]["sequenceNumber"] for r in event["Records"]
           if base64.b64decode(r["kinesis"]["data"]).decode() in {bad!r}]
    return {{"batchItemFailures": [{{"itemIdentifier": each}} for each in reversed(bad)]}}
"""
REPORT = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def fails_on(lab, bad, failures=None):
    return lab.create(FAILS_ON.format(bad=bad, failures=failures))


def filled(lab, letters):
    stream = Stream(lab)
    stream.put(*letters)
    return stream


def test_a_batch_is_tried_until_it_succeeds(lab):
    name = fails_on(lab, "b", failures=3)
    uuid = connect(lab, filled(lab, "abc"), name, BatchSize=2)
    lab.cloud.idle()
    assert batches(lab, name) == ["ab", "ab", "ab", "ab", "c"]
    assert result(lab, uuid) == "OK"


@pytest.mark.parametrize("retries", [0, 2])
def test_maximum_retry_attempts(lab, retries):
    name, failures = fails_on(lab, "b"), Queue(lab)
    stream = filled(lab, "abcd")
    connect(
        lab,
        stream,
        name,
        BatchSize=2,
        MaximumRetryAttempts=retries,
        DestinationConfig=failures.destination,
    )
    lab.cloud.idle()
    assert batches(lab, name) == ["ab"] * (1 + retries) + ["cd"]
    (record,) = failures.bodies()
    assert record["requestContext"]["approximateInvokeCount"] == 1 + retries
    assert record["KinesisBatchInfo"]["batchSize"] == 2


def test_the_record_of_a_failure(lab):
    name, failures = lab.create(FAILS), Queue(lab)
    stream = Stream(lab)
    first, last = stream.put("a", "b")
    alias = lab.client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion=lab.client.publish_version(FunctionName=name)["Version"],
    )["AliasArn"]
    settings = {"MaximumRetryAttempts": 1, "DestinationConfig": failures.destination}
    connect(lab, stream, alias, **settings)
    lab.cloud.idle()
    (record,) = failures.bodies()
    assert set(record) == {
        "requestContext",
        "responseContext",
        "version",
        "timestamp",
        "KinesisBatchInfo",
    }
    assert record["version"] == "1.0"
    assert re.fullmatch(ISO_MS, record["timestamp"])
    ran = lab.cloud.invocations(name)
    assert record["requestContext"] == {
        "requestId": ran[-1].request_id,
        "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    }
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "1",
        "functionError": "Unhandled",
    }
    info = record["KinesisBatchInfo"]
    for moment in ("approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord"):
        assert re.fullmatch(ISO_MS, info.pop(moment))
    assert info == {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": first,
        "endSequenceNumber": last,
        "batchSize": 2,
        "streamArn": stream.arn,
    }


def test_the_record_of_a_failure_of_a_dynamodb_stream(lab):
    table, name, failures = Table(lab), lab.create(FAILS), Queue(lab)
    table.put("1")
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": failures.destination}
    connect(lab, table, name, **settings)
    lab.cloud.idle()
    (record,) = failures.bodies()
    info = record["DDBStreamBatchInfo"]
    number = events(lab, name)[0]["Records"][0]["dynamodb"]["SequenceNumber"]
    assert info["startSequenceNumber"] == info["endSequenceNumber"] == number
    assert info["streamArn"] == table.arn
    assert info["batchSize"] == 1
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", info["approximateArrivalOfFirstRecord"])


def test_failures_go_to_a_topic(lab):
    sns, seen = lab.cloud.client("sns"), Queue(lab)
    topic = sns.create_topic(Name="failures")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=seen.arn, Attributes={"RawMessageDelivery": "true"}
    )
    config = {"OnFailure": {"Destination": topic}}
    stream = filled(lab, "a")
    connect(lab, stream, lab.create(FAILS), MaximumRetryAttempts=0, DestinationConfig=config)
    lab.cloud.idle()
    (record,) = seen.bodies()
    assert record["KinesisBatchInfo"]["streamArn"] == stream.arn
    assert "payload" not in record


def test_failures_go_to_a_bucket_with_their_records(lab):
    s3, name = lab.cloud.client("s3"), lab.create(FAILS)
    s3.create_bucket(Bucket="failures")
    config = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
    stream = filled(lab, "ab")
    uuid = connect(lab, stream, name, MaximumRetryAttempts=0, DestinationConfig=config)
    lab.cloud.idle()
    (found,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    day, moment = r"\d{4}/\d\d/\d\d", r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d"
    pattern = rf"aws/lambda/{uuid}/shardId-000000000000/{day}/{moment}-[0-9a-f-]{{36}}"
    assert re.fullmatch(pattern, found["Key"])
    body = json.load(s3.get_object(Bucket="failures", Key=found["Key"])["Body"])
    assert json.loads(body["payload"]) == events(lab, name)[0]
    assert body["KinesisBatchInfo"]["batchSize"] == 2


def test_a_destination_that_is_gone_holds_up_nothing(lab):
    name, failures = fails_on(lab, "a"), Queue(lab)
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": failures.destination}
    stream = Stream(lab)
    connect(lab, stream, name, **settings)
    failures.sqs.delete_queue(QueueUrl=failures.url)
    stream.put("a")
    lab.cloud.idle()
    stream.put("b")
    lab.cloud.idle()
    assert batches(lab, name) == ["a", "b"]
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1


def test_bisect_finds_the_bad_record(lab):
    name, failures = fails_on(lab, "c"), Queue(lab)
    connect(
        lab,
        filled(lab, "abcdefgh"),
        name,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig=failures.destination,
    )
    lab.cloud.idle()
    # splitting uses up no attempt: the record by itself has all of them
    assert batches(lab, name) == ["abcdefgh", "abcd", "ab", "cd", "c", "c", "d", "efgh"]
    (record,) = failures.bodies()
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert record["requestContext"]["approximateInvokeCount"] == 2


def test_partial_failure_goes_on_from_the_lowest_number(lab):
    name, failures = lab.create(REPORTS.format(bad=["c", "f"])), Queue(lab)
    connect(
        lab,
        filled(lab, "abcdefg"),
        name,
        MaximumRetryAttempts=2,
        DestinationConfig=failures.destination,
        **REPORT,
    )
    lab.cloud.idle()
    assert batches(lab, name) == ["abcdefg", "cdefg", "cdefg"]
    (record,) = failures.bodies()
    assert record["KinesisBatchInfo"]["batchSize"] == 5
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] is None


def test_bisect_cuts_at_the_reported_number(lab):
    name, failures = lab.create(REPORTS.format(bad=["c"])), Queue(lab)
    connect(
        lab,
        filled(lab, "abcd"),
        name,
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        DestinationConfig=failures.destination,
        **REPORT,
    )
    lab.cloud.idle()
    assert batches(lab, name) == ["abcd", "cd", "cd"]
    assert [r["KinesisBatchInfo"]["batchSize"] for r in failures.bodies()] == [2]


@pytest.mark.parametrize(
    "answer",
    [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}],
)
def test_answers_that_are_a_success(lab, answer):
    name = lab.create(f"def handler(event, context): return {answer!r}")
    connect(lab, filled(lab, "ab"), name, **REPORT)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1


@pytest.mark.parametrize(
    "items",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": "unknown"}],
        [{"id": "1"}],
        ["1"],
        "all",
    ],
)
def test_answers_that_fail_the_whole_batch(lab, items):
    name = lab.create(f"def handler(event, context): return {{'batchItemFailures': {items!r}}}")
    connect(lab, filled(lab, "ab"), name, MaximumRetryAttempts=1, **REPORT)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 2


def test_an_exception_fails_the_whole_batch(lab):
    name = lab.create(FAILS)
    connect(lab, filled(lab, "ab"), name, MaximumRetryAttempts=1, **REPORT)
    lab.cloud.idle()
    assert batches(lab, name) == ["ab", "ab"]


def test_without_the_setting_the_answer_is_not_read(lab):
    name = lab.create(REPORTS.format(bad=["a"]))
    connect(lab, filled(lab, "ab"), name)
    lab.cloud.idle()
    assert batches(lab, name) == ["ab"]


def test_record_age(lab):
    """The delays between attempts count as on AWS: 1, 2, 4, ... seconds; 60 are over soon."""
    name, failures = fails_on(lab, "ab"), Queue(lab)
    stream = filled(lab, "ab")
    connect(
        lab,
        stream,
        name,
        BatchSize=1,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig=failures.destination,
    )
    lab.cloud.idle()
    came = batches(lab, name)
    assert 5 <= came.count("a") <= 7
    assert "b" not in came  # it waited as long as the record before it
    stream.put("c")
    lab.cloud.idle()
    assert batches(lab, name)[-1] == "c"
    records = failures.bodies()
    assert [r["requestContext"]["condition"] for r in records] == ["RecordAgeExceeded"] * 2
    assert all("responseContext" not in record for record in records)


def test_iterator_age(lab):
    """The age of a batch's last record at each attempt; delays count as on AWS: 1, 2, 4 seconds."""
    name, stream = fails_on(lab, "a"), filled(lab, "a")
    connect(lab, stream, name, MaximumRetryAttempts=3)
    lab.cloud.idle()
    now = datetime.now(timezone.utc)
    [point] = lab.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    assert (point["SampleCount"], point["Unit"]) == (4, "Milliseconds")
    assert point["Maximum"] - point["Minimum"] >= 6980  # less what the delays take here


def test_a_throttle_uses_up_no_attempt(lab):
    name, failures = lab.create(PRINTS), Queue(lab)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    stream = filled(lab, "a")
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": failures.destination}
    connect(lab, stream, name, **settings)
    with pytest.raises(TimeoutError, match="kinesis mapping"):
        lab.cloud.idle(timeout=0.3)
    lab.client.delete_function_concurrency(FunctionName=name)
    lab.cloud.idle()
    assert batches(lab, name) == ["a"]
    assert failures.bodies() == []


def test_timeouts_and_exits_count_as_failures(lab):
    source = "import os\ndef handler(event, context): os._exit(3)"
    name, failures = lab.create(source), Queue(lab)
    settings = {"MaximumRetryAttempts": 1, "DestinationConfig": failures.destination}
    connect(lab, filled(lab, "a"), name, **settings)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 2
    (record,) = failures.bodies()
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_disabled_and_enabled_again_it_goes_on_where_it_was(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name, "LATEST")
    change(lab, uuid, Enabled=False)
    stream.put("a")  # after LATEST, so it comes
    lab.cloud.idle()
    assert batches(lab, name) == []
    change(lab, uuid, Enabled=True)
    stream.put("b")
    lab.cloud.idle()
    change(lab, uuid, Enabled=False)
    stream.put("c")
    lab.cloud.idle()
    change(lab, uuid, Enabled=True)
    lab.cloud.idle()
    assert "".join(batches(lab, name)) == "abc"


def test_disabled_while_it_handles_a_batch_it_delivers_that_once(lab):
    source = PRINTS + "\n    import time; time.sleep(0.3)"
    stream, name = Stream(lab), lab.create(source)
    uuid = connect(lab, stream, name, BatchSize=1)
    stream.put("a", "b")
    change(lab, uuid, Enabled=False)
    change(lab, uuid, Enabled=True)
    lab.cloud.idle()
    assert batches(lab, name) == ["a", "b"]


def test_made_disabled(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name, Enabled=False)
    stream.put("a")
    lab.cloud.idle()
    assert lab.cloud.invocations(name) == []
    change(lab, uuid, Enabled=True)
    lab.cloud.idle()
    assert batches(lab, name) == ["a"]


def test_deleted_while_a_batch_fails(lab):
    stream, name = filled(lab, "a"), fails_on(lab, "a")
    uuid = connect(lab, stream, name)
    until(lambda: lab.cloud.invocations(name))
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
    count = len(lab.cloud.invocations(name))
    stream.put("b")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == count


def test_changes_while_a_batch_fails(lab):
    """A learner's way out of a batch that blocks: change the mapping, or the function."""
    failures = Queue(lab)
    name = fails_on(lab, "a")
    uuid = connect(lab, filled(lab, "ab"), name, BatchSize=1)
    until(lambda: lab.cloud.invocations(name))
    change(lab, uuid, MaximumRetryAttempts=0, DestinationConfig=failures.destination)
    lab.cloud.idle()
    assert batches(lab, name)[-1] == "b"
    assert len(failures.bodies()) == 1


def test_batch_size_changes_while_it_runs(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name, BatchSize=1)
    stream.put(*"ab")
    lab.cloud.idle()
    change(lab, uuid, BatchSize=3, MaximumBatchingWindowInSeconds=300)
    stream.put(*"cde")
    lab.cloud.idle()
    assert batches(lab, name) == ["a", "b", "cde"]


def test_another_function_takes_over(lab):
    stream, name, other = Stream(lab), lab.create(PRINTS), lab.create(PRINTS)
    uuid = connect(lab, stream, name)
    stream.put("a")
    lab.cloud.idle()
    change(lab, uuid, FunctionName=other)
    stream.put("b")
    lab.cloud.idle()
    assert (batches(lab, name), batches(lab, other)) == (["a"], ["b"])


def test_a_function_that_is_deleted_and_made_again(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name)
    lab.client.delete_function(FunctionName=name)
    stream.put("a")
    lab.cloud.idle()  # nothing goes on while there is no function
    assert result(lab, uuid).startswith("PROBLEM: Function not found")
    lab.create(PRINTS, FunctionName=name)
    stream.put("b")
    settled(lab, uuid)
    assert "".join(batches(lab, name)) == "ab"


def settled(lab, uuid):
    """Waits until a mapping found its function again."""
    until(lambda: result(lab, uuid) == "OK", "its function was not found again")
    lab.cloud.idle()


def test_a_poller_that_fails_loses_nothing(lab, monkeypatch):
    """An error between reading and handling: the mapping goes on from what is done with."""
    from botocore.exceptions import ConnectionClosedError

    from workshop.cloud.triggers.mappings.shards import KinesisShard

    stream, name = Stream(lab), lab.create(PRINTS)
    connect(lab, stream, name, BatchSize=2)
    closed = ConnectionClosedError(endpoint_url="http://here")  # has a `response`, which is None
    read, errors = KinesisShard.read, iter([OSError("reset"), closed])

    def sometimes(self):
        for error in errors:
            raise error
        return read(self)

    monkeypatch.setattr(KinesisShard, "read", sometimes)
    stream.put(*"abc")
    lab.cloud.idle()
    assert "".join(batches(lab, name)) == "abc"
