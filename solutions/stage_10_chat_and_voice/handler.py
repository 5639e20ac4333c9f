"""Stage 10: one bike-share assistant, for a Lex V2 bot and for an Alexa skill.

Both invoke this function, each with its own kind of event. Both have two intents with one slot,
Station. What you need from the slot is a station's id: in Lex it is the slot's interpretedValue,
in Alexa the id of the value that the slot resolves to. Ignore the user's own words.

    FindBike    "is there a bike near the zoo", "find a bike"
    RentBike    "rent a bike at the zoo", "rent one"

The environment variable TABLE names a DynamoDB table with the key station_id:

    {"station_id": "31602", "name": "Park Rd & Holmead Pl NW", "bikes": 3}

Always say a sentence of SAYS below, the same one in Lex and in Alexa:

FindBike    Say none, one or some.
RentBike    If there is no bike, say none. Otherwise ask: confirm. After a yes, take one bike from
            the table, so that the number never falls below 0, and say rented; if the last bike is
            gone by then, say none. After a no, say declined.
Station     RentBike without a station means the one that FindBike or RentBike last mentioned in
            this session. If there is none, or for FindBike without a station, ask: which. If the
            station is not in the table, or Alexa finds no match for it, ask: unknown.
Others      For any other intent, such as FallbackIntent, say help.
Trouble     If anything raises, log the error and say sorry. Users never see a stack trace. Only a
            request for another skill raises an error, see below.

Keep all session attributes that you get, and add your own as you like. Events may have keys that
you do not know.

Lex         Say it in a message of the type PlainText. Ask for a station with ElicitSlot, confirm
            with ConfirmIntent, say help with ElicitIntent. Everything else closes the intent:
            Fulfilled after rented, and after none, one and some for FindBike; Failed after all
            other sentences. Lex invokes the function for RentBike after each turn (DialogCodeHook)
            and once more at the end (FulfillmentCodeHook), for FindBike and FallbackIntent only at
            the end. After a yes in a DialogCodeHook you can also delegate.

Alexa       Say it as SSML, and show it on a Simple card with any title. Ask for a station with the
            directive Dialog.ElicitSlot, confirm with Dialog.ConfirmIntent. A LaunchRequest says
            welcome, AMAZON.StopIntent and AMAZON.CancelIntent say goodbye. The session ends after
            goodbye, rented, declined and sorry; otherwise it stays open, with a reprompt. Return
            {} for a SessionEndedRequest. If the request is not for the skill with the id in the
            environment variable SKILL_ID, raise an error.

EXTRA: if Lex says that the user spoke (inputMode is Speech), say it in a message of the type SSML.
"""

# --- your imports, constants and helpers: start ---
import logging
import os
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import boto3
from botocore.exceptions import ClientError

SKILL_ID = os.environ["SKILL_ID"]
REMEMBERED = "station_id"  # the session attribute
NO_MATCH = "no match"  # in place of an id: words that are no station
ASKS_AGAIN = ("which", "unknown")
ENDS = ("goodbye", "rented", "declined", "sorry")

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


@dataclass
class Intent:
    """What a user wants, whichever front end it came through."""

    name: str
    station_id: str | None  # None: nobody said one
    confirmed: bool | None  # None: nobody was asked
    attributes: dict = field(default_factory=dict)


def answer(intent):
    """What to say: a key of SAYS, and what stands in it. Remembers the station in the intent."""
    if intent.name not in ("FindBike", "RentBike"):
        return "help", {}
    if intent.confirmed is False:
        return "declined", {}
    station_id = intent.station_id
    if intent.name == "RentBike":
        station_id = station_id or intent.attributes.get(REMEMBERED)
    if not station_id:
        return "which", {}
    station = table.get_item(Key={"station_id": station_id}, ConsistentRead=True).get("Item")
    if station is None:
        return "unknown", {}
    intent.attributes[REMEMBERED] = station_id
    count = {0: "none", 1: "one"}.get(station["bikes"], "some")
    if intent.name == "FindBike" or count == "none":
        return count, station
    if intent.confirmed is None:
        return "confirm", station
    return ("rented" if take_bike(station_id) else "none"), station


