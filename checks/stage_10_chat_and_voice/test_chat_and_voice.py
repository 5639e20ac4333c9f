"""Grades stage 10 from outside: a bot of Lex V2, talked to as its users do."""

from __future__ import annotations

import pytest

from workshop.chat import allow_lex, delete_bot, make_bot
from workshop.grading import fresh
from workshop.grading.own_lines import own_lines
from workshop.grading.words import failure

from .city import City, expect, found, says
from .lex import Talk, event_of, invoke
from .skill import Session
from .stale import stale_table

ASKS = {"action": "ElicitSlot", "slot": "Station"}
PLAIN = ["PlainText"]


@pytest.fixture(scope="module")
def city(account, deploy):
    """The stations of the checks, and the learner's function."""
    return City.made(account, deploy)


@pytest.fixture(scope="module")
def bot(city, account):
    """A bot that knows these stations, and has the learner's function."""
    client, name = account.client("lambda"), account.name("bot")
    arn = client.get_function_configuration(FunctionName=city.function.name)["FunctionArn"]
    account.later(delete_bot, models=account.client("lexv2-models"), name=name)
    made = make_bot(account.client, name, arn, city.stations)
    allow_lex(client, city.function.name, made)
    return made


def test_the_bot_finds_bikes(city, bot):
    """The bot says how many bikes a station has, whatever the user calls it."""
    look = "FindBike: the sentence for 0, 1 and more bikes; the slot's interpretedValue"
    for bikes in (fresh.whole(2, 30), 0, 1):
        station = city.station(bikes)
        Talk(city, bot).expect(
            f"is there a bike near {fresh.one_of(station.also)}",
            look,
            says=found(station, bikes),
            type=PLAIN,
            action="Close",
            state="Fulfilled",
        )


def test_the_bot_asks_which_station(city, bot):
    """Without a station, renting asks for one, and continues with the user's answer."""
    look = "RentBike without a Station, in the slot and in the session: ElicitSlot"
    station, talk = city.station(3), Talk(city, bot)
    Talk(city, bot).say(f"is there a bike near {station.also[0]}", look)  # somebody else
    talk.expect("rent one", look, says=says("which"), **ASKS)
    talk.expect(
        station.also[0], look, says=says("confirm", station), type=PLAIN, action="ConfirmIntent"
    )


def test_the_bot_asks_again_for_an_unknown_station(city, bot):
    """If a station is not in the table, both intents ask for another one."""
    look = "a get_item that finds nothing has no Item"
    known = city.station(4)
    for question, sentence in (
        ("is there a bike near", found(known, 4)),
        ("rent a bike at", says("confirm", known)),
    ):
        talk = Talk(city, bot)
        talk.expect(f"{question} {city.station(None).also[0]}", look, says=says("unknown"), **ASKS)
        talk.expect(known.also[0], look, says=sentence)


def test_the_bot_confirms_before_it_rents(city, bot):
    """Renting asks for confirmation. Yes takes one bike, no takes none."""
    look = "confirmationState: None, Confirmed, Denied. A DialogCodeHook comes before the end"
    for word, key, state, taken in (
        ("yes", "rented", "Fulfilled", 1),
        ("no", "declined", "Failed", 0),
    ):
        bikes = fresh.whole(3, 30)
        station, talk = city.station(bikes), Talk(city, bot)
        talk.expect(
            f"rent a bike at {station.also[0]}",
            look,
            says=says("confirm", station),
            type=PLAIN,
            action="ConfirmIntent",
        )
        city.expect_bikes(station, bikes, talk.lines, look)
        talk.expect(word, look, says=says(key, station), type=PLAIN, action="Close", state=state)
        city.expect_bikes(station, bikes - taken, talk.lines, look)


def test_the_bot_rents_only_what_is_there(city, bot):
    """If no bike is left, before the question or after the yes, the bot says so."""
    look = "the number of bikes: before you ask, and again after the yes"
    none = {"action": "Close", "state": "Failed"}
    empty, talk = city.station(0), Talk(city, bot)
    talk.expect(f"rent a bike at {empty.also[0]}", look, says=says("none", empty), **none)
    last, talk = city.station(1), Talk(city, bot)
    talk.expect(f"rent one at {last.also[0]}", look, says=says("confirm", last))
    city.put(last, 0)
    talk.lines.append("(somebody takes the last bike)")
    talk.expect("yes", look, says=says("none", last), **none)
    city.expect_bikes(last, 0, talk.lines, look)


