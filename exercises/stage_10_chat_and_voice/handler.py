"""Stage 10: one bike-share assistant, for a Lex V2 bot and for an Alexa skill.

Both invoke this function, each with its own kind of event. Both have two intents with one slot,
Station. What you need from the slot is a station's id: in Lex it is the slot's interpretedValue,
in Alexa the id of the value that the slot resolves to. Ignore the user's own words.

    FindBike    "is there a bike near the zoo", "find a bike"
    RentBike    "rent a bike at the zoo", "rent one"

The environment variable TABLE names a DynamoDB table with the key station_id:

    {"station_id": "31602", "name": "Park Rd & Holmead Pl NW", "bikes": 3}

Always say a sentence of SAYS below, the same one in Lex and in Alexa:

FindBike    Say none, one or some.
RentBike    If there is no bike, say none. Otherwise ask: confirm. After a yes, take one bike from
            the table, so that the number never falls below 0, and say rented; if the last bike is
            gone by then, say none. After a no, say declined.
Station     RentBike without a station means the one that FindBike or RentBike last mentioned in
            this session. If there is none, or for FindBike without a station, ask: which. If the
            station is not in the table, or Alexa finds no match for it, ask: unknown.
Others      For any other intent, such as FallbackIntent, say help.
Trouble     If anything raises, log the error and say sorry. Users never see a stack trace. Only a
            request for another skill raises an error, see below.

Keep all session attributes that you get, and add your own as you like. Events may have keys that
you do not know.

Lex         Say it in a message of the type PlainText. Ask for a station with ElicitSlot, confirm
            with ConfirmIntent, say help with ElicitIntent. Everything else closes the intent:
            Fulfilled after rented, and after none, one and some for FindBike; Failed after all
            other sentences. Lex invokes the function for RentBike after each turn (DialogCodeHook)
            and once more at the end (FulfillmentCodeHook), for FindBike and FallbackIntent only at
            the end. After a yes in a DialogCodeHook you can also delegate.

Alexa       Say it as SSML, and show it on a Simple card with any title. Ask for a station with the
            directive Dialog.ElicitSlot, confirm with Dialog.ConfirmIntent. A LaunchRequest says
            welcome, AMAZON.StopIntent and AMAZON.CancelIntent say goodbye. The session ends after
            goodbye, rented, declined and sorry; otherwise it stays open, with a reprompt. Return
            {} for a SessionEndedRequest. If the request is not for the skill with the id in the
            environment variable SKILL_ID, raise an error.

EXTRA: if Lex says that the user spoke (inputMode is Speech), say it in a message of the type SSML.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---

SAYS = {
    "welcome": "Welcome to the bike share. Where do you need a bike?",
    "help": "Ask for a bike near a station, or say: rent one.",
    "none": "There are no bikes at {name}.",
    "one": "There is one bike at {name}.",
    "some": "There are {bikes} bikes at {name}.",
    "which": "Which station?",
    "unknown": "I do not know that station. Which station?",
    "confirm": "Do you want to rent a bike at {name}?",
    "rented": "A bike at {name} is yours.",
    "declined": "All right, no bike.",
    "goodbye": "Goodbye.",
    "sorry": "Something went wrong. Please try again later.",
}


def handler(event, context):
    """Answers whoever asks: Lex or Alexa."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
