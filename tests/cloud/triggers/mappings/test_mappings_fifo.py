"""FIFO queues: order, groups, numbers, deduplication, and how failures hold back a group."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from queues import PRINTS, Queue, bodies, connect, events, records, with_dead_letters

GROUPS = "abc"


def send_by_turns(queue, each=6):
    """Messages such as "a 03", the groups by turns."""
    for number in range(each):
        for group in GROUPS:
            queue.send(f"{group} {number:02}", MessageGroupId=group)


def by_group(found):
    """Bodies by their group, as they came."""
    return {group: [b for b in found if b.startswith(group)] for group in GROUPS}


def overlapping(lab, name):
    """Pairs of invocations of a function that ran at one time."""
    ran = sorted(lab.cloud.invocations(name), key=lambda each: each.started_at)
    return sum(b.started_at < a.ended_at for a, b in zip(ran, ran[1:], strict=False))


def test_attributes(lab):
    queue, name = Queue(lab, fifo=True), lab.create(PRINTS)
    connect(lab, queue, name)
    sent = [
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody=body, MessageGroupId="g")
        for body in ("one", "two")
    ]
    queue.send("three", MessageGroupId="g", MessageDeduplicationId="mine")
    lab.cloud.idle()
    attributes = [record["attributes"] for record in records(lab, name)]
    numbers = [each["SequenceNumber"] for each in attributes]
    assert numbers == sorted(numbers)
    assert {len(number) for number in numbers} == {20}
    assert numbers[:2] == [each["SequenceNumber"] for each in sent]
    assert {each["MessageGroupId"] for each in attributes} == {"g"}
    assert len(attributes[0]["MessageDeduplicationId"]) == 64
    assert attributes[2]["MessageDeduplicationId"] == "mine"


def test_order_of_each_group(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(PRINTS + "    import time; time.sleep(0.02)")
    connect(lab, queue, name, BatchSize=3)
    send_by_turns(queue)
    lab.cloud.idle()
    for group, seen in by_group(bodies(lab, name)).items():
        assert seen == [f"{group} {number:02}" for number in range(6)]


def test_groups_run_at_one_time_but_each_group_alone(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(PRINTS + "    import time; time.sleep(0.1)")
    send_by_turns(queue)
    connect(lab, queue, name, BatchSize=2)
    lab.cloud.idle()
    assert overlapping(lab, name) > 0
    for event in events(lab, name):
        groups = {record["attributes"]["MessageGroupId"] for record in event["Records"]}
        assert len(groups) == 1  # SQS fills a batch with one group as far as it can

    alone = Queue(lab, fifo=True)
    name = lab.create(PRINTS + "    import time; time.sleep(0.05)")
    alone.send(*(str(n) for n in range(6)), MessageGroupId="only")
    connect(lab, alone, name, BatchSize=1)
    lab.cloud.idle()
    assert overlapping(lab, name) == 0
    assert bodies(lab, name) == [str(n) for n in range(6)]


def test_a_batch_takes_several_groups_when_one_does_not_fill_it(lab):
    queue, name = Queue(lab, fifo=True), lab.create(PRINTS)
    send_by_turns(queue, each=2)
    connect(lab, queue, name)
    lab.cloud.idle()
    (event,) = events(lab, name)
    got = [record["body"] for record in event["Records"]]
    assert got == ["a 00", "a 01", "b 00", "b 01", "c 00", "c 01"]


FAILS_FIRST = """
import json
def handler(event, context):
    print('EVENT', json.dumps(event))
    for record in event["Records"]:
        if record["body"] == "b 01" and record["attributes"]["ApproximateReceiveCount"] < "3":
            raise ValueError("not yet")
"""


def test_a_failure_holds_back_its_group_and_no_other(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(FAILS_FIRST)
    send_by_turns(queue)
    connect(lab, queue, name, BatchSize=1)
    lab.cloud.idle()
    got = by_group(bodies(lab, name))
    assert got["a"] == [f"a {n:02}" for n in range(6)]
    assert got["c"] == [f"c {n:02}" for n in range(6)]
    assert got["b"] == ["b 00", "b 01", "b 01", "b 01", "b 02", "b 03", "b 04", "b 05"]
    assert queue.count() == 0


def test_a_batch_that_fails_comes_again_in_order(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(FAILS_FIRST)
    queue.send(*(f"b {n:02}" for n in range(6)), MessageGroupId="b")
    connect(lab, queue, name, BatchSize=3)
    lab.cloud.idle()
    got = [[record["body"] for record in event["Records"]] for event in events(lab, name)]
    first, second = ["b 00", "b 01", "b 02"], ["b 03", "b 04", "b 05"]
    assert got == [first, first, first, second]


PARTIAL = """
import json
def handler(event, context):
    print('EVENT', json.dumps(event))
    for place, record in enumerate(event["Records"]):
        if record["body"] == "b 02" and record["attributes"]["ApproximateReceiveCount"] == "1":
            rest = event["Records"][place:]
            return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in rest]}
