"""What the local cloud uses of moto's SQS and of its Lambda responses."""

from __future__ import annotations

import inspect

import moto.sqs.models as sqs_models
import moto.sqs.urls as sqs_urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.sqs.responses import SQSResponse

from workshop.cloud.base.model import QueueState
from workshop.cloud.seam import queue_state
from workshop.cloud.seam import sqs as seam_sqs


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_backend_methods_keep_their_parameters():
    backend = sqs_models.SQSBackend
    assert parameters(backend.send_message) == [
        "self",
        "queue_name",
        "message_body",
        "message_attributes",
        "delay_seconds",
        "deduplication_id",
        "group_id",
        "system_attributes",
        "validate_group_id",
    ]
    assert parameters(backend.send_message_batch) == ["self", "queue_name", "entries"]
    assert parameters(backend.receive_message) == [
        "self",
        "queue_name",
        "count",
        "wait_seconds_timeout",
        "visibility_timeout",
        "message_attribute_names",
    ]
    change = ["self", "queue_name", "receipt_handle", "visibility_timeout"]
    assert parameters(backend.change_message_visibility) == change
    batch = ["self", "queue_name", "entries"]
    assert parameters(backend.change_message_visibility_batch) == batch
    assert parameters(backend.delete_message_batch) == ["self", "queue_name", "receipts"]
    assert parameters(backend.purge_queue) == ["self", "queue_name"]
    assert parameters(backend.delete_queue) == ["self", "queue_name"]
    assert parameters(backend.set_queue_attributes) == ["self", "queue_name", "attributes"]
    assert isinstance(inspect.getattr_static(backend, "_url_module"), property)
    assert sqs_urls.url_paths


def test_queues_are_made_through_the_name_in_the_module():
    source = inspect.getsource(sqs_models.SQSBackend.create_queue)
    assert "Queue(" in source
    assert sqs_models.sqs_backends.backend is not None


def test_queue_and_message_keep_their_attributes():
    base = seam_sqs.Queue.__mro__[1]
    queue = base("q", "us-east-1", "123456789012")
    for name in ("_messages", "deleted_messages", "dead_letter_queue", "redrive_policy"):
        assert hasattr(queue, name), name
    for name in ("deduplication_scope", "message_retention_period", "visibility_timeout"):
        assert hasattr(queue, name), name
    message = sqs_models.Message("id", "body", {})
    for name in ("visible_at", "delayed_until", "receipt_handle", "_old_receipt_handles"):
        assert hasattr(message, name), name
    for name in ("mark_received", "had_receipt_handle", "all_receipt_handles"):
        assert hasattr(message, name), name
    assert parameters(sqs_models._filter_message_attributes)[0] == "message"


def test_responses_keep_their_methods():
    assert ActionResult({"a": 1}).result == {"a": 1}
    for name in ("_get_param", "_get_queue_name", "sqs_backend"):
        assert hasattr(SQSResponse, name), name
    for what in ("create", "get", "update", "delete"):
        assert hasattr(LambdaResponse, f"{what}_event_source_mapping")
    assert hasattr(LambdaResponse, "list_event_source_mappings")


def test_installing_twice_changes_nothing(lab):
    before = SQSResponse.receive_message
    seam_sqs.install()
    assert SQSResponse.receive_message is before
    assert issubclass(sqs_models.sqs_backends.backend, seam_sqs.QueueBackend)


def test_queue_state(lab):
    sqs = lab.cloud.client("sqs")
    url = sqs.create_queue(QueueName="state", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:state"
    state = queue_state(arn)
    assert state == QueueState(False, None, None, 7, 345_600, False)
    sqs.send_message(QueueUrl=url, MessageBody="now")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    assert queue_state(arn).ready
    assert 890 < queue_state(arn).delayed_s <= 900
    sqs.receive_message(QueueUrl=url)
    assert not queue_state(arn).ready
    assert 0 < queue_state(arn).hidden_s <= 7
    assert queue_state(arn + "-not") is None
    assert queue_state(arn.replace("us-east-1", "nowhere")) is None
