"""What a function is made of, and its changes: versions, aliases, layers, code from S3."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from botocore.exceptions import ClientError
from support import package

WHO = "def handler(event, context): return [{!r}, context.function_version, {}]"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def answers(word: str) -> bytes:
    """A package whose function answers with a word, its version and the ARN it was called by."""
    return package(WHO.format(word, "context.invoked_function_arn"))


@pytest.fixture(scope="module")
def published(lab):
    """A function with versions 1 and 2, an alias `live` for 1, and other code in $LATEST."""
    name = lab.create(Code={"ZipFile": answers("one")}, Publish=True)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    lab.client.update_function_code(FunctionName=name, ZipFile=answers("two"), Publish=True)
    lab.client.update_function_code(FunctionName=name, ZipFile=answers("three"))
    return name


@pytest.mark.parametrize(
    ("qualifier", "word", "version"),
    [(None, "three", "$LATEST"), ("$LATEST", "three", "$LATEST"), ("1", "one", "1")]
    + [("2", "two", "2"), ("live", "one", "1")],
)
def test_each_qualifier_runs_its_version(lab, published, qualifier, word, version):
    more = {"Qualifier": qualifier} if qualifier else {}
    answer = lab.invoke(published, **more)
    arn = ARN + published + (f":{qualifier}" if qualifier else "")
    assert answer.value == [word, version, arn]
    assert answer.raw["ExecutedVersion"] == version


def test_log_stream_names_the_version(lab, published):
    lab.invoke(published, Qualifier="2")
    streams = lab.logs.describe_log_streams(logGroupName=f"/aws/lambda/{published}")
    assert any("/[2]" in stream["logStreamName"] for stream in streams["logStreams"])


def test_unknown_qualifier(lab, published):
    with pytest.raises(ClientError) as caught:
        lab.client.invoke(FunctionName=published, Qualifier="nope")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_alias_with_weights_shares_the_requests(lab, published):
    lab.client.create_alias(
        FunctionName=published,
        Name="canary",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    counted = Counter(lab.invoke(published, Qualifier="canary").value[0] for _ in range(60))
    assert set(counted) == {"one", "two"}


def test_a_version_keeps_its_settings(lab):
    name = lab.create(
        "import os\ndef handler(event, context): return os.environ['STAGE']",
        Environment={"Variables": {"STAGE": "first"}},
        Publish=True,
    )
    lab.client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"STAGE": "second"}}
    )
    assert lab.invoke(name, Qualifier="1").value == "first"
    assert lab.invoke(name).value == "second"


@pytest.mark.parametrize("change", ["code", "configuration"])
def test_a_change_gives_a_new_environment(lab, change):
    source = "import uuid\nHERE = str(uuid.uuid4())\ndef handler(event, context): return HERE"
    name = lab.create(source)
    before = lab.invoke(name).value
    assert lab.invoke(name).value == before
    if change == "code":
        lab.client.update_function_code(FunctionName=name, ZipFile=package(source + "\n"))
    else:
        lab.client.update_function_configuration(FunctionName=name, MemorySize=256)
    assert lab.invoke(name).value != before


def test_code_from_s3_and_its_versions(lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="one.zip", Body=answers("from s3"))
    name = lab.create(Code={"S3Bucket": "code", "S3Key": "one.zip"})
    assert lab.invoke(name).value[0] == "from s3"
    s3.put_object(Bucket="code", Key="two.zip", Body=answers("again"))
    lab.client.update_function_code(FunctionName=name, S3Bucket="code", S3Key="two.zip")
    assert lab.invoke(name).value[0] == "again"


def test_code_that_is_not_in_s3(lab):
    lab.cloud.client("s3").create_bucket(Bucket="empty")
    with pytest.raises(ClientError) as caught:
        lab.create(Code={"S3Bucket": "empty", "S3Key": "no.zip"})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "InvalidParameterValueException" in str(caught.value)


def test_layers_are_at_opt_and_importable(lab):
    def layer(name: str, files: dict[str, str]) -> str:
        content = {"ZipFile": package("", **files)}
        made = lab.client.publish_layer_version(LayerName=name, Content=content)
        return made["LayerVersionArn"]

    first = layer("words", {"python/words__py": "WORD = 'layered'\nOVER = 'first'"})
    second = layer("over", {"python/over__py": "OVER = 'second'", "notes__txt": "read me"})
    value = lab.run(
        "import over, words\n"
        "from pathlib import Path\n"
        "def handler(event, context):\n"
        "    root = Path(words.__file__).parent.parent\n"
        "    return [words.WORD, over.OVER, (root / 'notes.txt').read_text()]",
        Layers=[first, second],
    )
    assert value == ["layered", "second", "read me"]


def test_a_bad_package_changes_nothing(lab):
    name = lab.create(Code={"ZipFile": answers("good")})
    with pytest.raises(ClientError) as caught:
        lab.client.update_function_code(FunctionName=name, ZipFile=b"no zip")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert "Could not unzip uploaded file" in str(caught.value)
    assert lab.invoke(name).value[0] == "good"


def test_delete(lab):
    name = lab.create()
    lab.invoke(name)
    lab.client.delete_function(FunctionName=name)
    with pytest.raises(ClientError) as caught:
        lab.client.invoke(FunctionName=name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    names = [f["FunctionName"] for f in lab.client.list_functions()["Functions"]]
    assert name not in names


def test_a_function_of_the_same_name_again_is_another(lab):
    name = lab.create(Code={"ZipFile": answers("old")})
    lab.invoke(name)
    lab.client.delete_function(FunctionName=name)
    lab.create(Code={"ZipFile": answers("new")}, FunctionName=name)
    assert lab.invoke(name).value[0] == "new"


def test_waiters_and_policy(lab):
    name = lab.create()
    lab.client.get_waiter("function_active_v2").wait(FunctionName=name)
    lab.client.get_waiter("function_updated_v2").wait(FunctionName=name)
    lab.client.add_permission(
        FunctionName=name,
        StatementId="s3",
        Principal="s3.amazonaws.com",
        Action="lambda:InvokeFunction",
        SourceArn="arn:aws:s3:::rides",
    )
    policy = json.loads(lab.client.get_policy(FunctionName=name)["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Resource"] == ARN + name
