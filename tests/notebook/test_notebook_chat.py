"""Stage 10's conversations and its chat box: in a kernel, and in a real browser."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from browser import CHROMIUM, Browser
from support import submission

from workshop.examples.chat import SKILL_ID
from workshop.lab import free_port, kernel_environ
from workshop.notebook.chat_box import ALEXA, ChatBox, chat_box
from workshop.notebook.conversations import Exercise, Turn, talk
from workshop.notebook.extension import running_cloud
from workshop.notebook.lanes import arrows_of, draw_turns
from workshop.notebook.refresh import KEPT_METADATA
from workshop.stages import find

INPUT = "document.querySelector('.workshop-chat input')"
CELLS = (
    "%load_ext workshop.notebook",
    "from workshop.notebook.chat_box import chat_box\nchat_box()",
)


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """The solution as the learner's exercise."""
    return submission(tmp_path_factory.mktemp("exercises"), find("10"))


@pytest.fixture(scope="module")
def exercise(shell, solved):
    os.environ["WORKSHOP_EXERCISES"] = str(solved)
    return Exercise(running_cloud())


def test_a_conversation_with_lex(exercise, capsys):
    turns = talk(exercise.lex(), "rent one", "Union Station", "find a bike", "the memorial")
    assert [each.heard for each in turns] == [
        "Which station?",
        "There are no bikes at Columbus Circle / Union Station.",
        "Which station?",
        "There is one bike at Lincoln Memorial.",
    ]
    assert turns[0].then == "ElicitSlot Station"
    assert [len(each.exchanges) for each in turns] == [1, 1, 0, 1]
    event, answer = turns[0].exchanges[0]
    assert event["invocationSource"] == "DialogCodeHook"
    assert answer["sessionState"]["dialogAction"]["type"] == "ElicitSlot"
    assert "you: rent one\nbot: Which station?\n" in capsys.readouterr().out


def test_a_session_with_alexa(exercise):
    session = exercise.alexa()
    assert session.say("open").heard.startswith("Welcome")
    rented = [session.say(text) for text in ("rent a bike at Park Road", "yes")]
    assert [each.heard for each in rented] == [
        "Do you want to rent a bike at Park Rd & Holmead Pl NW?",
        "A bike at Park Rd & Holmead Pl NW is yours.",
    ]
    assert rented[1].then == "the session has ended"
    assert rented[0].exchanges[0][0]["session"]["application"]["applicationId"] == SKILL_ID


class Scripted:
    """An exercise whose conversations say what a test wants."""

    def __init__(self, *turns):
        self.turns = list(turns)

    def lex(self):
        return self

    alexa = lex

    def say(self, text):
        return self.turns.pop(0)

    def log(self):
        return ["KeyError: 'name' & more"]


def test_the_box_shows_what_was_said_and_escapes_it():
    event = {"invocationSource": "DialogCodeHook", "inputTranscript": "<b>"}
    box = ChatBox(Scripted(Turn("<b>", "a & b", "ElicitIntent", [(event, {"x": "<i>"})], "no <u>")))
    box.say("<b>")
    left, right = (column.children for column in box.children)
    assert "&lt;b&gt;" in left[1].value and "a &amp; b" in left[1].value
    assert "no &lt;u&gt;" in left[1].value and "<b>" not in left[1].value.replace("<b>you", "")[:40]
    assert "1. event: DialogCodeHook" in right[0].value and "&lt;i&gt;" in right[0].value
    assert "KeyError: &#x27;name&#x27; &amp; more" in right[0].value


def test_the_box_starts_over_with_the_other_front_end():
    box = ChatBox(Scripted(Turn("a", "b", "c", [])))
    box.say("a")
    box.children[0].children[0].value = ALEXA
    assert box.turns == []
    assert "Stations: Holmead Place or Park Road" in box.children[0].children[1].value


def test_without_a_function_it_says_what_to_fix(shell, tmp_path, monkeypatch, capsys):
    (tmp_path / "stage_10_chat_and_voice").mkdir()
    (tmp_path / "stage_10_chat_and_voice" / "handler.py").write_text("def handler(", "utf-8")
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(tmp_path))
    if chat_box() is None:  # what is no Python is deployed all the same, as on AWS
        assert "handler.py" in capsys.readouterr().out