"""


def test_partial_failure_keeps_the_order(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(PARTIAL)
    queue.send(*(f"b {n:02}" for n in range(5)), MessageGroupId="b")
    connect(lab, queue, name, FunctionResponseTypes=["ReportBatchItemFailures"])
    lab.cloud.idle()
    got = [[record["body"] for record in event["Records"]] for event in events(lab, name)]
    assert got == [
        ["b 00", "b 01", "b 02", "b 03", "b 04"],
        ["b 02", "b 03", "b 04"],
    ]


def test_a_dead_letter_lets_its_group_go_on(lab):
    queue, dead = with_dead_letters(lab, most=2, fifo=True)
    name = lab.create(
        PRINTS + "    if event['Records'][0]['body'] == 'a 01': raise ValueError('never')\n"
    )
    queue.send(*(f"a {n:02}" for n in range(4)), MessageGroupId="a")
    connect(lab, queue, name, BatchSize=1)
    lab.cloud.idle()
    assert bodies(lab, name) == ["a 00", "a 01", "a 01", "a 02", "a 03"]
    (message,) = dead.receive()
    assert message["Body"] == "a 01"
    assert message["Attributes"]["MessageGroupId"] == "a"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == queue.arn


def test_a_large_batch_of_one_group_is_not_split_over_two_invocations(lab):
    queue = Queue(lab, fifo=True)
    name = lab.create(
        "import time\n"
        "def handler(event, context):\n"
        "    time.sleep(0.05)\n"
        "    print('GOT', *(r['body'][:2] for r in event['Records']))\n"
    )
    for number in range(8):
        queue.send(f"{number:02}" + "x" * 1_000_000, MessageGroupId="g")
    connect(lab, queue, name)
    lab.cloud.idle()
    assert overlapping(lab, name) == 0
    got = [line for line in lab.log_events(f"/aws/lambda/{name}") if line.startswith("GOT")]
    assert got == ["GOT 00 01 02 03 04 05\n", "GOT 06 07\n"]


def test_a_duplicate_is_not_delivered_even_after_the_first_was_handled(lab):
    queue, name = Queue(lab, fifo=True), lab.create(PRINTS)
    connect(lab, queue, name)
    first = queue.sqs.send_message(QueueUrl=queue.url, MessageBody="x", MessageGroupId="g")
    lab.cloud.idle()
    again = queue.sqs.send_message(QueueUrl=queue.url, MessageBody="x", MessageGroupId="g")
    lab.cloud.idle()
    assert bodies(lab, name) == ["x"]
    same = ("MessageId", "SequenceNumber")
    assert [first[key] for key in same] == [again[key] for key in same]


def test_deduplication_by_group(lab):
    queue = Queue(lab, fifo=True, DeduplicationScope="messageGroup")
    name = lab.create(PRINTS)
    connect(lab, queue, name)
    for group in ("g", "h", "g"):
        queue.send(group, MessageGroupId=group, MessageDeduplicationId="same")
    lab.cloud.idle()
    assert sorted(bodies(lab, name)) == ["g", "h"]


def test_another_consumer_sees_the_same_order(lab):
    """Without a mapping: what moto's own queues get wrong after a visibility timeout."""
    queue = Queue(lab, fifo=True)
    queue.send("1", "2", "3", MessageGroupId="g")
    received = queue.receive()
    assert [message["Body"] for message in received] == ["1", "2", "3"]
    assert queue.receive() == []  # its group is in flight
    for message in received:
        queue.sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert queue.bodies() == ["1", "2", "3"]
    with pytest.raises(ClientError, match="The receipt handle has expired"):
        queue.sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=received[0]["ReceiptHandle"], VisibilityTimeout=0
        )
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=received[0]["ReceiptHandle"])
    assert queue.count() == 3  # only the newest receipt handle deletes


def test_batch_of_sends_keeps_its_system_attributes(lab):
    queue = Queue(lab, fifo=True)
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}}
    entries = [
        {"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g"}
        | ({"MessageSystemAttributes": header} if n else {})
        for n in range(2)
    ]
    queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    first, second = queue.receive()
    assert "AWSTraceHeader" not in first["Attributes"]
    assert second["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"
