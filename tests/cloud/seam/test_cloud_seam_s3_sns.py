"""The contract with moto's S3 and SNS: fails, with a name, where a release moves what is used."""

from __future__ import annotations

import functools
import inspect

import moto.s3.models as s3_models
import moto.s3.notifications as moto_notifications
import pytest
from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.events.models import EventsBackend
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeKey, S3Backend
from moto.s3.responses import S3Response
from moto.sns.models import SNSBackend, Subscription, Topic
from moto.sns.responses import SNSResponse
from moto.sns.utils import FilterPolicyMatcher

from workshop.cloud.seam import s3, sns
from workshop.cloud.triggers.push.s3_settings import EVENT_TYPES

REPLACED = {
    "S3Backend.delete_object": (s3._delete_object, s3._note_deletion),
    "S3Response._bucket_response_put": (s3._bucket_response_put, s3._put_to_bucket),
    "Subscription.publish": (sns._publish_to_subscription, sns._deliver),
    "SNSBackend.subscribe": (sns._subscribe, sns._checked_subscribe),
    "SNSBackend.set_subscription_attributes": (sns._set_attributes, sns._set_checked_attributes),
    "SNSResponse.subscribe": (sns._answer_subscribe, sns._subscribe_whole_or_not),
}


@pytest.mark.parametrize("name", REPLACED)
def test_replaced_methods_have_motos_arguments(name):
    theirs, ours = (list(inspect.signature(each).parameters) for each in REPLACED[name])
    assert theirs == ours, f"{name} has other arguments"


def test_what_is_in_motos_place(lab):
    assert moto_notifications.send_event is s3._note
    assert moto_notifications.send_test_event is s3._send_nothing
    assert s3_models.events_send_notification is s3._send_nothing
    assert s3_models.notifications is moto_notifications
    assert S3Backend.put_object is s3._put_if_the_key_fits
    assert S3Backend.delete_object is s3._note_deletion
    assert S3Response._bucket_response_put is s3._put_to_bucket
    assert S3Response.bucket_response.__wrapped__ is s3._bucket_response
    assert S3Response.key_response.__wrapped__ is s3._key_response
    assert S3Response.get_bucket_notification is s3._get_notification
    assert S3Response._enrich_response is s3._with_request_ids
    assert Subscription.publish is sns._deliver
    assert SNSBackend.subscribe is sns._checked_subscribe
    assert SNSBackend.publish is sns._checked_publish
    assert SNSBackend.set_subscription_attributes is sns._set_checked_attributes
    assert SNSResponse.subscribe is sns._subscribe_whole_or_not


def test_moto_still_calls_what_is_replaced():
    source = inspect.getsource(s3_models)
    assert source.count("notifications.send_event(") >= 9
    assert "notifications.send_test_event(" in source
    assert "events_send_notification(" in source
    responses = inspect.getsource(S3Response)
    assert "cls().bucket_response(" in responses
    assert "cls().key_response(" in responses
    for answers in (s3._bucket_response, s3._key_response):
        assert list(inspect.signature(answers).parameters)[1:] == ["request", "full_url", "headers"]
    assert "self.get_bucket_notification()" in responses
    assert "self._bucket_response_put(" in responses
    assert "cls._enrich_response(" in responses
    assert "self.backend.put_object(" in responses
    for method in (S3Backend.copy_object, S3Backend.complete_multipart_upload):
        assert "self.put_object(" in inspect.getsource(method)
    assert "self.backend.delete_object(" in responses
    assert "self.delete_object(" in inspect.getsource(S3Backend.delete_objects)
    assert "subscription.publish(" in inspect.getsource(Topic.publish)
    assert list(inspect.signature(BaseResponse._enrich_response).parameters) == ["headers", "body"]


def test_a_key_of_more_than_1024_bytes_is_refused(lab):
    client, longest = lab.cloud.client("s3"), "ä" * 512
    client.create_bucket(Bucket="long-keys")
    client.put_object(Bucket="long-keys", Key=longest, Body=b"fits")
    source = {"Bucket": "long-keys", "Key": longest}
    copy = functools.partial(client.copy_object, CopySource=source)
    for method in (client.put_object, copy):
        with pytest.raises(client.exceptions.ClientError) as refused:
            method(Bucket="long-keys", Key=longest + "a")
        found = refused.value.response
        assert found["Error"] == {"Code": "KeyTooLongError", "Message": "Your key is too long"}
        assert found["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_motos_events_are_those_that_are_noted():
    assert {each.value for each in s3.WHAT} == {
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:Post",
        "s3:ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectTagging:Put",
        "s3:ObjectTagging:Delete",
        "s3:ObjectAcl:Put",
    }
    assert set(moto_notifications.S3NotificationEvent.events()) == set(EVENT_TYPES)


def test_what_is_read_of_buckets_and_keys():
    bucket = FakeBucket(name="b", account_id="123456789012", region_name="us-east-1")
    assert bucket.notification_configuration is None
    assert bucket.versioning_status is None
    assert bucket.keys.getlist("a", []) == []
    bucket.set_notification_configuration({"EventBridgeConfiguration": {}})
    found = bucket.notification_configuration
    assert (found.cloud_function, found.queue, found.topic) == ([], [], [])
    assert found.event_bridge == {}
    key = FakeKey("a", b"ride", "123456789012", "us-east-1")
    assert (key.name, key.size, key.etag[0], key.etag[-1]) == ("a", 4, '"', '"')
    key.dispose()


def test_what_else_is_called():
    assert list(inspect.signature(EventsBackend.put_events).parameters) == ["self", "events"]
    assert list(inspect.signature(FilterPolicyMatcher).parameters) == [
        "filter_policy",
        "filter_policy_scope",
    ]
    assert "arn" in inspect.signature(sns._publish).parameters
    assert "message" in inspect.signature(sns._publish).parameters
    assert "message_structure" in inspect.signature(sns._publish).parameters
    assert callable(Subscription._parse_message_structure)
    assert "_filter_policy_matcher" in inspect.getsource(Subscription.__init__)
    assert "_filter_policy" in inspect.getsource(Subscription.__init__)
    assert "fifo_topic" in inspect.getsource(Topic.__init__)
    assert callable(ActionResult) and callable(EmptyResult)
    assert issubclass(S3ClientError, Exception)
