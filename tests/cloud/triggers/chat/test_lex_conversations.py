"""Lex V2: conversations with a bot, the events that its function gets, and who may be asked."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from published import missing_paths

from workshop.chat import LOCALE, Bot, Chat, allow_lex, make_bot

# Answers what the client puts into the request's attributes, by hook, and prints its event.
SOURCE = """
import json

def handler(event, context):
    print("EVENT " + json.dumps(event))
    answer = (event["requestAttributes"] or {}).get(event["invocationSource"])
    if answer:
        return json.loads(answer)
    if event["invocationSource"] == "DialogCodeHook":
        return {"sessionState": {"dialogAction": {"type": "Delegate"}}}
    intent = {**event["sessionState"]["intent"], "state": "Fulfilled"}
    message = {"contentType": "PlainText", "content": intent["name"] + " done"}
    state = {"dialogAction": {"type": "Close"}, "intent": intent}
    return {"sessionState": state, "messages": [message]}
"""


class Talk(Chat):
    """A conversation in which the test says what the function answers."""

    def __init__(self, lab, bot, name):
        super().__init__(lab.cloud.client, bot)
        self._lab, self._name = lab, name

    def say(self, text, attributes=None, **answers):
        """Lex's response; `answers` are those of the function, by hook."""
        more = {} if attributes is None else {"sessionAttributes": attributes}
        return self._runtime.recognize_text(
            botId=self.bot.id,
            botAliasId=self.bot.alias_id,
            localeId=LOCALE,
            sessionId=self.session_id,
            text=text,
            sessionState=more,
            requestAttributes={hook: json.dumps(answer) for hook, answer in answers.items()},
        )

    def heard(self, text, **more):
        """The texts of the response, and what the bot waits for."""
        response = self.say(text, **more)
        said = [each["content"] for each in response.get("messages", [])]
        return said, response["sessionState"]["dialogAction"]["type"]

    def events(self):
        """What the function got so far."""
        self._lab.cloud.idle()
        lines = self._lab.log_events(f"/aws/lambda/{self._name}")
        events = [json.loads(each[6:]) for each in lines if each.startswith("EVENT ")]
        return [each for each in events if each["sessionId"] == self.session_id]


@pytest.fixture(scope="module")
def name(lab):
    return lab.create(SOURCE)


@pytest.fixture(scope="module")
def bot(lab, name):
    arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    made = make_bot(lab.cloud.client, "bikes", arn)
    allow_lex(lab.client, name, made)
    return made


@pytest.fixture
def talk(lab, bot, name):
    return Talk(lab, bot, name)


def action(kind, intent=None, messages=None, **more):
    """An answer of the function."""
    state = {"dialogAction": {"type": kind, **more}}
    if intent:
        state["intent"] = intent
    texts = [{"contentType": "PlainText", "content": each} for each in messages or []]
    return {"sessionState": state, "messages": texts}


ASK = action("ElicitSlot", {"name": "RentBike"}, ["Where?"], slotToElicit="Station")


def test_an_utterance_fills_slots_and_is_fulfilled(talk):
    response = talk.say("Is there a BIKE near the memorial?")
    intent = response["sessionState"]["intent"]
    assert intent["state"] == "Fulfilled"
    assert intent["slots"]["Station"]["value"] == {
        "originalValue": "the memorial",
        "interpretedValue": "31258",
        "resolvedValues": ["31258"],
    }
    assert response["messages"] == [{"contentType": "PlainText", "content": "FindBike done"}]
    assert response["interpretations"][0]["nluConfidence"] == {"score": 1.0}
    [event] = talk.events()
    assert event["invocationSource"] == "FulfillmentCodeHook"
    assert event["sessionState"]["intent"]["state"] == "ReadyForFulfillment"
    assert "proposedNextState" not in event


def test_events_have_the_keys_of_the_published_samples(talk):
    talk.say("rent one", DialogCodeHook=ASK)
    talk.say("find a bike")
    talk.say("union station")
    dialog, fulfillment = talk.events()
    # Of their intents and slots, the names; of a third interpretation there is none
    names = ("interpretations[].intent.slots.", "sessionState.intent.slots.")
    assert missing_paths("lex_fulfillment", fulfillment, [*names, "transcriptions[].r"]) == set()
    but = [*names, "proposedNextState", "transcriptions[].resolvedSlots"]
    assert missing_paths("lex_dialog", dialog, but) == set()
    assert fulfillment["transcriptions"][0]["resolvedSlots"].keys() == {"Station"}
    assert fulfillment["bot"]["aliasName"] == "live" and fulfillment["bot"]["version"] == "1"


