"""Grades stage 02, from outside: makes a partner and its key, sends rides, reads the log."""

from __future__ import annotations

import json
from functools import partial

import pytest

from workshop.grading import fresh
from workshop.grading.function import Function
from workshop.grading.words import ended_in_error, failure

from .partner import Partner
from .story import Step, Story, answer, cents, parsed, quoted, told

PUBLISHED = {
    "member": {"unlock": 0, "per_minute": 10},
    "casual": {"unlock": 100, "per_minute": 20},
}
VARIABLES = {
    "PARTNER_FUNCTION": "transit-partner",
    "PARTNER_KEY_PARAMETER": "/bikeshare/partner-key",
    "RESERVE_MS": "2500",
    "TARIFF": json.dumps(PUBLISHED),
}
TIMEOUT_S, RESERVE_MS = 30, 29_400  # for the check of the time; the card "slow" takes 0.8 s
SHORT = {
    "Timeout": 6
}  # seconds, for the other checks: a function that never stops asking is not waited for


@pytest.fixture(scope="module")
def tariff():
    """Other values than those of function.json, so that a tariff in the code is seen.

    Eight minutes of a casual rider's cost more than any discount but the large one.
    """
    return {
        "member": {"unlock": fresh.whole(21, 80), "per_minute": fresh.whole(11, 19)},
        "casual": {"unlock": fresh.whole(150, 350), "per_minute": fresh.whole(21, 59)},
    }


@pytest.fixture(scope="module")
def partner(account, tmp_path_factory):
    """The partner, with the old key in Parameter Store."""
    folder = tmp_path_factory.mktemp("stage_02") / "partner"
    folder.mkdir()
    return Partner.made(account, folder)


@pytest.fixture(scope="module")
def variables(partner, tariff):
    """The environment variables with which the learner's function runs here."""
    return {
        "PARTNER_FUNCTION": partner.function.name,
        "PARTNER_KEY_PARAMETER": partner.parameter,
        "TARIFF": json.dumps(tariff),
        "RESERVE_MS": "1000",
    }


@pytest.fixture(scope="module")
def function(deploy, variables):
    """The learner's function, with the partner of these checks."""
    return deploy(SHORT, **variables)


@pytest.fixture(scope="module")
def story(function, partner) -> Story:
    """What the function answered while the key was rotated."""
    return told(function, partner)


@pytest.fixture(scope="module")
def hurried(deploy, partner, variables) -> tuple[Function, Step]:
    """A function whose time is up after the first of three rides, and its answer."""
    function = deploy({"Timeout": TIMEOUT_S}, **{**variables, "RESERVE_MS": str(RESERVE_MS)})
    # Now the environment is there, and the time counts the rides only.
    answer(function, partner.rides(("member", 5, "none")))
    event = partner.rides(("member", 5, "slow"), ("member", 5, "none"), ("casual", 5, "none"))
    return function, Step(event, answer(function, event))


@pytest.fixture(scope="module")
def out_of_time(deploy, partner, variables) -> Step:
    """What a function answers that has less time than RESERVE_MS from the start."""
    reserve = str(1000 * SHORT["Timeout"] + 1)
    function = deploy(SHORT, **{**variables, "RESERVE_MS": reserve})
    event = partner.rides(("member", 5, "none"), ("casual", 5, "none"))
    return Step(event, answer(function, event))


@pytest.fixture(scope="module")
def settings(account, deploy):
    """The function as function.json alone makes it."""
    found = account.client("lambda").get_function_configuration(FunctionName=deploy().name)
    found["Environment"] = found.get("Environment", {}).get("Variables", {})
    return found


def ids(event):
    """The names of the rides, in order."""
    return [ride["id"] for ride in event["rides"]]


def expect_discount(step, place, wanted, whose, what, look):
    """Fails unless a ride of a step, the first one excluded, has the discount that is wanted."""
    error, log = step.result.error, step.result.log
    assert error is None, ended_in_error(what, step.event, error, log, look)
    came = step.discounts[place] if step.discounts else None
    ride = step.event["rides"][place + 1]["id"]
    assert came == wanted, failure(
        what,
        step.event,
        f"{ride} costs {wanted} cents less than the first ride: the discount for {whose}",
        f"{ride} costs {came} cents less" if came is not None else step.came,
        look,
        log=log,
    )


