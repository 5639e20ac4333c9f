"""Execution roles: what a function's role lets its code call, where that is enforced."""

from .calls import Call, describe
from .enforcement import Roles, access_denied
from .policy import Decision, decide
from .role import Role

__all__ = ["Call", "Decision", "Role", "Roles", "access_denied", "decide", "describe"]
