"""A function's VpcConfig, held to moto's subnets and security groups.

Follows "Giving Lambda functions access to resources in an Amazon VPC"
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html). The network itself is not
cut: a function in a VPC reaches here what it reaches without one.
"""

from __future__ import annotations

from typing import Any

from ..base.parameters import invalid
from ..base.variables import ACCOUNT_ID
from . import moto_ec2

NOT_FOUND = (
    "Error occurred while {call}. EC2 Error Code: {code}. EC2 Error Message: The {what} '{name}' "
    "does not exist"
)


def check_vpc(config: dict[str, Any] | None, region: str) -> None:
    """Raises ApiError where a subnet or a group is missing, or one is named without the other."""
    subnets = (config or {}).get("SubnetIds") or []
    groups = (config or {}).get("SecurityGroupIds") or []
    if bool(subnets) != bool(groups):
        raise invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
    for name in subnets:
        if find_subnet(name, region) is None:
            code, call = "InvalidSubnetID.NotFound", "DescribeSubnets"
            raise invalid(NOT_FOUND.format(call=call, code=code, what="subnet ID", name=name))
    for name in groups:
        if _ec2(region).get_security_group_from_id(name) is None:
            code, call = "InvalidGroup.NotFound", "DescribeSecurityGroups"
            raise invalid(NOT_FOUND.format(call=call, code=code, what="security group", name=name))


def vpc_config(config: dict[str, Any], region: str) -> dict[str, Any]:
    """The VpcConfig that a function's configuration shows, with the VPC's id."""
    subnets, groups = config.get("SubnetIds") or [], config.get("SecurityGroupIds") or []
    subnet = find_subnet(subnets[0], region) if subnets else None
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": groups,
        "VpcId": subnet.vpc_id if subnet else "",
        "Ipv6AllowedForDualStack": bool(config.get("Ipv6AllowedForDualStack")),
    }


def find_subnet(name: str, region: str) -> Any:
    """moto's subnet, or None."""
    found = (zone.get(name) for zone in list(_ec2(region).subnets.values()))
    return next((subnet for subnet in found if subnet is not None), None)


def _ec2(region: str) -> Any:
    moto_ec2.load("ec2")
    from moto.ec2.models import ec2_backends  # here, since it takes long to import

    return ec2_backends[ACCOUNT_ID][region]
