"""Grades stage 02, from outside: makes a partner and its key, sends rides, reads the log."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from functools import partial

import pytest
from stage_02_partner import NEW_CENTS, OLD_CENTS, STORED_CENTS, Partner

from workshop.grading.function import Function, Result
from workshop.grading.words import failure

# Other values than those of function.json, so that a tariff in the code is seen.
TARIFF = {
    "member": {"unlock": 30, "per_minute": 7},
    "casual": {"unlock": 250, "per_minute": 31},
}
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
TIMEOUT_S, RESERVE_MS = 30, 29_400  # for the check of the time; the card SLOW takes 0.8 s
SHORT = {"Timeout": 6}  # seconds, for the other checks: who asks for ever is not waited for


@dataclass(frozen=True)
class Story:
    """What the learner's function answered while the key was rotated, step by step."""

    first: Result  # the old key is in Parameter Store
    kept: list[Result]  # the new one is, and the partner still takes both
    refused: Result  # the partner refuses the old key
    after: Result  # it takes both again
    closed: Result  # it refuses every key

    @property
    def all(self) -> list[Result]:
        """Every step."""
        return [self.first, *self.kept, self.refused, self.after, self.closed]


@pytest.fixture(scope="module")
def partner(account, tmp_path_factory):
    """The partner, with the old key in Parameter Store."""
    folder = tmp_path_factory.mktemp("stage_02") / "partner"
    folder.mkdir()
    return Partner.made(account, folder)


def variables(partner, **changes):
    """The environment variables with which the learner's function runs here."""
    return {
        "PARTNER_FUNCTION": partner.function,
        "PARTNER_KEY_PARAMETER": partner.parameter,
        "TARIFF": json.dumps(TARIFF),
        "RESERVE_MS": "1000",
        **changes,
    }


@pytest.fixture(scope="module")
def function(deploy, partner):
    """The learner's function, with the partner of these checks."""
    return deploy(SHORT, **variables(partner))


@pytest.fixture(scope="module")
def story(function, partner) -> Story:
    """Rotates the key and asks the function before, while and after."""
    partner.store(partner.old)
    first = function.invoke(by_key("BY-KEY"))
    assert discount_of(first) != STORED_CENTS, failure(
        "The partner got the stored text, not the key.",
        by_key("BY-KEY"),
        "the key, decrypted",
        "what Parameter Store keeps, encrypted",
        "get_parameter(Name=..., WithDecryption=True)",
    )
    partner.store(partner.new)
    kept = []
    while len(kept) < 3 and OLD_CENTS not in [discount_of(each) for each in kept]:
        kept.append(function.invoke(by_key("BY-KEY")))  # once more: an environment may be new
    return Story(
        first=first,
        kept=kept,
        refused=function.invoke(by_key("ROTATED")),
        after=function.invoke(by_key("BY-KEY")),
        closed=function.invoke(by_key("CLOSED")),
    )


@pytest.fixture(scope="module")
def hurried(deploy, partner) -> tuple[Function, Result]:
    """A function whose time is up after the first of the rides in HURRIED, and its answer."""
    hurry = variables(partner, RESERVE_MS=str(RESERVE_MS))
    function = deploy({"Timeout": TIMEOUT_S}, **hurry)
    # Now the environment is there, and the time counts the rides only.
    answer(function, rides(("member", 5, "NONE")))
    return function, answer(function, HURRIED)


@pytest.fixture(scope="module")
def settings(account, deploy):
    """The function as function.json alone makes it."""
    found = account.client("lambda").get_function_configuration(FunctionName=deploy().name)
    found["Environment"] = found.get("Environment", {}).get("Variables", {})
    return found


def rides(*rows):
    """An event: a ride for each (rider, minutes, card), under names that are not sorted."""
    names = ("Q-7", "Q-3", "Q-9", "Q-1")
    return {
        "rides": [
            {"id": name, "rider": rider, "minutes": minutes, "card": card}
            for name, (rider, minutes, card) in zip(names, rows, strict=False)
        ]
    }


HURRIED = rides(("member", 5, "SLOW"), ("member", 5, "NONE"), ("casual", 5, "NONE"))


def by_key(card):
    """Two rides that differ in the card only: one gets no discount, one that of `card`."""
    return rides(("casual", 10, "NONE"), ("casual", 10, card))


def cents(result):
    """The cents of each quote, in order, or None if the answer has another shape."""
    quotes = result.value.get("quotes") if isinstance(result.value, dict) else None
    with contextlib.suppress(TypeError, KeyError):
        return [quote["cents"] for quote in quotes]
    return None


def discount_of(result):
    """What the second of two rides costs less than the first, or None."""
    found = cents(result)
    numbers = found is not None and len(found) == 2 and all(isinstance(c, int) for c in found)
    return found[0] - found[1] if numbers else None


