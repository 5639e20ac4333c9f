"""The API of event source mappings: settings, states, lists, and what AWS refuses."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.exceptions import ClientError
from queues import Queue, bodies, connect, settled
from support import ROLE, package

from workshop.cloud.base.model import ApiError
from workshop.cloud.seam import matches
from workshop.cloud.triggers.mappings.filters import check_filters, passes

PRINTS = "import json\ndef handler(event, context): print('EVENT', json.dumps(event))"
NOBODY = "b0a1c2d3-0000-4000-8000-000000000000"
CONSTRAINT = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"


def mappings(lab, **asked):
    return lab.client.list_event_source_mappings(**asked)["EventSourceMappings"]


def refused(call, **spec):
    """The code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**spec)
    error = caught.value.response["Error"]
    if error["Code"] != "ValidationException":  # which Lambda's API model does not know
        assert caught.value.response["Type"] == "User"
    return error["Code"], error["Message"]


def test_what_create_answers(lab):
    queue, name = Queue(lab), lab.create()
    made = connect(lab, queue, name)
    answer = made.pop("ResponseMetadata")
    assert answer["HTTPStatusCode"] == 202
    uuid = made.pop("UUID")
    assert made.pop("LastModified")
    prefix = "arn:aws:lambda:us-east-1:123456789012"
    assert made == {
        "EventSourceArn": queue.arn,
        "EventSourceMappingArn": f"{prefix}:event-source-mapping:{uuid}",
        "FunctionArn": f"{prefix}:function:{name}",
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }


@pytest.mark.parametrize("name", ["MinimumPollers", "MaximumPollers"])
def test_provisioned_mode_of_a_queue_has_at_least_two_pollers(lab, name):
    queue, function = Queue(lab), lab.create()
    code, message = refused(
        lab.client.create_event_source_mapping,
        FunctionName=function,
        EventSourceArn=queue.arn,
        ProvisionedPollerConfig={name: 1},
    )
    field = f"provisionedPollerConfig.m{name[1:]}"
    rule = "Member must have value greater than or equal to 2"
    assert (code, message) == ("ValidationException", CONSTRAINT.format(1, field, rule))


