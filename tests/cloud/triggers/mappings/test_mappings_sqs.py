"""Standard queues as event sources: events, batches, failures, what ends a mapping's work."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest
from aws_lambda_powertools.utilities.parser.models import SqsModel
from published import missing_paths
from queues import (
    PRINTS,
    Queue,
    bodies,
    connect,
    events,
    records,
    redrive,
    settled,
    with_dead_letters,
)
from support import ROLE, package
from waiting import until

FAILS = PRINTS + "    raise ValueError('no such station')\n"


def test_event(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)
    attributes = {
        "station": {"DataType": "String", "StringValue": "31000"},
        "docks": {"DataType": "Number", "StringValue": "12"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    queue.send('{"bike": "räd"}', MessageAttributes=attributes)
    lab.cloud.idle()
    (event,) = events(lab, name)
    SqsModel.model_validate(event)
    (record,) = event["Records"]
    assert record["body"] == '{"bike": "räd"}'
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
    assert len(record["md5OfMessageAttributes"]) == 32
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == queue.arn
    assert record["awsRegion"] == "us-east-1"
    times = record["attributes"]
    assert set(times) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert times["ApproximateReceiveCount"] == "1"
    assert abs(int(times["SentTimestamp"]) / 1000 - time.time()) < 60
    assert int(times["SentTimestamp"]) <= int(times["ApproximateFirstReceiveTimestamp"])
    empty = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "station": {"stringValue": "31000", **empty, "dataType": "String"},
        "docks": {"stringValue": "12", **empty, "dataType": "Number"},
        "raw": {"binaryValue": "AAE=", **empty, "dataType": "Binary"},
    }
    assert missing_paths("sqs", event, but=["Records[].messageAttributes"]) == set()
    assert queue.count() == 0


def test_messages_sent_before_the_mapping_come_in_batches(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    queue.send(*(str(n) for n in range(25)))
    connect(lab, queue, name)
    lab.cloud.idle()
    sizes = [len(event["Records"]) for event in events(lab, name)]
    assert sorted(bodies(lab, name), key=int) == [str(n) for n in range(25)]
    assert sorted(sizes) == [5, 10, 10]


def test_a_message_wakes_the_pollers_once_and_nothing_else_does(lab, monkeypatch):
    queue, mappings, woken = Queue(lab), lab.cloud._parts.mappings, []
    bucket, table = f"bucket-of-{queue.name}", f"table-of-{queue.name}"
    wake = mappings.wake
    monkeypatch.setattr(mappings, "wake", lambda *what: (woken.append(what), wake(*what)))
    queue.send("bike")
    assert woken == [("sqs", queue.arn)]
    lab.cloud.client("s3").create_bucket(Bucket=bucket)
    lab.cloud.client("s3").put_object(Bucket=bucket, Key="rides.csv", Body=b"1")
    lab.cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert len(woken) == 1


def test_batch_size_and_window(lab, monkeypatch):
    # Long enough to send twelve messages in it on a busy machine.
    monkeypatch.setattr("workshop.cloud.triggers.mappings.batches.LEAST_WINDOW", 4.0)
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name, BatchSize=30, MaximumBatchingWindowInSeconds=5)
    queue.send(*(str(n) for n in range(12)))
    lab.cloud.idle()
    (event,) = events(lab, name)
    assert [record["body"] for record in event["Records"]] == [str(n) for n in range(12)]
    assert event["Records"][0]["md5OfMessageAttributes"] is None  # so recorded, with a window


def test_a_full_batch_does_not_wait_for_its_window(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    queue.send(*(str(n) for n in range(22)))
    connect(lab, queue, name, BatchSize=11, MaximumBatchingWindowInSeconds=300)
    lab.cloud.idle()
    assert [len(event["Records"]) for event in events(lab, name)] == [11, 11]


def test_a_batch_ends_at_six_megabytes(lab):
    queue = Queue(lab)
    name = lab.create("def handler(event, context): print('N', len(event['Records']))")
    for _ in range(8):
        queue.send("x" * 1_000_000)
    connect(lab, queue, name)
    lab.cloud.idle()
    lines = lab.log_events(f"/aws/lambda/{name}")
    assert sorted(line for line in lines if line.startswith("N ")) == ["N 2\n", "N 6\n"]
    assert queue.count() == 0


def test_a_message_that_fails_comes_again_and_then_is_a_dead_letter(lab):
    queue, dead = with_dead_letters(lab)
    name = lab.create(FAILS)
    connect(lab, queue, name)
    queue.send("poison")
    lab.cloud.idle()
    first, second = (record["attributes"] for record in records(lab, name))
    assert (first["ApproximateReceiveCount"], second["ApproximateReceiveCount"]) == ("1", "2")
    same = ("SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId")
    assert [first[name] for name in same] == [second[name] for name in same]
    (message,) = dead.receive()
    assert message["Body"] == "poison"
    assert message["MessageId"] == records(lab, name)[0]["messageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == queue.arn
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"
    assert queue.count() == 0


def test_dead_letters_reach_the_function_of_their_queue(lab):
    queue, dead = with_dead_letters(lab, most=1)
    connect(lab, queue, lab.create(FAILS))
    name = lab.create(PRINTS)
    connect(lab, dead, name)
    queue.send("poison")
    lab.cloud.idle()
    (record,) = records(lab, name)
    assert record["eventSourceARN"] == dead.arn
    assert record["attributes"]["DeadLetterQueueSourceArn"] == queue.arn


def test_without_a_dead_letter_queue_a_message_is_tried_until_it_is_too_old(lab):
    queue, name = Queue(lab, MessageRetentionPeriod="100"), lab.create(FAILS)
    connect(lab, queue, name)
    queue.send("poison")
    lab.cloud.idle()
    counts = [record["attributes"]["ApproximateReceiveCount"] for record in records(lab, name)]
    assert counts == ["1", "2", "3", "4"]  # after 0, 30, 60 and 90 seconds on AWS
    assert queue.count() == 0


@pytest.mark.parametrize(
    ("way", "responses"),
    [
        ("import os; os._exit(3)", []),
        ("import sys; sys.exit(1)", []),
        ("while True: pass", []),
        ("raise KeyError('station')", []),
        ("raise KeyError('station')", ["ReportBatchItemFailures"]),
    ],
)
def test_a_function_that_ends_badly_fails_its_batch(lab, way, responses):
    queue, dead = with_dead_letters(lab, most=1)
    name = lab.create(f"def handler(event, context):\n    {way}", Timeout=1)
    connect(lab, queue, name, FunctionResponseTypes=responses)
    queue.send("a", "b")
    lab.cloud.idle()
    assert sorted(dead.bodies()) == ["a", "b"]


PARTIAL = """
import json
def handler(event, context):
    print('EVENT', json.dumps(event))
    bad = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
