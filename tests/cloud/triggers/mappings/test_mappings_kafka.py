"""Self-managed Kafka as an event source, against librdkafka's own brokers on 127.0.0.1.

Those speak Kafka's protocol over TCP, with four partitions a topic, made by the first record. They
keep no timestamps to find records by, and know no passwords.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from aws_lambda_powertools.utilities.parser.models import KafkaSelfManagedEventModel
from botocore.exceptions import ClientError
from published import missing_paths
from waiting import until

from workshop.cloud.base.activity import Activity
from workshop.paths import repository

kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

from workshop.kafka import Broker  # noqa: E402

_numbers = itertools.count(1)
PRINTS = "import json\ndef handler(event, context):\n    print('EVENT', json.dumps(event))\n"
VPC = [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-0123456789abcdef0"}]


class Brokers(Broker):
    """A broker, and the topics that tests make."""

    def topic(self):
        return f"rides-{next(_numbers)}"

    def send(self, topic, *values, partition=0, **more):
        """Sends all of them at once, so that they come as one batch."""
        for value in values:
            self._producer.produce(topic, value, partition=partition, **more)
        assert self._producer.flush(10) == 0

    def committed(self, topic, group):
        consumer = kafka.Consumer({**self.settings, "group.id": group})
        places = [kafka.TopicPartition(topic, partition) for partition in range(4)]
        found = {each.partition: each.offset for each in consumer.committed(places, timeout=30)}
        consumer.close()
        return found


@pytest.fixture(scope="module")
def brokers():
    return Brokers()


@pytest.fixture
def topic(brokers):
    """A topic that exists, with nothing in it that a mapping from LATEST would read."""
    name = brokers.topic()
    brokers.send(name, "before")
    return name


def connect(lab, brokers, topic, name, **settings):
    spec = {
        "FunctionName": name,
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": brokers.servers}},
        "Topics": [topic],
        "StartingPosition": "LATEST",
        "SourceAccessConfigurations": VPC,
        **settings,
    }
    made = lab.client.create_event_source_mapping(
        **{key: value for key, value in spec.items() if value is not None}
    )
    return made["UUID"]


def events(lab, name):
    """The events that a function printed, in the order in which it got them."""
    if not lab.cloud.invocations(name):
        return []
    lines = lab.log_events(f"/aws/lambda/{name}")
    return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("EVENT ")]


def values(lab, name):
    """The values of all records, in order."""
    return [
        base64.b64decode(record["value"]).decode()
        for event in events(lab, name)
        for records in event["records"].values()
        for record in records
    ]


def get(lab, uuid):
    return lab.client.get_event_source_mapping(UUID=uuid)


def test_event(lab, brokers, topic):
    name = lab.create(PRINTS)
    connect(lab, brokers, topic, name)
    headers = [("trace", b"v\xdc\x00\x7f\x80"), ("trace", b"2")]
    brokers.send(topic, '{"bike": "räd"}', key="31000", headers=headers)
    lab.cloud.idle()
    (event,) = events(lab, name)
    KafkaSelfManagedEventModel.model_validate(copy.deepcopy(event))  # it changes what it gets
    (record,) = event["records"].pop(f"{topic}-0")
    assert event == {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": ",".join(brokers.servers),
        "records": {},
    }
    assert abs(record.pop("timestamp") / 1000 - time.time()) < 60
    assert record == {
        "topic": topic,
        "partition": 0,
        "offset": 1,
        "timestampType": "CREATE_TIME",
        "key": "MzEwMDA=",
        "value": base64.b64encode('{"bike": "räd"}'.encode()).decode(),
        "headers": [{"trace": [118, -36, 0, 127, -128]}, {"trace": [50]}],
    }
    sample = {**event, "records": {"AWSKafkaTopic-0": [{**record, "timestamp": 1}]}}
    differs = ["eventSourceArn", "records.AWSKafkaTopic-0[].headers[].headerKey"]  # MSK's; a name
    assert missing_paths("kafka", sample, but=differs) == set()


def test_a_record_without_key_headers_or_value(lab, brokers, topic):
    name = lab.create(PRINTS)
    connect(lab, brokers, topic, name)
    brokers.send(topic, None)
    lab.cloud.idle()
    ((record,),) = events(lab, name)[0]["records"].values()
    assert record["headers"] == []
    assert not {"key", "value"} & set(record)


def test_one_event_holds_several_partitions_each_in_order(lab, brokers):
    topic, name = brokers.topic(), lab.create(PRINTS)
    for number in range(12):
        brokers.send(topic, str(number), partition=number % 3)
    connect(lab, brokers, topic, name, StartingPosition="TRIM_HORIZON")
    lab.cloud.idle()
    (event,) = events(lab, name)
    assert set(event["records"]) == {f"{topic}-0", f"{topic}-1", f"{topic}-2"}
    for records in event["records"].values():
        assert [record["offset"] for record in records] == [0, 1, 2, 3]


def test_batch_size(lab, brokers):
    topic, name = brokers.topic(), lab.create(PRINTS)
    brokers.send(topic, *(str(number) for number in range(25)))
    connect(lab, brokers, topic, name, StartingPosition="TRIM_HORIZON", BatchSize=10)
    lab.cloud.idle()
    assert [len(r) for e in events(lab, name) for r in e["records"].values()] == [10, 10, 5]
    assert values(lab, name) == [str(number) for number in range(25)]


def test_an_event_is_at_most_6_mb(lab, brokers):
    topic = brokers.topic()
    name = lab.create("import json\ndef handler(event, context): print('SIZE', len(str(event)))")
    for number in range(8):
        brokers.send(topic, b"x" * 900_000, partition=number % 4)  # 1.2 MB in base64
    connect(lab, brokers, topic, name, StartingPosition="TRIM_HORIZON")
    lab.cloud.idle()
    lines = lab.log_events(f"/aws/lambda/{name}")
    sizes = [int(line.split()[1]) for line in lines if line.startswith("SIZE ")]
    assert len(sizes) == 2
    assert 5_000_000 < sizes[0] < 6 * 1024 * 1024


def test_batching_window(lab, brokers, topic):
    name = lab.create(PRINTS)
    connect(lab, brokers, topic, name, MaximumBatchingWindowInSeconds=300)  # 0.5 s here
    brokers.send(topic, "first")
    time.sleep(0.2)  # longer than the pause that ends a batch without a window
    brokers.send(topic, "second")
    lab.cloud.idle()
    assert [len(r) for e in events(lab, name) for r in e["records"].values()] == [2]


def test_latest_reads_what_comes_after_the_mapping(lab, brokers, topic):
    name = lab.create(PRINTS)
    connect(lab, brokers, topic, name)
    brokers.send(topic, "after")
    lab.cloud.idle()
    assert values(lab, name) == ["after"]


def test_at_timestamp_asks_the_brokers_and_falls_back_to_the_end(lab, brokers, topic):
    """These brokers find no record by its time: as if none were that young."""
    name = lab.create(PRINTS)
    moment = time.time() + 3600
    uuid = connect(
        *(lab, brokers, topic, name),
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=moment,
    )
    assert abs(get(lab, uuid)["StartingPositionTimestamp"].timestamp() - moment) < 1
    brokers.send(topic, "after")
    lab.cloud.idle()
    assert values(lab, name) == ["after"]


def test_filter_on_the_value(lab, brokers, topic):
    name = lab.create(PRINTS)
    pattern = json.dumps({"value": {"bikes": [{"numeric": ["<", 2]}]}})
    group = brokers.topic()
    connect(
        *(lab, brokers, topic, name),
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group},
    )
    brokers.send(topic, "not json", '{"bikes": 1}', '{"bikes": 5}')
    lab.cloud.idle()
    # A value of another format than the pattern's is not filtered, unlike a queue's body.
    assert values(lab, name) == ["not json", '{"bikes": 1}']
    assert brokers.committed(topic, group)[0] == 4  # what the filter drops is done with


FAILS_TWICE = """
import json, os, tempfile
COUNT = os.path.join(tempfile.gettempdir(), 'attempts')  # Lambda starts anew after an error
def handler(event, context):
    print('EVENT', json.dumps(event))
    attempts = os.path.getsize(COUNT) if os.path.exists(COUNT) else 0
    with open(COUNT, 'a') as file:
        file.write('.')
    if attempts < 2:
        raise ValueError('no such station')