def test_states(lab):
    queue, name = Queue(lab), lab.create()
    uuid = connect(lab, queue, name)["UUID"]
    settled(lab, uuid, "Enabled")
    update = lab.client.update_event_source_mapping
    changed = update(UUID=uuid, BatchSize=3)
    assert changed["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (changed["State"], changed["BatchSize"]) == ("Updating", 3)
    settled(lab, uuid, "Enabled")
    assert update(UUID=uuid, Enabled=False)["State"] == "Disabling"
    settled(lab, uuid, "Disabled")
    assert update(UUID=uuid, BatchSize=4)["State"] == "Updating"
    settled(lab, uuid, "Disabled")
    assert update(UUID=uuid, Enabled=True)["State"] == "Enabling"
    settled(lab, uuid, "Enabled")
    deleted = lab.client.delete_event_source_mapping(UUID=uuid)
    assert (deleted["State"], deleted["ResponseMetadata"]["HTTPStatusCode"]) == ("Deleting", 202)
    lab.cloud.idle()
    assert mappings(lab, FunctionName=name) == []


def test_a_mapping_made_disabled_is_so_at_once(lab):
    made = connect(lab, Queue(lab), lab.create(), Enabled=False)
    assert made["State"] == "Disabled"


def test_idle_waits_for_a_state_to_settle(lab):
    uuid = connect(lab, Queue(lab), lab.create())["UUID"]
    lab.cloud.idle()
    assert lab.client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"


def test_a_mapping_in_transition_can_not_be_changed(lab):
    uuid = connect(lab, Queue(lab), lab.create())["UUID"]
    settled(lab, uuid, "Enabled")
    mapping = lab.cloud._parts.mappings.get(uuid)
    mapping.state = "Updating"
    for what in ("update", "delete"):
        call = getattr(lab.client, f"{what}_event_source_mapping")
        words = f"Cannot {what} the event source mapping because it is in use."
        assert refused(call, UUID=uuid) == ("ResourceInUseException", words)


@pytest.mark.parametrize("what", ["get", "update", "delete"])
def test_unknown_uuid(lab, what):
    call = getattr(lab.client, f"{what}_event_source_mapping")
    words = "The resource you requested does not exist."
    assert refused(call, UUID=NOBODY) == ("ResourceNotFoundException", words)


def test_every_optional_setting(lab):
    settings = {
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 20,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
        "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]},
        "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234",
        "MetricsConfig": {"Metrics": ["EventCount"]},
    }
    queue, name = Queue(lab), lab.create()
    made = connect(lab, queue, name, Tags={"team": "docks"}, **settings)
    got = lab.client.get_event_source_mapping(UUID=made["UUID"])
    assert {name: got[name] for name in settings} == settings
    arn = made["EventSourceMappingArn"]
    assert lab.client.list_tags(Resource=arn)["Tags"] == {"team": "docks"}
    lab.client.tag_resource(Resource=arn, Tags={"stage": "dev"})
    lab.client.untag_resource(Resource=arn, TagKeys=["team"])
    assert lab.client.list_tags(Resource=arn)["Tags"] == {"stage": "dev"}

    settled(lab, made["UUID"], "Enabled")
    gone = ("ScalingConfig", "FilterCriteria", "MetricsConfig")
    changed = lab.client.update_event_source_mapping(UUID=made["UUID"], **{n: {} for n in gone})
    assert not set(gone) & set(changed)
    assert changed["BatchSize"] == 500


def test_tags_of_functions_still_work(lab):
    name = lab.create(Tags={"a": "b"})
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    lab.client.tag_resource(Resource=arn, Tags={"c": "d"})
    assert lab.client.list_tags(Resource=arn)["Tags"] == {"a": "b", "c": "d"}


def test_list_with_filters_and_pages(lab):
    queue, names = Queue(lab), [lab.create() for _ in range(3)]
    made = [connect(lab, queue, name)["UUID"] for name in names]
    assert [each["UUID"] for each in mappings(lab, EventSourceArn=queue.arn)] == made
    assert [each["UUID"] for each in mappings(lab, FunctionName=names[1])] == [made[1]]
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{names[2]}"
    assert [each["UUID"] for each in mappings(lab, FunctionName=arn)] == [made[2]]
    first = lab.client.list_event_source_mappings(EventSourceArn=queue.arn, MaxItems=2)
    assert [each["UUID"] for each in first["EventSourceMappings"]] == made[:2]
    rest = lab.client.list_event_source_mappings(
        EventSourceArn=queue.arn, Marker=first["NextMarker"]
    )
    assert [each["UUID"] for each in rest["EventSourceMappings"]] == made[2:]
    assert "NextMarker" not in rest
    pages = lab.client.get_paginator("list_event_source_mappings").paginate(
        EventSourceArn=queue.arn, PaginationConfig={"PageSize": 1}
    )
    assert [m["UUID"] for page in pages for m in page["EventSourceMappings"]] == made
    assert refused(lab.client.list_event_source_mappings, Marker="x")[1] == "Invalid marker."


@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "123456789012:function:{name}",
        "arn:aws:lambda:us-east-1:123456789012:function:{name}",
        "{name}:live",
        "{name}:1",
        "arn:aws:lambda:us-east-1:123456789012:function:{name}:live",
    ],
)
def test_the_function_by_every_name(lab, form):
    name = lab.create(PRINTS, Publish=True)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    queue = Queue(lab)
    made = connect(lab, queue, form.format(name=name))
    tail = form.rpartition("{name}")[2]
    assert made["FunctionArn"].endswith(f":function:{name}{tail}")
    queue.send("hello")
    lab.cloud.idle()
    assert bodies(lab, name) == ["hello"]
    assert len(mappings(lab, FunctionName=name)) == 1