"""
REPORTS = ["ReportBatchItemFailures"]


def test_only_the_reported_messages_come_again(lab):
    queue, dead = with_dead_letters(lab)
    queue.send("good", "bad", "fine")
    name = lab.create(PARTIAL)
    connect(lab, queue, name, FunctionResponseTypes=REPORTS)
    lab.cloud.idle()
    assert sorted(bodies(lab, name)) == ["bad", "bad", "fine", "good"]
    assert dead.bodies() == ["bad"]


def test_without_the_setting_the_answer_is_not_read(lab):
    queue, dead = with_dead_letters(lab)
    name = lab.create(PARTIAL)
    connect(lab, queue, name)
    queue.send("bad")
    lab.cloud.idle()
    assert bodies(lab, name) == ["bad"]
    assert dead.bodies() == []


@pytest.mark.parametrize(
    "answer", [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"a": 1}]
)
def test_answers_that_are_a_success(lab, answer):
    queue, dead = with_dead_letters(lab)
    name = lab.create(f"def handler(event, context): return {answer!r}")
    connect(lab, queue, name, FunctionResponseTypes=REPORTS)
    queue.send("message")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1
    assert queue.count() == 0
    assert dead.bodies() == []


@pytest.mark.parametrize(
    "item",
    [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"itemIdentifier": "unknown"}, {"id": "1"}],
)
def test_answers_that_fail_the_whole_batch(lab, item):
    queue, dead = with_dead_letters(lab)
    name = lab.create(f"def handler(event, context): return {{'batchItemFailures': [{item!r}]}}")
    connect(lab, queue, name, FunctionResponseTypes=REPORTS)
    queue.send("message")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 2
    assert dead.bodies() == ["message"]


def test_maximum_concurrency(lab):
    queue = Queue(lab)
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.05)")
    queue.send(*(str(n) for n in range(8)))
    connect(lab, queue, name, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    assert len(ran) == 8
    most = max(
        sum(other.started_at <= each.started_at < other.ended_at for other in ran) for each in ran
    )
    assert most <= 2


def test_throttled_messages_wait_for_their_function(lab):
    queue, dead = with_dead_letters(lab, most=1)
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.05)")
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    queue.send(*(str(n) for n in range(6)))
    connect(lab, queue, name, BatchSize=1)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 6
    assert dead.bodies() == []


def test_without_concurrency_messages_become_dead_letters(lab):
    queue, dead = with_dead_letters(lab)
    name = lab.create(PRINTS)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    connect(lab, queue, name)
    queue.send("waits")
    lab.cloud.idle()
    assert lab.cloud.invocations(name) == []
    assert dead.bodies() == ["waits"]


def test_without_concurrency_and_dead_letters_messages_wait(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    connect(lab, queue, name)
    queue.send("waits")
    lab.cloud.idle()
    assert queue.count() == 1
    lab.client.delete_function_concurrency(FunctionName=name)
    lab.cloud.idle()
    assert bodies(lab, name) == ["waits"]


def test_delayed_messages_come_later(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)
    queue.send("later", DelaySeconds=1)
    queue.send("now")
    lab.cloud.idle()  # waits for both
    assert bodies(lab, name) == ["now", "later"]


def test_idle_does_not_wait_for_messages_that_nobody_handles(lab):
    alone, held, off = Queue(lab), Queue(lab), Queue(lab)
    name = lab.create(PRINTS)
    alone.send("has no mapping")
    alone.send("and is delayed", DelaySeconds=900)
    held.send("is in another consumer's hands")
    assert len(held.receive()) == 1
    connect(lab, held, name)
    connect(lab, off, name, Enabled=False)
    off.send("the mapping is off")
    off.send("and delayed", DelaySeconds=900)
    lab.cloud.idle(timeout=30)
    assert bodies(lab, name) == []


def test_what_another_consumer_gives_back_is_delivered(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    queue.send("a", "b")
    first, second = queue.receive(VisibilityTimeout=1)[0], queue.receive()
    assert second == [] or len(second) == 1
    connect(lab, queue, name)
    lab.cloud.idle()
    queue.sqs.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    lab.cloud.idle()
    assert first["Body"] in bodies(lab, name)
    until(lambda: len(bodies(lab, name)) >= 2)  # its timeout runs out
    assert sorted(bodies(lab, name)) == ["a", "b"]


def test_a_message_comes_again_when_its_visibility_timeout_ends_before_the_function(lab):
    queue, dead = with_dead_letters(lab, most=2)
    name = lab.create(PRINTS + "    import time; time.sleep(3.5)", Timeout=10)
    connect(lab, queue, name)
    lab.cloud.idle()
    queue.set(VisibilityTimeout="1")  # AWS checks it only when the mapping is made or changed
    queue.send("slow")
    lab.cloud.idle()
    counts = [record["attributes"]["ApproximateReceiveCount"] for record in records(lab, name)]
    assert counts == ["1", "2"]
    assert dead.bodies() == ["slow"]  # a receipt handle that is not the newest deletes nothing


def test_disable_and_enable_again(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    made = connect(lab, queue, name, Enabled=False)
    queue.send("waits")
    lab.cloud.idle()
    assert bodies(lab, name) == []
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    lab.cloud.idle()
    assert bodies(lab, name) == ["waits"]
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    queue.send("waits again")
    lab.cloud.idle()
    assert bodies(lab, name) == ["waits"]


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_what_is_in_flight_ends_when_the_mapping_does(lab, how):
    queue = Queue(lab)
    name = lab.create(PRINTS + "    import time; time.sleep(0.3)")
    uuid = connect(lab, queue, name)["UUID"]
    lab.cloud.idle()
    queue.send("in flight")
    until(lambda: lab.cloud._parts.activity._going_on.get(f"{name} running", 0))
    if how == "disable":
        lab.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    else:
        lab.client.delete_event_source_mapping(UUID=uuid)
    queue.send("too late")
    lab.cloud.idle()
    assert bodies(lab, name) == ["in flight"]
    assert queue.bodies() == ["too late"]


def test_failed_messages_of_an_ended_mapping_stay_in_the_queue(lab):
    queue = Queue(lab, VisibilityTimeout="600")
    name = lab.create(FAILS)
    uuid = connect(lab, queue, name)["UUID"]
    lab.cloud.idle()
    queue.send("a")
    until(lambda: lab.cloud.invocations(name))
    lab.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    lab.cloud.idle()
    assert queue.bodies() == ["a"]


def test_function_deleted_while_messages_come(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    uuid = connect(lab, queue, name)["UUID"]
    lab.cloud.idle()
    lab.client.delete_function(FunctionName=name)
    queue.send("for nobody")
    lab.cloud.idle()
    found = settled(lab, uuid, "Enabled")
    assert found["LastProcessingResult"].startswith("PROBLEM: Function not found: arn:aws:lambda")
    assert queue.count() == 1
    lab.create(PRINTS, FunctionName=name)
    lab.cloud.idle()
    assert bodies(lab, name) == ["for nobody"]
    assert "LastProcessingResult" not in settled(lab, uuid, "Enabled")


def test_queue_deleted_and_made_again(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    uuid = connect(lab, queue, name)["UUID"]
    lab.cloud.idle()
    queue.sqs.delete_queue(QueueUrl=queue.url)
    lab.cloud.idle()
    problem = settled(lab, uuid, "Enabled")["LastProcessingResult"]
    assert problem == "PROBLEM: The specified queue does not exist."
    queue.sqs.create_queue(QueueName=queue.name)
    queue.send("again")
    lab.cloud.idle()
    assert bodies(lab, name) == ["again"]


def test_queue_deleted_while_its_messages_are_handled(lab):
    queue = Queue(lab)
    name = lab.create(PRINTS + "    import time; time.sleep(0.3)")
    uuid = connect(lab, queue, name)["UUID"]
    lab.cloud.idle()
    queue.send("last")
    until(lambda: lab.cloud._parts.activity._going_on.get(f"{name} running", 0))
    queue.sqs.delete_queue(QueueUrl=queue.url)
    lab.cloud.idle()
    assert bodies(lab, name) == ["last"]
    assert settled(lab, uuid, "Enabled")["LastProcessingResult"].startswith("PROBLEM")


def test_a_function_that_does_not_run_here(lab):
    queue = Queue(lab)
    name = lab.create(Runtime="ruby3.4")
    uuid = connect(lab, queue, name)["UUID"]
    queue.send("waits")
    lab.cloud.idle()
    assert "not ruby3.4" in settled(lab, uuid, "Enabled")["LastProcessingResult"]
    assert queue.count() == 1


def test_two_functions_share_a_queue(lab):
    queue, names = Queue(lab), [lab.create(PRINTS), lab.create(PRINTS)]
    for name in names:
        connect(lab, queue, name, BatchSize=1)
    queue.send(*(str(n) for n in range(20)))
    lab.cloud.idle()
    got = [body for name in names for body in bodies(lab, name)]
    assert sorted(got, key=int) == [str(n) for n in range(20)]


def test_a_mapping_of_another_region(lab):
    queue = Queue(lab, region="eu-west-1")
    client = lab.cloud.client("lambda", region_name="eu-west-1")
    client.create_function(
        FunctionName="far-away",
        Runtime="python3.14",
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": package("def handler(event, context): return event")},
    )
    client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName="far-away")
    queue.send("ciao")
    lab.cloud.idle()
    assert len(lab.cloud.invocations("far-away")) == 1
    listed = lab.client.list_event_source_mappings(FunctionName="far-away")
    assert listed["EventSourceMappings"] == []


def test_many_senders_lose_no_message(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)

    def send(start):
        queue.send(*(str(n) for n in range(start, start + 25)))

    threads = [threading.Thread(target=send, args=(start,)) for start in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lab.cloud.idle()
    assert sorted(bodies(lab, name), key=int) == [str(n) for n in range(100)]


def test_a_message_from_sns_and_from_a_bucket_comes_once(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)
    sns = lab.cloud.client("sns")
    topic = sns.create_topic(Name="to-a-queue")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=topic, Message="hello")
    lab.cloud.idle()
    (body,) = bodies(lab, name)
    assert json.loads(body)["Message"] == "hello"


def test_the_send_returns_before_the_handler_ends(lab):
    queue = Queue(lab)
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.5)")
    connect(lab, queue, name)
    queue.send("slow")
    assert lab.cloud.invocations(name) == []
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1


def test_a_redrive_policy_set_later_counts(lab):
    queue, dead = Queue(lab), Queue(lab)
    name = lab.create(FAILS)
    connect(lab, queue, name)
    queue.send("poison")
    queue.set(RedrivePolicy=redrive(dead, most=3))
    lab.cloud.idle()
    assert dead.bodies() == ["poison"]
