"""Another correct solution: lru_cache keeps the key, a generator watches the time, printed JSON."""

import json
from functools import lru_cache, partial
from os import environ

import boto3

SSM, LAMBDA = boto3.client("ssm"), boto3.client("lambda")


@lru_cache(maxsize=1)
def key():
    return SSM.get_parameter(Name=environ["PARTNER_KEY_PARAMETER"], WithDecryption=True)[
        "Parameter"
    ]["Value"]


def asked(card):
    sent = json.dumps(dict(key=key(), card=card))
    got = LAMBDA.invoke(FunctionName=environ["PARTNER_FUNCTION"], Payload=sent)
    return json.loads(got["Payload"].read().decode())


def off(card):
    reply = asked(card)
    if not reply.get("ok"):
        key.cache_clear()
        reply = asked(card)
    if not reply.get("ok"):
        raise PermissionError(f"refused: {reply.get('error')}")
    return int(reply["discount_cents"])


def tariff():
    try:
        return json.loads(environ["TARIFF"])
    except ValueError:
        raise ValueError("the environment variable TARIFF is no JSON") from None


def begun(rides, left):
    for ride in rides:
        if left() < int(environ["RESERVE_MS"]):
            return
        yield ride


def quoted(prices, ride):
    row = prices[ride["rider"]]
    full = row["unlock"] + ride["minutes"] * row["per_minute"]
    less = full - off(ride["card"])
    return {"id": ride["id"], "cents": less if less > 0 else 0}


def handler(event, context):
    print("one more request")
    rides = event["rides"]
    quotes = list(
        map(partial(quoted, tariff()), begun(rides, context.get_remaining_time_in_millis))
    )
    done = len(quotes) == len(rides)
    record = {"level": "INFO", "message": "quoted", "service": "quotes"}
    print(json.dumps({**record, "rides": len(rides), "quoted": len(quotes), "complete": done}))
    return {
        "quotes": quotes,
        "complete": done,
        "left_over": [r["id"] for r in rides][len(quotes) :],
    }
