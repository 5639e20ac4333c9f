"""What JupyterLab's file browser lists: what a learner needs, and not the engine room.

https://jupyter-server.readthedocs.io/en/stable/developers/contents.html
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

ENGINE_ROOM = {
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "benchmarks",
    "build",
    "checks",
    "images",
    "lambda_workshop.egg-info",
    "notebooks",
    "pyproject.toml",
    "requirements.txt",
    "tests",
    "workshop",
}


class LearnersFiles(AsyncLargeFileManager):
    """The files of the workshop's folder. What is not listed can still be opened by a link."""

    async def get(self, path: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The model of a file or a folder, as Jupyter wants it."""
        model = await super().get(path, *args, **kwargs)
        if not path.strip("/") and model["content"]:
            model["content"] = [
                each for each in model["content"] if each["name"] not in ENGINE_ROOM
            ]
        return model
