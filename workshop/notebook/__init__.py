"""What the notebooks load: `%load_ext workshop.notebook`.

It starts the local cloud in the kernel, points boto3 at it and at nothing else, and brings the
magics `%check`, `%hint` and `%progress`. The notebook gets the name `cloud`.
"""

from ..examples.packages import package
from .concurrency import throttles
from .extension import load_ipython_extension, unload_ipython_extension
from .helpers import (
    delete,
    deploy,
    deploy_exercise,
    invoke_exercise,
    log_events,
    make_role,
    make_table,
    point_alias,
    unmap,
)
from .memory import duration_over_memory
from .plots import print_bill, timeline

__all__ = [
    "delete",
    "deploy",
    "deploy_exercise",
    "duration_over_memory",
    "invoke_exercise",
    "load_ipython_extension",
    "log_events",
    "make_role",
    "make_table",
    "package",
    "point_alias",
    "print_bill",
    "throttles",
    "timeline",
    "unload_ipython_extension",
    "unmap",
]
