"""Stage 02: fare quotes, with settings from outside and a key that is a secret.

The event holds one to eight planned rides. It always has this form; you need not check it:

    {"rides": [{"id": "Q-1",          its name
                "rider": "member",    or "casual"
                "minutes": 20,        a whole number
                "card": "C-77"},      the rider's card from the transit company, the partner
               ...]}

Return exactly these three keys, and exactly two keys in each quote:

    {"quotes": [{"id": "Q-1", "cents": 150}, ...],   in the order of the event
     "complete": true,                               false if there was not enough time for all
     "left_over": []}                                the ids of rides without a quote, in order

A quote is unlock + minutes x per_minute, minus the partner's discount, but never below 0.

SETTINGS, in function.json. It holds arguments of create_function, and you need only these: the
workshop adds the name, the role, the runtime and the code.

    Timeout         10 to 20 s: the partner takes up to 1 s for an answer, and your caller gives up
                    after 20 s
    MemorySize      256 to 1024 MB: with less, loading boto3 takes long
    LoggingConfig   JSON, with application records from level INFO on
    Environment     exactly these four variables, with these values, and no secret:

    TARIFF                  {"member": {"unlock": 0, "per_minute": 10},
                             "casual": {"unlock": 100, "per_minute": 20}}   as JSON, in cents
    PARTNER_FUNCTION        transit-partner         the partner: a Lambda function that you invoke
    PARTNER_KEY_PARAMETER   /bikeshare/partner-key  a SecureString in Parameter Store: the key
    RESERVE_MS              2500                    milliseconds that must be left to begin a ride:
                                                    to ask twice, and to fetch the key in between

Each value is a string. The checks deploy with other values: read them from the environment, and
do not hard-code them. If TARIFF is not JSON, every invocation fails, with an error whose message
names TARIFF.

PARTNER. Invoke it once for each ride, one after the other, with {"key": "...", "card": "C-77"}. It
answers {"ok": true, "discount_cents": 50}, or {"ok": false, "error": "key refused"}. You need not
handle a partner that fails.

KEY. Fetch it from Parameter Store, decrypted, once for each environment, and keep it for the
invocations that follow. It appears in no answer, no error, and no log.

TIME. Before each ride, the first one included, ask the context how much time is left. If it is less
than RESERVE_MS, begin no further ride, and return what you have.

LOG. Every answered request leaves exactly one record at level INFO, with the message "quoted" and
these fields: rides and quoted (how many were asked for, and how many got a quote), complete (as in
the answer). A record is one line of JSON, logged or printed, with level and message in it.

EXTRA, A KEY THAT IS ROTATED. When the partner refuses the key, fetch it again, ask about that ride
once more, and keep the new key. If the partner refuses the new key as well, raise an error with the
word "refused" in its message.
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
    """Quotes the fares of the rides, as the docstring at the top says."""
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
