"""The broker that notebooks, chapters and checks send to."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from workshop.kafka import PARTITIONS, Broker


@pytest.fixture(scope="module")
def broker():
    return Broker()


def read(broker, topic, partition, count):
    """The first records of a partition."""
    consumer = Consumer({**broker.settings, "group.id": "test"})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found = [consumer.poll(30) for _ in range(count)]
    consumer.close()
    return found


def test_a_record_comes_as_it_was_sent(broker):
    assert (
        broker.send("docks", "räd", key="31623", headers=[("unit", b"mi")], partition=2)
        == "docks-2@0"
    )
    assert broker.send("docks", None, key=b"\xff", partition=2) == "docks-2@1"
    first, second = read(broker, "docks", 2, 2)
    assert (first.key(), first.value()) == (b"31623", "räd".encode())
    assert first.headers() == [("unit", b"mi")]
    assert (second.key(), second.value(), second.headers()) == (b"\xff", None, None)


def test_a_key_leads_to_one_of_four_partitions(broker):
    places = [broker.send("keyed", "x", key=str(number % 9)) for number in range(27)]
    partitions = [place.partition("@")[0] for place in places]
    assert partitions[:9] == partitions[9:18] == partitions[18:]
    assert {int(each.rpartition("-")[2]) for each in partitions} <= set(range(PARTITIONS))


def test_two_brokers_know_nothing_of_each_other(broker):
    other = Broker()
    assert other.servers != broker.servers
    assert broker.send("shared", "x", partition=0) == other.send("shared", "x", partition=0)


def test_a_record_that_is_refused_is_an_error(broker):
    with pytest.raises(RuntimeError, match="did not take"):
        broker.send("docks", "x", partition=PARTITIONS)
