"""Grades stage 10 from outside: an Alexa skill, with requests as Alexa sends them."""

from __future__ import annotations

import pytest

from workshop.chat import skill_of
from workshop.cloud.triggers.chat.alexa import Device
from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, found, says
from .skill import Session

STAYS = {"open": True, "reprompt": True}
ASKS = {"asks": "Dialog.ElicitSlot", "slot": "Station", **STAYS}
CONFIRMS = {"asks": "Dialog.ConfirmIntent", **STAYS}
ENDS = {"open": False}
TO_OPEN = "shouldEndSession: False and a reprompt while the skill waits for the user"


@pytest.fixture(scope="module")
def city(account, deploy):
    """The stations of the checks, and the learner's function."""
    return City.made(account, deploy)


def test_alexa_welcomes_and_helps(city):
    """Opening the skill says welcome; help, or an utterance that fits no intent, says help."""
    session = Session(city)
    session.open(TO_OPEN, says=says("welcome"), speech="SSML", **STAYS)
    session.expect("help", TO_OPEN, says=says("help"), **STAYS)
    session.expect(f"sing {fresh.word()}", TO_OPEN, says=says("help"), **STAYS)


def test_alexa_says_goodbye(city):
    """Stop and cancel say goodbye and end the session."""
    for word in ("stop", "cancel"):
        session = Session(city)
        session.open(TO_OPEN, says=says("welcome"))
        session.expect(word, "the built-in intents' names", says=says("goodbye"), **ENDS)


def test_alexa_finds_bikes(city):
    """The skill says how many bikes a station has, shows it on a card, and keeps listening."""
    look = "the id of the slot's resolution; escape() for SSML, and not for the card"
    for bikes in (fresh.whole(2, 30), 0, 1):
        station, session = city.station(bikes), Session(city)
        session.expect(
            f"is there a bike near {fresh.one_of(station.also)}",
            look,
            says=found(station, bikes),
            speech="SSML",
            card=["Simple", found(station, bikes)],
            **STAYS,
        )


def test_alexa_asks_which_station(city):
    """Without a station, both intents ask for one, and continue with the user's answer."""
    look = "a slot that nobody filled has no value; the directive Dialog.ElicitSlot"
    station = city.station(3)
    for question, sentence in (
        ("find a bike", found(station, 3)),
        ("rent one", says("confirm", station)),
    ):
        session = Session(city)
        session.expect(question, look, says=says("which"), **ASKS)
        session.expect(station.also[0], look, says=sentence, **STAYS)


def test_alexa_asks_again_for_an_unknown_station(city):
    """If words match no station, or the station is not in the table, both intents ask again."""
    look = "the resolution's status code: ER_SUCCESS_MATCH or ER_SUCCESS_NO_MATCH"
    station = city.station(9)
    # A station's own words, but not for Alexa: what was said is no id
    for words in (fresh.word(), city.station(None).also[0]):
        session = Session(city)
        session.expect(f"is there a bike near {words}", look, says=says("unknown"), **ASKS)
        session.expect(station.also[1], look, says=found(station, 9))
        session.expect(f"rent a bike at {words}", look, says=says("unknown"), **ASKS)


def test_alexa_confirms_before_it_rents(city):
    """Renting asks for confirmation. Yes takes one bike, no takes none; both end the session."""
    look = "confirmationStatus: NONE, CONFIRMED, DENIED; the directive Dialog.ConfirmIntent"
    for word, key, taken in (("yes", "rented", 1), ("no", "declined", 0)):
        bikes = fresh.whole(3, 30)
        station, session = city.station(bikes), Session(city)
        rent = f"rent a bike at {station.also[0]}"
        session.expect(rent, look, says=says("confirm", station), **CONFIRMS)
        city.expect_bikes(station, bikes, session.lines, look)
        session.expect(word, look, says=says(key, station), **ENDS)
        city.expect_bikes(station, bikes - taken, session.lines, look)
    empty = city.station(0)
    Session(city).expect(f"rent one at {empty.also[0]}", look, says=says("none", empty), **STAYS)


def test_alexa_remembers_the_station(city):
    """'Rent one' means the station mentioned last; the session's other attributes stay."""
    look = "sessionAttributes: Alexa forgets what you do not return"
    mine = {fresh.word(): fresh.word()}
    station, session = city.station(4), Session(city)
    session.open(look, says=says("welcome"))
    session.device.attributes |= mine
    session.expect("help", look, says=says("help"), attributes=mine)
    session.expect(f"is there a bike near {station.also[0]}", look, says=found(station, 4))
    session.expect("rent one", look, says=says("confirm", station), **CONFIRMS)
    session.expect("yes", look, says=says("rented", station), **ENDS)
    city.expect_bikes(station, 3, session.lines, look)


def test_the_end_of_a_session_is_not_answered(city):
    """When Alexa reports the end of a session, the skill says nothing and does not raise."""
    look = "the request's type SessionEndedRequest: return {}"
    session = Session(city)
    session.open(look, says=says("welcome"))
    heard = session.device.stay_silent()
    assert heard.problem is None, failure(
        f"Alexa said that the session has ended. {heard.problem}.",
        heard.event["request"],
        {},
        heard.answer,
        look,
        "request",
        session.log,
    )


def test_another_skill_is_refused(city):
    """A request for another skill raises an error."""
    look = "session.application.applicationId, and the environment variable SKILL_ID"
    other = f"{city.skill_id[:-4]}{fresh.digits(4)}x"
    results = []

    def send(event):
        results.append(city.function.invoke(event))
        return results[-1].value

    Device(skill_of(city.stations), other, send).open()
    assert results[0].error is not None, failure(
        "A request came for another skill. It must raise an error.",
        {"applicationId": other},
        "an error",
        results[0].value,
        look,
        "request",
        results[0].log,
    )
