"""EventBridge for its tests: rules, targets, events, and who got them."""

from __future__ import annotations

import itertools
import json

import pytest
from botocore.exceptions import ClientError

ECHO = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
"""
FIELDS = {
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
}
numbers = itertools.count(1)


class Bus:
    """The events API with what the tests do most."""

    def __init__(self, lab):
        self.lab, self.client = lab, lab.cloud.client("events")
        self.sqs = lab.cloud.client("sqs")

    def rule(self, pattern=None, **spec):
        """A rule's name and ARN. By default it matches a source of its own, named like it."""
        name = f"rule-{next(numbers)}"
        spec["EventPattern"] = json.dumps(pattern or {"source": [name]})
        return name, self.client.put_rule(Name=name, **spec)["RuleArn"]

    def target(self, rule, arn, **spec):
        bus = {"EventBusName": spec.pop("EventBusName")} if "EventBusName" in spec else {}
        target = {"Id": f"target-{next(numbers)}", "Arn": arn, **spec}
        answer = self.client.put_targets(Rule=rule, Targets=[target], **bus)
        assert answer["FailedEntryCount"] == 0

    def put(self, source, detail=None, **spec):
        """Puts one event; returns its id."""
        entry = {"Source": source, "DetailType": "ride", "Detail": json.dumps(detail or {})}
        answer = self.client.put_events(Entries=[{**entry, **spec}])
        assert answer["FailedEntryCount"] == 0
        return answer["Entries"][0]["EventId"]

    def function(self, rule_arn, source=ECHO, **spec):
        """A function that the rule may invoke: its name and its ARN."""
        name = self.lab.create(source, **spec)
        allow(self.lab, name, rule_arn)
        return name, arn_of(name)

    def received(self, function):
        """The events that a function got."""
        self.lab.cloud.idle()
        lines = self.lab.log_events(f"/aws/lambda/{function}")
        return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]

    def queue(self, name=None, **attributes):
        """A queue's URL and its ARN."""
        name = name or f"queue-{next(numbers)}"
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def messages(self, url):
        return self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])

    def bodies(self, url):
        return [message["Body"] for message in self.messages(url)]


def arn_of(function):
    return f"arn:aws:lambda:us-east-1:123456789012:function:{function}"


def allow(lab, function, rule_arn, **spec):
    lab.client.add_permission(
        FunctionName=function,
        StatementId=f"events-{next(numbers)}",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
        **spec,
    )


def error_of(call, **spec):
    with pytest.raises(ClientError) as caught:
        call(**spec)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]