def test_a_required_slot_is_asked_for_until_the_retries_are_over(talk):
    asked = (["Which station?"], "ElicitSlot")
    assert talk.heard("find a bike") == asked
    assert talk.heard("somewhere") == asked
    assert talk.heard("over there") == asked
    assert talk.heard("never mind") == (["FallbackIntent done"], "Close")
    assert talk.heard("find a bike") == asked
    assert talk.heard("Lincoln") == (["FindBike done"], "Close")


def test_the_function_hears_each_attempt_and_what_lex_proposes(lab, name):
    arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    bot = _one_intent(lab, "attempts", arn, dialogCodeHook={"enabled": True})
    allow_lex(lab.client, name, bot)
    talk = Talk(lab, bot, name)
    for text in ("hello", "what", "green"):
        talk.say(text)
    proposals = [event.get("proposedNextState") for event in talk.events()]
    attempts = [each["prompt"]["attempt"] for each in proposals[:2]]
    assert attempts == ["Initial", "Retry1"]
    assert proposals[0]["dialogAction"] == {"type": "ElicitSlot", "slotToElicit": "Color"}
    assert proposals[2:] == [None]


def test_the_function_may_ask_for_a_slot_and_confirm(talk):
    assert talk.heard("rent one", DialogCodeHook=ASK) == (["Where?"], "ElicitSlot")
    confirm = action("ConfirmIntent", {"name": "RentBike"}, ["At {Station}?"])
    confirm["sessionState"]["intent"]["slots"] = _slot("31602")
    assert talk.heard("lincoln", DialogCodeHook=confirm) == (["At 31602?"], "ConfirmIntent")
    assert talk.heard("Yes, please.".replace(",", "")) == (["RentBike done"], "Close")
    states = [
        (event["invocationSource"], event["sessionState"]["intent"]["confirmationState"])
        for event in talk.events()
    ]
    assert states[2:] == [("DialogCodeHook", "Confirmed"), ("FulfillmentCodeHook", "Confirmed")]


def test_a_no_closes_as_failed_where_the_function_delegates(talk):
    confirm = action("ConfirmIntent", {"name": "RentBike", "slots": {}}, ["Sure?"])
    talk.say("rent one", DialogCodeHook=confirm)
    response = talk.say("no")
    assert response["sessionState"]["intent"]["state"] == "Failed"
    assert response["sessionState"]["dialogAction"]["type"] == "Close"


def test_another_intent_may_come_in_between(talk):
    confirm = action("ConfirmIntent", {"name": "RentBike", "slots": {}}, ["Sure?"])
    talk.say("rent one", DialogCodeHook=confirm)
    assert talk.heard("is there a bike near lincoln") == (["FindBike done"], "Close")


def test_session_attributes_live_as_long_as_nobody_replaces_them(talk):
    def attributes(response):
        return response["sessionState"]["sessionAttributes"]

    assert attributes(talk.say("find a bike", {"a": "1", "b": "2"})) == {"a": "1", "b": "2"}
    kept = talk.say("lincoln")
    assert attributes(kept) == {"a": "1", "b": "2"}
    assert talk.events()[-1]["sessionState"]["sessionAttributes"] == {"a": "1", "b": "2"}
    for given, wanted in (({"c": "3"}, {"c": "3"}), (None, {"c": "3"}), ({}, {})):
        answer = action("Close", {"name": "FindBike", "state": "Fulfilled"})
        answer["sessionState"]["sessionAttributes"] = given
        answer["messages"] = None
        said = talk.say("are there bikes at lincoln", FulfillmentCodeHook=answer)
        assert attributes(said) == wanted


def test_the_last_turns_exchanges_can_be_seen(lab, talk):
    confirm = action("ConfirmIntent", {"name": "RentBike", "slots": {}}, ["Sure?"])
    talk.say("rent one", DialogCodeHook=confirm)
    talk.say("yes")
    exchanges = lab.cloud.exchanges(talk.session_id)
    assert [each.event for each in exchanges] == talk.events()[1:]
    actions = [each.answer["sessionState"]["dialogAction"]["type"] for each in exchanges]
    assert actions == ["Delegate", "Close"]


def test_sessions_are_apart_and_can_be_deleted(lab, bot, name):
    one, other = Talk(lab, bot, name), Talk(lab, bot, name)
    one.say("find a bike", {"mine": "1"})
    assert other.say("find a bike")["sessionState"]["sessionAttributes"] == {}
    where = {"botId": bot.id, "botAliasId": bot.alias_id, "localeId": LOCALE}
    runtime = lab.cloud.client("lexv2-runtime")
    found = runtime.get_session(**where, sessionId=one.session_id)
    assert found["sessionState"]["sessionAttributes"] == {"mine": "1"}
    runtime.delete_session(**where, sessionId=one.session_id)
    with pytest.raises(ClientError, match="There is no session"):
        runtime.get_session(**where, sessionId=one.session_id)


