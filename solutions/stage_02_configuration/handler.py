"""Stage 02: fare quotes. The settings come from outside, and the key is a secret.

The event, one to eight rides that are planned (it is always as shown; you need not check it):

    {"rides": [{"id": "Q-1",          its name
                "rider": "member",    or "casual"
                "minutes": 20,        a whole number
                "card": "C-77"},      the rider's card of the transit company
               ...]}

The result, exactly these three keys, and two in each quote:

    {"quotes": [{"id": "Q-1", "cents": 150}, ...],   in the order of the event
     "complete": true,                               false if there was no time for every ride
     "left_over": []}                                the ids for which there was none, in order

A quote: unlock + minutes x per_minute, less the partner's discount, but never below 0.

The environment variables, and their values in function.json. No other variable, and no secret:

    TARIFF                  {"member": {"unlock": 0, "per_minute": 10},
                             "casual": {"unlock": 100, "per_minute": 20}}   as JSON, in cents
    PARTNER_FUNCTION        transit-partner         the partner: a Lambda function that you invoke
    PARTNER_KEY_PARAMETER   /bikeshare/partner-key  a SecureString in SSM Parameter Store: the key
    RESERVE_MS              2500                    what has to be left when a ride is begun: enough
                                                    to ask twice, and to fetch the key between

Each value is a string. The checks deploy with other values, so read them from the environment,
and take no name from here. If TARIFF is not JSON, every invocation fails, with an error
whose message names TARIFF.

The partner: invoke it once for each ride, one after the other, with {"key": "...", "card": "C-77"}.
It answers {"ok": true, "discount_cents": 50}, or {"ok": false, "error": "key refused"}. You need
not handle a partner that fails.

The key: fetch it from Parameter Store, decrypted, once for an environment. Keep it for the
invocations that follow. When the partner refuses it, it was rotated: fetch it again, try that
ride once more, and keep the new one. When the new one is refused as well, raise an error with
the word "refused" in its message. The key itself is in no answer, no error and no log.

The time: before each ride ask the context how much is left. With less than RESERVE_MS begin no
further ride, and answer what you have.

The log: for each request that is answered exactly one record at level INFO with the message
"quoted" and these fields: rides and quoted (how many were asked for, and got), complete (as in
the answer). A record is one line of JSON, logged or printed, with level and message in it.

The settings, in function.json (the arguments of create_function):

    Timeout         10 to 20 s: the partner takes up to 1 s for an answer, and whoever waits for
                    you gives up after 20 s
    MemorySize      256 to 1024 MB: with less, loading boto3 takes long
    LoggingConfig   JSON, application records from level INFO on
"""

# --- your imports, constants and helpers: start ---
import json
import logging
import os

import boto3

logger = logging.getLogger()


def read_tariff():
    """The tariff, by rider. Raises ValueError, which names the variable."""
    try:
        return json.loads(os.environ["TARIFF"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"TARIFF must hold the tariff as JSON: {error!r}") from None


# All this runs once for each environment, in INIT: variables cannot change while it lives, and a
# broken one shows before any request is half done.
TARIFF = read_tariff()
PARTNER_FUNCTION = os.environ["PARTNER_FUNCTION"]
PARTNER_KEY_PARAMETER = os.environ["PARTNER_KEY_PARAMETER"]
RESERVE_MS = int(os.environ["RESERVE_MS"])

ssm = boto3.client("ssm")
functions = boto3.client("lambda")
kept = {}  # the key, once it has been fetched; later invocations find it here


def partner_key(again=False):
    """The partner's key: the one that is kept, unless it has to be fetched again."""
    if again or "key" not in kept:
        found = ssm.get_parameter(Name=PARTNER_KEY_PARAMETER, WithDecryption=True)
        kept["key"] = found["Parameter"]["Value"]
    return kept["key"]


def ask_partner(card, key):
    """The partner's answer about one card."""
    payload = json.dumps({"key": key, "card": card})
    answer = functions.invoke(FunctionName=PARTNER_FUNCTION, Payload=payload)
    return json.loads(answer["Payload"].read())


def discount(card):
    """The partner's discount in cents. Raises RuntimeError if it refuses a fresh key, too."""
    answer = ask_partner(card, partner_key())
    if not answer["ok"]:
        answer = ask_partner(card, partner_key(again=True))
    if not answer["ok"]:
        raise RuntimeError(f"the partner refused the key that {PARTNER_KEY_PARAMETER} holds now")
    return answer["discount_cents"]


def quote(ride):
    """One ride's quote."""
    prices = TARIFF[ride["rider"]]
    cents = prices["unlock"] + ride["minutes"] * prices["per_minute"]
    return {"id": ride["id"], "cents": max(0, cents - discount(ride["card"]))}


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Quotes the fares of the rides: the module's text above is the whole contract."""
    # --- your code: start ---
    rides, quotes = event["rides"], []
    for ride in rides:
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            break
        quotes.append(quote(ride))
    left_over = [ride["id"] for ride in rides[len(quotes) :]]
    counts = {"rides": len(rides), "quoted": len(quotes), "complete": not left_over}
    logger.info("quoted", extra=counts)
    return {"quotes": quotes, "complete": not left_over, "left_over": left_over}
    # --- your code: end ---
