"""Fetches the key without decrypting it."""

# caught by: test_shows_the_partner_the_decrypted_key
# caught by: test_keeps_the_key_between_invocations
# caught by: test_fetches_the_key_again_when_it_is_refused
# caught by: test_goes_on_with_the_new_key
# caught by: test_gives_up_when_the_new_key_is_refused_too
# caught by: test_logs_one_record_a_request
# caught by: test_tells_no_log_the_key

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
        found = ssm.get_parameter(Name=PARTNER_KEY_PARAMETER)
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
    """Quotes the fares of the rides."""
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