"""


@pytest.mark.isolation
def test_a_failing_batch_is_tried_until_it_succeeds_and_then_committed(lab, brokers, topic):
    name, group = lab.create(FAILS_TWICE), brokers.topic()
    uuid = connect(
        *(lab, brokers, topic, name),
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group},
        BatchSize=2,
    )
    brokers.send(topic, "a", "b", "c")
    lab.cloud.idle()
    assert values(lab, name) == ["a", "b", "a", "b", "a", "b", "c"]
    assert brokers.committed(topic, group) == {0: 4, 1: 0, 2: 0, 3: 0}
    assert get(lab, uuid)["LastProcessingResult"] == "OK"


def test_a_batch_that_never_succeeds_holds_up_the_topic(lab, brokers, topic):
    name, group = lab.create(PRINTS + "    raise ValueError"), brokers.topic()
    uuid = connect(
        *(lab, brokers, topic, name),
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group},
        BatchSize=1,
    )
    brokers.send(topic, "poison", "behind")
    with pytest.raises(TimeoutError, match=f"kafka mapping of {name}"):
        lab.cloud.idle(1)
    assert get(lab, uuid)["LastProcessingResult"] == "PROBLEM: Function call failed"
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
    assert set(values(lab, name)) == {"poison"}
    assert brokers.committed(topic, group)[0] == 1


POLLERS = {"ProvisionedPollerConfig": {"MinimumPollers": 1}}


def test_provisioned_mode_has_at_most_2000_pollers(lab, brokers, topic):
    name = lab.create(PRINTS)
    with pytest.raises(ClientError, match="maximumPollers.* less than or equal to 2000"):
        connect(lab, brokers, topic, name, ProvisionedPollerConfig={"MaximumPollers": 2001})
    uuid = connect(lab, brokers, topic, name, ProvisionedPollerConfig={"MaximumPollers": 2000})
    assert get(lab, uuid)["ProvisionedPollerConfig"] == {"MaximumPollers": 2000}


FAILS_FOR_BAD = """
import base64, json
def handler(event, context):
    print('EVENT', json.dumps(event))
    records = [r for each in event["records"].values() for r in each]
    if any(base64.b64decode(r["value"]) == b"bad" for r in records):
        raise ValueError("bad")