def test_update_to_another_function(lab):
    queue, first, second = Queue(lab), lab.create(PRINTS), lab.create(PRINTS)
    uuid = connect(lab, queue, first)["UUID"]
    queue.send("one")
    lab.cloud.idle()
    lab.client.update_event_source_mapping(UUID=uuid, FunctionName=second)
    queue.send("two")
    lab.cloud.idle()
    assert (bodies(lab, first), bodies(lab, second)) == (["one"], ["two"])


def test_an_update_counts_for_the_next_batch(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    uuid = connect(lab, queue, name, BatchSize=1)["UUID"]
    lab.cloud.idle()
    pattern = json.dumps({"body": {"kind": ["ride"]}})
    lab.client.update_event_source_mapping(
        UUID=uuid, FilterCriteria={"Filters": [{"Pattern": pattern}]}
    )
    queue.send('{"kind": "ride"}', '{"kind": "dock"}')
    lab.cloud.idle()
    assert bodies(lab, name) == ['{"kind": "ride"}']


def test_what_an_update_leaves_alone(lab):
    """The source and the starting position are no parameters of UpdateEventSourceMapping."""
    queue = Queue(lab)
    uuid = connect(lab, queue, lab.create())["UUID"]
    mapping = lab.cloud._parts.mappings.get(uuid)
    mapping.change(
        {"EventSourceArn": "arn:aws:sqs:us-east-1:1:other", "StartingPosition": "LATEST"}
    )
    got = lab.client.get_event_source_mapping(UUID=uuid)
    assert got["EventSourceArn"] == queue.arn
    assert "StartingPosition" not in got


NO_QUEUE = "arn:aws:sqs:us-east-1:123456789012:none"
LONG = '{"body": ["' + "x" * 4096 + '"]}'
SIX = {"Filters": [{"Pattern": '{"body": ["a"]}'}] * 6}


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (
            {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1},
            "ValidationException",
            CONSTRAINT.format(
                10001, "batchSize", "Member must have value less than or equal to 10000"
            ),
        ),
        (
            {"BatchSize": 11},
            "InvalidParameterValueException",
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10",
        ),
        (
            {"MaximumBatchingWindowInSeconds": 301},
            "ValidationException",
            CONSTRAINT.format(
                301,
                "maximumBatchingWindowInSeconds",
                "Member must have value less than or equal to 300",
            ),
        ),
        (
            {"ScalingConfig": {"MaximumConcurrency": 1001}},
            "ValidationException",
            CONSTRAINT.format(
                1001,
                "scalingConfig.maximumConcurrency",
                "Member must have value less than or equal to 1000",
            ),
        ),
        (
            {"FunctionResponseTypes": ["ReportEverything"]},
            "ValidationException",
            CONSTRAINT.format(
                "[ReportEverything]",
                "functionResponseTypes",
                "Member must satisfy constraint: [Member must satisfy enum value set: "
                "[ReportBatchItemFailures], Member must not be null]",
            ),
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": NO_QUEUE}}},
            "InvalidParameterValueException",
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            {"StartingPosition": "LATEST"},
            "InvalidParameterValueException",
            "Unsupported StartingPosition parameter for given event source mapping type.",
        ),
        (
            {"FilterCriteria": SIX},
            "InvalidParameterValueException",
            "Number of filters must be less than or equal to 5.",
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": LONG}]}},
            "ValidationException",
            CONSTRAINT.format(
                LONG,
                "filterCriteria.filters.1.member.pattern",
                "Member must have length less than or equal to 4096",
            ),
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
            "InvalidParameterValueException",
            "Invalid filter pattern definition.",
        ),
        (
            {"FunctionName": "nobody"},
            "InvalidParameterValueException",
            "Function does not exist",
        ),
        (
            {"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:far"},
            "InvalidParameterValueException",
            "Function does not exist",
        ),
        (
            {"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:nowhere"},
            "InvalidParameterValueException",
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does "
            "not exist for this wsdl version.",
        ),
        (
            {"EventSourceArn": "arn:aws:s3:::bucket"},
            "InvalidParameterValueException",
            "Unrecognized event source.",
        ),
    ],
)
def test_what_aws_refuses_leaves_nothing(lab, settings, code, words):
    queue, name = Queue(lab), lab.create()
    spec = {"EventSourceArn": queue.arn, "FunctionName": name, **settings}
    assert refused(lab.client.create_event_source_mapping, **spec) == (code, words)
    assert mappings(lab, EventSourceArn=queue.arn) == []
    assert mappings(lab, FunctionName=name) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10",
        ),
        ({"FunctionName": "nobody"}, "Function does not exist"),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}},
            "Invalid filter pattern definition.",
        ),
        (
            {"ParallelizationFactor": 2},
            "Unsupported ParallelizationFactor parameter for given event source mapping type.",
        ),
    ],
)
def test_an_update_that_is_refused_changes_nothing(lab, settings, words):
    uuid = connect(lab, Queue(lab), lab.create())["UUID"]
    before = settled(lab, uuid, "Enabled")
    call = lab.client.update_event_source_mapping
    code, message = refused(call, UUID=uuid, Enabled=False, **settings)
    assert (code, message) == ("InvalidParameterValueException", words)
    after = lab.client.get_event_source_mapping(UUID=uuid)
    before.pop("ResponseMetadata"), after.pop("ResponseMetadata")
    assert after == before


