"""Lex V2: what it refuses, of a function's answers, of requests, and of bots."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from workshop.chat import LOCALE, Chat, allow_lex, make_bot
from workshop.cloud.triggers.chat.lex_answer import problem_of

SOURCE = """
import json

def handler(event, context):
    return json.loads(event["requestAttributes"]["answer"])
"""
PLAIN = {"contentType": "PlainText", "content": "Hello"}
INTENT = {"name": "FindBike", "slots": {"Station": None}, "state": "Fulfilled"}
# The minimal answers in "AWS Lambda response format for Lex V2", made JSON
MINIMAL = {
    "Delegate": {"sessionState": {"dialogAction": {"type": "Delegate"}}},
    "ElicitIntent": {
        "sessionState": {"dialogAction": {"type": "ElicitIntent"}},
        "messages": [PLAIN],
    },
    "ElicitSlot": {
        "sessionState": {
            "dialogAction": {"slotToElicit": "Station", "type": "ElicitSlot"},
            "intent": {"name": "FindBike"},
        }
    },
    "ConfirmIntent": {
        "sessionState": {
            "dialogAction": {"type": "ConfirmIntent"},
            "intent": {
                "name": "FindBike",
                "slots": {"Station": {"value": {"interpretedValue": "31258"}}},
            },
        },
        "messages": [PLAIN],
    },
    "Close": {
        "sessionState": {
            "dialogAction": {"type": "Close"},
            "intent": {"name": "FindBike", "state": "Failed"},
        }
    },
}
NEEDED = {
    "Delegate": ["sessionState", "sessionState.dialogAction", "sessionState.dialogAction.type"],
    "ElicitIntent": ["messages", "messages.0", "messages.0.contentType", "messages.0.content"],
    "ElicitSlot": [
        "sessionState.dialogAction.slotToElicit",
        "sessionState.intent",
        "sessionState.intent.name",
    ],
    "ConfirmIntent": [
        "messages",
        "messages.0",
        "sessionState.intent",
        "sessionState.intent.name",
        "sessionState.intent.slots",
    ],
    "Close": ["sessionState.intent", "sessionState.intent.name", "sessionState.intent.state"],
}


@pytest.fixture(scope="module")
def bot(lab):
    name = lab.create(SOURCE)
    arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    made = make_bot(lab.cloud.client, "bikes", arn)
    allow_lex(lab.client, name, made)
    return made


def ask(lab, bot, answer, text="are there bikes at lincoln", session="one"):
    return lab.cloud.client("lexv2-runtime").recognize_text(
        botId=bot.id,
        botAliasId=bot.alias_id,
        localeId=LOCALE,
        sessionId=session,
        text=text,
        requestAttributes={"answer": json.dumps(answer)},
    )


@pytest.mark.parametrize("kind", MINIMAL)
def test_the_documented_minimum_is_taken(kind):
    assert problem_of(MINIMAL[kind]) is None


@pytest.mark.parametrize("kind, path", [(k, path) for k, paths in NEEDED.items() for path in paths])
def test_each_field_that_the_documentation_requires_is_required(kind, path):
    answer = json.loads(json.dumps(MINIMAL[kind]))
    *outer, last = path.split(".")
    within = answer
    for each in outer:
        within = within[int(each)] if each.isdigit() else within[each]
    del within[int(last) if last.isdigit() else last]
    assert problem_of(answer)


WRONG = {
    "no_object": ("Hello", "no String-argument constructor/factory method"),
    "nothing": (None, "the response must be object"),
    "v1": (
        {"dialogAction": {"type": "Close", "fulfillmentState": "Fulfilled", "message": PLAIN}},
        r"must contain \['sessionState'\]",
    ),
    "alexas": (
        {"version": "1.0", "response": {"shouldEndSession": True}},
        r"must contain \['sessionState'\]",
    ),
    "intent_as_string": (
        {"sessionState": {"dialogAction": {"type": "Close"}, "intent": "FindBike"}},
        r"Can not construct instance of AutoValue_Intent\$Builder: no String-argument "
        r"constructor/factory method to deserialize from String value \('FindBike'\)",
    ),
    "unknown_key": (
        {"sessionState": {"dialogAction": {"type": "Delegate"}}, "statusCode": 200},
        'Unrecognized field "statusCode"',
    ),
    "unknown_action": ({"sessionState": {"dialogAction": {"type": "Open"}}}, "must be one of"),
    "unknown_state": (
        {"sessionState": {"dialogAction": {"type": "Close"}, "intent": {**INTENT, "state": "Ok"}}},
        "must be one of",
    ),
    "unknown_intent": (
        {"sessionState": {"dialogAction": {"type": "Close"}, "intent": {**INTENT, "name": "Fly"}}},
        "There is no intent Fly",
    ),
    "unknown_slot": (
        {
            "sessionState": {
                "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Time"},
                "intent": {"name": "FindBike"},
            }
        },
        "There is no slot Time in the intent FindBike",
    ),
    "number_as_attribute": (
        {
            "sessionState": {
                "sessionAttributes": {"bikes": 3},
                "dialogAction": {"type": "Close"},
                "intent": INTENT,
            }
        },
        "bikes must be string",
    ),
    "four_buttons": (
        {
            **MINIMAL["ElicitIntent"],
            "messages": [
                {
                    "contentType": "ImageResponseCard",
                    "imageResponseCard": {
                        "title": "Where?",
                        "buttons": [{"text": str(n), "value": str(n)} for n in range(4)],
                    },
                }
            ],
        },
        "buttons must contain less than or equal to 3 items",
    ),
    "large": (
        {**MINIMAL["Close"], "messages": [{**PLAIN, "content": "a" * 52_000}]},
        r"Lambda response exceeds maximum size \(\d+ vs. 50K\)",
    ),
    "large_attributes": (
        {
            "sessionState": {
                "sessionAttributes": {"a": "a" * 9_300},
                "dialogAction": {"type": "Close"},
                "intent": INTENT,
            }
        },
        r"Session attributes exceed maximum size \(\d+ vs. 12K\)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_lex_refuses_an_answer(lab, bot, case):
    answer, words = WRONG[case]
    # Nothing that large fits into a request: the function makes it
    if case.startswith("large"):
        source = f"def handler(event, context): return {answer!r}"
        name = lab.create(source)
        arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
        bot = make_bot(lab.cloud.client, case, arn)
        allow_lex(lab.client, name, bot)
        answer = None
    with pytest.raises(ClientError, match=words) as caught:
        ask(lab, bot, answer)
    assert caught.value.response["Error"]["Code"] == "DependencyFailedException"
    assert "Invalid Lambda Response: " in str(caught.value)


def test_a_function_that_raises_is_an_error_response(lab, bot):
    with pytest.raises(ClientError, match="Received error response from Lambda: Unhandled"):
        Chat(lab.cloud.client, bot).say("are there bikes at lincoln")


def test_after_a_refused_answer_the_session_is_as_before(lab, bot):
    session = "as-before"
    ask(lab, bot, MINIMAL["Close"], "find a bike", session)
    with pytest.raises(ClientError):
        ask(lab, bot, None, "lincoln", session)
    answer = {"sessionState": {"dialogAction": {"type": "Close"}, "intent": INTENT}}
    response = ask(lab, bot, answer, "lincoln", session)
    assert response["sessionState"]["intent"]["name"] == "FindBike"


def test_delegate_at_the_end_is_refused_by_name(lab, bot):
    with pytest.raises(ClientError, match="does not do Delegate from a FulfillmentCodeHook"):
        ask(lab, bot, MINIMAL["Delegate"])


def test_inputs_and_events_have_limits(lab, bot):
    with pytest.raises(ClientError, match="Member must have length less than or equal to 1024"):
        ask(lab, bot, None, "a" * 1025)
    with pytest.raises(ClientError, match=r"Lambda request exceeds maximum size \(\d+ vs. 12K\)"):
        ask(lab, bot, "a" * 13_000)


def test_who_is_not_there_is_not_found(lab, bot):
    runtime = lab.cloud.client("lexv2-runtime")
    there = {"botId": bot.id, "botAliasId": bot.alias_id, "localeId": LOCALE}
    for wrong in ({"botId": "NOSUCHBOT0"}, {"botAliasId": "NOSUCHALIA"}, {"localeId": "de_DE"}):
        with pytest.raises(runtime.exceptions.ResourceNotFoundException):
            runtime.recognize_text(**{**there, **wrong}, sessionId="one", text="hello")


def test_a_bot_that_is_deleted_is_gone(lab):
    name = lab.create(SOURCE)
    arn = lab.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    first = make_bot(lab.cloud.client, "again", arn)
    second = make_bot(lab.cloud.client, "again", arn)  # one of this name goes first
    models = lab.cloud.client("lexv2-models")
    assert models.describe_bot(botId=second.id)["botStatus"] == "Available"
    with pytest.raises(models.exceptions.ResourceNotFoundException):
        models.describe_bot(botId=first.id)


def test_what_is_not_done_is_refused_by_name(lab, bot):
    models, runtime = lab.cloud.client("lexv2-models"), lab.cloud.client("lexv2-runtime")
    where = {"botId": bot.id, "botVersion": "DRAFT", "localeId": LOCALE}
    alias = {"botId": bot.id, "botAliasId": bot.alias_id, "localeId": LOCALE, "sessionId": "one"}
    kendra = {"intentName": "Search", "parentIntentSignature": "AMAZON.KendraSearchIntent"}
    contexts = {"intentName": "Later", "inputContexts": [{"name": "before"}]}
    slot = {"slotName": "When", "slotTypeId": "AMAZON.Date", "intentId": "FALLBCKINT"}
    needed = {"valueElicitationSetting": {"slotConstraint": "Optional"}}
    for call, arguments, words in (
        (models.create_intent, {**where, **kendra}, "the intent AMAZON.KendraSearchIntent"),
        (models.create_intent, {**where, **contexts}, "CreateIntent's inputContexts"),
        (models.create_slot, {**where, **slot, **needed}, "the slot type AMAZON.Date"),
        (models.list_bot_aliases, {"botId": bot.id}, "ListBotAliases"),
        (models.describe_bot_locale, {**where, "botVersion": "1"}, "a locale of version 1"),
        (runtime.put_session, {**alias, "sessionState": {}}, "PutSession"),
        (
            runtime.recognize_text,
            {**alias, "text": "a", "sessionState": {"dialogAction": {"type": "Delegate"}}},
            "RecognizeText's sessionState.dialogAction",
        ),
    ):
        with pytest.raises(ClientError, match=f"The local cloud's Lex does not do {words}"):
            call(**arguments)


def test_lex_v1_is_refused_by_name(lab):
    old = lab.cloud.client("lex-runtime")
    with pytest.raises(ClientError, match="The local cloud has Lex V2 only"):
        old.post_text(botName="bikes", botAlias="live", userId="me", inputText="hello")


def test_a_bot_that_cannot_be_built_says_why(lab, bot):
    models = lab.cloud.client("lexv2-models")
    where = {"botId": bot.id, "botVersion": "DRAFT", "localeId": LOCALE}
    spec = {"intentName": "Lost", "sampleUtterances": [{"utterance": "I lost {Thing}"}]}
    models.create_intent(**where, **spec)
    assert models.describe_bot_locale(**where)["botLocaleStatus"] == "NotBuilt"
    models.build_bot_locale(**where)
    found = models.describe_bot_locale(**where)
    assert found["botLocaleStatus"] == "Failed"
    assert found["failureReasons"] == [
        "The utterance 'I lost {Thing}' of Lost names no slot of it."
    ]
    answer = {"sessionState": {"dialogAction": {"type": "Close"}, "intent": INTENT}}
    ask(lab, bot, answer, session="a-version")
    with pytest.raises(ClientError, match="must be built"):
        models.create_bot_version(
            botId=bot.id, botVersionLocaleSpecification={LOCALE: {"sourceBotVersion": "DRAFT"}}
        )