def came_of(result):
    """A result, short, for a message."""
    if result.error is None:
        return result.value
    return {key: result.error.get(key) for key in ("errorType", "errorMessage")}


def said(error):
    """An error's type and message, in one line."""
    return f"{error.get('errorType')}: {error.get('errorMessage')}"[:300]


def where(result):
    """Where an error came from, in a line or two."""
    if "ParameterNotFound" in said(result.error) or "ResourceNotFound" in said(result.error):
        return "the names: the checks deploy with other ones, so read them from the environment"
    frames = [" ".join(str(frame).split()) for frame in result.error.get("stackTrace") or []]
    own = [frame for frame in frames if "handler.py" in frame]
    return own[-1] if own else f"the log, whose last lines are:\n{result.log[-400:]}"


def answer(function, event):
    """The function's answer; fails if it is none of the form that the contract describes."""
    result = function.invoke(event)
    assert result.error is None, failure(
        f"A request that is right ended in an error: {said(result.error)}",
        event,
        "an answer",
        "an error",
        where(result),
    )
    assert cents(result) is not None, failure(
        "The answer is not the object that the contract describes.",
        event,
        "an object with quotes (each with id and cents), complete and left_over",
        result.value,
        "the `return` of your handler",
    )
    return result


def test_answers_with_the_three_keys(function):
    """The answer has exactly its three keys, and the quotes stand in the order of the rides."""
    event = rides(("casual", 9, "NONE"), ("member", 1, "NONE"), ("casual", 2, "NONE"))
    came = answer(function, event).value
    look = "the `return` of your handler: nothing that you put there to find a fault may stay"
    keys = ["complete", "left_over", "quotes"]
    assert sorted(came) == keys, failure("The keys differ.", event, keys, sorted(came), look)
    wanted = {"ids": ["Q-7", "Q-3", "Q-9"], "complete": True, "left_over": []}
    found = {"ids": [quote.get("id") for quote in came["quotes"]]}
    found |= {"complete": came["complete"], "left_over": came["left_over"]}
    look = "how you collect the quotes: one for each ride, in the order of the event"
    assert found == wanted, failure(
        "The quotes are not those asked for.", event, wanted, found, look
    )


def test_prices_by_the_tariff_of_the_environment(function):
    """The tariff is the one that the environment variable TARIFF holds."""
    event = rides(("member", 20, "NONE"), ("casual", 20, "NONE"), ("member", 0, "NONE"))
    came, wanted = cents(answer(function, event)), [170, 870, 30]
    assert came == wanted, failure(
        f"The fares are not those of this TARIFF: {json.dumps(TARIFF)}",
        event,
        wanted,
        came,
        'json.loads(os.environ["TARIFF"]): the numbers belong in function.json, not in the code',
    )


def test_takes_the_partners_discount_off(function):
    """The partner's discount comes off, and no fare falls below 0."""
    event = rides(("casual", 10, "NONE"), ("casual", 10, "FORTY"), ("casual", 10, "LARGE"))
    came = [each if isinstance(each, int) else 0 for each in cents(answer(function, event))]
    found = {
        "discount": came[0] - came[1] if len(came) == 3 else None,
        "lowest": came[2] if len(came) == 3 else None,
    }
    wanted = {"discount": 40, "lowest": 0}
    assert found == wanted, failure(
        "The partner gave 0, then 40, then 1,000,000 cents off.",
        event,
        wanted,
        found,
        "discount_cents in the partner's answer, and max(0, ...)",
    )


def test_shows_the_partner_the_decrypted_key(story):
    """The partner gets the key from Parameter Store, decrypted."""
    came = discount_of(story.first)
    assert came == OLD_CENTS, failure(
        "The partner was not shown the key that is in Parameter Store.",
        by_key("BY-KEY"),
        f"the second fare is {OLD_CENTS} cents lower: the discount for this key",
        came_of(story.first),
        "get_parameter(Name=..., WithDecryption=True), and what you send to the partner",
    )


def test_keeps_the_key_between_invocations(story):
    """An environment fetches the key once, not at every request."""
    came = [discount_of(each) for each in story.kept]
    assert OLD_CENTS in came, failure(
        "The key in Parameter Store changed, and the next request used the new one at once, "
        "though the partner took the old one, too.",
        by_key("BY-KEY"),
        f"a discount of {OLD_CENTS} cents: that of the key that was fetched before",
        came,
        "where you keep the key: in a module variable, which outlives the invocation",
    )


def test_fetches_the_key_again_when_it_is_refused(story):
    """A key that the partner refuses is fetched again, and the ride is tried once more."""
    came = discount_of(story.refused)
    assert came == NEW_CENTS, failure(
        "The key was rotated: the partner refused the old one, and the new one was there.",
        by_key("ROTATED"),
        f"a discount of {NEW_CENTS} cents: that of the new key",
        came_of(story.refused),
        'what you do with {"ok": false}: fetch the key again, and ask the partner once more',
    )


