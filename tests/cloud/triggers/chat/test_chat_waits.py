"""How long Lex V2 and Alexa wait for a function, and how long Lex keeps a session, and for whom."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from skills import skill_function

from workshop.chat import LOCALE, SESSION_S, Chat, allow_lex, make_bot, skill_of
from workshop.cloud.triggers.chat.alexa import SORRY

LEX, ALEXA = "workshop.cloud.triggers.chat.lex", "workshop.cloud.triggers.chat.alexa"
SKILL = "amzn1.ask.skill.3f1d2c4b"
SLOW = "import time\ndef handler(event, context): time.sleep(5)"
# Says something in the session in which it is asked, and repeats what comes of it.
INTERRUPTS = """
import boto3
from botocore.exceptions import ClientError

runtime = boto3.client("lexv2-runtime")

def handler(event, context):
    bot = event["bot"]
    try:
        said = runtime.recognize_text(
            botId=bot["id"],
            botAliasId=bot["aliasId"],
            localeId=bot["localeId"],
            sessionId=event["sessionId"],
            text="rent one",
        )["messages"][0]["content"]
    except ClientError as error:
        said = str(error)
    message = {"contentType": "PlainText", "content": said}
    action = {"dialogAction": {"type": "ElicitIntent"}}
    return {"sessionState": action, "messages": [message]}
"""
CLOSES = """
def handler(event, context):
    if event["invocationSource"] == "DialogCodeHook":
        return {"sessionState": {"dialogAction": {"type": "Delegate"}}}
    intent = {**event["sessionState"]["intent"], "state": "Fulfilled"}
    return {"sessionState": {"dialogAction": {"type": "Close"}, "intent": intent}}
"""


@pytest.fixture
def chat(lab):
    """Makes a bot for a function with this source, and begins a conversation with it."""

    def begin(source):
        name = lab.create(source, Timeout=20)
        arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
        bot = make_bot(lab.cloud.client, "bikes", arn)
        allow_lex(lab.client, name, bot)
        return Chat(lab.cloud.client, bot)

    return begin


def session_of(lab, chat):
    """What Lex keeps of a conversation."""
    return lab.cloud.client("lexv2-runtime").get_session(
        botId=chat.bot.id,
        botAliasId=chat.bot.alias_id,
        localeId=LOCALE,
        sessionId=chat.session_id,
    )


def test_lex_does_not_wait_longer_for_a_function(chat, monkeypatch):
    monkeypatch.setattr(f"{LEX}.LONGEST_CALL", 0.01)
    with pytest.raises(ClientError, match="did not answer within") as refused:
        chat(SLOW).say("find a bike at Lincoln")
    assert refused.value.response["Error"]["Code"] == "DependencyFailedException"


def test_alexa_does_not_wait_longer_for_a_skill(lab, monkeypatch):
    arn = skill_function(lab, SLOW, {}, Timeout=20)
    monkeypatch.setattr(f"{ALEXA}.LONGEST_CALL", 0.01)
    heard = lab.cloud.alexa(skill_of(), SKILL, arn).open()
    assert (heard.speech, heard.is_open) == (SORRY, False)
    assert "did not answer within" in heard.problem


def test_a_session_takes_one_request_at_a_time(chat):
    """The function speaks in its own session while Lex waits for it."""
    [message] = chat(INTERRUPTS).say("are there bikes at Lincoln")["messages"]
    assert "ConflictException" in message["content"]
    assert "in use by another request" in message["content"]


def test_a_session_is_forgotten_when_nobody_uses_it(lab, chat, monkeypatch):
    talk, later = chat(CLOSES), SimpleNamespace(seconds=0.0)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later.seconds)
    monkeypatch.setattr(f"{LEX}.time", clock)
    talk.say("find a bike", {"rider": "R-7"})
    later.seconds += SESSION_S - 60
    talk.say("somewhere")  # from here on it counts anew
    later.seconds += SESSION_S - 60
    kept = session_of(lab, talk)["sessionState"]
    assert kept["sessionAttributes"] == {"rider": "R-7"}
    assert kept["dialogAction"] == {"type": "ElicitSlot", "slotToElicit": "Station"}
    later.seconds += 61
    with pytest.raises(ClientError, match="There is no session") as refused:
        session_of(lab, talk)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    begun = talk.say("Lincoln")["sessionState"]  # the answer to a question that nobody remembers
    assert begun["sessionAttributes"] == {}
    assert begun["intent"]["name"] == "FallbackIntent"
