"""Amazon Resource Names, and their parts.

Follows "Amazon Resource Names"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
"""

from __future__ import annotations

from typing import NamedTuple


class Arn(NamedTuple):
    """An ARN in its parts; `resource` is what stands after the account."""

    text: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Raises ValueError for what is no ARN."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"{text!r} is no ARN")
        return cls(text, *parts[2:])

    @property
    def name(self) -> str:
        """The name of a function (without qualifier), queue, topic, bucket, stream or rule."""
        if self.service == "lambda":
            return self.resource.split(":")[1]
        return self.resource.rpartition("/")[2]

    @property
    def qualifier(self) -> str | None:
        """A function's version or alias, None without one."""
        return self.resource.split(":", 2)[2] if self.resource.count(":") > 1 else None


def unqualified(function_arn: str) -> str:
    """A function's ARN without version and alias."""
    return ":".join(function_arn.split(":", 7)[:7])
