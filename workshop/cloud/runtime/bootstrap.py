"""Starts AWS's runtime client in a function's process, as /var/runtime/bootstrap does on AWS.

Runs with `python -S -s`: the function sees the standard library, /var/runtime (the runtime
client and boto3), its layers and its own code; not the packages of the workshop.
"""

import json
import os
import site
import sys
import time


def main():
    late, task_root, runtime_dir, opt = json.loads(sys.argv[1])
    os.environ.update(late)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if hasattr(time, "tzset"):
        time.tzset()
    limit_files()
    # Without the `site` module these builtins would be missing; on AWS they are there.
    site.setquit()
    site.sethelper()
    site.setcopyright()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layers = [f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]
    standard_library = [path for path in sys.path if path and path != runtime_dir]
    sys.path[:] = [task_root, *layers, *standard_library, runtime_dir]
    handler = os.environ["_HANDLER"]
    sys.argv[:] = ["/var/runtime/bootstrap.py", handler]

    from awslambdaric.__main__ import main as runtime

    runtime(["awslambdaric", handler])


def limit_files():
    """AWS lets an execution environment open 1,024 files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 1024 if hard == resource.RLIM_INFINITY else min(1024, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


main()
