"""Execution roles: what a function's role lets its code call, where that is enforced."""

from .asked import Asked
from .calls import Call, describe
from .enforcement import Roles, access_denied
from .operations import find_operation
from .policy import Decision, decide
from .rights import Allows, check_dead_letter, check_destination, check_source, to_send
from .role import Role

__all__ = [
    "Allows",
    "Asked",
    "Call",
    "Decision",
    "Role",
    "Roles",
    "access_denied",
    "check_dead_letter",
    "check_destination",
    "check_source",
    "decide",
    "describe",
    "find_operation",
    "to_send",
]
