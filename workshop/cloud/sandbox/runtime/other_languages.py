"""Starts a function that is not written in Python, in place of this process.

A `provided` runtime is a program called bootstrap, in the package or in a layer; a Node.js function
runs under nodejs.mjs, beside this file. Both speak the Runtime API themselves: "Building a custom
runtime for AWS Lambda" (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

VERSION = "2018-06-01"


def start(language, node, task, runtime, opt):
    """Becomes the function's program. Does not return: what hinders it is an error of INIT."""
    frames = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    if language == "nodejs":
        if frames:
            os.set_inheritable(int(frames), True)
            os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = frames
        run([node, str(Path(runtime, "nodejs.mjs"))])
    for folder in (task, opt):
        if Path(folder, "bootstrap").is_file():
            run([str(Path(folder, "bootstrap"))])
    fail("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def run(command):
    if sys.platform == "win32":  # there a program cannot take the place of another
        sys.exit(subprocess.run(command).returncode)
    try:
        os.execv(command[0], command)
    except OSError as error:
        fail(f"fork/exec {command[0]}: {(error.strerror or str(error)).lower()}")


def fail(message):
    """Reports that the program cannot be started, as AWS words it."""
    import http.client

    error_type = "Runtime.InvalidEntrypoint"
    body = {"errorType": error_type, "errorMessage": "Error: " + message}
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(
        "POST",
        f"/{VERSION}/runtime/init/error",
        json.dumps(body),
        {"Lambda-Runtime-Function-Error-Type": error_type},
    )
    connection.getresponse().read()
    sys.exit(1)