"""
REPORTS_BAD = """
import base64, json
def handler(event, context):
    print('EVENT', json.dumps(event))
    return {"batchItemFailures": [
        {"itemIdentifier": {"partition": name, "offset": record["offset"]}}
        for name, records in event["records"].items() for record in records
        if base64.b64decode(record["value"]) == b"bad"
    ]}
"""


def queue(lab, name):
    sqs = lab.cloud.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return f"arn:aws:sqs:us-east-1:123456789012:{name}", lambda: [
        json.loads(each["Body"])
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def test_a_batch_that_is_given_up_goes_to_a_queue(lab, brokers, topic):
    name, group = lab.create(FAILS_FOR_BAD), brokers.topic()
    arn, messages = queue(lab, topic)
    connect(
        *(lab, brokers, topic, name),
        DestinationConfig={"OnFailure": {"Destination": arn}},
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group},
        MaximumRetryAttempts=1,
        **POLLERS,
    )
    brokers.send(topic, "good", "bad")
    lab.cloud.idle()
    brokers.send(topic, "behind")
    lab.cloud.idle()
    assert values(lab, name) == ["good", "bad", "good", "bad", "behind"]
    assert brokers.committed(topic, group)[0] == 4
    (record,) = messages()
    event = events(lab, name)[0]
    first, last = event["records"][f"{topic}-0"]
    info = record.pop("KafkaBatchInfo")
    assert info.pop("payloadSize") == len(json.dumps(event, separators=(",", ":")))
    times = {
        f"{end}RecordTimestamp": info["recordsInfo"][f"{topic}-0"].pop(f"{end}RecordTimestamp")
        for end in ("first", "last")
    }
    assert times["firstRecordTimestamp"].endswith(f".{first['timestamp'] % 1000:03d}Z")
    assert times["lastRecordTimestamp"].endswith(f".{last['timestamp'] % 1000:03d}Z")
    assert info == {
        "batchSize": 2,
        "bootstrapServers": brokers.servers[0],
        "recordsInfo": {f"{topic}-0": {"firstRecordOffset": "1", "lastRecordOffset": "2"}},
    }
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_a_mapping_with_a_destination_gives_up_after_ten_retries(lab, brokers, topic):
    name = lab.create(FAILS_FOR_BAD)
    arn, messages = queue(lab, topic)
    connect(*(lab, brokers, topic, name), DestinationConfig={"OnFailure": {"Destination": arn}})
    brokers.send(topic, "bad")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 11
    assert len(messages()) == 1


def test_records_that_are_given_up_go_to_a_topic_with_their_keys(lab, brokers, topic):
    name, failed = lab.create(FAILS_FOR_BAD), brokers.topic()
    collector = lab.create(PRINTS)
    connect(
        *(lab, brokers, topic, name),
        DestinationConfig={"OnFailure": {"Destination": f"kafka://{failed}"}},
        MaximumRetryAttempts=0,
        **POLLERS,
    )
    brokers.send(failed, "before", partition=3)
    connect(lab, brokers, failed, collector)
    brokers.send(topic, "good", "bad", key="31000")
    lab.cloud.idle()  # waits for the second topic as well
    got = [json.loads(value) for value in values(lab, collector)]
    offsets = [each["KafkaBatchInfo"]["recordInfo"]["offset"] for each in got]
    assert offsets == ["1", "2"]
    assert got[1]["KafkaBatchInfo"]["batchSize"] == 1
    assert got[1]["requestContext"]["condition"] == "RetryAttemptsExhausted"
    (event,) = events(lab, name)
    assert got[1]["payload"]["records"] == {f"{topic}-0": event["records"][f"{topic}-0"][1:]}
    keys = {r["key"] for e in events(lab, collector) for rs in e["records"].values() for r in rs}
    assert keys == {"MzEwMDA="}


def test_bisect_finds_the_record_that_fails(lab, brokers, topic):
    name = lab.create(FAILS_FOR_BAD)
    connect(
        *(lab, brokers, topic, name),
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        **POLLERS,
    )
    brokers.send(topic, "a", "b", "bad", "d")
    lab.cloud.idle()
    sizes = [len(r) for e in events(lab, name) for r in e["records"].values()]
    assert sizes == [4, 2, 2, 1, 1]


def test_reported_records_are_tried_again_and_those_before_them_are_not(lab, brokers, topic):
    name, group = lab.create(REPORTS_BAD), brokers.topic()
    connect(
        *(lab, brokers, topic, name),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group},
        MaximumRetryAttempts=1,
        **POLLERS,
    )
    brokers.send(topic, "a", "b", "bad", "d")
    lab.cloud.idle()
    tried = [
        [base64.b64decode(record["value"]).decode() for record in records]
        for event in events(lab, name)
        for records in event["records"].values()
    ]
    assert tried[0] == ["a", "b", "bad", "d"]
    assert tried[1:] == [["bad", "d"]] * (len(tried) - 1)
    assert brokers.committed(topic, group)[0] == 5


def test_a_record_that_is_too_old_is_given_up(lab, brokers, topic):
    name = lab.create(FAILS_FOR_BAD)
    arn, messages = queue(lab, topic)
    connect(
        *(lab, brokers, topic, name),
        DestinationConfig={"OnFailure": {"Destination": arn}},
        MaximumRecordAgeInSeconds=60,
        MaximumRetryAttempts=10_000,
        **POLLERS,
    )
    brokers.send(topic, "bad")
    lab.cloud.idle()
    (record,) = messages()
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert 5 <= len(lab.cloud.invocations(name)) <= 8  # after 1, 3, 7, 15, 31, 63 s


def test_disable_and_enable_goes_on_where_it_was(lab, brokers, topic):
    name = lab.create(PRINTS)
    uuid = connect(lab, brokers, topic, name)
    brokers.send(topic, "one")
    lab.cloud.idle()
    until(lambda: get(lab, uuid)["State"] == "Enabled")
    lab.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    until(lambda: get(lab, uuid)["State"] == "Disabled")
    brokers.send(topic, "two")
    lab.cloud.idle()
    assert values(lab, name) == ["one"]
    lab.client.update_event_source_mapping(UUID=uuid, Enabled=True)
    lab.cloud.idle()
    assert values(lab, name) == ["one", "two"]


def test_a_mapping_of_the_same_group_goes_on_where_the_last_one_was(lab, brokers, topic):
    name = lab.create(PRINTS)
    config = {"ConsumerGroupId": brokers.topic()}
    uuid = connect(lab, brokers, topic, name, SelfManagedKafkaEventSourceConfig=config)
    brokers.send(topic, "one")
    lab.cloud.idle()
    lab.client.delete_event_source_mapping(UUID=uuid)
    brokers.send(topic, "two")
    connect(
        *(lab, brokers, topic, name),
        SelfManagedKafkaEventSourceConfig=config,
        StartingPosition="TRIM_HORIZON",  # ignored: the group has its place
    )
    lab.cloud.idle()
    assert values(lab, name) == ["one", "two"]


def test_update(lab, brokers, topic):
    name, other = lab.create(PRINTS), lab.create(PRINTS)
    uuid = connect(lab, brokers, topic, name)
    until(lambda: get(lab, uuid)["State"] == "Enabled")
    changed = lab.client.update_event_source_mapping(UUID=uuid, FunctionName=other, BatchSize=1)
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 1)
    brokers.send(topic, "one", "two")
    lab.cloud.idle()
    assert values(lab, name) == []
    assert len(events(lab, other)) == 2


def test_a_function_that_produces_to_its_brokers_is_waited_for(lab, brokers):
    """The second topic's records come while the cloud is asked whether it is idle."""
    first, second, name = brokers.topic(), brokers.topic(), lab.create(PRINTS)
    brokers.send(first, "before")
    brokers.send(second, "before")
    relay = lab.create("import time\ndef handler(event, context): time.sleep(0.2)")
    connect(lab, brokers, first, relay)
    connect(lab, brokers, second, name)
    brokers.send(first, "go")
    timer = threading.Timer(0.1, brokers.send, (second, "gone"))
    timer.start()
    lab.cloud.idle()
    timer.join()
    assert values(lab, name) == ["gone"]


