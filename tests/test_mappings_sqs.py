"""SQS as an event source: events, batches, failures, queues of both kinds, settings."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from aws_lambda_powertools.utilities.parser.models import SqsModel
from botocore.exceptions import ClientError

_numbers = itertools.count(1)
PRINTS = "import json\ndef handler(event, context): print('EVENT', json.dumps(event))"


class Queue:
    """A queue with what tests do to it."""

    def __init__(self, lab, fifo=False, **attributes):
        self.lab, self.sqs = lab, lab.cloud.client("sqs")
        name = f"queue-{next(_numbers)}" + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def send(self, *bodies, **more):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def count(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(value) for value in found["Attributes"].values())

    def bodies(self):
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]


def with_dead_letters(lab, most=2, **attributes):
    """A queue, and the one where messages go that were received `most` times."""
    dead = Queue(lab)
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": most})
    return Queue(lab, RedrivePolicy=policy, **attributes), dead


def connect(lab, source, name, **settings):
    return lab.client.create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName=name, **settings
    )


def events(lab, name):
    """The events that a function printed, in the order in which it got them."""
    lines = lab.log_events(f"/aws/lambda/{name}")
    found = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("EVENT ")]
    return found


def bodies(lab, name):
    return [record["body"] for event in events(lab, name) for record in event["Records"]]


def test_event(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)
    attributes = {
        "station": {"DataType": "String", "StringValue": "31000"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    queue.send('{"bike": "räd"}', MessageAttributes=attributes)
    lab.cloud.idle()
    (event,) = events(lab, name)
    SqsModel.model_validate(event)
    (record,) = event["Records"]
    assert record["body"] == '{"bike": "räd"}'
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == queue.arn
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(record["attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
    assert set(record["attributes"]) >= {"SenderId", "ApproximateFirstReceiveTimestamp"}
    assert record["messageAttributes"]["station"]["stringValue"] == "31000"
    assert record["messageAttributes"]["raw"]["binaryValue"] == "AAE="
    assert len(record["md5OfBody"]) == 32
    assert queue.count() == 0


def test_messages_sent_before_the_mapping_come_in_batches(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    queue.send(*(str(n) for n in range(25)))
    connect(lab, queue, name)
    lab.cloud.idle()
    sizes = [len(event["Records"]) for event in events(lab, name)]
    assert sorted(bodies(lab, name), key=int) == [str(n) for n in range(25)]
    assert sorted(sizes) == [5, 10, 10]


def test_batch_size_and_window(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name, BatchSize=30, MaximumBatchingWindowInSeconds=1)
    queue.send(*(str(n) for n in range(12)))
    lab.cloud.idle()
    assert [len(event["Records"]) for event in events(lab, name)] == [12]


def test_a_message_that_fails_comes_again_and_then_is_a_dead_letter(lab):
    queue, dead = with_dead_letters(lab)
    fails = PRINTS + "\n    raise ValueError('no such station')"
    name = lab.create(fails)
    connect(lab, queue, name)
    queue.send("poison")
    lab.cloud.idle()
    counts = [e["Records"][0]["attributes"]["ApproximateReceiveCount"] for e in events(lab, name)]
    assert sorted(counts) == ["1", "2"]
    assert dead.bodies() == ["poison"]
    assert queue.count() == 0


PARTIAL = """
import json
def handler(event, context):
    print('EVENT', json.dumps(event))
    bad = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
