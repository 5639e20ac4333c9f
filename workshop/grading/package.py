"""Makes the deployment package of a learner's folder; nothing in it is run or imported."""

from __future__ import annotations

import functools
import io
import stat
import warnings
import zipfile
from pathlib import Path

from .submission import KB, File, NotReady, read_folder, size
from .words import visible

LARGEST_SOURCE = 256 * KB  # of handler.py; to compile it takes a thousand times as much memory
LONGEST_LINE = 200  # characters of the line that has a syntax error
DATED = (1980, 1, 1, 0, 0, 0)  # the first day of zip files: the same files give the same package


def pack(folder: Path) -> bytes:
    """A deployment package of the folder's files. Raises NotReady if handler.py cannot run."""
    files = read_folder(folder)
    handler = next((file.content for file in files if file.name == "handler.py"), None)
    if handler is None:
        raise NotReady(
            f"There is no handler.py in {folder.name}. "
            f"`workshop reset {folder.name}` restores the stub."
        )
    check_syntax(handler)
    return _zipped(files)


@functools.lru_cache(maxsize=8)  # a stage's checks deploy the same source several times
def check_syntax(source: bytes) -> None:
    """Compiles handler.py and runs nothing of it. Raises NotReady; it says where the error is."""
    if len(source) > LARGEST_SOURCE:
        raise NotReady(
            f"handler.py is too large: {size(len(source))}, and {size(LARGEST_SOURCE)} is the "
            "limit. Put data into a separate file, and read it from there."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning is not an error
            compile(source, "handler.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NotReady(_syntax_error(error)) from None
    except (RecursionError, MemoryError):
        raise NotReady(
            "handler.py has an expression that is nested too deeply for Python: thousands of "
            "brackets, operators or calls inside one another. Split it into several statements."
        ) from None
    except Exception as error:  # bytes of somebody else, in an encoding that they name
        raise NotReady(f"handler.py is not Python source: {visible(str(error))}") from None


def _syntax_error(error: SyntaxError) -> str:
    if not error.lineno:  # bytes that no editor for Python writes, or an encoding that is none
        return f"handler.py is not Python source: {visible(str(error.msg))}"
    line = visible((error.text or "").rstrip())
    if len(line) > LONGEST_LINE:
        line = line[:LONGEST_LINE] + "..."
    return (
        f"handler.py has a syntax error in line {error.lineno}: {visible(str(error.msg))}\n"
        f"    {line}\nFix it, save the file, and check again."
    )


def _zipped(files: list[File]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            info = zipfile.ZipInfo(file.name, DATED)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, so that the permissions below are read
            mode = 0o755 if file.executable else 0o644
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, file.content)
    return buffer.getvalue()
