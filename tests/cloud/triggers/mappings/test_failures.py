"""Where the records of batches that are given up may go."""

from __future__ import annotations

import pytest

from workshop.cloud.base.model import ApiError
from workshop.cloud.triggers.mappings.failures import HasTopics, check_destination
from workshop.cloud.triggers.mappings.kafka import KafkaPoller
from workshop.cloud.triggers.mappings.lanes import Lane


def test_only_kafka_has_topics_for_failures():
    assert issubclass(KafkaPoller, HasTopics)
    assert not issubclass(Lane, HasTopics)


@pytest.mark.parametrize(
    "target",
    ["kafka://failed", "queue", "arn:aws:sqs", "arn:aws:lambda:us-east-1:1:function:f"],
)
def test_other_destinations_are_refused_before_any_is_asked(target):
    with pytest.raises(ApiError, match=f"The destination ARN {target} is invalid"):
        check_destination(target, "a role", tools=None)
    if target.startswith("kafka"):
        check_destination(target, "a role", tools=None, may_be_topic=True)
