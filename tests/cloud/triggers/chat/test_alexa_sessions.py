"""Alexa: a session with a skill, the requests that its function gets, and what it may answer."""

from __future__ import annotations

import pytest
from published import missing_paths
from skills import skill_function

from workshop.chat import skill_of
from workshop.cloud.triggers.chat.alexa import NO_ANSWER, RAISED, SORRY, Device, SkillFailed

SKILL = "amzn1.ask.skill.3f1d2c4b"


class Recorder:
    """A skill's function: it gives the answers of a test, and keeps the requests."""

    def __init__(self, *answers):
        self.answers, self.events = list(answers), []
        self.device = Device(skill_of(), SKILL, self)

    def __call__(self, event):
        self.events.append(event)
        answer = self.answers.pop(0) if self.answers else speaks("And?")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def request(self):
        return self.events[-1]["request"]


def speaks(text, ends=False, attributes=None, **more):
    response = {"outputSpeech": {"type": "PlainText", "text": text}, "shouldEndSession": ends}
    return {"version": "1.0", "sessionAttributes": attributes, "response": {**response, **more}}


def test_only_the_skill_with_a_permission_is_let_in(lab):
    source = f"def handler(event, context): return {speaks('Hello')!r}"
    arn = skill_function(lab, source, {"EventSourceToken": SKILL})
    assert lab.cloud.alexa(skill_of(), SKILL, arn).open().speech == "Hello"
    heard = lab.cloud.alexa(skill_of(), SKILL + "0", arn).open()
    assert heard.speech == SORRY
    assert "alexa-appkit.amazon.com is not authorized to perform" in heard.problem


def test_a_function_that_raises_is_told_that_the_session_has_ended(lab):
    source = (
        "def handler(event, context):\n"
        "    print(event['request'])\n"
        "    return {} if event['request']['type'] == 'SessionEndedRequest' else 1 / 0"
    )
    arn = skill_function(lab, source, {})
    heard = lab.cloud.alexa(skill_of(), SKILL, arn).open()
    assert (heard.speech, heard.problem, heard.is_open) == (SORRY, RAISED, False)


def test_requests_have_the_keys_of_the_published_sample():
    skill = Recorder()
    skill.device.say("are there bikes at Lincoln")
    but = ["context.AudioPlayer", "context.System.device.supportedInterfaces"]
    names = ["request.intent.slots.Color", "session.attributes"]
    assert missing_paths("alexa_intent", skill.events[0], [*but, *names]) == set()


def test_a_slot_has_the_words_and_the_id_that_they_resolve_to():
    skill = Recorder()
    skill.device.say("Are there bikes at THE station?")
    assert skill.request["intent"]["name"] == "FindBike"
    slot = skill.request["intent"]["slots"]["Station"]
    assert slot["value"] == "THE station"
    [authority] = slot["resolutions"]["resolutionsPerAuthority"]
    assert authority["status"] == {"code": "ER_SUCCESS_MATCH"}
    assert authority["values"] == [
        {"value": {"name": "Columbus Circle / Union Station", "id": "31623"}}
    ]
    skill.device.say("rent one at the moon")
    [authority] = skill.request["intent"]["slots"]["Station"]["resolutions"][
        "resolutionsPerAuthority"
    ]
    assert authority["status"] == {"code": "ER_SUCCESS_NO_MATCH"} and "values" not in authority
    skill.device.say("rent one")
    assert skill.request["intent"]["slots"]["Station"] == {
        "name": "Station",
        "confirmationStatus": "NONE",
    }


def test_built_in_intents():
    skill = Recorder()
    skill.device.open()
    assert skill.request["type"] == "LaunchRequest"
    for text, name in (
        ("Help!", "Help"),
        ("stop", "Stop"),
        ("cancel", "Cancel"),
        ("sing a song", "Fallback"),
    ):
        skill.device.say(text)
        assert skill.request["intent"]["name"] == f"AMAZON.{name}Intent"


def test_a_dialog_fills_a_slot_and_confirms():
    elicit = {"type": "Dialog.ElicitSlot", "slotToElicit": "Station"}
    skill = Recorder(
        speaks("Where?", directives=[elicit]),
        speaks("Sure?", directives=[{"type": "Dialog.ConfirmIntent"}]),
    )
    skill.device.say("rent one")
    assert skill.request["dialogState"] == "STARTED"
    skill.device.say("lincoln")
    assert skill.request["dialogState"] == "IN_PROGRESS"
    assert skill.request["intent"]["slots"]["Station"]["value"] == "lincoln"
    skill.device.say("Yes.")
    assert skill.request["dialogState"] == "COMPLETED"
    assert skill.request["intent"]["confirmationStatus"] == "CONFIRMED"
    assert skill.request["intent"]["slots"]["Station"]["value"] == "lincoln"


