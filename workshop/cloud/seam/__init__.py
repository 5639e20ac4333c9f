"""The one place that touches moto's internals.

moto answers the AWS APIs; functions run here. What this module uses of moto 5.2, and why:

- `moto.awslambda.models.lambda_backends`: replaced by backends of `Backend`, a subclass of
  `LambdaBackend`. `moto.awslambda.utils.get_backend` reads that name at every call, so moto's
  own services find the subclass too.
- `LambdaBackend.create_function`, `update_function_code`, `update_function_configuration`,
  `publish_version`, `delete_function`, `put_function_concurrency`,
  `put_/update_/get_function_event_invoke_config`, `invoke`: overridden, to
  check what AWS checks, to keep what moto forgets, and to end environments that are out of date.
- `LambdaBackend.*_event_source_mapping(s)`: overridden, so that moto's queues, tables and streams
  know of no mapping and deliver nothing themselves; the pollers do.
- `EventPattern`: decides what a filter lets pass.
- `LambdaFunction`: subclassed, for the settings that moto does not store.
- `LambdaStorage` (`_lambdas`) and `LayerStorage`: read, to find a version, an alias, a layer.
- `IAMBackend._init_aws_policies`: called when IAM is first asked, not at every start.
- `logs_backends`, `iam_backends`: the functions' logs are written, and a role is made, without a
  round trip over HTTP.
- `moto_api_backend.reset()`: a new cloud starts empty.
- S3 (seam/s3.py): `notifications.send_event`, `S3Backend.delete_object` are replaced, to note what
  a call did to objects; `send_test_event` and the event of a new bucket are silenced;
  `S3Response._bucket_response_put`, `get_bucket_notification`, `_enrich_response`: overridden, to
  check notifications before they are stored, and to name requests as S3 does.
- SNS (seam/sns.py): `Subscription.publish`, `SNSBackend.subscribe`, `publish` and
  `set_subscription_attributes`, `SNSResponse.subscribe`: overridden, so that functions are
  subscribed and get messages as on AWS, and one bad subscriber keeps nothing from the others.
- `EventsBackend.put_events` (seam/service_events.py): takes events of AWS's own services.
- `moto.moto_server.werkzeug_app`: the WSGI application and its request handler.

tests/test_cloud_seam.py is the contract: it fails when a moto release moves one of these.
"""

from moto.moto_server.werkzeug_app import MotoRequestHandler

from .backend import Backend
from .hooks import Hooks
from .lookup import find_for_event, find_function, statements
from .s3 import bucket_settings, object_changes
from .service_events import put_service_event
from .services import application, load_managed_policies, matches, start, stop, write_logs

__all__ = [
    "Backend",
    "Hooks",
    "MotoRequestHandler",
    "application",
    "bucket_settings",
    "find_for_event",
    "find_function",
    "load_managed_policies",
    "matches",
    "object_changes",
    "put_service_event",
    "start",
    "statements",
    "stop",
    "write_logs",
]
