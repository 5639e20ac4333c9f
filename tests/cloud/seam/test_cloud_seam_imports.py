"""What the local cloud spares itself of moto: EC2 is imported when somebody asks for it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

ASK_SSM = """
client = cloud.client("ssm")
client.put_parameter(Name="/key", Value="spring", Type="SecureString")
answer = client.get_parameter(Name="/key", WithDecryption=True)
assert answer["Parameter"]["Value"] == "spring"
"""
ASK_EC2 = """
zones = cloud.client("ec2").describe_availability_zones()["AvailabilityZones"]
assert "us-east-1a" in [zone["ZoneName"] for zone in zones]
"""
RUN_COMMAND = """
targets = [{"Key": "tag:none", "Values": ["of these"]}]
sent = cloud.client("ssm").send_command(DocumentName="AWS-RunShellScript", Targets=targets)
assert sent["Command"]["InstanceIds"] == []
"""


def run(*parts: str) -> None:
    """Runs Python lines with a cloud in a process that has imported nothing yet."""
    code = "import sys, boto3\nfrom workshop.cloud import LocalCloud\nsession = boto3.Session\n"
    code += "with LocalCloud() as cloud:\n" + textwrap.indent("".join(parts), "    ")
    code += "assert boto3.Session is session\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_parameter_store_imports_no_ec2():
    run(ASK_SSM, "assert 'moto.ec2' not in sys.modules\n")


@pytest.mark.parametrize("order", [(ASK_SSM, ASK_EC2), (ASK_EC2, ASK_SSM)], ids=["last", "first"])
def test_ec2_is_there_all_the_same(order):
    run(*order, RUN_COMMAND)


def test_run_command_finds_ec2():
    run(ASK_SSM, RUN_COMMAND, "assert 'moto.ec2' in sys.modules\n")
