"""The helpers of the notebooks' cells may be called again, as a cell may be run again."""

from __future__ import annotations

import sys

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop.notebook import (
    delete,
    deploy,
    deploy_exercise,
    invoke_exercise,
    make_role,
    make_table,
    point_alias,
    unmap,
)

POLICY = (
    '{"Version": "2012-10-17", "Statement":'
    ' [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
)


def test_deploy_creates_and_then_updates(shell):
    client = boto3.client("lambda")
    first = "def handler(event, context): return 1"
    arn = deploy("again", first, Timeout=9, Environment={"Variables": {"CITY": "Washington"}})
    assert deploy("again", first.replace("1", "2")) == arn
    assert client.invoke(FunctionName="again")["Payload"].read() == b"2"
    settings = client.get_function_configuration(FunctionName="again")
    assert settings["Timeout"] == 3, "what is not named has its default again"
    assert settings.get("Environment", {}).get("Variables", {}) == {}
    client.delete_function(FunctionName="again")


@pytest.mark.skipif(sys.platform == "win32", reason="a bootstrap is a Linux program")
def test_deploy_makes_an_executable_bootstrap(shell):
    client = boto3.client("lambda")
    deploy("again", "#!/bin/sh\nexit 3\n", "bootstrap", Runtime="provided.al2023")
    answer = client.invoke(FunctionName="again")["Payload"].read().decode()
    assert "exit status 3" in answer
    client.delete_function(FunctionName="again")


def test_make_table_makes_an_empty_one(shell):
    table = make_table("bikes", "city", "bike_id", stream="NEW_AND_OLD_IMAGES")
    stream = table.latest_stream_arn
    table.put_item(Item={"city": "washington", "bike_id": "B-7"})
    again = make_table("bikes", "city", "bike_id", stream="NEW_AND_OLD_IMAGES")
    assert again.scan()["Items"] == []
    assert again.latest_stream_arn != stream
    again.delete()


def test_make_role_begins_without_the_policies_of_before(shell):
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    arn = make_role("again", basic)
    iam = boto3.client("iam")
    iam.put_role_policy(RoleName="again", PolicyName="more", PolicyDocument=POLICY)
    assert make_role("again") == arn
    assert iam.list_role_policies(RoleName="again")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="again")["AttachedPolicies"] == []
    iam.delete_role(RoleName="again")


def test_point_alias_moves_it_and_takes_weights_away(shell):
    client = boto3.client("lambda")
    for number in (1, 2):
        deploy("versions", f"def handler(event, context): return {number}")
        client.publish_version(FunctionName="versions")
    point_alias("versions", "live", "1")
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    client.update_alias(FunctionName="versions", Name="live", RoutingConfig=weights)
    point_alias("versions", "live", "2")
    alias = client.get_alias(FunctionName="versions", Name="live")
    assert alias["FunctionVersion"] == "2"
    assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    client.delete_function(FunctionName="versions")


def test_unmap_lets_a_mapping_be_made_again(shell):
    client, sqs = boto3.client("lambda"), boto3.client("sqs")
    deploy("reads", "def handler(event, context): return None")
    url = sqs.create_queue(QueueName="read")["QueueUrl"]
    source = "arn:aws:sqs:us-east-1:123456789012:read"
    for _ in range(2):
        unmap("reads")
        client.create_event_source_mapping(FunctionName="reads", EventSourceArn=source)
    unmap("reads")
    client.delete_function(FunctionName="reads")
    sqs.delete_queue(QueueUrl=url)


def test_delete_takes_what_is_gone_for_an_answer(shell):
    """Each service says it in words of its own."""
    delete(boto3.client("lambda").delete_function, FunctionName="none")
    delete(boto3.client("logs").delete_log_group, logGroupName="none")
    delete(boto3.client("dynamodb").delete_table, TableName="none")
    delete(boto3.client("iam").delete_role, RoleName="none")
    delete(boto3.client("s3").delete_bucket, Bucket="none")
    delete(boto3.client("ec2").delete_vpc, VpcId="vpc-0123456789abcdef0")
    queue = "http://127.0.0.1/123456789012/none"
    delete(boto3.client("sqs").delete_queue, QueueUrl=queue)


def test_delete_raises_what_else_is_wrong(shell):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="one")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        delete(s3.delete_bucket, Bucket="full")


def test_deploy_exercise_again_leaves_one_function(shell, monkeypatch):
    monkeypatch.setenv("WORKSHOP_EXERCISES", "solutions")
    before, after = deploy_exercise("01"), deploy_exercise("01")
    there = boto3.client("lambda").list_functions()["Functions"]
    assert [each["FunctionName"] for each in there] == [after.name]
    assert before.name != after.name
    after.delete()


def test_invoke_exercise_shows_the_example_or_an_event(shell, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("WORKSHOP_EXERCISES", "solutions")
    invoke_exercise("01")
    assert '"fare_cents": 165' in capsys.readouterr().out
    invoke_exercise("01", {"ride_id": "R-2"})
    said = capsys.readouterr().out
    assert said.startswith("The function failed:\n  ValueError: ")
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(tmp_path))
    invoke_exercise("01")
    assert "stage_01_hello_lambda is missing" in capsys.readouterr().out
