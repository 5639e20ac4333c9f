"""Queues, mappings of them, and what functions got from them, for several test files."""

from __future__ import annotations

import itertools
import json
import time

_numbers = itertools.count(1)
ACCOUNT = "123456789012"
PRINTS = """
import json
def handler(event, context):
    print('EVENT', json.dumps(event))
"""


class Queue:
    """A queue with what tests do to it."""

    def __init__(self, lab, fifo=False, region="us-east-1", **attributes):
        self.lab, self.sqs = lab, lab.cloud.client("sqs", region_name=region)
        self.name = f"queue-{next(_numbers)}" + (".fifo" if fifo else "")
        if fifo:
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        self.url = self.sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{self.name}"

    def send(self, *bodies, **more):
        """Sends messages one after the other."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def count(self):
        """How many messages it has, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(value) for value in found["Attributes"].values())

    def receive(self, most=10, **more):
        """What another consumer gets, with every attribute."""
        return self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            **more,
        ).get("Messages", [])

    def bodies(self):
        """The bodies of what it gives."""
        return [message["Body"] for message in self.receive()]

    def set(self, **attributes):
        """SetQueueAttributes."""
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)


def redrive(dead, most=2):
    """A redrive policy: to `dead` what was received `most` times."""
    return json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": most})


def with_dead_letters(lab, most=2, fifo=False, **attributes):
    """A queue, and the one where messages go that were received `most` times."""
    dead = Queue(lab, fifo=fifo)
    return Queue(lab, fifo=fifo, RedrivePolicy=redrive(dead, most), **attributes), dead


def connect(lab, source, name, **settings):
    """CreateEventSourceMapping."""
    return lab.client.create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName=name, **settings
    )


def events(lab, name):
    """The events that a function printed, environment after environment."""
    return [event for _, event in events_with_requests(lab, name)]


def events_with_requests(lab, name):
    """(request id, event) of every event that a function printed, in the order of invocations."""
    if not lab.cloud.invocations(name):
        return []
    found, request = [], None
    for line in lab.log_events(f"/aws/lambda/{name}"):
        if line.startswith("START "):
            request = line.split()[2]
        if line.startswith("EVENT "):
            found.append((request, json.loads(line.partition(" ")[2])))
    ran = sorted(lab.cloud.invocations(name), key=lambda each: each.started_at)
    place = {each.request_id: number for number, each in enumerate(ran)}
    return sorted(found, key=lambda each: place[each[0]])


def records(lab, name):
    """The records that a function printed, in the order of invocations."""
    return [record for event in events(lab, name) for record in event["Records"]]


def bodies(lab, name):
    """The bodies of the messages that a function printed, in the order of invocations."""
    return [record["body"] for record in records(lab, name)]


def settled(lab, uuid, wanted):
    """Waits until a mapping has a state; returns the mapping."""
    until = time.monotonic() + 30
    while True:
        found = lab.client.get_event_source_mapping(UUID=uuid)
        if found["State"] == wanted:
            return found
        assert time.monotonic() < until, found["State"]
        time.sleep(0.005)