def test_answers_with_the_three_keys(function, partner):
    """The answer has exactly the three keys, and the quotes are in the order of the rides."""
    event = partner.rides(("casual", 9, "none"), ("member", 1, "none"), ("casual", 2, "none"))
    came = answer(function, event).value
    look = "the `return` of your handler: take out what you added for debugging"
    keys = ["complete", "left_over", "quotes"]
    assert sorted(came) == keys, failure("The keys differ.", event, keys, sorted(came), look)
    wanted = {"ids": ids(event), "complete": True, "left_over": []}
    found = {"ids": [quote.get("id") for quote in came["quotes"]]}
    found |= {"complete": came["complete"], "left_over": came["left_over"]}
    look = "how you collect the quotes: one for each ride, in the order of the event"
    assert found == wanted, failure(
        "The quotes are not those asked for.", event, wanted, found, look
    )
    keys, found = ["cents", "id"], sorted({key for quote in came["quotes"] for key in quote})
    assert found == keys, failure("The keys of a quote differ.", event, keys, found, look)


def test_prices_by_the_tariff_of_the_environment(function, partner, tariff):
    """The tariff is the one that the environment variable TARIFF holds."""
    rows = [("member", fresh.whole(2, 90)), ("casual", fresh.whole(2, 90)), ("member", 0)]
    event = partner.rides(*[(rider, minutes, "none") for rider, minutes in rows])
    came = cents(answer(function, event))
    wanted = [
        tariff[rider]["unlock"] + minutes * tariff[rider]["per_minute"] for rider, minutes in rows
    ]
    assert came == wanted, failure(
        f"The fares are not those of this TARIFF: {json.dumps(tariff)}",
        event,
        wanted,
        came,
        'json.loads(os.environ["TARIFF"]): the numbers belong in function.json, not in the code',
    )


def test_takes_the_partners_discount_off(function, partner):
    """The partner's discount comes off, and no fare falls below 0."""
    event = partner.by_key("fixed", "large")
    came = [each if isinstance(each, int) else 0 for each in cents(answer(function, event))]
    found = {
        "discount": came[0] - came[1] if len(came) == 3 else None,
        "lowest": came[2] if len(came) == 3 else None,
    }
    fixed, large = partner.cents["fixed"], partner.cents["large"]
    wanted = {"discount": fixed, "lowest": 0}
    assert found == wanted, failure(
        f"The partner gave 0, then {fixed}, then {large:,} cents off.",
        event,
        wanted,
        found,
        "discount_cents in the partner's answer, and max(0, ...)",
    )


def test_shows_the_partner_the_decrypted_key(story, partner):
    """The partner gets the key from Parameter Store, decrypted."""
    expect_discount(
        story.first,
        0,
        partner.cents["old"],
        "this key",
        "The partner was not shown the key that is in Parameter Store.",
        "get_parameter(Name=..., WithDecryption=True), and what you send to the partner",
    )


def test_keeps_the_key_between_invocations(story, partner):
    """An environment fetches the key once, not at every request."""
    look = "where you keep the key: in a module variable, which outlives the invocation"
    old, came = partner.cents["old"], [each.discount for each in story.kept]
    assert old in came, failure(
        "The key in Parameter Store changed, and the next request used the new one at once, "
        "although the partner still accepted the old one.",
        story.kept[0].event,
        f"a discount of {old} cents: that of the key that was fetched before",
        came,
        look,
    )
    came = story.still.discount
    assert came != partner.cents["last"], failure(
        "A key had been refused and fetched again. Then Parameter Store changed once more, and the "
        "next request used that key at once, though the partner still took the one before.",
        story.still.event,
        f"a discount of {partner.cents['new']} cents: that of the key that was fetched before",
        came,
        f"{look}, also when it was fetched again",
    )


@pytest.mark.extra
def test_fetches_the_key_again_when_it_is_refused(story, partner):
    """A key that the partner refuses is fetched again, and the ride is tried once more."""
    look = 'what you do with {"ok": false}: fetch the key again, and ask the partner once more'
    for step, name, what in (
        (story.refused, "new", "The key was rotated"),
        (story.again, "last", "The key was rotated a second time"),
    ):
        refused = f"{what}: the partner refused the old one, and Parameter Store had the new one."
        expect_discount(step, 0, partner.cents[name], "the new key", refused, look)


