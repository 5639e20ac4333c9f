"""What is said, matched with sample utterances, however odd it is."""

from __future__ import annotations

import pytest

from workshop.cloud.triggers.chat.utterances import Samples, Values, plain, slots_in

SAMPLES = Samples(
    [
        ("Rent", "rent a bike"),
        ("Rent", "rent {Thing}"),
        ("Move", "from {From} to {To}"),
        ("Odd", "how much is $5.00 (or more)?"),
    ]
)


@pytest.mark.parametrize(
    "said, wanted",
    [
        ("rent a bike", ("Rent", {})),
        ("  Rent,  a BIKE! ", ("Rent", {})),
        ("rent two bikes", ("Rent", {"Thing": "two bikes"})),
        (
            "from Park Rd & Holmead Pl to here",
            ("Move", {"From": "Park Rd & Holmead Pl", "To": "here"}),
        ),
        ("how much is $5.00 (or more)", ("Odd", {})),
        ("how much is $5x00 or more", None),
        ("rent", None),
        ("", None),
        ("?!", None),
        ("rent \ud800 it", ("Rent", {"Thing": "it"})),
        ("rent " + "a" * 1000, ("Rent", {"Thing": "a" * 1000})),
    ],
)
def test_matches(said, wanted):
    assert next(iter(SAMPLES.match(said)), None) == wanted


def test_values_are_known_by_synonyms_whatever_their_case():
    values = Values([("Lincoln Memorial", "1", ["the memorial"]), ("The Memorial", "2", [])])
    assert values.find("THE memorial.").id == "1"
    assert values.find("lincoln memorial").value == "Lincoln Memorial"
    assert values.find("memorial").value is None


def test_slots_of_an_utterance():
    assert slots_in("from {From} to {To.City}") == ["From", "To.City"]
    assert plain(" So, what? ") == "So what"