def test_fifo_queues_have_no_window_and_small_batches(lab):
    queue, name = Queue(lab, fifo=True), lab.create()
    for settings, words in (
        (
            {"MaximumBatchingWindowInSeconds": 1},
            "Batching window is not supported for FIFO queues.",
        ),
        ({"BatchSize": 11}, "Batch size must not exceed 10 for FIFO queues."),
    ):
        spec = {"EventSourceArn": queue.arn, "FunctionName": name, **settings}
        assert refused(lab.client.create_event_source_mapping, **spec)[1] == words


def test_a_queue_of_another_region_or_account(lab):
    far, name = Queue(lab, region="eu-west-1"), lab.create()
    other = Queue(lab).arn.replace("123456789012", "999999999999")
    for arn in (far.arn, other):
        spec = {"EventSourceArn": arn, "FunctionName": name}
        code, words = refused(lab.client.create_event_source_mapping, **spec)
        assert code == "InvalidParameterValueException"
        assert "AWS.SimpleQueueService.NonExistentQueue" in words


def test_function_that_may_run_longer_than_messages_are_hidden(lab):
    words = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    queue, slow = Queue(lab), lab.create(Timeout=60)
    spec = {"EventSourceArn": queue.arn, "FunctionName": slow}
    code = "InvalidParameterValueException"
    assert refused(lab.client.create_event_source_mapping, **spec) == (code, words)
    uuid = connect(lab, queue, lab.create())["UUID"]
    settled(lab, uuid, "Enabled")
    call = lab.client.update_event_source_mapping
    assert refused(call, UUID=uuid, FunctionName=slow) == (code, words)


def test_second_mapping_of_one_queue_and_function(lab):
    queue, name = Queue(lab), lab.create(Publish=True)
    uuid = connect(lab, queue, name)["UUID"]
    words = (
        f'An event source mapping with SQS arn (" {queue.arn} ") and function (" {name} ") already '
        f"exists. Please update or delete the existing mapping with UUID {uuid}"
    )
    spec = {"EventSourceArn": queue.arn, "FunctionName": name}
    call = lab.client.create_event_source_mapping
    assert refused(call, **spec) == ("ResourceConflictException", words)
    connect(lab, queue, f"{name}:1")  # a version is another function
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
    connect(lab, queue, name)