def test_two_mappings_of_one_topic_each_get_every_record(lab, brokers, topic):
    names = [lab.create(PRINTS), lab.create(PRINTS)]
    for name in names:
        connect(lab, brokers, topic, name)
    brokers.send(topic, "one")
    lab.cloud.idle()
    assert [values(lab, name) for name in names] == [["one"], ["one"]]


def test_configuration(lab, brokers, topic):
    name = lab.create()
    arn = "arn:aws:lambda:us-east-1:123456789012:"
    uuid = connect(lab, brokers, topic, name, ProvisionedPollerConfig={"MinimumPollers": 1})
    until(lambda: get(lab, uuid)["State"] == "Enabled")
    found = get(lab, uuid)
    del found["ResponseMetadata"], found["LastModified"]
    assert found == {
        "UUID": uuid,
        "EventSourceMappingArn": f"{arn}event-source-mapping:{uuid}",
        "FunctionArn": f"{arn}function:{name}",
        "State": "Enabled",
        "StateTransitionReason": "USER_INITIATED",
        "LastProcessingResult": "No records processed",
        "BatchSize": 100,
        "StartingPosition": "LATEST",
        "Topics": [topic],
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": brokers.servers}},
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": uuid},
        "SourceAccessConfigurations": VPC,
        "ProvisionedPollerConfig": {"MinimumPollers": 1},
        "DestinationConfig": {"OnFailure": {}},
    }
    listed = lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [uuid]


