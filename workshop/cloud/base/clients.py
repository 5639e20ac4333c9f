"""The keys of one run of the cloud, and the boto3 clients that use them."""

from __future__ import annotations

import functools
import threading
from typing import Any

from .keys import AccessKey, owners_key
from .tracing import carry
from .variables import REGION, client_environ

_making = threading.Lock()


@functools.cache
def session() -> Any:
    """The session of all clients in this process: it reads boto3's descriptions of AWS once."""
    import boto3

    return boto3.Session(botocore_session=_descriptions())


@functools.cache
def service_model(service: str) -> Any:
    """botocore's description of a service: a ServiceModel. Raises UnknownServiceError."""
    with _making:  # clients read the same, once
        return _descriptions().get_service_model(service)


@functools.cache
def _descriptions() -> Any:
    import botocore.session

    return botocore.session.get_session()


class Clients:
    """Makes clients of one cloud; `endpoint_url` is set when the server listens."""

    def __init__(self) -> None:
        self.owner, self.poller = owners_key("LKIA"), owners_key("LPIA")
        self.endpoint_url = ""
        self._kept: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def environ(self) -> dict[str, str]:
        """The environment variables with which any AWS client reaches this cloud."""
        return client_environ(self.endpoint_url, self.owner.id, self.owner.secret)

    def function_environ(self, key: AccessKey) -> dict[str, str]:
        """What a function's process gets: a key of its own, and the way to this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": key.token or "",
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def make(
        self, service: str, region: str = REGION, key: AccessKey | None = None, **kwargs: Any
    ) -> Any:
        """A boto3 client that does not retry: a throttle shows as one."""
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=910,
            max_pool_connections=256,
            proxies={},  # none of the environment: the cloud is on this machine
        )
        config = config.merge(kwargs.pop("config", Config()))
        key = key or self.owner
        with _making:  # a session makes one at a time
            return session().client(
                service,
                region_name=region,
                aws_access_key_id=key.id,
                aws_secret_access_key=key.secret,
                endpoint_url=self.endpoint_url,
                config=config,
                **kwargs,
            )

    def own(self, service: str, region: str) -> Any:
        """A client with which the cloud itself speaks to its services."""
        return self._keep(service, region, self.owner)

    def polling(self, service: str, region: str) -> Any:
        """The same for pollers: what they ask wakes no poller."""
        return self._keep(service, region, self.poller)

    def close(self) -> None:
        """Closes the connections of the clients that were kept."""
        with self._lock:
            kept, self._kept = list(self._kept.values()), {}
        for client in kept:
            client.close()

    def _keep(self, service: str, region: str, key: AccessKey) -> Any:
        with self._lock:
            which = service, region, key.id
            if which not in self._kept:
                self._kept[which] = carry(self.make(service, region, key))
            return self._kept[which]