def test_goes_on_with_the_new_key(story):
    """The new key takes the place of the old one."""
    came = discount_of(story.after)
    assert came == NEW_CENTS, failure(
        "After the old key was refused, the next request did not use the new one.",
        by_key("BY-KEY"),
        f"a discount of {NEW_CENTS} cents: that of the new key",
        came_of(story.after),
        "whether the key that you fetched again is also kept",
    )


def test_gives_up_when_the_new_key_is_refused_too(story):
    """A second refusal is an error that says so; it is not tried for ever."""
    look = "what follows the second refusal: raise an error with the word refused in its message"
    error = story.closed.error
    assert error is not None, failure(
        "The partner refused the fresh key as well, and the request did not fail.",
        by_key("CLOSED"),
        "an error",
        story.closed.value,
        look,
    )
    message = str(error.get("errorMessage", ""))
    assert "timed out" not in message, failure(
        "The partner refused the fresh key as well, and the request went on until the timeout.",
        by_key("CLOSED"),
        "the partner is asked twice at most; then an error with the word refused",
        message,
        look,
    )
    assert "refused" in message, failure(
        "The partner refused the fresh key as well, and the error does not say so.",
        by_key("CLOSED"),
        'a message with "refused" in it',
        message,
        look,
    )


def test_answers_what_it_has_before_the_time_is_up(hurried):
    """With less than RESERVE_MS left no further ride is begun, and the answer says what is open."""
    came = hurried[1].value
    found = {
        "quoted": [quote.get("id") for quote in came["quotes"]],
        "complete": came.get("complete"),
        "left_over": came.get("left_over"),
    }
    wanted = {"quoted": ["Q-7"], "complete": False, "left_over": ["Q-3", "Q-9"]}
    assert found == wanted, failure(
        f"Timeout is {TIMEOUT_S} s and RESERVE_MS is {RESERVE_MS}, and for the first ride the "
        "partner took 0.8 s. So there was no time for the others.",
        HURRIED,
        wanted,
        found,
        "context.get_remaining_time_in_millis(): ask it before each ride, not once",
    )


def test_names_the_tariff_that_is_broken(deploy, partner):
    """A TARIFF that is not JSON is an error that names TARIFF, never another tariff."""
    event = rides(("member", 20, "NONE"))
    result = deploy(**variables(partner, TARIFF="{member: free}")).invoke(event)
    look = "where you read the variable: let a broken one stop the function, and name it"
    what = "TARIFF held {member: free}, which is not JSON"
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


def test_logs_one_record_a_request(account, function, story, hurried):
    """Each request that is answered leaves one record "quoted" at INFO, with its three fields."""
    event = rides(("member", 5, "NONE"), ("casual", 5, "NONE"))
    answered = [(event, function, answer(function, event)), (HURRIED, *hurried)]
    for asked, of, result in answered:
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
    came = quoted(account, function, story.closed.request_id) if story.closed.error else []
    assert not came, failure(
        'A request that ended in an error left a record "quoted", though nobody got an answer.',
        by_key("CLOSED"),
        [],
        came,
        "where you write the record: after the last ride, and in no `finally`",
    )


def test_tells_no_log_the_key(account, function, partner, story):
    """No log line, no answer and no error holds a key."""
    assert discount_of(story.first) is not None, failure(
        "The function gave no quotes, so it had no key that it could have told.",
        by_key("BY-KEY"),
        "two quotes",
        came_of(story.first),
        "the checks above: complete those first",
    )
    account.settle()
    told = [*account.log_of(function), *(json.dumps(came_of(each)) for each in story.all)]
    leaks = [text for text in told if partner.old in text or partner.new in text]
    assert not leaks, failure(
        "The partner's key is in the log or in an answer, for everybody who may read those.",
        by_key("BY-KEY"),
        "no key anywhere (what came shows THE-KEY in its place)",
        around_the_key(partner.hide(leaks[0])) if leaks else None,
        "what you log and what you put into the messages of errors",
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
        "function.json: it holds the arguments of create_function, and the defaults are for toys",
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


def quoted(account, function, request_id):
    """The records "quoted" of one request."""
    found = [parsed(message) for message in account.log_of(function)]
    return [
        each
        for each in found
        if each.get("requestId") == request_id and each.get("message") == "quoted"
    ]


def parsed(message):
    """A log message as an object; an empty one if it is not a JSON object."""
    with contextlib.suppress(ValueError):
        found = json.loads(message)
        return found if isinstance(found, dict) else {}
    return {}


def around_the_key(text):
    """The text around the hidden key, so short that a message shows it whole."""
    at = text.index("THE-KEY")
    return text[max(0, at - 35) : at + 35]