@pytest.fixture(scope="module")
def page(solved, tmp_path_factory):
    """JupyterLab in a browser, with a notebook that shows the chat box."""
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KEPT_METADATA)
    nbformat.write(notebook, folder / "chat.ipynb")
    port, token = free_port(21_000 + os.getpid() % 1000), "a-token"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser"),
        *("--expose-app-in-browser", f"--ServerApp.root_dir={folder}"),
        *(f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"),
        *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    home = {"HOME": str(folder), "WORKSHOP_EXERCISES": str(solved)}
    home |= {f"JUPYTER_{each}_DIR": str(folder / each) for each in ("CONFIG", "DATA", "RUNTIME")}
    process = subprocess.Popen(
        command,
        env=kernel_environ(os.environ | home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        browser = Browser(Path(tmp_path_factory.mktemp("profile")))
        try:
            browser.open(f"http://127.0.0.1:{port}/lab/tree/chat.ipynb?token={token}")
            browser.wait_for("document.querySelectorAll('.jp-CodeCell').length == 2")
            main = "[...window.jupyterapp.shell.widgets('main')]"
            session = f"{main}.find(each => each.sessionContext).sessionContext"
            browser.wait_for(f"{session}.isReady && {session}.session.kernel.status == 'idle'")
            browser.run("window.jupyterapp.commands.execute('notebook:run-all-cells') && true")
            wait_for_box(browser)
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for_port(port: int) -> None:
    """Returns when somebody listens."""
    deadline = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def wait_for_box(browser: Browser) -> None:
    """A kernel, a cloud and a bot have to start first: on a busy machine that takes long."""
    for attempt in range(5):
        try:
            browser.wait_for(f"{INPUT} !== null")
            return
        except TimeoutError:
            shown = browser.run("document.querySelector('.jp-Notebook').innerText")
            assert attempt < 4, f"no chat box in sight:\n{shown}"


def shows(browser: Browser, text: str) -> None:
    """Waits until the box has a text in it."""
    box = "document.querySelector('.workshop-chat').innerText"
    browser.wait_for(f"{box}.includes({json.dumps(text)})")


def says(browser: Browser, text: str, answer: str) -> None:
    """Types into the box as a person does, and waits for what it shows."""
    browser.run(f"{INPUT}.focus()")
    browser.type(text)
    shows(browser, answer)
    browser.wait_for(f"{INPUT}.value == ''")


@pytest.mark.isolation
def test_a_real_browser_talks_to_the_function(page):
    says(page, "is there a bike near Park Road", "There are 3 bikes at Park Rd & Holmead Pl NW.")
    says(page, "rent one", "Do you want to rent a bike at Park Rd & Holmead Pl NW?")
    says(page, "yes", "A bike at Park Rd & Holmead Pl NW is yours.")
    shows(page, "1. event: DialogCodeHook")
    shows(page, "2. event: FulfillmentCodeHook")
    shows(page, '"confirmationState": "Confirmed"')
    shows(page, '"state": "Fulfilled"')
    page.run("document.querySelectorAll('.workshop-chat .widget-toggle-button')[1].click()")
    shows(page, "Stations:")
    says(page, "open", "Welcome to the bike share.")
    says(page, "are there bikes at Park Road", "There are 2 bikes at Park Rd & Holmead Pl NW.")
    shows(page, "<speak>There are 2 bikes at Park Rd &amp; Holmead Pl NW.</speak>")


def test_a_conversation_is_drawn_with_an_arrow_for_each_message(no_window):
    event, action = {"invocationSource": "DialogCodeHook"}, {"type": "ElicitSlot"}
    answer = {"sessionState": {"dialogAction": {**action, "slotToElicit": "Station"}}}
    draw_turns([Turn("rent", "Where?", "", [(event, answer)]), Turn("here", "", "", [], "Refused")])
    words = [text.get_text() for text in plt.gcf().axes[0].texts if text.get_text()]
    assert words == [
        '"rent"',
        "DialogCodeHook",
        "ElicitSlot Station",
        '"Where?"',
        '"here"',
        "Refused",
    ]


def test_what_cannot_be_read_of_an_answer_is_drawn_all_the_same(no_window, capsys):
    event = {"invocationSource": "FulfillmentCodeHook"}
    assert [words for *_, words, _ in arrows_of([Turn("a", "b", "", [(event, None)])])][2] == "?"
    draw_turns([])
    assert "Nothing was said yet" in capsys.readouterr().out