@pytest.mark.extra
def test_goes_on_with_the_new_key(story, partner):
    """The new key replaces the old one, from the next ride on."""
    for step, place, which in (
        (story.refused, 1, "the next ride of the same request"),
        (story.after, 0, "the next request"),
    ):
        expect_discount(
            step,
            place,
            partner.cents["new"],
            "the new key",
            f"The partner had refused the old key, and {which} did not use the new one.",
            "whether you also keep the key that you fetched again; and whether you ask the partner "
            "for each ride, also about a card that it has answered before",
        )


@pytest.mark.extra
def test_gives_up_when_the_new_key_is_refused_too(account, story, partner):
    """A second refusal raises an error that says so: the partner is not asked again and again."""
    look = "what follows the second refusal: raise an error with the word refused in its message"
    event, error = story.closed.event, story.closed.result.error
    assert error is not None, failure(
        "The partner refused the fresh key as well, and the request did not fail.",
        event,
        "an error",
        story.closed.came,
        look,
    )
    message = str(error.get("errorMessage", ""))
    assert "timed out" not in message, failure(
        "The partner refused the fresh key as well, and the request ran until the timeout.",
        event,
        "the partner is asked twice at most; then an error with the word refused",
        message,
        look,
    )
    assert "refused" in message, failure(
        "The partner refused the fresh key as well, and the error does not say so.",
        event,
        'a message with "refused" in it',
        message,
        look,
    )
    account.settle()
    asked = {kind: partner.times_asked(account, kind) for kind in ("early", "closed")}
    assert asked["early"] <= 1 and asked["closed"] <= 2, failure(
        "The partner refused the key for the second ride, and was asked too often.",
        event,
        {"about the first ride": 1, "about the second": 2},
        {"about the first ride": asked["early"], "about the second": asked["closed"]},
        "what you try again: that ride, once, and not the whole request",
    )


def test_answers_what_it_has_before_the_time_is_up(hurried, out_of_time):
    """With less than RESERVE_MS left, no further ride begins, and the answer names the rest."""
    for step, quoted_rides, what in (
        (
            hurried[1],
            1,
            f"Timeout is {TIMEOUT_S} s and RESERVE_MS is {RESERVE_MS}, and for the first ride the "
            "partner took 0.8 s. So there was no time for the others.",
        ),
        (
            out_of_time,
            0,
            "RESERVE_MS is longer than the timeout, so there was no time for any ride.",
        ),
    ):
        came, names = step.result.value, ids(step.event)
        found = {
            "quoted": [quote.get("id") for quote in came["quotes"]],
            "complete": came.get("complete"),
            "left_over": came.get("left_over"),
        }
        wanted = {
            "quoted": names[:quoted_rides],
            "complete": False,
            "left_over": names[quoted_rides:],
        }
        assert found == wanted, failure(
            what,
            step.event,
            wanted,
            found,
            "context.get_remaining_time_in_millis(): ask it before each ride, the first included",
            log=step.result.log,
        )


def test_names_the_tariff_that_is_broken(deploy, partner, variables):
    """A TARIFF that is not JSON causes an error that names TARIFF, and no other tariff is used."""
    event, broken = partner.rides(("member", fresh.whole(2, 90), "none")), f"{{{fresh.word()}: 1}}"
    # There is no time for any ride, so who reads the tariff with the first ride never does.
    reserve = str(1_000_000)
    function = deploy(SHORT, **{**variables, "TARIFF": broken, "RESERVE_MS": reserve})
    result = function.invoke(event)
    look = "where you read the variable: let a broken one stop the function, and name it"
    what = f"TARIFF held {broken}, which is not JSON"
    assert result.error is not None, failure(
        f"{what}, and the function answered all the same.", event, "an error", result.value, look
    )
    message = str(result.error.get("errorMessage", ""))
    assert "TARIFF" in message, failure(
        f"{what}, and the error does not say which variable is wrong.",
        event,
        "a message with TARIFF in it",
        message,
        look,
    )


