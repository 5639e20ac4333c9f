"""Environment variables: what is kept from AWS's tools, and what a function sees."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from .model import FunctionVersion

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


# What botocore raises when a client is made: it takes no such endpoint, so that nothing is sent.
NO_CLOUD = (
    "there is no local cloud yet. In a notebook, run `%load_ext workshop.notebook` first. "
    "In a terminal, run `workshop cloud` in another one, and paste the lines that it prints"
)
# No file, no metadata service, no endpoint of a configuration: what every client here runs with.
NO_PROFILE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",  # AWS_ENDPOINT_URL counts
}
NOT_PROXIED = ("127.0.0.1", "localhost")


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` with no AWS variable, profile or container credentials in it.

    No proxy carries requests to this machine. The files in ~/.aws are still found: see
    `no_account`.
    """
    kept = {name: value for name, value in environ.items() if not name.upper().startswith("AWS_")}
    return kept | no_proxy(environ)


def no_account(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of `environ` in which AWS's tools find no account, and no endpoint to send to.

    What the workshop starts gets this, whatever is in ~/.aws, in the environment or on a metadata
    service. A client says NO_CLOUD as soon as it is made. Settings follow "AWS SDKs and Tools
    reference" (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
    """
    return scrubbed(environ) | {
        **NO_PROFILE,
        "AWS_ENDPOINT_URL": NO_CLOUD,
        "AWS_DEFAULT_REGION": REGION,  # else a client asks for a Region and not for a cloud
        "AWS_REGION": REGION,
        "BOTO_CONFIG": os.devnull,  # botocore reads ~/.boto and /etc/boto.cfg, too
    }


def scrub(environ: MutableMapping[str, str]) -> None:
    """Makes `environ` itself one without an account, as `no_account` does."""
    replace(environ, no_account(environ))


def use_cloud(environ: MutableMapping[str, str], variables: Mapping[str, str]) -> None:
    """Points `environ` itself at the local cloud of these variables, and at nothing else."""
    replace(environ, scrubbed(environ) | dict(variables))


def replace(environ: MutableMapping[str, str], wanted: Mapping[str, str]) -> None:
    """Makes `environ` equal to `wanted`, without a moment in which it is empty."""
    environ.update(wanted)
    for name in set(environ) - set(wanted):
        del environ[name]


def no_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep requests to this machine away from a proxy.

    What `environ` excludes already stays excluded. Tools read either spelling, and urllib prefers
    the small one.
    """
    before = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name.strip() for name in before.split(",") if name.strip()]
    if "*" in names:  # no proxy at all; urllib knows it only alone
        names = ["*"]
    else:
        names += [name for name in NOT_PROXIED if name not in names]
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(names))


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine, by an address or a name that needs no DNS."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def client_environ(endpoint_url: str, access_key_id: str, secret: str) -> dict[str, str]:
    """All that an AWS client needs to reach the local cloud, and nothing else."""
    return {
        **NO_PROFILE,
        **no_proxy(os.environ),
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": "",  # one of an account of yours would make the key unknown
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
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
    if function.runtime.startswith("provided."):
        del environ["AWS_EXECUTION_ENV"]
    if not function.runtime.startswith("python"):
        del environ["PYTHONPATH"]
    if function.log_format == "JSON":
        environ["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        environ["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
    return environ | function.variables
