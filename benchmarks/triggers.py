"""Prints how long each trigger takes, from the call to the handler's first line, warm.

    python benchmarks/triggers.py [--rounds 100] [--only s3,sqs]

The function notes the time when it begins; the call's time is taken just before it. Both clocks
are this machine's. For HTTP it is the whole way, there and back. moto's cheapest call stands
below, measured in the same run.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from invoke import show, times_ms
from measure import create

from workshop.cloud import LocalCloud

# Answers as HTTP wants it, and notes when it began.
NOTES = """
import time
def handler(event, context):
    print("BEGAN", time.time())
    return {"statusCode": 200, "body": "ok"}
"""
ACCOUNT = "123456789012"
Call = Callable[[int], Any]


class Bench:
    """A cloud, and one function for each trigger."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.client = cloud.client("lambda")
        self.logs = cloud.client("logs")

    def function(self, name: str, principal: str | None = None, **condition: str) -> str:
        """A function that `principal` may invoke; returns its ARN."""
        create(self.client, name, NOTES)
        if principal:
            self.client.add_permission(
                FunctionName=name,
                StatementId="trigger",
                Action="lambda:InvokeFunction",
                Principal=principal,
                **condition,
            )
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"

    def began(self, name: str) -> float:
        """When the function's last invocation began (time.time())."""
        group = f"/aws/lambda/{name}"
        events = self.logs.filter_log_events(logGroupName=group, filterPattern="BEGAN")["events"]
        return max(float(event["message"].split()[1]) for event in events)

    def latencies(self, name: str, call: Call, rounds: int) -> list[float]:
        """Milliseconds from each call to the handler's begin; the first calls warm it up."""
        taken = []
        for number in range(rounds + 3):
            sent_at = time.time()
            call(number)
            self.cloud.idle()
            if number >= 3:
                taken.append((self.began(name) - sent_at) * 1000)
                self.logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
        return taken


def asynchronous(bench: Bench) -> Call:
    bench.function("asynchronous")
    return lambda n: bench.client.invoke(FunctionName="asynchronous", InvocationType="Event")


def s3(bench: Bench) -> Call:
    arn, client = bench.function("s3", "s3.amazonaws.com"), bench.cloud.client("s3")
    client.create_bucket(Bucket="bench")
    configuration = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    client.put_bucket_notification_configuration(
        Bucket="bench", NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )
    return lambda n: client.put_object(Bucket="bench", Key=f"{n}.csv", Body=b"1,2,3")


def sns(bench: Bench) -> Call:
    arn, client = bench.function("sns", "sns.amazonaws.com"), bench.cloud.client("sns")
    topic = client.create_topic(Name="bench")["TopicArn"]
    client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    return lambda n: client.publish(TopicArn=topic, Message=str(n))


def eventbridge(bench: Bench) -> Call:
    arn = bench.function("eventbridge", "events.amazonaws.com")
    client = bench.cloud.client("events")
    client.put_rule(Name="bench", EventPattern='{"source": ["bike-share"]}')
    client.put_targets(Rule="bench", Targets=[{"Id": "1", "Arn": arn}])
    entry = {"Source": "bike-share", "DetailType": "ride ended", "Detail": "{}"}
    return lambda n: client.put_events(Entries=[entry])


def logs(bench: Bench) -> Call:
    arn, client = bench.function("logs", "logs.amazonaws.com"), bench.cloud.client("logs")
    client.create_log_group(logGroupName="bench")
    client.create_log_stream(logGroupName="bench", logStreamName="1")
    client.put_subscription_filter(
        logGroupName="bench", filterName="all", filterPattern="", destinationArn=arn
    )
    return lambda n: client.put_log_events(
        logGroupName="bench",
        logStreamName="1",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": str(n)}],
    )


def iot(bench: Bench) -> Call:
    arn = bench.function("iot", "iot.amazonaws.com")
    rule = {"sql": "SELECT * FROM 'dock/+'", "actions": [{"lambda": {"functionArn": arn}}]}
    bench.cloud.client("iot").create_topic_rule(ruleName="bench", topicRulePayload=rule)
    client = bench.cloud.client("iot-data")
    return lambda n: client.publish(topic="dock/1", payload=b'{"bikes": 3}')


