"""Functions whose output comes back as their input, by way of queues: stopped after 16 rounds."""

from __future__ import annotations

from queues import Queue, bodies, connect, events, with_dead_letters

from workshop.cloud.base.tracing import next_trace

ROUNDS = 16
SENDS = """
import json, os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    print('EVENT', json.dumps(event))
    for record in event["Records"]:
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=record["body"])
"""
PUBLISHES = """
import json, os, boto3
sns = boto3.client("sns")
def handler(event, context):
    print('EVENT', json.dumps(event))
    for record in event["Records"]:
        sns.publish(TopicArn=os.environ["TOPIC"], Message="again")
"""


def sender(lab, queue):
    return lab.create(SENDS, Environment={"Variables": {"QUEUE": queue.url}}, Timeout=10)


def warnings(lab, name):
    lines = lab.log_events(f"/aws/lambda/{name}")
    return [line for line in lines if "Recursive loop stopped" in line]


def test_a_function_that_writes_to_its_own_queue(lab):
    queue = Queue(lab)
    name = sender(lab, queue)
    connect(lab, queue, name)
    queue.send("round")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == ROUNDS
    assert len(warnings(lab, name)) == 1
    assert queue.count() == 0  # no dead-letter queue: dropped


def test_the_trace_of_a_message(lab):
    queue = Queue(lab)
    name = sender(lab, queue)
    connect(lab, queue, name)
    queue.send("round")
    lab.cloud.idle()
    attributes = [event["Records"][0]["attributes"] for event in events(lab, name)]
    assert "AWSTraceHeader" not in attributes[0]  # sent from outside
    roots = {each["AWSTraceHeader"].partition(";")[0] for each in attributes[1:]}
    assert len(roots) == 1
    assert "Lineage=" in attributes[1]["AWSTraceHeader"]


def test_what_was_stopped_ends_in_the_dead_letter_queue(lab):
    queue, dead = with_dead_letters(lab, most=2)
    name = sender(lab, queue)
    connect(lab, queue, name)
    queue.send("round")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == ROUNDS
    assert len(warnings(lab, name)) == 2  # SQS counts each receive, and gives it two
    assert dead.bodies() == ["round"]
    assert queue.count() == 0


def test_by_way_of_a_topic(lab):
    queue = Queue(lab)
    sns = lab.cloud.client("sns")
    topic = sns.create_topic(Name="loop")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    name = lab.create(PUBLISHES, Environment={"Variables": {"TOPIC": topic}}, Timeout=10)
    connect(lab, queue, name)
    sns.publish(TopicArn=topic, Message="once")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == ROUNDS


def test_two_functions_that_feed_each_other(lab):
    there, back = Queue(lab), Queue(lab)
    first, second = sender(lab, there), sender(lab, back)
    connect(lab, back, first)
    connect(lab, there, second)
    back.send("round")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(first)) == ROUNDS
    assert len(lab.cloud.invocations(second)) == ROUNDS
    assert len(warnings(lab, first)) == 1


def test_a_loop_stops_no_other_message(lab):
    queue = Queue(lab)
    name = sender(lab, queue)
    made = connect(lab, queue, name)
    lab.cloud.idle()
    queue.send("round")
    lab.cloud.idle()
    last = events(lab, name)[-1]["Records"][0]["attributes"]["AWSTraceHeader"]
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    lab.cloud.idle()

    target = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": next_trace(last, target)}}
    queue.send("loops", MessageSystemAttributes=header)
    queue.send("fresh")
    lab.client.update_event_source_mapping(UUID=made["UUID"], Enabled=True)
    lab.cloud.idle()
    assert "fresh" in bodies(lab, name)
    assert "loops" not in bodies(lab, name)


def test_a_function_that_sends_to_another_queue_is_no_loop(lab):
    source, target = Queue(lab), Queue(lab)
    name = sender(lab, target)
    connect(lab, source, name)
    for number in range(20):
        source.send(str(number))
    lab.cloud.idle()
    assert sorted(bodies(lab, name), key=int) == [str(n) for n in range(20)]
    assert warnings(lab, name) == []
    assert target.count() == 20
