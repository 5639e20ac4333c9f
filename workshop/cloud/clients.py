"""The keys of one run of the cloud, and the boto3 clients that use them."""

from __future__ import annotations

import functools
import secrets
import threading
from typing import Any

from .environ import REGION, client_environ
from .tracing import carry

_making = threading.Lock()


@functools.cache
def session() -> Any:
    """The session of all clients in this process: it reads boto3's descriptions of AWS once."""
    import boto3

    return boto3.Session()


class Clients:
    """Makes clients of one cloud; `endpoint_url` is set when the server listens."""

    def __init__(self) -> None:
        self.owner_key = "LKIA" + secrets.token_hex(8).upper()
        self.polling_key = "LPIA" + secrets.token_hex(8).upper()
        self.secret = secrets.token_urlsafe(30)
        self.endpoint_url = ""
        self._kept: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def environ(self) -> dict[str, str]:
        """The environment variables with which any AWS client reaches this cloud."""
        return client_environ(self.endpoint_url, self.owner_key, self.secret)

    def function_environ(self, key_id: str) -> dict[str, str]:
        """What a function's process gets: a key of its own, and the way to this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": "local-cloud-" + key_id.lower(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def make(self, service: str, region: str = REGION, key_id: str = "", **kwargs: Any) -> Any:
        """A boto3 client that does not retry: a throttle shows as one."""
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=910,
            max_pool_connections=256,
            proxies={},  # none of the environment: the cloud is on this machine
        )
        config = config.merge(kwargs.pop("config", Config()))
        with _making:  # a session makes one at a time
            return session().client(
                service,
                region_name=region,
                aws_access_key_id=key_id or self.owner_key,
                aws_secret_access_key=self.secret,
                endpoint_url=self.endpoint_url,
                config=config,
                **kwargs,
            )

    def own(self, service: str, region: str) -> Any:
        """A client with which the cloud itself speaks to its services."""
        return self._keep(service, region, self.owner_key)

    def polling(self, service: str, region: str) -> Any:
        """The same for pollers: what they ask wakes no poller."""
        return self._keep(service, region, self.polling_key)

    def close(self) -> None:
        """Closes the connections of the clients that were kept."""
        with self._lock:
            kept, self._kept = list(self._kept.values()), {}
        for client in kept:
            client.close()

    def _keep(self, service: str, region: str, key_id: str) -> Any:
        with self._lock:
            which = service, region, key_id
            if which not in self._kept:
                self._kept[which] = carry(self.make(service, region, key_id))
            return self._kept[which]
