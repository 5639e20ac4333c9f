"""function.json: placeholders, reserved concurrency, and what is said when they are wrong."""

from __future__ import annotations

import json

import pytest

from workshop.grading.account import Account
from workshop.grading.function import NotReady, deploy, read_settings
from workshop.grading.network import SUBNETS, network
from workshop.grading.settings import read_more
from workshop.grading.stub import cut


@pytest.fixture
def folder(tmp_path):
    """An exercise, and a way to write its function.json."""
    (tmp_path / "handler.py").write_text("def handler(event, context): return event")

    def write(settings):
        (tmp_path / "function.json").write_text(json.dumps(settings))
        return tmp_path

    return write


def test_placeholders_are_filled_in(folder):
    made = folder({"Description": "in ${A} and ${B}", "Layers": ["${A}"], "Timeout": 3})
    values = {"A": "one", "B": "two"}
    assert read_settings(made, values) == {
        "Description": "in one and two",
        "Layers": ["one"],
        "Timeout": 3,
    }


@pytest.mark.parametrize(("values", "known"), [({}, "none in this stage"), ({"A": "x"}, "${A}")])
def test_an_unknown_placeholder_is_named(folder, values, known):
    with pytest.raises(NotReady) as caught:
        read_settings(folder({"VpcConfig": {"SubnetIds": ["${SUBNET_9}"]}}), values)
    assert (
        str(caught.value) == f"function.json: ${{SUBNET_9}} stands for nothing. There are: {known}."
    )


def test_a_placeholder_without_its_braces_is_named(folder):
    with pytest.raises(NotReady, match=r"SUBNET_1 is a placeholder, so write \$\{SUBNET_1\}"):
        read_settings(folder({"VpcConfig": {"SubnetIds": ["SUBNET_1"]}}), {"SUBNET_1": "subnet-1"})


def test_reserved_concurrency_is_set_once_the_function_is_there(lab, folder):
    function = deploy(lab.client, folder({"ReservedConcurrentExecutions": 5}))
    found = lab.client.get_function_concurrency(FunctionName=function.name)
    assert found["ReservedConcurrentExecutions"] == 5


@pytest.mark.parametrize("wrong", [5000, "many"])
def test_a_reserved_concurrency_that_cannot_be(lab, folder, wrong):
    with pytest.raises(NotReady, match="AWS refuses ReservedConcurrentExecutions"):
        deploy(lab.client, folder({"ReservedConcurrentExecutions": wrong}))
    names = [each["FunctionName"] for each in lab.client.list_functions()["Functions"]]
    assert not [name for name in names if name.startswith(folder({}).name)]


def test_network_is_made_and_deleted(lab):
    ec2 = lab.cloud.client("ec2")
    before = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}
    account = Account(lab.cloud.client, lab.cloud.idle)
    values = network(account)
    assert sorted(values) == [*("GROUP_APP", "GROUP_WEB"), *sorted(SUBNETS)]
    described = ec2.describe_subnets(SubnetIds=[values[name] for name in SUBNETS])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in described}
    assert zones[values["SUBNET_1"]] == zones[values["SUBNET_2"]] != zones[values["SUBNET_3"]]
    account.close()
    assert {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]} == before
    groups = {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    assert not groups & set(values.values())


def test_a_missing_handler_is_named_as_the_stage_calls_it(lab, folder):
    for changes, name in (({"Handler": "handler.planner"}, "planner"), ({}, "handler")):
        made = folder({})
        (made / "handler.py").write_text("def renamed(event, context): pass")
        function = deploy(lab.client, made, changes=changes)
        with pytest.raises(NotReady, match=rf"Keep `def {name}\(event, context\):` in handler.py"):
            function.invoke({})


def test_another_settings_file_is_read_as_function_json_is(tmp_path):
    assert read_more(tmp_path, "night.json", {}) == {}
    file = tmp_path / "night.json"
    file.write_text('{"queue": {"Arn": "${DLQ}"}}')
    assert read_more(tmp_path, "night.json", {"DLQ": "arn"}) == {"queue": {"Arn": "arn"}}
    for text, said in (
        ('{"queue": {},}', "/night.json is not JSON"),
        ("[]", "/night.json must hold an object"),
        ('{"a": "${B}"}', "night.json: ${B} stands for nothing"),
    ):
        file.write_text(text)
        with pytest.raises(NotReady) as caught:
            read_more(tmp_path, "night.json", {"DLQ": "arn"})
        assert said in str(caught.value)
        assert "function.json" not in str(caught.value)


def test_a_stub_keeps_the_names_of_another_settings_file(tmp_path):
    (tmp_path / "night.json").write_text('{"queue": {"A": 1}, "mapping": {"B": 2}}')
    assert json.loads(cut(tmp_path, [])["night.json"]) == {"queue": {}, "mapping": {}}