def test_logs_one_record_a_request(account, function, partner, story, hurried):
    """Every answered request leaves one record "quoted" at INFO, with its three fields."""
    event = partner.rides(("member", 5, "none"), ("casual", 5, "none"))
    answered = [(function, Step(event, answer(function, event))), hurried]
    for of, step in answered:
        asked, result = step.event, step.result
        wanted = {
            "level": "INFO",
            "rides": len(asked["rides"]),
            "quoted": len(result.value["quotes"]),
            "complete": result.value.get("complete"),
        }
        records = account.eventually(partial(quoted, account, of, result.request_id))
        came = [{key: each.get(key) for key in wanted} for each in records]
        assert came == [wanted], failure(
            'The log does not hold one record "quoted" of this request.',
            asked,
            [wanted],
            came,
            'logger.info("quoted", extra={...}) once a request, and LoggingConfig in function.json',
        )
    closed = story.closed.result
    came = quoted(account, function, closed.request_id) if closed.error else []
    assert not came, failure(
        'A request that ended in an error left a record "quoted", although nobody got an answer.',
        story.closed.event,
        [],
        came,
        "where you write the record: after the last ride, and in no `finally`",
    )


def test_tells_no_log_the_key(account, function, partner, story):
    """No log line, no answer and no error contains a key."""
    assert story.first.discount is not None, failure(
        "The function gave no quotes, so it cannot have revealed a key.",
        story.first.event,
        "two quotes",
        story.first.came,
        "the checks above: complete those first",
    )
    account.settle()
    texts = [*account.log_of(function), *(json.dumps(each.came) for each in story.all)]
    leaks = [text for text in texts if partner.told(text)]
    assert not leaks, failure(
        "The partner's key is in the log or in an answer, where anyone who may read those sees it.",
        story.first.event,
        "no key anywhere (below, THE-KEY stands for it)",
        around_the_key(partner.hide(leaks[0])) if leaks else None,
        "what you log, and what you put into error messages",
    )


def test_timeout_memory_and_logging_fit(settings):
    """Timeout and MemorySize are in their ranges, and the log is JSON at level INFO."""
    logging = settings.get("LoggingConfig", {})
    came = {
        "Timeout": settings.get("Timeout"),
        "MemorySize": settings.get("MemorySize"),
        "LogFormat": logging.get("LogFormat"),
        "ApplicationLogLevel": logging.get("ApplicationLogLevel", "INFO"),
    }
    fits = {
        "Timeout": 10 <= came["Timeout"] <= 20,
        "MemorySize": 256 <= came["MemorySize"] <= 1024,
        "LogFormat": came["LogFormat"] == "JSON",
        "ApplicationLogLevel": came["ApplicationLogLevel"] == "INFO",
    }
    wrong = [name for name, fit in fits.items() if not fit]
    assert not wrong, failure(
        f"These settings do not fit the work: {', '.join(wrong)}.",
        "function.json",
        {"Timeout": "10 to 20", "MemorySize": "256 to 1024", "LogFormat": "JSON"},
        came,
        "function.json: it holds arguments of create_function; AWS has defaults for the others",
        given="settings",
    )


def test_variables_are_the_four_and_no_secret(settings):
    """function.json sets the four variables of the contract, and nothing else."""
    came, look = settings["Environment"], 'function.json: {"Environment": {"Variables": {...}}}'
    assert sorted(came) == sorted(VARIABLES), failure(
        "The environment variables of function.json are not those of the contract.",
        "function.json",
        sorted(VARIABLES),
        sorted(came),
        f"{look}, and no secret among them",
        given="settings",
    )
    if parsed(came["TARIFF"]) == PUBLISHED:
        came = {**came, "TARIFF": VARIABLES["TARIFF"]}  # however it is written
    wrong = [name for name in VARIABLES if came[name] != VARIABLES[name]]
    assert not wrong, failure(
        f"The value in function.json is not that of the contract: {', '.join(wrong)}.",
        "function.json",
        {name: VARIABLES[name] for name in wrong},
        {name: came[name] for name in wrong},
        f'{look}; JSON in a string has its quotes written as \\"',
        given="settings",
    )


def around_the_key(text):
    """The text around the hidden key, so short that a message shows it whole."""
    at = text.index("THE-KEY")
    return text[max(0, at - 35) : at + 35]
