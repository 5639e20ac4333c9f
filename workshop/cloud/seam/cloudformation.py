"""moto's CloudFormation, where templates run nothing and have AWS's bounds.

"Understand CloudFormation quotas"
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html):
51,200 bytes in a request, 1 MB in S3, 500 resources.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from .documents import DocumentError, read_template

LARGEST_BODY = 51_200  # bytes in a request
LARGEST_OBJECT = 1_048_576  # bytes in S3
MOST_RESOURCES = 500
Motos = Callable[..., Any]


def install() -> None:
    """Puts our reading of templates in moto's place; doing so again changes nothing.

    moto.cloudformation imports most of moto, so this waits until CloudFormation is first asked.
    """
    from moto.cloudformation import models, responses

    reader = types.SimpleNamespace(
        load=_load, Loader=None, add_multi_constructor=lambda *_, **__: None
    )
    models.yaml = responses.yaml = reader
    # cfn-lint, which moto wants for this, writes the template to a file in the current folder
    models.validate_template_cfn_lint = _validate
    _wrap(responses.CloudFormationResponse, "_get_param", _get_param)
    _wrap(responses.CloudFormationResponse, "_get_stack_from_s3_url", _get_stack_from_s3_url)
    _wrap(models.CloudFormationBackend, "create_change_set", _create_change_set)


def _wrap(owner: type, name: str, replacement: Callable[..., Any]) -> None:
    """Puts `replacement(moto's method, self, ...)` in the place of moto's method, once."""
    motos = getattr(owner, name)
    if getattr(motos, "replacement", None) is replacement:
        return

    @functools.wraps(motos)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return replacement(motos, *args, **kwargs)

    wrapped.replacement = replacement
    setattr(owner, name, wrapped)


def _load(template: str, Loader: Any = None) -> dict[str, Any]:
    """In place of yaml.load."""
    from moto.cloudformation.exceptions import ValidationError

    try:
        found = read_template(template or "")
    except DocumentError as error:
        raise ValidationError(message=str(error)) from None
    resources = found["Resources"]
    if isinstance(resources, dict) and len(resources) > MOST_RESOURCES:
        raise ValidationError(
            message=f"Template format error: Number of resources, {len(resources)}, is greater "
            f"than maximum allowed, {MOST_RESOURCES}"
        )
    return found


def _validate(template: str) -> list[Any]:
    """In place of cfn-lint: a template that can be read has nothing to complain of."""
    _load(template)
    return []


def _get_param(motos: Motos, self: Any, param_name: str, if_none: Any = None) -> Any:
    value = motos(self, param_name, if_none)
    if param_name == "TemplateBody" and value and len(value.encode()) > LARGEST_BODY:
        raise _too_long("templateBody", LARGEST_BODY)
    return value


def _get_stack_from_s3_url(motos: Motos, self: Any, template_url: str) -> str:
    body = motos(self, template_url)
    if len(body.encode()) > LARGEST_OBJECT:
        raise _too_long("templateURL", LARGEST_OBJECT)
    return body


def _create_change_set(motos: Motos, self: Any, *args: Any, **kwargs: Any) -> Any:
    """moto makes the stack before it reads the template; a wrong one leaves none here."""
    given = inspect.signature(motos).bind(self, *args, **kwargs).arguments
    if given.get("template"):
        _load(given["template"])
    return motos(self, *args, **kwargs)


def _too_long(field: str, most: int) -> Exception:
    """AWS repeats the value, which is long; its end is cut here."""
    from moto.cloudformation.exceptions import ValidationError

    return ValidationError(
        message=f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}"
    )