def test_second_mapping_of_one_stream_and_function(lab):
    lab.cloud.client("kinesis").create_stream(StreamName="rides", ShardCount=1)
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/rides"
    spec = {"EventSourceArn": arn, "FunctionName": lab.create(), "StartingPosition": "LATEST"}
    call = lab.client.create_event_source_mapping
    uuid = call(**spec)["UUID"]
    name = spec["FunctionName"]
    words = (
        f'The event source arn (" {arn} ") and function (" {name} ") provided mapping already '
        f"exists. Please update or delete the existing mapping with UUID {uuid}"
    )
    assert refused(call, **spec) == ("ResourceConflictException", words)
    scaled = {**spec, "ScalingConfig": {"MaximumConcurrency": 2}}
    words = "Unsupported ScalingConfig parameter for given event source mapping type."
    assert refused(call, **scaled)[1] == words


def test_a_function_of_another_cloud_region_has_mappings_of_its_own(lab):
    client = lab.cloud.client("lambda", region_name="eu-west-1")
    queue = Queue(lab, region="eu-west-1")
    client.create_function(
        FunctionName="far",
        Runtime="python3.14",
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": package(PRINTS)},
    )
    uuid = client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName="far")["UUID"]
    assert client.get_event_source_mapping(UUID=uuid)["UUID"] == uuid
    assert refused(lab.client.get_event_source_mapping, UUID=uuid)[0] == "ResourceNotFoundException"


def message(body):
    return {"messageId": "1", "body": body, "attributes": {}, "eventSource": "aws:sqs"}


def kinesis(data):
    return {
        "eventName": "aws:kinesis:record",
        "kinesis": {"partitionKey": "1", "data": base64.b64encode(data.encode()).decode()},
    }


def change(image):
    return {"eventName": "INSERT", "dynamodb": {"NewImage": image, "Keys": {"Id": {"N": "1"}}}}


JSON_BODY = '{"kind": "ride", "km": 2.5, "tags": ["a", "b"], "legs": [{"km": 1}, {"km": 4}]}'


@pytest.mark.parametrize(
    ("pattern", "body", "expected"),
    [
        ({"body": {"kind": ["ride"]}}, JSON_BODY, True),
        ({"body": {"kind": ["dock"]}}, JSON_BODY, False),
        ({"body": {"km": [{"numeric": [">", 2, "<=", 2.5]}]}}, JSON_BODY, True),
        ({"body": {"km": [{"numeric": ["<", 2]}]}}, JSON_BODY, False),
        ({"body": {"tags": ["b"]}}, JSON_BODY, True),
        ({"body": {"kind": [{"prefix": "ri"}]}}, JSON_BODY, True),
        ({"body": {"kind": [{"suffix": "de"}]}}, JSON_BODY, True),
        ({"body": {"kind": [{"anything-but": ["ride"]}]}}, JSON_BODY, False),
        ({"body": {"kind": [{"equals-ignore-case": "RIDE"}]}}, JSON_BODY, True),
        ({"body": {"dock": [{"exists": False}]}}, JSON_BODY, True),
        ({"body": {"dock": [{"exists": True}]}}, JSON_BODY, False),
        ({"body": {"dock": [None]}}, '{"dock": null}', True),
        ({"body": {"dock": [""]}}, '{"dock": ""}', True),
        ({"body": {"$or": [{"kind": ["x"]}, {"km": [2.5]}]}}, JSON_BODY, True),
        ({"body": {"legs": {"km": [4]}}}, JSON_BODY, True),
        ({"body": {"legs": {"km": [5]}}}, JSON_BODY, False),
        # the table of "Properly filtering Amazon SQS messages"
        ({"body": ["plain"]}, "plain", True),
        ({"body": [{"prefix": "pl"}]}, "plain", True),
        ({"body": ["other"]}, "plain", False),
        ({"body": {"kind": [{"exists": False}]}}, "plain", False),
        ({"body": [{"prefix": "{"}]}, JSON_BODY, False),
        ({"eventSource": ["aws:sqs"]}, "plain", True),
        ({"eventSource": ["aws:sqs"]}, JSON_BODY, True),
        ({"eventSource": ["other"]}, JSON_BODY, False),
    ],
)
def test_filters_of_queues(pattern, body, expected):
    check_filters({"Filters": [{"Pattern": json.dumps(pattern)}]}, "sqs")
    assert passes(message(body), "sqs", [pattern], matches) is expected


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        ({"data": {"kind": ["ride"]}}, kinesis(JSON_BODY), True),
        ({"data": {"kind": ["ride"]}}, kinesis("plain"), False),
        ({"partitionKey": ["1"]}, kinesis("plain"), True),
        ({"partitionKey": ["2"]}, kinesis(JSON_BODY), False),
        ({"eventName": ["aws:kinesis:record"]}, kinesis("plain"), True),
    ],
)
def test_filters_of_kinesis(pattern, record, expected):
    check_filters({"Filters": [{"Pattern": json.dumps(pattern)}]}, "kinesis")
    assert passes(record, "kinesis", [pattern], matches) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["MODIFY"]}, False),
        ({"dynamodb": {"NewImage": {"bikes": {"N": ["0"]}}}}, True),
        ({"dynamodb": {"NewImage": {"bikes": {"N": [{"numeric": ["=", 0]}]}}}}, False),
        ({"dynamodb": {"NewImage": {"docks": {"L": {"S": ["b"]}}}}}, True),
        ({"dynamodb": {"NewImage": {"docks": {"L": {"S": ["c"]}}}}}, False),
        ({"dynamodb": {"NewImage": {"docks": [{"exists": True}]}}}, False),  # not a leaf
    ],
)
def test_filters_of_dynamodb(pattern, expected):
    check_filters({"Filters": [{"Pattern": json.dumps(pattern)}]}, "dynamodb")
    record = change({"bikes": {"N": "0"}, "docks": {"L": [{"S": "a"}, {"S": "b"}]}})
    assert passes(record, "dynamodb", [pattern], matches) is expected


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        (JSON_BODY, {"value": {"kind": ["ride"]}}, True),
        (JSON_BODY, {"value": {"kind": ["dock"]}}, False),
        ("plain", {"value": ["plain"]}, True),
        ("plain", {"value": {"kind": ["ride"]}}, True),  # the other properties alone decide
    ],
)
def test_filters_of_kafka(value, pattern, expected):
    record = {"topic": "t", "value": base64.b64encode(value.encode()).decode()}
    assert passes(record, "kafka", [pattern], matches) is expected


