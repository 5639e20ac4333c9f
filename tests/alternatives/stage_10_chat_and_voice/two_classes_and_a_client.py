"""A class for each front end, a client of DynamoDB, and no Delegate: a yes rents at once."""

import html
import os
import traceback

import boto3

from_table = boto3.client("dynamodb")

SENTENCES = {
    "welcome": "Welcome to the bike share. Where do you need a bike?",
    "help": "Ask for a bike near a station, or say: rent one.",
    "which": "Which station?",
    "unknown": "I do not know that station. Which station?",
    "confirm": "Do you want to rent a bike at {}?",
    "rented": "A bike at {} is yours.",
    "declined": "All right, no bike.",
    "goodbye": "Goodbye.",
    "sorry": "Something went wrong. Please try again later.",
}


def there_are(name, bikes):
    if bikes == 1:
        return f"There is one bike at {name}."
    return f"There are {bikes or 'no'} bikes at {name}."


class Assistant:
    """What both have in common. A subclass reads the event, and forms the answer."""

    def converse(self):
        kind = self.kind()
        if kind not in ("find", "rent"):
            return self.tell(kind, SENTENCES[kind])
        try:
            return self.tell(*self.about_bikes(kind))
        except Exception:
            print(traceback.format_exc())
            return self.tell("sorry", SENTENCES["sorry"])

    def about_bikes(self, kind):
        if self.said() == "no":
            return "declined", SENTENCES["declined"]
        key = self.key()
        if key is None and kind == "rent":
            key = self.memory.get("last")
        if key is None:
            return "which", SENTENCES["which"]
        row = from_table.get_item(
            TableName=os.environ["TABLE"], Key={"station_id": {"S": key}}, ConsistentRead=True
        )
        if "Item" not in row:
            return "unknown", SENTENCES["unknown"]
        self.memory["last"] = key
        name, bikes = row["Item"]["name"]["S"], int(row["Item"]["bikes"]["N"])
        if kind == "find":
            return "found", there_are(name, bikes)
        if bikes == 0:
            return "none", there_are(name, 0)
        if self.said() is None:
            return "confirm", SENTENCES["confirm"].format(name)
        try:
            from_table.update_item(
                TableName=os.environ["TABLE"],
                Key={"station_id": {"S": key}},
                UpdateExpression="ADD bikes :less",
                ConditionExpression="bikes > :none",
                ExpressionAttributeValues={":less": {"N": "-1"}, ":none": {"N": "0"}},
            )
        except from_table.exceptions.ConditionalCheckFailedException:
            return "none", there_are(name, 0)
        return "rented", SENTENCES["rented"].format(name)


class Lex(Assistant):
    def __init__(self, event):
        self.event = event
        self.intent = event["sessionState"]["intent"]
        self.memory = event["sessionState"].get("sessionAttributes") or {}

    def kind(self):
        return {"FindBike": "find", "RentBike": "rent"}.get(self.intent["name"], "help")

    def said(self):
        return {"Confirmed": "yes", "Denied": "no"}.get(self.intent["confirmationState"])

    def key(self):
        slot = self.intent["slots"].get("Station")
        return None if slot is None else slot["value"]["interpretedValue"]

    def tell(self, what, sentence):
        name = self.intent["name"]
        intent, action = {"name": name, "slots": self.intent["slots"]}, {"type": "Close"}
        if what in ("which", "unknown"):
            action = {"type": "ElicitSlot", "slotToElicit": "Station"}
            intent["slots"] = {"Station": None}
        elif what == "confirm":
            action = {"type": "ConfirmIntent"}
        elif what == "help":
            action = {"type": "ElicitIntent"}
        else:
            intent["state"] = "Fulfilled" if what in ("found", "rented") else "Failed"
        message = {"contentType": "PlainText", "content": sentence}
        if self.event["inputMode"] == "Speech":
            ssml = html.escape(sentence, quote=False)
            message = {"contentType": "SSML", "content": f"<speak>{ssml}</speak>"}
        state = {"sessionAttributes": self.memory, "dialogAction": action, "intent": intent}
        return {"sessionState": state, "messages": [message]}


class Alexa(Assistant):
    def __init__(self, event):
        self.request = event["request"]
        self.memory = event["session"].get("attributes") or {}
        self.intent = self.request.get("intent") or {}

    def kind(self):
        if self.request["type"] == "LaunchRequest":
            return "welcome"
        kinds = {"FindBike": "find", "RentBike": "rent"}
        kinds |= dict.fromkeys(("AMAZON.StopIntent", "AMAZON.CancelIntent"), "goodbye")
        return kinds.get(self.intent.get("name"), "help")

    def said(self):
        return {"CONFIRMED": "yes", "DENIED": "no"}.get(self.intent["confirmationStatus"])

    def key(self):
        slot = self.intent["slots"]["Station"]
        if "value" not in slot:
            return None
        [authority] = slot["resolutions"]["resolutionsPerAuthority"]
        values = authority.get("values", [])
        return values[0]["value"]["id"] if values else "?"

    def tell(self, what, sentence):
        ssml = {"type": "SSML", "ssml": f"<speak>{html.escape(sentence)}</speak>"}
        response = {"outputSpeech": ssml, "shouldEndSession": True}
        response["card"] = {"type": "Simple", "title": "Bikes", "content": sentence}
        if what not in ("goodbye", "rented", "declined", "sorry"):
            response |= {"shouldEndSession": False, "reprompt": {"outputSpeech": ssml}}
        if what in ("which", "unknown"):
            response["directives"] = [{"type": "Dialog.ElicitSlot", "slotToElicit": "Station"}]
        elif what == "confirm":
            response["directives"] = [{"type": "Dialog.ConfirmIntent"}]
        return {"version": "1.0", "response": response, "sessionAttributes": self.memory}


def handler(event, context):
    if "messageVersion" in event:
        return Lex(event).converse()
    if event["session"]["application"]["applicationId"] != os.environ["SKILL_ID"]:
        raise ValueError("Skill ID Verification failed")
    if event["request"]["type"] == "SessionEndedRequest":
        return {}
    return Alexa(event).converse()