def test_words_that_nobody_foresaw_fill_a_slot_that_was_asked_for():
    elicit = {"type": "Dialog.ElicitSlot", "slotToElicit": "Station"}
    skill = Recorder(speaks("Where?", directives=[elicit]))
    skill.device.say("rent one")
    skill.device.say("somewhere nice")
    slot = skill.request["intent"]["slots"]["Station"]
    assert (skill.request["intent"]["name"], slot["value"]) == ("RentBike", "somewhere nice")


def test_attributes_are_those_of_the_last_answer():
    skill = Recorder(speaks("Hello", attributes={"a": 1}), speaks("Yes?"))
    skill.device.open()
    skill.device.say("help")
    assert skill.events[-1]["session"]["attributes"] == {"a": 1}
    assert skill.events[-1]["session"]["new"] is False
    skill.device.say("help")
    assert skill.events[-1]["session"]["attributes"] == {}


@pytest.mark.parametrize("said", [True, None, "missing"])
def test_a_session_ends_unless_it_is_kept_open(said):
    answer = speaks(
        "Bye", ends=said, reprompt={"outputSpeech": {"type": "SSML", "ssml": "<speak/>"}}
    )
    if said == "missing":
        del answer["response"]["shouldEndSession"]
    answer["response"]["reprompt"]["outputSpeech"]["ssml"] = "<speak>Well?</speak>"
    skill = Recorder(answer)
    assert skill.device.open().is_open is False
    skill.device.say("help")
    first, second = (event["session"] for event in skill.events)
    assert second["new"] is True and second["sessionId"] != first["sessionId"]


def ssml(text):
    return speaks("", outputSpeech={"type": "SSML", "ssml": text})


WRONG = {
    "nothing": (None, NO_ANSWER),
    "lexs": ({"sessionState": {"dialogAction": {"type": "Delegate"}}}, "must contain"),
    "no_response": ({"version": "1.0"}, "must contain"),
    "unescaped": (ssml("<speak>Park Rd & Holmead Pl</speak>"), "not well-formed"),
    "not_closed": (ssml("<speak>Park <break></speak>"), "not well-formed"),
    "no_speak": (ssml("Park Road"), "must match pattern"),
    "speech_without_text": (speaks("", outputSpeech={"type": "PlainText"}), "must contain"),
    "long": (speaks("a" * 8001), "must be shorter than or equal to 8000"),
    "large": (speaks("a", attributes={"a": "a" * 25_000}), "larger than 24 KB"),
    "open_as_string": (speaks("a", ends="false"), "shouldEndSession must be boolean"),
    "unknown_directive": (speaks("a", directives=[{"type": "Dialog.Delegate"}]), "does not follow"),
    "no_slot": (speaks("a", directives=[{"type": "Dialog.ElicitSlot"}]), "must contain"),
    "wrong_slot": (
        speaks("a", directives=[{"type": "Dialog.ElicitSlot", "slotToElicit": "Time"}]),
        "has no slot Time",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_alexa_does_not_use(case):
    answer, words = WRONG[case]
    skill = Recorder(answer, {})
    heard = skill.device.say("rent one")
    assert heard.speech == SORRY and not heard.is_open
    assert words in heard.problem
    error = {"type": "INVALID_RESPONSE", "message": heard.problem}
    assert skill.request["type"] == "SessionEndedRequest"
    assert (skill.request["reason"], skill.request["error"]) == ("ERROR", error)


def test_a_dialog_needs_a_dialog_model():
    skill = Recorder(speaks("a", directives=[{"type": "Dialog.ConfirmIntent"}]))
    assert "needs an intent with a dialog model" in skill.device.say("help").problem


def test_a_skill_that_cannot_be_asked_is_not_told_the_end():
    skill = Recorder(SkillFailed("not authorized"))
    assert skill.device.open().problem == "not authorized"
    assert len(skill.events) == 1


def test_the_end_of_a_session_wants_no_words():
    for answer, is_fine in (
        ({}, True),
        ({"version": "1.0", "response": {}}, True),
        (None, False),
        ("", False),
        (speaks("Bye", ends=True), False),
        (SkillFailed(RAISED), False),
    ):
        skill = Recorder(speaks("Hello"), answer)
        skill.device.open()
        heard = skill.device.stay_silent()
        assert skill.request["reason"] == "EXCEEDED_MAX_REPROMPTS"
        assert (heard.problem is None) == is_fine
    skill.device.open()
    skill.device.say("exit")
    assert skill.request["reason"] == "USER_INITIATED"
