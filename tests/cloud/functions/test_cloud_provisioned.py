"""Provisioned concurrency: environments that are there before the requests."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

KIND = (
    "import os\n"
    "kind = os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    "def handler(event, context):\n"
    "    if event.get('die'): os._exit(3)\n"
    "    return kind"
)
MEETS = (  # returns when as many people are in the room as it was told
    "import os, time, boto3\n"
    "s3 = boto3.client('s3')\n"
    "def handler(event, context):\n"
    "    s3.put_object(Bucket=event['room'], Key=context.aws_request_id)\n"
    "    while s3.list_objects_v2(Bucket=event['room'])['KeyCount'] < event['people']:\n"
    "        time.sleep(0.02)\n"
    "    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']"
)
FAILS = "raise RuntimeError('no luck')\ndef handler(event, context): pass"
ON_DEMAND, PROVISIONED = "on-demand", "provisioned-concurrency"


def publish(lab, source=KIND, alias=None, **spec):
    """A function with version 1, and an alias of it if one is asked for."""
    name = lab.create(source, Timeout=30, **spec)
    lab.client.publish_version(FunctionName=name)
    if alias:
        lab.client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    return name


def provision(lab, name, qualifier="1", count=1):
    return lab.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def config(lab, name, qualifier="1"):
    return lab.client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)


def numbers(described):
    return [
        described[f"{which}ProvisionedConcurrentExecutions"]
        for which in ("Requested", "Allocated", "Available")
    ]


def refused(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_environments_are_there_before_the_first_request(lab):
    name = publish(lab)
    asked = provision(lab, name, count=2)
    assert asked["Status"] == "IN_PROGRESS"
    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202
    lab.cloud.idle()
    ready = config(lab, name)
    assert ready["Status"] == "READY"
    assert numbers(ready) == [2, 2, 2]
    assert "StatusReason" not in ready
    assert lab.invoke(name, {}, Qualifier="1").value == PROVISIONED
    [ran] = lab.cloud.invocations(name)
    assert ran.cold is False
    assert ran.init_ms is None


def test_init_is_in_the_log_before_any_request_and_in_the_first_report(lab):
    name = publish(lab, "print('made')\n" + KIND)
    provision(lab, name)
    lab.cloud.idle()
    log = lab.log_events(f"/aws/lambda/{name}")
    assert log[0].startswith("INIT_START Runtime Version: python:3.14")
    assert log[1] == "made\n"
    assert log[2].startswith("INIT_REPORT Init Duration: ")
    assert "Status" not in log[2]
    first, second = (lab.invoke(name, {}, Qualifier="1").log for _ in range(2))
    assert "Init Duration" in first
    assert "Init Duration" not in second
    assert "INIT_START" not in first
    [ran, _] = lab.cloud.invocations(name)
    assert ran.billed_ms < ran.duration_ms + 1  # INIT is not billed with it


def test_json_logs_name_the_type_of_initialization(lab):
    name = publish(lab, LoggingConfig={"LogFormat": "JSON"})
    provision(lab, name)
    lab.cloud.idle()
    log = "".join(lab.log_events(f"/aws/lambda/{name}"))
    assert '"platform.initStart"' in log
    assert '"platform.initReport"' in log
    assert log.count(f'"initializationType": "{PROVISIONED}"') == 2


def test_more_requests_than_environments_spill_over(lab):
    lab.cloud.client("s3").create_bucket(Bucket="spillover")
    name = publish(lab, MEETS)
    provision(lab, name)
    lab.cloud.idle()
    event = {"room": "spillover", "people": 3}
    with ThreadPoolExecutor(3) as pool:
        kinds = list(pool.map(lambda _: lab.invoke(name, event, Qualifier="1").value, range(3)))
    assert sorted(kinds) == [ON_DEMAND, ON_DEMAND, PROVISIONED]


def test_latest_and_other_versions_stay_on_demand(lab):
    name = publish(lab)
    provision(lab, name)
    lab.cloud.idle()
    assert lab.invoke(name, {}).value == ON_DEMAND


def test_an_environment_that_died_is_replaced(lab):
    name = publish(lab)
    provision(lab, name)
    lab.cloud.idle()
    assert lab.invoke(name, {"die": True}, Qualifier="1").error == "Unhandled"
    lab.cloud.idle()
    assert numbers(config(lab, name)) == [1, 1, 1]
    assert lab.invoke(name, {}, Qualifier="1").value == PROVISIONED
    died, lived = lab.cloud.invocations(name)
    assert died.environment_id != lived.environment_id
    assert lived.cold is False


def test_an_init_that_fails_fails_the_configuration(lab):
    name = publish(lab, FAILS)
    provision(lab, name)
    lab.cloud.idle()
    failed = config(lab, name)
    assert failed["Status"] == "FAILED"
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert numbers(failed) == [1, 0, 0]
    log = "".join(lab.log_events(f"/aws/lambda/{name}"))
    assert "Phase: init\tStatus: error\tError Type: Runtime.Unknown" in log


def test_more_and_fewer(lab):
    name = publish(lab)
    provision(lab, name, count=1)
    lab.cloud.idle()
    assert numbers(provision(lab, name, count=3)) == [3, 1, 1]
    lab.cloud.idle()
    assert numbers(config(lab, name)) == [3, 3, 3]
    provision(lab, name, count=2)
    lab.cloud.idle()
    assert numbers(config(lab, name)) == [2, 2, 2]


def test_a_deleted_configuration_ends_its_environments(lab):
    name = publish(lab)
    provision(lab, name)
    lab.cloud.idle()
    answer = lab.client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert lab.invoke(name, {}, Qualifier="1").value == ON_DEMAND
    code, message = refused(config, lab, name)
    assert code == "ProvisionedConcurrencyConfigNotFoundException"
    assert message == "No Provisioned Concurrency Config found for this function"


def test_a_deleted_configuration_lets_a_busy_environment_finish(lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="busy")
    name = publish(lab, MEETS)
    provision(lab, name)
    lab.cloud.idle()
    event = {"room": "busy", "people": 2}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lab.invoke, name, event, Qualifier="1")
        while not s3.list_objects_v2(Bucket="busy")["KeyCount"]:
            pass  # until it is in
        lab.client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
        s3.put_object(Bucket="busy", Key="somebody else")
        assert running.result().value == PROVISIONED
    assert lab.invoke(name, event, Qualifier="1").value == ON_DEMAND


def test_a_function_that_is_deleted_and_made_again_has_none(lab):
    name = publish(lab, alias="live")
    provision(lab, name, "live")
    lab.client.delete_function(FunctionName=name)
    lab.cloud.idle()
    publish(lab, FunctionName=name, alias="live")
    listed = lab.client.list_provisioned_concurrency_configs(FunctionName=name)
    assert listed["ProvisionedConcurrencyConfigs"] == []
    assert lab.invoke(name, {}, Qualifier="live").value == ON_DEMAND


def test_an_alias_takes_its_environments_to_another_version(lab):
    name = publish(lab, alias="live")
    provision(lab, name, "live")
    lab.cloud.idle()
    assert lab.invoke(name, {}, Qualifier="live").value == PROVISIONED
    lab.client.update_function_configuration(FunctionName=name, Description="second")
    assert lab.client.publish_version(FunctionName=name)["Version"] == "2"
    lab.client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    lab.cloud.idle()
    assert numbers(config(lab, name, "live")) == [1, 1, 1]
    assert lab.invoke(name, {}, Qualifier="2").value == PROVISIONED
    assert lab.invoke(name, {}, Qualifier="1").value == ON_DEMAND


def test_an_alias_with_weights_shares_its_environments_out(lab):
    name = publish(lab, alias="live")
    provision(lab, name, "live", 4)
    lab.client.update_function_configuration(FunctionName=name, Description="second")
    lab.client.publish_version(FunctionName=name)
    lab.client.update_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    lab.cloud.idle()
    assert numbers(config(lab, name, "live")) == [4, 4, 4]
    assert lab.invoke(name, {}, Qualifier="2").value == PROVISIONED
    assert refused(provision, lab, name, "live", 5) == (
        "InvalidParameterValueException",
        "Invalid alias configuration for Provisioned Concurrency",
    )


def test_a_deleted_alias_takes_its_configuration_along(lab):
    name = publish(lab, alias="live")
    provision(lab, name, "live")
    lab.cloud.idle()
    lab.client.delete_alias(FunctionName=name, Name="live")
    assert lab.invoke(name, {}, Qualifier="1").value == ON_DEMAND


def test_configurations_are_listed_a_page_at_a_time(lab):
    name = publish(lab)
    lab.client.update_function_configuration(FunctionName=name, Description="second")
    lab.client.publish_version(FunctionName=name)
    for qualifier in ("1", "2"):
        provision(lab, name, qualifier)
    lab.cloud.idle()
    pages = lab.client.get_paginator("list_provisioned_concurrency_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    arns = [c["FunctionArn"] for page in pages for c in page["ProvisionedConcurrencyConfigs"]]
    assert [arn.split(":function:")[1] for arn in arns] == [f"{name}:1", f"{name}:2"]


def test_unpublished_versions_can_have_none(lab):
    name = publish(lab)
    lab.client.create_alias(FunctionName=name, Name="newest", FunctionVersion="$LATEST")
    wanted = (
        "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )
    assert refused(provision, lab, name, "$LATEST") == wanted
    assert refused(provision, lab, name, "newest") == wanted
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    provision(lab, name, "live")
    update = {"FunctionName": name, "Name": "live", "FunctionVersion": "$LATEST"}
    assert refused(lab.client.update_alias, **update) == wanted


def test_a_version_gets_environments_from_one_configuration_only(lab):
    name = publish(lab, alias="live")
    provision(lab, name, "1")
    code, message = refused(provision, lab, name, "live")
    assert code == "ResourceConflictException"
    assert message.startswith("Alias can't be used for Provisioned Concurrency configuration on an")
    other = publish(lab, alias="live")
    provision(lab, other, "live")
    assert refused(provision, lab, other, "1") == (
        "ResourceConflictException",
        "Version is pointed by a Provisioned Concurrency alias",
    )
    lab.cloud.idle()


def test_what_is_not_there(lab):
    name = publish(lab)
    assert refused(provision, lab, "nobody")[0] == "ResourceNotFoundException"
    code, message = refused(provision, lab, name, "7")
    assert code == "ResourceNotFoundException"
    assert message.startswith("Function not found: ")
    code, message = refused(provision, lab, name, "nowhere")
    assert code == "ResourceNotFoundException"
    assert message.startswith("Cannot find alias arn: ")
    assert refused(config, lab, name)[0] == "ProvisionedConcurrencyConfigNotFoundException"


def test_it_must_fit_into_the_reserved_concurrency(lab):
    name = publish(lab)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert refused(provision, lab, name, "1", 3) == (
        "InvalidParameterValueException",
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function",
    )
    provision(lab, name, "1", 2)
    reserve = {"FunctionName": name, "ReservedConcurrentExecutions": 1}
    assert refused(lab.client.put_function_concurrency, **reserve) == (
        "InvalidParameterValueException",
        "ReservedConcurrentExecutions  1 should not be lower than function's total provisioned "
        "concurrency [2].",
    )
    lab.cloud.idle()
    # All that is reserved is provisioned: nothing is left for $LATEST.
    assert refused(lab.client.invoke, FunctionName=name)[0] == "TooManyRequestsException"
    assert lab.invoke(name, {}, Qualifier="1").value == PROVISIONED


def test_it_must_fit_into_the_account(lab):
    name = publish(lab)
    assert refused(provision, lab, name, "1", 901) == (
        "InvalidParameterValueException",
        "Specified ConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100].",
    )
    code, message = refused(provision, lab, name, "1", 1001)
    assert code == "InvalidParameterValueException"
    assert "is greater than account's unreserved concurrency [1000]" in message


def test_a_slow_init_does_not_outlive_its_function(lab):
    name = publish(lab, "import time\ntime.sleep(60)\ndef handler(event, context): pass")
    provision(lab, name)
    with pytest.raises(TimeoutError, match="provisioned concurrency"):
        lab.cloud.idle(timeout=0.5)
    lab.client.delete_function(FunctionName=name)
    began = time.monotonic()
    lab.cloud.idle(timeout=30)
    assert time.monotonic() - began < 30
