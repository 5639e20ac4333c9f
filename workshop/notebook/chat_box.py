"""The chat box of stage 10: a widget that talks to your function, with its events beside it."""

from __future__ import annotations

import html
import json
from typing import Any

import ipywidgets as widgets

from .conversations import Conversation, Exercise, Turn, known_stations
from .extension import running_cloud

LEX, ALEXA = "Lex V2", "Alexa"
CLASS = "workshop-chat"  # of the box in the page
SHOWN = "white-space: pre-wrap; font: 12px/1.4 monospace; max-height: 330px; overflow: auto"
YOU, BOT, WRONG = "#0072b2", "#333333", "#d55e00"


class ChatBox(widgets.HBox):
    """Talks to a function through Lex or through Alexa; `exercise` has both."""

    def __init__(self, exercise: Any) -> None:
        self._exercise = exercise
        self.turns: list[Turn] = []
        self._conversation: Conversation = exercise.lex()
        self._front = widgets.ToggleButtons(options=[LEX, ALEXA])
        self._front.observe(lambda change: self.start(), "value")
        self._talk, self._beside = widgets.HTML(), widgets.HTML()
        self._input = widgets.Text(placeholder="say something, and press Enter")
        self._input.continuous_update = False  # it changes with Enter, or a click elsewhere
        self._input.observe(lambda change: self._typed(change["new"]), "value")
        send = widgets.Button(description="Send", layout=widgets.Layout(width="70px"))
        send.on_click(lambda button: self._typed(self._input.value))
        again = widgets.Button(description="Start over", layout=widgets.Layout(width="90px"))
        again.on_click(lambda button: self.start())
        left = [self._front, self._talk, widgets.HBox([self._input, send, again])]
        super().__init__(
            [
                widgets.VBox(left, layout=widgets.Layout(width="46%")),
                widgets.VBox([self._beside], layout=widgets.Layout(width="54%")),
            ]
        )
        self.add_class(CLASS)
        self._show()

    def start(self) -> None:
        """A new conversation through the front end that is chosen."""
        is_lex = self._front.value == LEX
        self._conversation = self._exercise.lex() if is_lex else self._exercise.alexa()
        self.turns = []
        self._show()

    def say(self, text: str) -> Turn:
        """Says something, as if it had been typed."""
        turn = self._conversation.say(text)
        self.turns.append(turn)
        self._show()
        return turn

    def _typed(self, text: str) -> None:
        if text.strip():
            self._input.value = ""
            self.say(text.strip())

    def _show(self) -> None:
        lines = [line for turn in self.turns for line in _lines(turn)]
        self._talk.value = "".join(lines) or f"<p>Stations: {html.escape(known_stations())}</p>"
        exchanges = self.turns[-1].exchanges if self.turns else []
        parts = [_exchange(number, *each) for number, each in enumerate(exchanges, 1)]
        log = self._exercise.log() if exchanges else []
        if log:
            parts.append(_part("log", "\n".join(log)))
        self._beside.value = "".join(parts)


def chat_box() -> ChatBox | None:
    """A chat box for your function of stage 10 as it is now; call it again after a change."""
    try:
        return ChatBox(Exercise(running_cloud()))
    except LookupError:  # what is to be fixed has been printed
        return None


def _lines(turn: Turn) -> list[str]:
    heard = [_line("bot", turn.heard, BOT)] if turn.heard else []
    wrong = [_line("!", turn.problem, WRONG)] if turn.problem else []
    then = f'<p style="margin: 0; opacity: 0.6">then: {html.escape(turn.then)}</p>'
    return [_line("you", turn.said, YOU), *heard, *wrong, then]


def _line(who: str, text: str, color: str) -> str:
    return f'<p style="margin: 2px 0; color: {color}"><b>{who}:</b> {html.escape(text)}</p>'


def _exchange(number: int, event: Any, answer: Any) -> str:
    name = event.get("invocationSource") or event.get("request", {}).get("type", "event")
    event_text, answer_text = (json.dumps(each, indent=2) for each in (event, answer))
    return _part(f"{number}. event: {name}", event_text) + _part(f"{number}. answer", answer_text)


def _part(title: str, text: str) -> str:
    summary = f"<summary><b>{html.escape(title)}</b></summary>"
    return f'<details open>{summary}<div style="{SHOWN}">{html.escape(text)}</div></details>'
