"""The solution of stage 10 with events that have every key of the samples that are published."""

from __future__ import annotations

import pytest
from published import missing_paths

from workshop.cloud import LocalCloud
from workshop.cloud.triggers.chat import alexa, lex_answer
from workshop.examples.invoke import account_of
from workshop.grading.function import deploy
from workshop.paths import repository

SKILL = "amzn1.ask.skill.12345678-1234-1234-1234-123456789012"
HELP = "Ask for a bike near a station, or say: rent one."
STATION = {"station_id": {"S": "31602"}, "name": {"S": "Park Rd & Holmead Pl"}, "bikes": {"N": "3"}}
BIKES = "There are 3 bikes at Park Rd & Holmead Pl."
SAID = {"originalValue": "the zoo", "resolvedValues": ["31602"], "interpretedValue": "31602"}
BOT = {
    "aliasName": "TestBotAlias",
    "aliasId": "TSTALIASID",
    "name": "BookTrip",
    "version": "DRAFT",
    "localeId": "en_US",
    "id": "CCGFLGVZMD",
}


def lex(name, slots, source, state, **more):
    """An event in the form of the samples of `sam local generate-event lex-v2`."""
    intent = {"slots": slots, "confirmationState": "None", "name": name, "state": state}
    fallback = {**intent, "slots": {}, "name": "FallbackIntent"}
    return {
        "sessionId": "254688924456104",
        "inputTranscript": "Book a hotel",
        "interpretations": [{"intent": intent, "nluConfidence": 1}, {"intent": fallback}],
        "responseContentType": "text/plain; charset=utf-8",
        "sessionState": {"intent": intent, "originatingRequestId": "4686558a-ebce-49a8-9df9"},
        "messageVersion": "1.0",
        "invocationSource": source,
        "transcriptions": [
            {
                "resolvedSlots": {},
                "resolvedContext": {"intent": name},
                "transcription": "Book a hotel",
                "transcriptionConfidence": 1,
            }
        ],
        "inputMode": "Text",
        "bot": BOT,
        **more,
    }


def alexas(intent):
    """A request in the form of the samples of `sam local generate-event alexa-skills-kit`."""
    application, user = {"applicationId": SKILL}, {"userId": "amzn1.ask.account.1"}
    device = {"supportedInterfaces": {"AudioPlayer": {}}}
    return {
        "version": "1.0",
        "session": {
            "new": False,
            "sessionId": "amzn1.echo-api.session.1",
            "application": application,
            "attributes": {},
            "user": user,
        },
        "context": {
            "AudioPlayer": {"playerActivity": "IDLE"},
            "System": {"application": application, "user": user, "device": device},
        },
        "request": {
            "type": "IntentRequest",
            "requestId": "amzn1.echo-api.request.1",
            "timestamp": "2016-10-27T21:06:28Z",
            "locale": "en-US",
            "intent": intent,
        },
    }


@pytest.fixture(scope="module")
def function():
    with LocalCloud() as cloud:
        account = account_of(cloud)
        table = account.table("station_id")
        account.client("dynamodb").put_item(TableName=table, Item=STATION)
        yield deploy(
            account.client("lambda"),
            repository() / "solutions" / "stage_10_chat_and_voice",
            variables={"TABLE": table, "SKILL_ID": SKILL},
        )


def asked_of_lex(function, event):
    """The answer's message and action; Lex must take it."""
    answer = function.invoke(event).value
    assert lex_answer.problem_of(answer) is None
    return answer["messages"][0]["content"], answer["sessionState"]["dialogAction"]["type"]


def test_another_bots_intent_is_answered_with_help(function):
    slots = {"RoomType": None, "CheckInDate": None, "Nights": None, "Location": None}
    event = lex("BookHotel", slots, "DialogCodeHook", "InProgress")
    action = {"slotToElicit": "Location", "type": "ElicitSlot"}
    event["proposedNextState"] = {"intent": event["sessionState"]["intent"], "dialogAction": action}
    assert missing_paths("lex_dialog", event) == set()
    assert asked_of_lex(function, event) == (HELP, "ElicitIntent")


def test_a_bike_is_found_for_lex(function):
    slots = {"Station": {"shape": "Scalar", "value": SAID}}
    event = lex("FindBike", slots, "FulfillmentCodeHook", "ReadyForFulfillment")
    event["sessionState"] |= {"sessionAttributes": {}, "activeContexts": []}
    event["transcriptions"][0]["resolvedSlots"] = slots
    others = [f"{where}.dateofBirth" for where in ("transcriptions[].resolvedSlots",)]
    intents = ("interpretations[].intent.slots.", "sessionState.intent.slots.")
    assert missing_paths("lex_fulfillment", event, [*others, *intents]) == set()
    assert asked_of_lex(function, event) == (BIKES, "Close")


def test_another_skills_intent_is_answered_with_help(function):
    slots = {"Color": {"name": "Color", "value": "blue"}}
    event = alexas({"name": "MyColorIsIntent", "slots": slots})
    assert missing_paths("alexa_intent", event) == set()
    answer = function.invoke(event).value
    assert alexa.problem_of(answer) is None
    assert alexa.speech_of(answer["response"]["outputSpeech"]) == HELP


def test_a_slot_without_resolutions_matches_no_station(function):
    event = alexas({"name": "FindBike", "slots": {"Station": {"name": "Station", "value": "zoo"}}})
    answer = function.invoke(event).value
    assert alexa.problem_of(answer) is None
    assert "I do not know that station" in alexa.speech_of(answer["response"]["outputSpeech"])


def test_a_request_of_the_sample_skill_is_refused_by_another(function):
    event = alexas({"name": "GetNewFactIntent", "slots": {}})
    event["session"]["application"] = {"applicationId": "amzn1.ask.skill.of-somebody-else"}
    assert function.invoke(event).error["errorType"] == "PermissionError"
