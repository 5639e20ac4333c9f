"""The errors of parameters that break a rule of AWS's APIs, in AWS's words.

Recorded from AWS (2022 to 2026).
"""

from __future__ import annotations

from .model import ApiError


def constraint(value: object, field: str, rule: str) -> ApiError:
    """The error of a field that breaks a rule of the API."""
    return ApiError(
        400,
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy "
        f"constraint: {rule}",
    )


def missing(field: str) -> ApiError:
    """The error of a field that must be there."""
    return ApiError(
        400,
        "ValidationException",
        f"1 validation error detected: Value null at '{field}' failed to satisfy constraint: "
        "Member must not be null",
    )


def invalid(message: str) -> ApiError:
    """The error of a request that is well formed but can't be."""
    return ApiError(400, "InvalidParameterValueException", message)


def check_range(value: int | None, field: str, least: int, most: int) -> None:
    """Raises ApiError for a number out of range."""
    if value is None:
        return
    if value > most:
        raise constraint(value, field, f"Member must have value less than or equal to {most}")
    if value < least:
        raise constraint(value, field, f"Member must have value greater than or equal to {least}")