def test_one_of_several_filters_is_enough():
    patterns = [{"body": {"a": [1]}}, {"body": ["plain"]}]
    assert passes(message("plain"), "sqs", patterns, matches)
    assert passes(message('{"a": 1}'), "sqs", patterns, matches)
    assert not passes(message('{"a": 2}'), "sqs", patterns, matches)


@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("sqs", "null"),
        ("sqs", '"simple string"'),
        ("sqs", "[1]"),
        ("sqs", '{"eventSource": "aws:sqs"}'),
        ("sqs", '{"eventSource": []}'),
        ("sqs", '{"body": {"a": [[1]]}}'),
        ("sqs", '{"body": {"a": [{"like": "x"}]}}'),
        ("sqs", '{"body": {"a": [{"numeric": ["<"]}]}}'),
        ("sqs", '{"body": {"a": [{"numeric": ["!", 1]}]}}'),
        ("sqs", '{"body": {"a": [{"exists": "yes"}]}}'),
        ("sqs", '{"$or": []}'),
        ("sqs", "{}"),
        ("sqs", ""),
        ("kinesis", '{"data": ["plain"]}'),
        ("dynamodb", '{"dynamodb": ["plain"]}'),
    ],
)
def test_patterns_that_are_none(service, text):
    with pytest.raises(ApiError, match=r"^Invalid filter pattern definition\.$"):
        check_filters({"Filters": [{"Pattern": text}]}, service)


def test_filtered_messages_are_deleted(lab):
    queue, name = Queue(lab), lab.create(PRINTS)
    pattern = json.dumps({"body": {"bikes": [{"numeric": ["<", 2]}]}})
    connect(lab, queue, name, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    queue.send('{"bikes": 1}', '{"bikes": 5}', "not json")
    lab.cloud.idle()
    assert bodies(lab, name) == ['{"bikes": 1}']
    assert queue.count() == 0