def take_bike(station_id):
    """Takes one bike, unless the last one is gone."""
    try:
        table.update_item(
            Key={"station_id": station_id},
            UpdateExpression="SET bikes = bikes - :one",
            ConditionExpression="bikes >= :one",
            ExpressionAttributeValues={":one": 1},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def safely_answer(intent):
    """The answer's key and its sentence; a failure is logged, and the user hears that it is one."""
    try:
        key, station = answer(intent)
    except Exception:
        logging.exception("cannot answer %s", intent)
        key, station = "sorry", {}
    return key, SAYS[key].format(name=station.get("name"), bikes=station.get("bikes"))


def speak(sentence):
    """A sentence as SSML."""
    return f"<speak>{escape(sentence)}</speak>"


def from_lex(event):
    """Answers an event of Lex V2."""
    state = event["sessionState"]
    intent = state["intent"]
    slot = (intent.get("slots") or {}).get("Station")
    confirmed = {"Confirmed": True, "Denied": False}.get(intent.get("confirmationState"))
    wanted = Intent(
        intent["name"],
        slot["value"]["interpretedValue"] if slot else None,
        confirmed,
        dict(state.get("sessionAttributes") or {}),
    )
    if confirmed and event["invocationSource"] == "DialogCodeHook":
        action = {"type": "Delegate"}  # Lex comes back to have it fulfilled
        return {"sessionState": {"dialogAction": action, "intent": intent}}
    key, sentence = safely_answer(wanted)
    intent = dict(intent)
    if key in ASKS_AGAIN:
        action = {"type": "ElicitSlot", "slotToElicit": "Station"}
    elif key == "confirm":
        action = {"type": "ConfirmIntent"}
    elif key == "help":
        action = {"type": "ElicitIntent"}
    else:
        action = {"type": "Close"}
        good = key == "rented" or wanted.name == "FindBike" and key != "sorry"
        intent["state"] = "Fulfilled" if good else "Failed"
    message = {"contentType": "PlainText", "content": sentence}
    if event.get("inputMode") == "Speech":
        message = {"contentType": "SSML", "content": speak(sentence)}
    return {
        "sessionState": {
            "dialogAction": action,
            "intent": intent,
            "sessionAttributes": wanted.attributes,
        },
        "messages": [message],
    }


def from_alexa(event):
    """Answers a request of Alexa."""
    session, request = event["session"], event["request"]
    if session["application"]["applicationId"] != SKILL_ID:
        raise PermissionError("the request is for another skill")
    if request["type"] == "SessionEndedRequest":
        return {}
    intent = request.get("intent") or {"name": request["type"]}
    wanted = Intent(
        intent["name"],
        resolved(intent),
        {"CONFIRMED": True, "DENIED": False}.get(intent.get("confirmationStatus")),
        dict(session.get("attributes") or {}),
    )
    if wanted.name == "LaunchRequest":
        key, sentence = "welcome", SAYS["welcome"]
    elif wanted.name in ("AMAZON.StopIntent", "AMAZON.CancelIntent"):
        key, sentence = "goodbye", SAYS["goodbye"]
    else:
        key, sentence = safely_answer(wanted)
    speech = {"type": "SSML", "ssml": speak(sentence)}
    response = {
        "outputSpeech": speech,
        "card": {"type": "Simple", "title": "Bike share", "content": sentence},
        "shouldEndSession": key in ENDS,
    }
    if key not in ENDS:
        response["reprompt"] = {"outputSpeech": speech}
    if key in ASKS_AGAIN:
        response["directives"] = [{"type": "Dialog.ElicitSlot", "slotToElicit": "Station"}]
    if key == "confirm":
        response["directives"] = [{"type": "Dialog.ConfirmIntent"}]
    return {"version": "1.0", "sessionAttributes": wanted.attributes, "response": response}


def resolved(intent):
    """The id that an Alexa slot stands for; NO_MATCH for words that are no station."""
    slot = (intent.get("slots") or {}).get("Station") or {}
    if not slot.get("value"):
        return None
    for authority in slot.get("resolutions", {}).get("resolutionsPerAuthority", []):
        if authority["status"]["code"] == "ER_SUCCESS_MATCH":
            return authority["values"][0]["value"]["id"]
    return NO_MATCH


# --- your imports, constants and helpers: end ---

SAYS = {
    "welcome": "Welcome to the bike share. Where do you need a bike?",
    "help": "Ask for a bike near a station, or say: rent one.",
    "none": "There are no bikes at {name}.",
    "one": "There is one bike at {name}.",
    "some": "There are {bikes} bikes at {name}.",
    "which": "Which station?",
    "unknown": "I do not know that station. Which station?",
    "confirm": "Do you want to rent a bike at {name}?",
    "rented": "A bike at {name} is yours.",
    "declined": "All right, no bike.",
    "goodbye": "Goodbye.",
    "sorry": "Something went wrong. Please try again later.",
}


def handler(event, context):
    """Answers whoever asks: Lex or Alexa."""
    # --- your code: start ---
    return from_lex(event) if "sessionState" in event else from_alexa(event)
    # --- your code: end ---
