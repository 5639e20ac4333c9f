"""DynamoDB's writes are atomic here too: exactly one of many gets the last bike."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

CALLERS = 8


@pytest.fixture
def hurried():
    """Threads take turns so often that a write in two steps is interrupted between them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def dynamodb(lab):
    """A client, and a table of stations."""
    client = lab.cloud.client("dynamodb")
    client.create_table(
        TableName="stations",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def test_one_of_many_conditional_writes_wins(dynamodb, hurried):
    ready = threading.Barrier(CALLERS)

    def take(station: str) -> bool:
        ready.wait()
        try:
            dynamodb.update_item(
                TableName="stations",
                Key={"id": {"S": station}},
                UpdateExpression="SET bikes = bikes - :one",
                ConditionExpression="bikes > :zero",
                ExpressionAttributeValues={":one": {"N": "1"}, ":zero": {"N": "0"}},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(CALLERS) as callers:
        for number in range(10):
            station = {"id": {"S": str(number)}}
            dynamodb.put_item(TableName="stations", Item=station | {"bikes": {"N": "1"}})
            taken = list(callers.map(take, [str(number)] * CALLERS))
            assert taken.count(True) == 1


@pytest.mark.parametrize("condition", ["seq < :s", "seq >= :s", "seq BETWEEN :s AND :s"])
def test_a_number_does_not_match_a_string(dynamodb, condition):
    dynamodb.put_item(TableName="stations", Item={"id": {"S": "7"}, "seq": {"N": "5"}})
    write = {"TableName": "stations", "Item": {"id": {"S": "7"}, "seq": {"N": "6"}}}
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            **write,
            ConditionExpression=condition,
            ExpressionAttributeValues={":s": {"S": "5"}},
        )
    dynamodb.put_item(
        **write,
        ConditionExpression=f"size(id) < :two AND {condition}",
        ExpressionAttributeValues={":s": {"N": str(5 + ("<" in condition))}, ":two": {"N": "2"}},
    )
