"""A VPC to deploy functions into: subnets and security groups, good choices and bad ones.

The same on the local cloud and in an account. It costs nothing there: no NAT gateway, and the
gateway endpoint for DynamoDB is free.
"""

from __future__ import annotations

import time
from typing import Any

from .account import Account

ANYWHERE = "0.0.0.0/0"
# placeholder in function.json: block of addresses, which of the two zones, a route to the internet
SUBNETS = {
    "SUBNET_1": ("10.3.1.0/24", 0, False),
    "SUBNET_2": ("10.3.2.0/24", 0, False),
    "SUBNET_3": ("10.3.3.0/24", 1, False),
    "SUBNET_4": ("10.3.4.0/24", 1, True),
}
INTERFACES_GONE_S = 1500  # Lambda takes up to 20 minutes to remove a function's interfaces


def network(account: Account) -> dict[str, str]:
    """Makes the network; gives what `${SUBNET_1}` to `${GROUP_WEB}` in function.json stand for.

    It is deleted with what else the account made: functions first, then their interfaces, then it.
    """
    ec2 = account.client("ec2")
    tags = [{"Key": "Name", "Value": account.name("vpc")}]
    vpc = ec2.create_vpc(
        CidrBlock="10.3.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
    )["Vpc"]["VpcId"]
    account.later(ec2.delete_vpc, VpcId=vpc)
    tables = {False: _route_table(account, vpc), True: _route_table(account, vpc)}
    _internet_gateway(account, vpc, tables[True])
    _dynamodb_endpoint(account, vpc, list(tables.values()))
    values = _subnets(account, vpc, tables) | {
        "GROUP_APP": _group(account, vpc, "app", lets_in=[]),
        "GROUP_WEB": _group(account, vpc, "web", lets_in=[ANYWHERE]),
    }
    account.later(_wait_until_unused, ec2=ec2, vpc=vpc)
    return values


def _subnets(account: Account, vpc: str, tables: dict[bool, str]) -> dict[str, str]:
    ec2, made = account.client("ec2"), {}
    zones = sorted(
        zone["ZoneName"]
        for zone in ec2.describe_availability_zones(
            Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
        )["AvailabilityZones"]
    )
    for name, (block, zone, public) in SUBNETS.items():
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zones[zone])
        made[name] = subnet["Subnet"]["SubnetId"]
        account.later(ec2.delete_subnet, SubnetId=made[name])
        link = ec2.associate_route_table(RouteTableId=tables[public], SubnetId=made[name])
        account.later(ec2.disassociate_route_table, AssociationId=link["AssociationId"])
    return made


def _route_table(account: Account, vpc: str) -> str:
    ec2 = account.client("ec2")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    account.later(ec2.delete_route_table, RouteTableId=table)
    return table


def _internet_gateway(account: Account, vpc: str, route_table: str) -> None:
    """Makes the route table's subnets public."""
    ec2 = account.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    account.later(ec2.delete_internet_gateway, InternetGatewayId=gateway)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    account.later(ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=route_table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)


def _dynamodb_endpoint(account: Account, vpc: str, route_tables: list[str]) -> None:
    """Lets private subnets reach DynamoDB; they reach nothing else outside."""
    ec2 = account.client("ec2")
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Gateway",
        ServiceName=f"com.amazonaws.{ec2.meta.region_name}.dynamodb",
        RouteTableIds=route_tables,
    )["VpcEndpoint"]["VpcEndpointId"]
    account.later(ec2.delete_vpc_endpoints, VpcEndpointIds=[endpoint])


def _group(account: Account, vpc: str, name: str, lets_in: list[str]) -> str:
    """A security group that lets everything out, and HTTPS in from the addresses named."""
    ec2 = account.client("ec2")
    group = ec2.create_security_group(GroupName=name, Description=f"workshop: {name}", VpcId=vpc)
    account.later(ec2.delete_security_group, GroupId=group["GroupId"])
    if lets_in:
        ranges = [{"CidrIp": each} for each in lets_in]
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[https])
    return group["GroupId"]


def _wait_until_unused(ec2: Any, vpc: str) -> None:
    """Returns when Lambda has removed its network interfaces; subnets with one can't be deleted."""
    until = time.monotonic() + INTERFACES_GONE_S
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    while ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
        if time.monotonic() > until:
            return
        time.sleep(10)