def test_brokers_that_are_not_there_show_in_the_mapping(lab, capfd):
    name = lab.create(PRINTS)
    nowhere = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:1"]}}
    uuid = lab.client.create_event_source_mapping(
        FunctionName=name,
        SelfManagedEventSource=nowhere,
        Topics=["rides"],
        StartingPosition="LATEST",
        SourceAccessConfigurations=VPC,
    )["UUID"]
    lab.cloud.idle()
    result = get(lab, uuid)["LastProcessingResult"]
    assert result.startswith("PROBLEM: Connection error. Please check your event source connection")
    lab.client.delete_event_source_mapping(UUID=uuid)
    assert capfd.readouterr().err == ""


def test_brokers_that_go_away_show_in_the_mapping(lab):
    brokers, name = Brokers(), lab.create(PRINTS)
    topic = brokers.topic()
    brokers.send(topic, "one")
    uuid = connect(lab, brokers, topic, name, StartingPosition="TRIM_HORIZON")
    lab.cloud.idle()
    assert get(lab, uuid)["LastProcessingResult"] == "OK"
    del brokers  # its broker ends with the client that made it
    until(lambda: "Connection error" in get(lab, uuid)["LastProcessingResult"])
    lab.cloud.idle()  # what can't be read does not wait
    assert values(lab, name) == ["one"]