"""


def test_only_the_reported_messages_come_again(lab):
    queue, dead = with_dead_letters(lab)
    queue.send("good", "bad", "fine")
    name = lab.create(PARTIAL)
    connect(lab, queue, name, FunctionResponseTypes=["ReportBatchItemFailures"])
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


@pytest.mark.parametrize("answer", [None, "", [], {}, {"batchItemFailures": []}])
def test_answers_that_are_a_success(lab, answer):
    queue, dead = with_dead_letters(lab)
    name = lab.create(f"def handler(event, context): return {answer!r}")
    connect(lab, queue, name, FunctionResponseTypes=["ReportBatchItemFailures"])
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
    connect(lab, queue, name, FunctionResponseTypes=["ReportBatchItemFailures"])
    queue.send("message")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 2
    assert dead.bodies() == ["message"]


def test_filter(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    pattern = json.dumps({"body": {"bikes": [{"numeric": ["<", 2]}]}})
    connect(lab, queue, name, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    queue.send('{"bikes": 1}', '{"bikes": 5}', "not json")
    lab.cloud.idle()
    assert bodies(lab, name) == ['{"bikes": 1}']
    assert queue.count() == 0  # Lambda deletes what the filter drops


def test_fifo_keeps_the_order_of_each_group(lab):
    queue = Queue(lab, fifo=True, ContentBasedDeduplication="true")
    name = lab.create(PRINTS + "\n    import time; time.sleep(0.01)")
    connect(lab, queue, name, BatchSize=3)
    for number in range(12):
        queue.send(f"{'ab'[number % 2]} {number:02}", MessageGroupId="ab"[number % 2])
    lab.cloud.idle()
    ran = sorted(lab.cloud.invocations(name), key=lambda each: each.started_at)
    order = {each.request_id: place for place, each in enumerate(ran)}
    got = sorted(_with_request(lab, name), key=lambda each: order[each[0]])
    for group in "ab":
        seen = [body for _, event in got for body in event if body.startswith(group)]
        assert seen == sorted(seen)
        assert len(seen) == 6
    record = events(lab, name)[0]["Records"][0]
    assert set(record["attributes"]) >= {
        "MessageGroupId",
        "MessageDeduplicationId",
        "SequenceNumber",
    }


def _with_request(lab, name):
    """(request id, bodies) of every event that a function printed."""
    found, request = [], None
    for line in lab.log_events(f"/aws/lambda/{name}"):
        if line.startswith("START "):
            request = line.split()[2]
        if line.startswith("EVENT "):
            records = json.loads(line.partition(" ")[2])["Records"]
            found.append((request, [record["body"] for record in records]))
    return found


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


def test_delayed_messages_come_later(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    connect(lab, queue, name)
    queue.send("later", DelaySeconds=1)
    lab.cloud.idle()  # waits for it
    assert bodies(lab, name) == ["later"]


def test_disable_and_enable_again(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    made = connect(lab, queue, name, Enabled=False)
    queue.send("waits")
    lab.cloud.idle()
    assert bodies_or_none(lab, name) == []
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    lab.cloud.idle()
    assert bodies(lab, name) == ["waits"]
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    queue.send("waits again")
    lab.cloud.idle()
    assert bodies(lab, name) == ["waits"]


def bodies_or_none(lab, name):
    return bodies(lab, name) if lab.cloud.invocations(name) else []


def state(lab, uuid):
    return lab.client.get_event_source_mapping(UUID=uuid)["State"]


def settled(lab, uuid, wanted):
    until = time.monotonic() + 10
    while state(lab, uuid) != wanted:
        assert time.monotonic() < until, state(lab, uuid)
        time.sleep(0.005)


def test_states(lab):
    queue, name = Queue(lab), lab.create()
    made = connect(lab, queue, name)
    uuid = made["UUID"]
    assert made["State"] == "Creating"
    assert made["StateTransitionReason"] == "USER_INITIATED"
    settled(lab, uuid, "Enabled")
    changed = lab.client.update_event_source_mapping(UUID=uuid, BatchSize=3)
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 3)
    settled(lab, uuid, "Enabled")
    assert lab.client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    settled(lab, uuid, "Disabled")
    assert lab.client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    until = time.monotonic() + 10
    while lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
        assert time.monotonic() < until
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        state(lab, uuid)


def test_defaults(lab):
    made = connect(lab, Queue(lab), lab.create())
    assert made["BatchSize"] == 10
    assert made["MaximumBatchingWindowInSeconds"] == 0
    assert made["FunctionResponseTypes"] == []
    assert "StartingPosition" not in made


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, "less than or equal to 10000"),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}}, "Invalid filter pattern"),
        ({"FunctionName": "nobody"}, "Function does not exist"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:nowhere"}, "NonExistentQueue"),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source"),
    ],
)
def test_what_aws_refuses_leaves_nothing(lab, settings, words):
    queue, name = Queue(lab), lab.create()
    spec = {"EventSourceArn": queue.arn, "FunctionName": name, **settings}
    with pytest.raises(ClientError, match=words):
        lab.client.create_event_source_mapping(**spec)
    found = lab.client.list_event_source_mappings(EventSourceArn=queue.arn)
    assert found["EventSourceMappings"] == []


def test_function_that_may_run_longer_than_messages_are_hidden(lab):
    words = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    with pytest.raises(ClientError, match=words):
        connect(lab, Queue(lab), lab.create(Timeout=60))


def test_second_mapping_of_one_queue_and_function(lab):
    queue, name = Queue(lab), lab.create()
    uuid = connect(lab, queue, name)["UUID"]
    with pytest.raises(ClientError, match=f"ResourceConflictException.*{uuid}"):
        connect(lab, queue, name)
