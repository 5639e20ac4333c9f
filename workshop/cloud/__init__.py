"""The local cloud: the AWS APIs on 127.0.0.1, with Lambda functions that really run.

from workshop.cloud import LocalCloud

with LocalCloud() as cloud:
    client = cloud.client("lambda")
"""

from .base.model import Invocation, PortTaken
from .local import LocalCloud

__all__ = ["Invocation", "LocalCloud", "PortTaken"]