def test_a_topic_that_is_not_there_is_read_from_its_start_once_it_is(lab, brokers):
    topic, name = brokers.topic(), lab.create(PRINTS)
    uuid = connect(lab, brokers, topic, name, StartingPosition="TRIM_HORIZON")
    lab.cloud.idle()
    assert get(lab, uuid)["LastProcessingResult"] == "PROBLEM: Topic not found."
    brokers.send(topic, "first")
    until(lambda: lab.cloud.invocations(name))
    lab.cloud.idle()
    assert values(lab, name) == ["first"]


def test_a_function_that_is_gone_shows_in_the_mapping(lab, brokers, topic):
    name = lab.create(PRINTS)
    uuid = connect(lab, brokers, topic, name)
    lab.cloud.idle()
    lab.client.delete_function(FunctionName=name)
    brokers.send(topic, "lost?")
    lab.cloud.idle()
    assert get(lab, uuid)["LastProcessingResult"].startswith("PROBLEM: Function not found")
    lab.create(PRINTS, FunctionName=name)
    until(lambda: lab.cloud.invocations(name))
    lab.cloud.idle()
    assert values(lab, name) == ["lost?"]


SERVERS = "SelfManagedEventSource"
NO_QUEUE = "arn:aws:sqs:us-east-1:123456789012:none"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"StartingPosition": None}, "Value null at 'startingPosition'"),
        ({"StartingPosition": "NOW"}, r"enum value set: \[LATEST, AT_TIMESTAMP, TRIM_HORIZON\]"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "Need to specify a timestamp"),
        ({"Topics": None}, "Required 'topics' parameter is missing"),
        ({"Topics": ["a", "b"]}, "'topics' failed.*length less than or equal to 1"),
        ({"Topics": ["no topic"]}, "'topics' failed.*regular expression"),
        ({"SourceAccessConfigurations": None}, "'sourceAccessConfigurations' parameter is missing"),
        ({"SourceAccessConfigurations": [{"Type": "PASSWORD"}]}, "enum value set"),
        ({SERVERS: {}}, "KAFKA_BOOTSTRAP_SERVERS' parameter is missing"),
        ({SERVERS: {"Endpoints": {"KAFKA": ["a:1"]}}}, "Map keys must satisfy"),
        ({SERVERS: {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a"]}}}, "Map value must satisfy"),
        ({SERVERS: {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a:70000"]}}}, "Map value must"),
        ({"BatchSize": 10_001}, "less than or equal to 10000"),
        ({"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition"),
        ({"FunctionName": "nobody"}, "Function does not exist"),
        ({"ParallelizationFactor": 2}, "Unsupported ParallelizationFactor parameter"),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts needs provisioned mode"),
        (
            {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "räd"}},
            "consumerGroupId' failed.*regular expression",
        ),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "kafka://a"}}}, "Unsupported Dest"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "kafka://a b"}}}, "regular expr"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "kafka://aa"}}, "Topics": ["aa"]},
            "source topic and the destination topic must differ",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": NO_QUEUE}}},
            "The destination ARN .* is invalid",
        ),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}, "Unrecognized event source"),
    ],
)
def test_what_aws_refuses_leaves_nothing(lab, brokers, topic, settings, words):
    name = lab.create()
    with pytest.raises(ClientError, match=words):
        connect(lab, brokers, topic, settings.pop("FunctionName", name), **settings)
    assert lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_an_update_that_aws_refuses_changes_nothing(lab, brokers, topic):
    uuid = connect(lab, brokers, topic, lab.create())
    until(lambda: get(lab, uuid)["State"] == "Enabled")
    with pytest.raises(ClientError, match="MaximumRetryAttempts needs provisioned mode"):
        lab.client.update_event_source_mapping(UUID=uuid, BatchSize=7, MaximumRetryAttempts=2)
    assert get(lab, uuid)["BatchSize"] == 100


