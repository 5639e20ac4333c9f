"""What the tests of the notebooks' helpers share."""

from __future__ import annotations

import os

import boto3
import matplotlib
import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell

from workshop.notebook import extension


@pytest.fixture(scope="module")
def shell():
    """An IPython with the workshop loaded."""
    before, boto3.DEFAULT_SESSION = dict(os.environ), None
    shell = InteractiveShell()
    extension.load_ipython_extension(shell)
    yield shell
    extension.unload_ipython_extension(shell)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def no_window(monkeypatch):
    """Pictures are drawn and not shown; none is left for the next test."""
    matplotlib.use("agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")
