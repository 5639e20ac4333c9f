"""Environment variables: what is kept from AWS's tools, and what a function sees."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from .model import FunctionVersion

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` with no AWS variable or profile in it.

    What the workshop starts gets this, so that it never finds a real account by accident.
    """
    return {name: value for name, value in environ.items() if not name.upper().startswith("AWS_")}


def scrub(environ: MutableMapping[str, str]) -> None:
    """Takes every AWS variable and profile out of `environ` itself."""
    for name in set(environ) - set(scrubbed(environ)):
        del environ[name]


def client_environ(endpoint_url: str, access_key_id: str, secret: str) -> dict[str, str]:
    """All that an AWS client needs to reach the local cloud, and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def function_environ(
    function: FunctionVersion, task_root: str, runtime_dir: str, opt: str, log_stream: str
) -> dict[str, str]:
    """The variables that AWS sets in a function's process, without its credentials.

    Follows "Working with Lambda environment variables"
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html); the function's
    own variables come last, and cannot be named as a reserved one. On AWS the X-Ray daemon is at
    169.254.100.1, to which a sandbox has no way, and to which nothing shall leave this machine.
    """
    environ = {
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LAMBDA_TASK_ROOT": task_root,
        "LAMBDA_RUNTIME_DIR": runtime_dir,
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "LD_LIBRARY_PATH": (
            f"/var/lang/lib:/lib64:/usr/lib64:{runtime_dir}:{runtime_dir}/lib"
            f":{task_root}:{task_root}/lib:{opt}/lib"
        ),
        "PATH": f"/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{opt}/bin",
        "PWD": task_root,
        "PYTHONPATH": runtime_dir,
        "SHLVL": "0",
        "TZ": ":UTC",
    }
    if function.log_format == "JSON":
        environ["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        environ["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
    return environ | function.variables
