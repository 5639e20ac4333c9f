"""Stage 10: one bike-share assistant, for a Lex V2 bot and for an Alexa skill.

Both invoke this function, each with events of its own, and both have two intents with one slot,
Station. The value that counts is a station's id: Lex has it as the slot's interpretedValue, Alexa
as the id of the value that the slot resolves to. What was said in so many words counts for nothing.

    FindBike    "is there a bike near the zoo", "find a bike"
    RentBike    "rent a bike at the zoo", "rent one"

The environment variable TABLE names a DynamoDB table with the key station_id:

    {"station_id": "31602", "name": "Park Rd & Holmead Pl NW", "bikes": 3}

Whatever happens, say a sentence of SAYS below, the same in both:

FindBike    say none, one or some.
RentBike    if there is no bike, say none. Else ask: confirm. After a yes, take one bike from the
            table, so that it never falls below 0, and say rented; if the last bike is gone by
            then, say none. After a no, say declined.
Station     RentBike without a station means the one that FindBike or RentBike last spoke of in
            this session. If there is none, or for FindBike without a station, ask: which. If the
            station is not in the table, or Alexa finds no match for it, ask: unknown.
Others      For any other intent, such as FallbackIntent, say help.
Trouble     If anything raises, log the error and say sorry. Nobody but you sees a stack trace.

Keep all session attributes that come, and add your own as you like. Events may have keys that you
do not know.

Lex         Say it in a message of the type PlainText. Ask for a station with ElicitSlot, confirm
            with ConfirmIntent, say help with ElicitIntent. All else closes the intent: Fulfilled
            after none, one, some (FindBike) and rented, else Failed. RentBike asks the function
            after each turn (DialogCodeHook) and once more at its end (FulfillmentCodeHook),
            FindBike and FallbackIntent only at their end.

Alexa       Say it as SSML, and show it on a Simple card with any title. Ask for a station with the
            directive Dialog.ElicitSlot, confirm with Dialog.ConfirmIntent. A LaunchRequest says
            welcome, AMAZON.StopIntent and AMAZON.CancelIntent say goodbye. The session ends after
            goodbye, rented, declined and sorry; else it stays open, with a reprompt. Return {} for
            a SessionEndedRequest. If the request is not for the skill with the id in the
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
