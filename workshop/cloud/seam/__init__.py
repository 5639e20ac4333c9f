"""The one place that touches moto's internals.

moto answers the AWS APIs; functions run here. What this module uses of moto 5.2, and why:

- `moto.awslambda.models.lambda_backends`: replaced by backends of `Backend`, a subclass of
  `LambdaBackend`. `moto.awslambda.utils.get_backend` reads that name at every call, so moto's
  own services find the subclass too.
- `LambdaBackend.create_function`, `update_function_code`, `update_function_configuration`,
  `publish_version`, `publish_layer_version`, `delete_function`,
  `put_function_concurrency`,
  `create_alias` (with `ConflictException`), `update_alias`, `delete_alias`, `invoke`:
  overridden, to
  check what AWS checks, to keep what moto forgets, and to end environments that are out of date.
- `LambdaBackend.*_event_source_mapping(s)`: overridden, so that moto's queues, tables and streams
  know of no mapping and deliver nothing themselves; the pollers do.
- `kinesis.models`: `Shard`, `Stream` and the backend are subclassed (seam/kinesis.py), for sequence
  numbers, resharding, and to tell the pollers of what arrives.
- `dynamodb.models`, `dynamodb.models.table.StreamShard`, `dynamodbstreams.models`: subclassed
  (seam/dynamodb.py), so that streams hold what AWS's hold, and the pollers are told.
- `dynamodb.comparisons`: `expr` of its relations wrapped (seam/comparisons.py), since moto fails
  where a condition compares two types.
- `LambdaBackend.*_function_event_invoke_config(s)` and the `LambdaResponse` methods of the same
  names: replaced (seam/event_settings.py), since moto keeps one for all versions and aliases;
  `LambdaResponse.create_function` wrapped, since it fails without a name.
- `LambdaResponse.*_event_source_mapping(s)`: replaced, for AWS's status codes, pages and tags.
- `moto.sqs.models.Queue`, `SQSBackend` (through `sqs_backends.backend`): subclassed (sqs.py), so
  that no message is lost or comes out of order, and messages carry the sender's trace;
  `Message`, `_filter_message_attributes` used there. `SQSResponse.receive_message` is wrapped for
  DeadLetterQueueSourceArn.
- `EventPattern`: decides what a filter lets pass; its `_wildcard_match` replaced (events.py), as is
  `FilterPolicyMatcher.matches` of SNS (sns.py), for bounded time.
- `LambdaFunction`: subclassed, for the settings that moto does not store.
- `LambdaStorage` (`_lambdas`) and `LayerStorage`: read, to find a version, an alias, a layer.
- `IAMBackend._init_aws_policies`: called when IAM is first asked, not at every start.
- `moto.events.models.Rule.send_to_targets`: replaced, so that what rules match leaves through
  push/eventbridge.py; `EventsBackend.put_events`, `put_rule`, `put_targets`, `enable_rule` and
  `disable_rule` wrapped, to check what AWS checks and to plan schedules; `Rule`'s attributes,
  `EventBus.rules` and `Replay` read. `EventsHandler.test_event_pattern`, which moto
  lacks, added. `moto.events.notifications._send_safe_notification` switched off: its event for a
  new bucket is none of AWS's.
- `EventBridgeSchedulerBackend.create_/update_/delete_schedule`, `create_/delete_schedule_group`
  and the response `update_schedule` wrapped, for the same; `ScheduleGroup.schedules` and
  `Schedule`'s attributes read.
- `IAMBackend.users`, `User`, `AccessKey`, `STSBackend.assumed_roles`, `AssumedRole`: read, to
  verify the signatures of the keys that IAM and STS have made (access_keys.py).
- `moto.core.common_models.BaseModel.__new__`: replaced, since it keeps every object that moto ever
  made, messages and packages of deleted functions included.
- `moto.core.utils.method_names_from_class`: its answers are kept, which saves 0.3 ms a request.
- `moto.moto_api.recorder._record_request`: switched off, since it writes files.
- `Role` of IAM: read, with its policies, to see what a function's or a schedule's role may do.
- `logs_backends`, `iam_backends`: the functions' logs are written, and a role is made, without a
  round trip over HTTP.
- `LogsBackend.put_subscription_filter`, `LogGroup.put_subscription_filter`,
  `LogStream._send_log_events`: replaced (logs.py), to check filters, to apply them, and so that
  functions are invoked by the local cloud and not by moto as well.
- `IoTBackend.create_/replace_/get_topic_rule`, `rules`; `IoTDataPlaneBackend.publish`,
  `update_/delete_thing_shadow`; `IoTDataPlaneResponse.publish`: replaced (iot.py), to check rules
  and to trigger them.
- `moto.apigateway.models.apigateway_backends.backend`, `APIGatewayBackend`,
  `APIGatewayResponse.create_rest_api`: replaced or subclassed, so that a deployment is a snapshot,
  binary media types are kept (rest_apis.py) and mistakes are refused (rest_checks.py).
  moto.apigateway is imported without openapi_spec_validator (moto_apigateway.py).
- `moto.apigatewayv2.models.apigatewayv2_backends.backend`, `ApiGatewayV2Backend.create_api`,
  `create_integration`, `create_route`, `create_stage`, `ApiGatewayV2Response`, `urls.url_paths`:
  the same, for ids, quick create, deployments, UpdateStage and ImportApi (http_apis.py).
- `LambdaBackend.*_function_url_config`, `LambdaResponse`, `awslambda.urls.url_paths`: overridden,
  for function URLs of aliases and their list (function_urls.py).
- `LambdaStorage._functions`, `list_layers`, `LayerStorage.get_layer_versions`: read, for what the
  account uses; `LambdaStorage._aliases`: emptied when a function is deleted.
- `CloudWatchMetricProvider`: subclassed; moto asks it for the metrics of functions and queues
  (cloudwatch.py); `Message.sent_timestamp`, `visible_at`, `delayed_until`: read (queue_metrics.py).
- `CloudWatchBackend.put_metric_alarm`, `get_metric_data`, `get_filtered_metrics`,
  `CloudWatchResponse.get_metric_statistics`, `Alarm.update_state`: replaced, so that a metric is
  answered as AWS does, and that alarms begin, and act, as they do there.
- `moto_api_backend.reset()`: a new cloud starts empty.
- S3 (seam/s3.py): `notifications.send_event`, `S3Backend.delete_object` are replaced, to note what
  a call did to objects; `S3Response.bucket_response` and `key_response` are wrapped, to tell of it
  when it is answered; `S3Backend.put_object` is wrapped, to refuse keys that are too long;
  `S3Response.list_objects` and `list_objects_v2` are wrapped, so that no page has more keys than
  `moto.settings.get_s3_default_max_keys()`;
  `send_test_event` and the event of a new bucket are silenced;
  `S3Response._bucket_response_put`, `get_bucket_notification`, `_enrich_response`: overridden, to
  check notifications before they are stored, and to name requests as S3 does.
- SNS (seam/sns.py): `Subscription.publish`, `SNSBackend.subscribe`, `publish` and
  `set_subscription_attributes`, `SNSResponse.subscribe`: overridden, so that functions are
  subscribed and get messages as on AWS, and one bad subscriber keeps nothing from the others.
- `moto.ec2`, `moto.ssm.models`: imported by moto_ec2.py, which saves most of a second.
- `yaml` in moto's CloudFormation, SSM, API Gateway and OpenSearch Ingestion: replaced
  (documents.py), so that a document runs nothing; `validate_template_cfn_lint`, which writes a
  file; `CloudFormationResponse._get_param`, `_get_stack_from_s3_url`,
  `CloudFormationBackend.create_change_set`: wrapped, for AWS's bounds (cloudformation.py).
- `requests` in moto's SNS, EventBridge, Firehose and API Gateway, `DockerModel.docker_client`,
  `BatchBackend.submit_job`, `LambdaFunction.invoke`, `BaseResponse.decompress_request_body`, moto's
  pages below `/moto-api/`: closed (outside.py), so that no request leaves the cloud. `re` in moto's
  IoT and Glue, `ECRBackend._match_repository_filter`, `SQSBackend.list_queues`: replaced, since
  they match what requests bring.
- `moto.moto_server.werkzeug_app`: the WSGI application and its request handler.

tests/cloud/seam/ is the contract: it fails when a moto release moves one of these.
"""

try:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
except ImportError:  # moto before 5.2.5 has no request handler of its own
    from werkzeug.serving import WSGIRequestHandler as MotoRequestHandler

from .access_keys import find_access_key
from .account import latest, reserved, shares, usage
from .backend import Backend
from .events import forward, put_service_event, scheduled_rule
from .function_urls import find_function_url
from .hooks import Hooks
from .http_apis import find_http_api
from .iot import topic_rules
from .lookup import find_for_event, find_function, statements
from .rest_apis import find_rest_stage
from .roles import find_role
from .s3 import bucket_settings
from .scheduler import find_schedule
from .services import application, load_managed_policies, matches, start, stop, write_logs
from .sqs import queue_state

__all__ = [
    "Backend",
    "Hooks",
    "MotoRequestHandler",
    "application",
    "bucket_settings",
    "find_access_key",
    "find_for_event",
    "find_function",
    "find_function_url",
    "find_http_api",
    "find_rest_stage",
    "find_role",
    "find_schedule",
    "forward",
    "latest",
    "load_managed_policies",
    "matches",
    "put_service_event",
    "queue_state",
    "reserved",
    "scheduled_rule",
    "shares",
    "start",
    "statements",
    "stop",
    "topic_rules",
    "usage",
    "write_logs",
]
