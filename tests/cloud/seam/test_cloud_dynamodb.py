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


def test_one_of_many_conditional_writes_wins(lab, hurried):
    dynamodb = lab.cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="stations",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
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
