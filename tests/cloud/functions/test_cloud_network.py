"""VpcConfig: what AWS refuses, and what a function's configuration shows of its network."""

from __future__ import annotations

import inspect

import moto.awslambda.models as lambda_models
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def network(lab):
    """A VPC's id, a subnet of it, a security group of it."""
    ec2 = lab.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    return vpc, subnet, group


def test_configuration_names_the_vpc(lab, network):
    vpc, subnet, group = network
    config = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    name = lab.create(VpcConfig=config)
    shown = lab.client.get_function_configuration(FunctionName=name)["VpcConfig"]
    assert shown == {**config, "VpcId": vpc, "Ipv6AllowedForDualStack": False}
    assert lab.invoke(name, {"still": "runs"}).value == {"still": "runs"}
    lab.client.publish_version(FunctionName=name)
    lab.client.update_function_configuration(
        FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    shown = lab.client.get_function_configuration(FunctionName=name)["VpcConfig"]
    assert shown["SubnetIds"] == [] and shown["VpcId"] == ""
    shown = lab.client.get_function_configuration(FunctionName=name, Qualifier="1")["VpcConfig"]
    assert shown["VpcId"] == vpc


def test_a_function_without_one_shows_none_that_counts(lab):
    shown = lab.client.get_function_configuration(FunctionName=lab.create()).get("VpcConfig")
    assert not (shown or {}).get("SubnetIds")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"SubnetIds": ["subnet-0a"]},
            "DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: "
            "The subnet ID 'subnet-0a' does not exist",
        ),
        (
            {"SecurityGroupIds": ["sg-0a"]},
            "DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: "
            "The security group 'sg-0a' does not exist",
        ),
        ({"SecurityGroupIds": []}, "SubnetIds and SecurityIds must coexist or be both empty list."),
        ({"SubnetIds": []}, "SubnetIds and SecurityIds must coexist or be both empty list."),
    ],
)
def test_what_is_not_there_is_refused(lab, network, change, message):
    _, subnet, group = network
    config = {"SubnetIds": [subnet], "SecurityGroupIds": [group], **change}
    name = lab.create()
    for attempt in (
        lambda: lab.create(VpcConfig=config),
        lambda: lab.client.update_function_configuration(FunctionName=name, VpcConfig=config),
    ):
        with pytest.raises(ClientError) as caught:
            attempt()
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
        assert caught.value.response["Error"]["Message"].endswith(message)


def test_one_list_alone(lab, network):
    with pytest.raises(ClientError, match="must coexist"):
        lab.create(VpcConfig={"SubnetIds": [network[1]]})


def test_what_is_used_of_moto_exists():
    from moto.ec2.models import EC2Backend

    assert callable(EC2Backend.get_security_group_from_id)
    assert isinstance(inspect.getattr_static(lambda_models.LambdaFunction, "vpc_config"), property)
    assert isinstance(EC2Backend("us-east-1", "123456789012").subnets, dict)
