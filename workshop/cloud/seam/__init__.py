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
- `kinesis.models`: `Shard`, `Stream` and the backend are subclassed (seam/kinesis.py), for sequence
  numbers, resharding, and to tell the pollers of what arrives.
- `dynamodb.models`, `dynamodb.models.table.StreamShard`, `dynamodbstreams.models`: subclassed
  (seam/dynamodb.py), so that streams hold what AWS's hold, and the pollers are told.
- `EventPattern`: decides what a filter lets pass.
- `LambdaFunction`: subclassed, for the settings that moto does not store.
- `LambdaStorage` (`_lambdas`) and `LayerStorage`: read, to find a version, an alias, a layer.
- `IAMBackend._init_aws_policies`: called when IAM is first asked, not at every start.
- `logs_backends`, `iam_backends`: the functions' logs are written, and a role is made, without a
  round trip over HTTP.
- `moto_api_backend.reset()`: a new cloud starts empty.
- `moto.moto_server.werkzeug_app`: the WSGI application and its request handler.

tests/test_cloud_seam.py is the contract: it fails when a moto release moves one of these.
"""

from moto.moto_server.werkzeug_app import MotoRequestHandler

from .backend import Backend
from .hooks import Hooks
from .lookup import find_for_event, find_function, statements
from .services import application, load_managed_policies, matches, start, stop, write_logs

__all__ = [
    "Backend",
    "Hooks",
    "MotoRequestHandler",
    "application",
    "find_for_event",
    "find_function",
    "load_managed_policies",
    "matches",
    "start",
    "statements",
    "stop",
    "write_logs",
]