def test_the_bots_own_words_need_no_function(lab):
    said = {"messageGroups": [{"message": {"plainTextMessage": {"value": "Green it is: {Color}"}}}]}
    sure = {"messageGroups": [{"message": {"plainTextMessage": {"value": "{Color}, sure?"}}}]}
    no = {"messageGroups": [{"message": {"plainTextMessage": {"value": "Then not."}}}]}
    bot = _one_intent(
        lab,
        "alone",
        None,
        intentConfirmationSetting={
            "promptSpecification": {**sure, "maxRetries": 1},
            "declinationResponse": no,
        },
        intentClosingSetting={"closingResponse": said},
    )
    talk = Talk(lab, bot, "none")
    talk.say("hello")
    assert talk.heard("green") == (["green, sure?"], "ConfirmIntent")
    assert talk.heard("perhaps") == (["green, sure?"], "ConfirmIntent")
    assert talk.heard("no") == (["Then not."], "Close")
    talk.say("hello")
    talk.say("green")
    response = talk.say("yes")
    assert response["sessionState"]["intent"]["state"] == "ReadyForFulfillment"


def test_only_the_alias_with_a_permission_is_let_in(lab, bot, name):
    lab.client.remove_permission(FunctionName=name, StatementId=f"lex-{bot.alias_id}")
    allow_lex(lab.client, name, Bot(bot.id, "ANOTHERONE", f"{bot.arn[:-10]}ANOTHERONE"))
    with pytest.raises(ClientError) as caught:
        Talk(lab, bot, name).say("are there bikes at lincoln")
    assert caught.value.response["Error"]["Code"] == "DependencyFailedException"
    assert "Invalid Bot Configuration: Access denied while invoking lambda function" in str(
        caught.value
    )
    assert f"from {bot.arn}. Please check the policy on this function." in str(caught.value)
    allow_lex(lab.client, name, bot)
    assert Talk(lab, bot, name).heard("are there bikes at lincoln")[1] == "Close"


def _slot(value):
    scalar = {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]}
    return {"Station": {"shape": "Scalar", "value": scalar}}


def _one_intent(lab, name, arn, **intent):
    """A bot whose only intent asks for a color; its test alias names the function."""
    models = lab.cloud.client("lexv2-models")
    bot_id = models.create_bot(
        botName=name,
        roleArn="arn:aws:iam::123456789012:role/lex",
        dataPrivacy={"childDirected": False},
        idleSessionTTLInSeconds=60,
    )["botId"]
    where = {"botId": bot_id, "botVersion": "DRAFT", "localeId": LOCALE}
    models.create_bot_locale(**where, nluIntentConfidenceThreshold=0.4)
    kind = models.create_slot_type(
        **where,
        slotTypeName="Color",
        slotTypeValues=[{"sampleValue": {"value": "green"}}],
        valueSelectionSetting={"resolutionStrategy": "TopResolution"},
    )["slotTypeId"]
    spec = {"intentName": "Paint", "sampleUtterances": [{"utterance": "hello"}], **intent}
    intent_id = models.create_intent(**where, **spec)["intentId"]
    which = {"message": {"plainTextMessage": {"value": "Which color?"}}}
    slot_id = models.create_slot(
        **where,
        intentId=intent_id,
        slotName="Color",
        slotTypeId=kind,
        valueElicitationSetting={
            "slotConstraint": "Required",
            "promptSpecification": {"messageGroups": [which], "maxRetries": 1},
        },
    )["slotId"]
    priorities = [{"priority": 1, "slotId": slot_id}]
    models.update_intent(**where, intentId=intent_id, **spec, slotPriorities=priorities)
    models.build_bot_locale(**where)
    hook = {"lambdaCodeHook": {"codeHookInterfaceVersion": "1.0", "lambdaARN": arn}} if arn else {}
    settings = {"enabled": True, **({"codeHookSpecification": hook} if arn else {})}
    models.update_bot_alias(
        botId=bot_id,
        botAliasId="TSTALIASID",
        botAliasName="TestBotAlias",
        botVersion="DRAFT",
        botAliasLocaleSettings={LOCALE: settings},
    )
    alias = f"arn:aws:lex:us-east-1:123456789012:bot-alias/{bot_id}/TSTALIASID"
    return Bot(bot_id, "TSTALIASID", alias)