def test_msk_is_not_here(lab):
    arn = "arn:aws:kafka:us-east-1:123456789012:cluster/c/f8f5a1b1-0000-0000-0000-000000000000-1"
    with pytest.raises(ClientError, match="runs no MSK clusters.*SelfManagedEventSource"):
        lab.client.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=lab.create(),
            Topics=["topic"],
            StartingPosition="LATEST",
        )


def test_second_mapping_of_one_topic_and_function(lab, brokers, topic):
    name = lab.create()
    uuid = connect(lab, brokers, topic, name)
    words = rf'event source \("127.0.0.1:\d+"\), function .* topics \("{topic}"\).*{uuid}'
    with pytest.raises(ClientError, match=f"ResourceConflictException.*{words}"):
        connect(lab, brokers, topic, name)
    connect(lab, brokers, brokers.topic(), name)  # another topic of the same cluster


def test_a_consumer_group_belongs_to_one_mapping(lab, brokers, topic):
    config = {"ConsumerGroupId": brokers.topic()}
    uuid = connect(lab, brokers, topic, lab.create(), SelfManagedKafkaEventSourceConfig=config)
    with pytest.raises(ClientError, match=f"ResourceConflictException.*{uuid}.*must be unique"):
        connect(lab, brokers, topic, lab.create(), SelfManagedKafkaEventSourceConfig=config)


def test_without_confluent_kafka_creating_says_what_to_install(lab, brokers, topic, monkeypatch):
    name = lab.create()
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ClientError, match=r"pip install confluent-kafka==\d"):
        connect(lab, brokers, topic, name)
    assert lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


CLOSES = """
import sys, threading
sys.path[:0] = ["tests/helpers"]
from workshop.cloud import LocalCloud
from support import ROLE, package

def run():
    with LocalCloud() as cloud:
        client = cloud.client("lambda")
        client.create_function(
            FunctionName="f", Runtime="python3.14", Handler="handler.handler", Role=ROLE,
            Code={"ZipFile": package("import time\\ndef handler(e, c): time.sleep(60)")},
        )
        for topic, server in (("rides", sys.argv[1]), ("nothing", "127.0.0.1:1")):
            client.create_event_source_mapping(
                FunctionName="f", Topics=[topic], StartingPosition="TRIM_HORIZON",
                SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [server]}},
                SourceAccessConfigurations=[{"Type": "VPC_SUBNET", "URI": "subnet:subnet-0"}],
            )
        assert sum("kafka" in each.name for each in threading.enumerate()) == 2
    assert not any("kafka" in each.name for each in threading.enumerate())

run()
run()
print("closed")
"""


def test_closing_leaves_no_thread_and_another_cloud_can_start(brokers):
    """Closes twice while the handler sleeps for a minute, and without a word on standard error."""
    brokers.send("rides", "one")
    ran = subprocess.run(
        [sys.executable, "-c", CLOSES, *brokers.servers],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=repository(),
        env={**os.environ, "PYTHONPATH": str(repository())},
    )
    assert (ran.stdout, ran.stderr) == ("closed\n", "")


def test_idle_asks_probes_until_none_finds_anything():
    activity, found = Activity(), ["one", "two"]
    handled = []

    def handle(what):
        handled.append(what)
        activity.end(what)

    def probe():
        if found:
            activity.begin(found[0])
            threading.Timer(0.01, handle, (found.pop(0),)).start()

    activity.add_probe(probe)
    activity.idle(30)
    assert handled == ["one", "two"]
    activity.remove_probe(probe)
    found.append("three")
    activity.idle(30)
    assert handled == ["one", "two"]
