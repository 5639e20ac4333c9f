"""Functions from intent to reply, both dicts; the remembered station goes into the slot itself."""

import logging
import os
from decimal import Decimal
from xml.sax import saxutils

import boto3

stations = boto3.resource("dynamodb").Table(os.environ["TABLE"])
log = logging.getLogger()
OPEN = {"welcome", "help", "which", "unknown", "confirm", "count"}


def reply(kind, text, **more):
    return {"kind": kind, "text": text, **more}


def help_():
    return reply("help", "Ask for a bike near a station, or say: rent one.")


def count(row, ok):
    amount = {Decimal(0): "are no bikes", Decimal(1): "is one bike"}.get(row["bikes"])
    amount = amount or f"are {row['bikes']} bikes"
    return reply("count", f"There {amount} at {row['name']}.", ok=ok)


def decide(asked):
    rents = asked["intent"] == "RentBike"
    if rents and asked["answer"] == "no":
        return reply("declined", "All right, no bike.")
    key = asked["station"] or (asked["kept"].get("station") if rents else None)
    if not key:
        return reply("which", "Which station?")
    row = stations.get_item(Key={"station_id": key}, ConsistentRead=True).get("Item")
    if not row:
        return reply("unknown", "I do not know that station. Which station?")
    asked["kept"]["station"] = key
    if not rents or row["bikes"] < 1:
        return count(row, ok=not rents)
    if asked["answer"] != "yes":
        text = f"Do you want to rent a bike at {row['name']}?"
        return reply("confirm", text, station=key)
    if asked.get("later"):
        return reply("later", "")
    try:
        stations.put_item(
            Item={**row, "bikes": row["bikes"] - 1},
            ConditionExpression="bikes = :seen",
            ExpressionAttributeValues={":seen": row["bikes"]},
        )
    except stations.meta.client.exceptions.ConditionalCheckFailedException:
        return decide(asked)  # somebody was faster: look again
    return reply("rented", f"A bike at {row['name']} is yours.", ok=True)


def decide_or_apologize(asked):
    if asked["intent"] not in ("FindBike", "RentBike"):
        return help_()
    try:
        return decide(asked)
    except Exception as error:
        log.error("no answer: %r", error)
        return reply("sorry", "Something went wrong. Please try again later.")


def lex(event):
    state = event["sessionState"]
    intent = state["intent"]
    slot = intent["slots"].get("Station") or {"value": {"interpretedValue": None}}
    asked = {
        "intent": intent["name"],
        "station": slot["value"]["interpretedValue"],
        "answer": {"Confirmed": "yes", "Denied": "no"}.get(intent["confirmationState"]),
        "kept": {**(state.get("sessionAttributes") or {})},
        "later": event["invocationSource"] == "DialogCodeHook",
    }
    came = decide_or_apologize(asked)
    kind, wanted = came["kind"], {key: intent[key] for key in ("name", "slots")}
    if kind == "later":
        return {"sessionState": {"dialogAction": {"type": "Delegate"}}}
    if kind == "confirm":
        value = {"originalValue": came["station"], "interpretedValue": came["station"]}
        wanted["slots"] = {"Station": {"shape": "Scalar", "value": value}}
    types = {"which": "ElicitSlot", "unknown": "ElicitSlot"}
    types |= {"confirm": "ConfirmIntent", "help": "ElicitIntent"}
    action = {"type": types.get(kind, "Close")}
    if action["type"] == "ElicitSlot":
        action["slotToElicit"] = "Station"
    if action["type"] == "Close":
        wanted["state"] = "Fulfilled" if came.get("ok") else "Failed"
    content = {"contentType": "PlainText", "content": came["text"]}
    if event["inputMode"] == "Speech":
        content = {"contentType": "SSML", "content": ssml(came["text"])}
    return {
        "messages": [content],
        "sessionState": {
            "dialogAction": action,
            "intent": wanted,
            "sessionAttributes": asked["kept"],
        },
        "requestAttributes": event["requestAttributes"],
        "sessionId": event["sessionId"],
    }


def ssml(text):
    return f"<speak>\n  {saxutils.escape(text)}\n</speak>\n"


def alexa(event):
    session, request = event["session"], event["request"]
    assert session["application"]["applicationId"] == os.environ["SKILL_ID"]
    kept = {**session.get("attributes", {})}
    match request:
        case {"type": "SessionEndedRequest"}:
            return {}
        case {"type": "LaunchRequest"}:
            came = reply("welcome", "Welcome to the bike share. Where do you need a bike?")
        case {"intent": {"name": "AMAZON.StopIntent" | "AMAZON.CancelIntent"}}:
            came = reply("goodbye", "Goodbye.")
        case {"intent": intent}:
            asked = {
                "intent": intent["name"],
                "station": station_of(intent),
                "answer": {"CONFIRMED": "yes", "DENIED": "no"}.get(intent["confirmationStatus"]),
                "kept": kept,
            }
            came = decide_or_apologize(asked)
    speech = {"type": "SSML", "ssml": ssml(came["text"])}
    stays = came["kind"] in OPEN
    response = {
        "outputSpeech": speech,
        "reprompt": {"outputSpeech": speech} if stays else None,
        "card": {"type": "Simple", "title": came["kind"], "content": came["text"]},
        "directives": directives(came["kind"], request.get("intent")),
        "shouldEndSession": not stays,
    }
    return {"version": "1.0", "sessionAttributes": kept, "response": response}


def directives(kind, intent):
    if kind in ("which", "unknown"):
        return [{"type": "Dialog.ElicitSlot", "slotToElicit": "Station", "updatedIntent": intent}]
    return [{"type": "Dialog.ConfirmIntent", "updatedIntent": intent}] if kind == "confirm" else []


def station_of(intent):
    slot = intent.get("slots", {}).get("Station", {})
    if "value" not in slot:
        return None
    for authority in slot["resolutions"]["resolutionsPerAuthority"]:
        if authority["status"]["code"] == "ER_SUCCESS_MATCH":
            return authority["values"][0]["value"]["id"]
    return "nowhere"


def handler(event, context):
    """Answers whoever asks."""
    return alexa(event) if "request" in event else lex(event)