def test_the_last_bike_goes_to_one(city, account, deploy, tmp_path):
    """If somebody takes the last bike between your read and your write, nothing is rented."""
    look = "update_item with a ConditionExpression, and what it raises"
    late = deploy(
        {"Timeout": 30},
        TABLE=city.table,
        SKILL_ID=city.skill_id,
        AWS_ENDPOINT_URL_DYNAMODB=stale_table(account, tmp_path),
    )
    station = city.station(0)
    event = event_of("RentBike", station)
    event["sessionState"]["intent"]["confirmationState"] = "Confirmed"
    asked = [
        f"user: rent one at {station.also[0]}",
        "user: yes (and the function reads that there is one bike)",
        "(somebody takes the last bike)",
    ]
    came, _ = invoke(late, event, look)
    wanted = {"says": says("none", station), "action": "Close", "state": "Failed"}
    expect(came, wanted, asked, look)
    city.expect_bikes(station, 0, asked, look)


def test_the_bot_remembers_the_station(city, bot):
    """'Rent one' means the station mentioned last; the client's session attributes stay."""
    look = "sessionState.sessionAttributes: what you return replaces all that Lex has"
    mine = {fresh.word(): fresh.word()}
    first, second = city.station(2), city.station(fresh.whole(2, 30))
    talk = Talk(city, bot, mine)
    talk.expect(f"is there a bike near {first.also[0]}", look, says=found(first, 2))
    bikes = city.bikes(second)
    came = talk.expect(f"are there bikes at {second.also[0]}", look, says=found(second, bikes))
    kept = {name: came["attributes"].get(name) for name in mine}
    assert kept == mine, failure(
        "The client sent a session attribute with its first utterance. It is lost.",
        talk.lines,
        mine,
        came["attributes"],
        look,
        "talk",
    )
    talk.expect("rent one", look, says=says("confirm", second), action="ConfirmIntent")
    talk.expect("yes", look, says=says("rented", second), action="Close", state="Fulfilled")
    city.expect_bikes(second, bikes - 1, talk.lines, look)
    other = Talk(city, bot)
    other.expect("rent one", "what you keep outside of the session", says=says("which"), **ASKS)


def test_the_bot_helps(city, bot):
    """If the bot does not understand the user, it says help and keeps listening."""
    look = "any other intent: ElicitIntent needs a message, and no intent"
    station, talk = city.station(5), Talk(city, bot)
    talk.expect(f"sing {fresh.word()}", look, says=says("help"), type=PLAIN, action="ElicitIntent")
    talk.expect(f"is there a bike near {station.also[0]}", look, says=found(station, 5))
    came, _ = invoke(city.function, event_of(f"{fresh.word().title()}Bike"), look)
    asked = ["event: an intent that you do not know"]
    expect(came, {"says": says("help"), "action": "ElicitIntent"}, asked, look)


def test_trouble_is_no_stack_trace(city, deploy):
    """If the table cannot be reached, both front ends say sorry, and the log says why."""
    look = "try around the work, except Exception, logging.exception"
    broken = deploy(TABLE=f"no-{fresh.word()}", SKILL_ID=city.skill_id)
    station = city.stations[0]
    asked = [f"user: is there a bike near {station.also[0]}", "(the table does not exist)"]
    came, log = invoke(broken, event_of("FindBike", station), look)
    wanted = {"says": says("sorry"), "action": "Close", "state": "Failed"}
    expect(came, wanted, asked, look)
    session = Session(city, broken)
    session.expect(f"is there a bike near {station.also[0]}", look, says=says("sorry"), open=False)
    for name, written in (("Lex", log), ("Alexa", session.log)):
        assert own_lines(written), failure(
            f"The function said sorry to {name}, and its log does not say why.",
            asked,
            "the error in the log",
            "an empty log",
            look,
            "talk",
        )


def test_new_keys_do_no_harm(city):
    """Lex and Alexa may add keys to their events; the answers stay the same."""
    look = "how you read an event: take what you need, and leave the rest"
    station = city.station(6)
    more = {fresh.word(): {fresh.word(): 1}}
    event = event_of("FindBike", station, **more)
    event["bot"] |= more
    came, _ = invoke(city.function, event, look)
    expect(came, {"says": found(station, 6), "action": "Close"}, [f"event with {more}"], look)
    Session(city, **more).expect(
        f"is there a bike near {station.also[0]}", look, says=found(station, 6), open=True
    )


@pytest.mark.extra
def test_speech_is_answered_with_ssml(city):
    """A user who speaks to the bot gets SSML, with the station's name escaped."""
    look = "inputMode, and xml.sax.saxutils.escape"
    station = city.station(7)
    name = station.name.replace("&", "&amp;")
    came, _ = invoke(city.function, event_of("FindBike", station, inputMode="Speech"), look)
    sentence = f"<speak>{found(station, 7).replace(station.name, name)}</speak>"
    expect(came, {"says": sentence, "type": "SSML"}, ["event: inputMode is Speech"], look)
    came, _ = invoke(city.function, event_of("FindBike", station, inputMode="DTMF"), look)
    wanted = {"says": found(station, 7), "type": "PlainText"}
    expect(came, wanted, ["event: inputMode is DTMF"], look)
