"""Starts AWS's runtime client in a function's process, as /var/runtime/bootstrap does on AWS.

A function in another language takes the place of this process (other_languages.py).

Runs with `python -S -s`: the function sees the standard library, /var/runtime (the runtime
client and boto3), its layers and its own code; not the packages of the workshop. Nothing that the
function brings runs before the limits hold: its variables come over standard input, as one line of
JSON, and are set last.
"""

import json
import os
import site
import sys
import time


def main():
    launch = json.loads(read_line())
    limit("NOFILE", launch["files"])
    limit("FSIZE", launch["file_bytes"])
    limit("CORE", 0)
    if launch.get("processes"):
        limit("NPROC", launch["processes"])
    if launch.get("listen"):
        hand_over(launch["listen"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if launch.get("keep"):
        import keeper

        keeper.start()
    os.environ.update(launch["environ"])
    if sys.platform != "win32":
        os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(os.dup(1))
    if hasattr(time, "tzset"):
        time.tzset()
    if launch["language"] != "python":
        import other_languages

        other_languages.start(launch["language"], launch["node"], *launch["paths"])
    if launch.get("tmp"):
        import private_tmp

        private_tmp.install(launch["tmp"], tuple([launch["tmp"], *launch["paths"]]))
    run(*launch["paths"])


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65536)
        if not part:
            sys.exit("the local cloud ended before this function began")
        line += part
    return line


def limit(name, most):
    """Sets a limit that a process cannot raise again; Windows has none."""
    try:
        import resource
    except ImportError:
        return
    kind = getattr(resource, "RLIMIT_" + name)
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def hand_over(ports):
    """Listens on this sandbox's own network, and gives the sockets, and /tmp, to the cloud."""
    import _socket  # `socket` takes as long to import as the rest of a start

    descriptors = []
    for port in ports:
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        descriptors.append(listener.detach())
    descriptors.append(os.open("/tmp", os.O_RDONLY))
    control = _socket.socket(fileno=os.dup(0))
    sent = b"".join(each.to_bytes(4, sys.byteorder) for each in descriptors)
    control.sendmsg([b"ready"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, sent)])
    control.close()
    for descriptor in descriptors:
        os.close(descriptor)


def run(task_root, runtime_dir, opt):
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
    if filters := os.environ.get("PYTHONWARNINGS"):  # Python would read them too early
        import warnings

        sys.warnoptions += filters.split(",")
        warnings._processoptions(sys.warnoptions)  # type: ignore[attr-defined]

    from awslambdaric.__main__ import main as runtime

    runtime(["awslambdaric", handler])


main()
