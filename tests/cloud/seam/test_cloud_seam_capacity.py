"""The contract with moto for capacity, metrics and alarms."""

from __future__ import annotations

import inspect

import moto.awslambda.models as lambda_models
import pytest
from moto.cloudwatch.metric_data_expression_parser import parse_expression
from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricAggregatedDatum, Statistics
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.common_models import CloudWatchMetricProvider

from workshop.cloud.seam import Backend, cloudwatch


def parameters(function):
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", ["update_alias", "delete_alias"])
def test_aliases_have_motos_arguments(name):
    theirs = getattr(lambda_models.LambdaBackend, name)
    assert parameters(theirs) == parameters(getattr(Backend, name)), name


def test_what_is_read_of_the_account_exists():
    assert callable(getattr(lambda_models.LambdaBackend, "list_layers", None))
    assert callable(getattr(lambda_models.LayerStorage, "get_layer_versions", None))
    backend = lambda_models.LambdaBackend("us-east-1", "123456789012")
    assert isinstance(backend._layers, lambda_models.LayerStorage)


def test_versions_are_where_they_are_counted(lab):
    name = lab.create()
    lab.client.publish_version(FunctionName=name)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    backend = lambda_models.lambda_backends["123456789012"]["us-east-1"]
    stored = backend._lambdas._functions[name]
    assert set(stored) >= {"latest", "versions"}
    assert stored["versions"][0].code_size > 0
    alias = backend.get_alias("live", name)
    assert (alias.function_version, alias.routing_config) == ("1", None)
    assert "live" in backend._lambdas._aliases[stored["latest"].function_arn]


def test_cloudwatch_asks_every_provider_for_metrics():
    assert cloudwatch.LambdaMetrics in CloudWatchMetricProvider.__subclasses__()
    assert "__subclasses__" in inspect.getsource(CloudWatchBackend.aws_metric_data.fget)


def test_what_is_replaced_has_motos_arguments():
    """The originals are kept in the module, since a cloud that ran has replaced them."""
    queries = ["self", "queries", "start_time", "end_time", "scan_by"]
    assert parameters(cloudwatch._get_metric_data) == queries
    assert parameters(cloudwatch._put_metric_alarm)[:2] == ["self", "name"]
    state = ["self", "reason", "reason_data", "state_value"]
    assert parameters(cloudwatch._update_state) == state
    listed = ["self", "metric_name", "namespace", "dimensions"]
    assert parameters(CloudWatchBackend.get_filtered_metrics) == listed
    assert parameters(CloudWatchResponse.get_metric_statistics) == ["self"]
    for name in ("put_metric_alarm", "get_metric_data", "get_all_metrics"):
        assert callable(getattr(CloudWatchBackend, name))


def test_figures_are_made_of_what_moto_has():
    wanted = {"namespace", "name", "min_stat", "max_stat", "sample_count", "sum_stat"}
    wanted |= {"dimensions", "timestamp", "unit"}
    assert wanted <= set(parameters(MetricAggregatedDatum))
    assert {"stats", "dt"} <= set(parameters(Statistics))
    assert parameters(parse_expression)[:2] == ["expression", "results"]


def test_an_alarm_has_the_state_that_is_kept(lab):
    client = lab.cloud.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="contract",
        Namespace="Bikes",
        MetricName="Rides",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    from moto.cloudwatch.models import cloudwatch_backends

    alarm = cloudwatch_backends["123456789012"]["us-east-1"].alarms["contract"]
    assert isinstance(alarm, Alarm)
    for name in ("state_value", "state_reason", "state_reason_data", "history", "region_name"):
        assert hasattr(alarm, name), name