def sqs(bench: Bench) -> Call:
    bench.function("sqs")
    client = bench.cloud.client("sqs")
    url = client.create_queue(QueueName="bench")["QueueUrl"]
    map_source(bench, "sqs", f"arn:aws:sqs:us-east-1:{ACCOUNT}:bench")
    return lambda n: client.send_message(QueueUrl=url, MessageBody=str(n))


def kinesis(bench: Bench) -> Call:
    bench.function("kinesis")
    client = bench.cloud.client("kinesis")
    client.create_stream(StreamName="bench", ShardCount=1)
    source = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/bench"
    map_source(bench, "kinesis", source, StartingPosition="LATEST")
    return lambda n: client.put_record(StreamName="bench", Data=b"x", PartitionKey="1")


def dynamodb(bench: Bench) -> Call:
    bench.function("dynamodb")
    client = bench.cloud.client("dynamodb")
    table = client.create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    source = table["TableDescription"]["LatestStreamArn"]
    map_source(bench, "dynamodb", source, StartingPosition="LATEST")
    return lambda n: client.put_item(TableName="bench", Item={"id": {"S": str(n)}})


def map_source(bench: Bench, name: str, source: str, **settings: Any) -> None:
    """Makes an event source mapping of the function `name`, and waits until it is enabled."""
    made = bench.client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=source, **settings
    )
    while bench.client.get_event_source_mapping(UUID=made["UUID"])["State"] != "Enabled":
        time.sleep(0.01)


def http_api(bench: Bench) -> Call:
    arn = bench.function("http-api", "apigateway.amazonaws.com")
    api = bench.cloud.client("apigatewayv2").create_api(
        Name="bench", ProtocolType="HTTP", Target=arn
    )
    return getter(bench.cloud.url(api["ApiEndpoint"] + "/stations"))


def rest_api(bench: Bench) -> Call:
    arn = bench.function("rest-api", "apigateway.amazonaws.com")
    client = bench.cloud.client("apigateway")
    api = client.create_rest_api(name="bench")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    client.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    client.create_deployment(restApiId=api, stageName="prod")
    return getter(bench.cloud.url(f"https://{api}.execute-api.us-east-1.amazonaws.com/prod/"))


def function_url(bench: Bench) -> Call:
    bench.function("function-url")
    for action, more in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        bench.client.add_permission(
            FunctionName="function-url",
            StatementId=action.partition(":")[2],
            Action=action,
            Principal="*",
            **more,
        )
    made = bench.client.create_function_url_config(FunctionName="function-url", AuthType="NONE")
    return getter(bench.cloud.url(made["FunctionUrl"]))


def getter(url: str) -> Call:
    """GET over one kept connection; raises if the answer is no 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)

    def get(_: int) -> None:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url} answers {answer.status}: {body!r}")

    return get


BY_EVENT = {
    each.__name__: each
    for each in (asynchronous, s3, sns, eventbridge, logs, iot, sqs, kinesis, dynamodb)
}
BY_HTTP = {each.__name__: each for each in (http_api, rest_api, function_url)}


def measure(cloud: LocalCloud, rounds: int, only: set[str]) -> None:
    """Prints the table."""
    bench = Bench(cloud)
    for name, prepare in BY_EVENT.items():
        if not only or name in only:
            show(name, bench.latencies(name, prepare(bench), rounds))
    for name, prepare in BY_HTTP.items():
        if not only or name in only:
            call = prepare(bench)
            times_ms(call, 3)
            show(name, times_ms(call, rounds))
    show("moto's list_functions", times_ms(lambda n: bench.client.list_functions(), rounds))


def main() -> None:
    """Parses the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", default="", help=f"of {','.join([*BY_EVENT, *BY_HTTP])}")
    args = parser.parse_args()
    with LocalCloud() as cloud:
        isolation = cloud.isolation
        print(f"Python {sys.version.split()[0]}, isolation: {isolation}, {args.rounds} rounds")
        measure(cloud, args.rounds, set(filter(None, args.only.split(","))))


if __name__ == "__main__":
    main()
