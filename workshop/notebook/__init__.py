"""What the notebooks load: `%load_ext workshop.notebook`.

It starts the local cloud in the kernel, points boto3 at it and at nothing else, and brings the
magic `%check`. The notebook gets the name `cloud`.
"""

from .concurrency import throttles
from .extension import load_ipython_extension, unload_ipython_extension
from .helpers import deploy_exercise, log_events, package
from .memory import duration_over_memory
from .plots import print_bill, timeline

__all__ = [
    "deploy_exercise",
    "duration_over_memory",
    "load_ipython_extension",
    "log_events",
    "package",
    "print_bill",
    "throttles",
    "timeline",
    "unload_ipython_extension",
]
