"""Grades stage 03, from outside: rides start, again, and at once; AWS says how it is set up."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from workshop.grading import fresh
from workshop.grading.network import network
from workshop.grading.words import ended_in_error, failure, show

KEYS = ["bike_id", "outcome", "ride_id", "rider_id", "started_at"]
TAKEN = ["bike_id", "outcome", "ride_id"]
AT_ONCE = 5  # what the locks of the bikes can take
BIKES = 24  # to race for: two callers seldom miss each other so often
FREE = "what your handler returns for a bike that is free"
NOTATION = (
    'The stored item comes in DynamoDB\'s notation: error.response["Item"]["ride_id"] is '
    '{"S": "R-1001"}'
)


@pytest.fixture(scope="module")
def values(account):
    """Subnets and security groups to choose from."""
    return network(account)


@pytest.fixture(scope="module")
def table(account):
    """The table of the bikes that are out."""
    return account.table("bike_id")


@pytest.fixture(scope="module")
def function(deploy, table):
    """The learner's function."""
    return deploy(TABLE=table)


@pytest.fixture(scope="module")
def another(deploy, table):
    """The same function once more, so that its environments are certainly other ones."""
    return deploy(TABLE=table)


@pytest.fixture(scope="module")
def begun(function):
    """The first ride, its answer, and when it was asked for, in seconds of this process."""
    event = request()
    return event, answer(function, event, "started", FREE), time.monotonic()


def request(**changes):
    """A ride nobody asked for yet, on a bike nobody took yet."""
    event = {
        "ride_id": f"R-{fresh.digits(7)} {fresh.word()}",
        "bike_id": f"b {fresh.word()}",
        "rider_id": f"{fresh.word().title()}-{fresh.digits(3)}",
    }
    return {**event, **changes}


def call(function, event):
    """Invokes the function; a throttle is a failure, since no check needs more than two at once."""
    try:
        return function.invoke(event)
    except function.client.exceptions.TooManyRequestsException as error:
        raise AssertionError(
            failure(
                "Lambda throttled a request that came alone.",
                event,
                "an answer",
                str(error),
                "ReservedConcurrentExecutions in function.json; 0 stops a function",
            )
        ) from None


def answer(function, event, outcome, look):
    """The function's answer; fails unless it is an object with this outcome and its keys."""
    result = call(function, event)
    assert result.error is None, ended_in_error(
        "A valid request ended in an error", event, result.error, result.log
    )
    keys = KEYS if outcome == "started" else TAKEN
    came = result.value
    assert isinstance(came, dict) and came.get("outcome") == outcome, failure(
        "The outcome is not the expected one.",
        event,
        {"outcome": outcome},
        came,
        look,
        log=result.log,
    )
    assert sorted(came) == keys, failure(
        "The answer's keys differ.", event, keys, sorted(came), "the `return` of your handler"
    )
    return came


def outcome_of(came):
    """An answer's outcome, or what is there in its place, as a string."""
    return came["outcome"] if isinstance(came, dict) and "outcome" in came else show(came)


def stored(account, table, bike_id):
    """The strings in a bike's item, or None."""
    for item in account.items(table):
        if item["bike_id"] == {"S": bike_id}:
            return {name: value.get("S", value) for name, value in item.items()}
    return None


def configuration(function):
    """What AWS says of the function."""
    return function.client.get_function_configuration(FunctionName=function.name)


def vpc(function):
    """The function's subnets and groups, as AWS says; fails if it is in no VPC."""
    config = configuration(function).get("VpcConfig") or {}
    subnets, groups = config.get("SubnetIds") or [], config.get("SecurityGroupIds") or []
    assert subnets and groups, failure(
        "The function is not in a VPC.",
        "get_function_configuration",
        "VpcConfig with SubnetIds and SecurityGroupIds",
        {"SubnetIds": subnets, "SecurityGroupIds": groups},
        'function.json: "VpcConfig": {"SubnetIds": [...], "SecurityGroupIds": [...]}',
        given="called",
    )
    return subnets, groups


def test_starts_a_ride_on_a_free_bike(account, begun, table):
    """A ride on a free bike starts: the answer says so, and the table holds the ride."""
    event, came, _ = begun
    same = {key: came[key] for key in event}
    assert same == event, failure(
        "The answer is for another ride.", event, event, same, "the `return` of your handler"
    )
    look = "datetime.now(timezone.utc).isoformat(): a time without an offset names no moment"
    try:
        offset = datetime.fromisoformat(str(came["started_at"]).replace("Z", "+00:00")).utcoffset()
    except ValueError:
        offset = None
    assert offset is not None, failure(
        "started_at is not a time with an offset.", event, "ISO 8601", came["started_at"], look
    )
    wanted = {key: came[key] for key in KEYS if key != "outcome"}
    item = stored(account, table, event["bike_id"])
    assert item == wanted, failure(
        "The bike's item is not the ride in the answer.",
        event,
        wanted,
        item,
        "your put_item: the table is the one that TABLE names, and its attributes are strings",
    )


def test_a_retry_gets_the_first_answer(account, function, another, table):
    """The same request again, in any environment, gets the same answer, and nothing changes."""
    event = request()
    look = f"what you return when the write is refused: the stored ride. {NOTATION}"
    first = answer(function, event, "started", FREE)
    before = stored(account, table, event["bike_id"])
    for which in (function, another):
        came = answer(which, event, "started", look)
        assert came == first, failure("A retry got another answer.", event, first, came, look)
    after = stored(account, table, event["bike_id"])
    assert after == before, failure("A retry changed the item.", event, before, after, look)


def test_a_bike_that_is_out_is_taken(account, function, another, table):
    """Another ride does not get a bike that is out, and the first one keeps it."""
    first = request()
    look = "the condition of your write: it may hold only for a bike that has no item"
    answer(function, first, "started", FREE)
    before = stored(account, table, first["bike_id"])
    same_rider = {"rider_id": first["rider_id"]}  # who pressed the button once more
    for which, changes in ((function, {}), (another, {}), (function, same_rider)):
        event = request(bike_id=first["bike_id"], **changes)
        came = answer(which, event, "taken", look)
        mine = {key: came[key] for key in ("ride_id", "bike_id")}
        wanted = {key: event[key] for key in mine}
        assert mine == wanted, failure(
            "The refusal names a ride other than the one in the event.", event, wanted, mine, look
        )
    after = stored(account, table, first["bike_id"])
    assert after == before, failure(
        "The bike's item has changed hands.", first, before, after, look, given="first"
    )


def test_a_bike_that_came_back_is_free(account, function, begun, table):
    """The table decides, not what an environment remembers."""
    first = request()
    look = "module variables: an environment must not remember bikes or answers; the table does"
    answer(function, first, "started", FREE)
    answer(function, request(bike_id=first["bike_id"]), "taken", look)
    account.client("dynamodb").delete_item(
        TableName=table, Key={"bike_id": {"S": first["bike_id"]}}
    )
    event = request(bike_id=first["bike_id"])
    came = answer(function, event, "started", look)
    item = stored(account, table, event["bike_id"])
    assert item is not None and item.get("ride_id") == event["ride_id"], failure(
        "The answer says started, but the bike's item is not this ride.", event, came, item, look
    )
    answer(function, first, "taken", f"{look}. Another ride has the bike by now")
    time.sleep(max(0, begun[2] + 1.1 - time.monotonic()))  # whole seconds are right, too
    later = request()
    came, began = answer(function, later, "started", FREE)["started_at"], begun[1]["started_at"]
    assert came != began, failure(
        "Two rides started more than a second apart, and have the same started_at.",
        later,
        "the time of this ride",
        came,
        "where you read the clock: in the handler, not once when the module loads",
    )


def test_one_ride_wins_a_race(function, another):
    """Two rides ask for one bike at the same moment: one starts, the other is refused."""
    look = (
        "the write: it decides with a ConditionExpression. A read before it shows both "
        f"callers a free bike. When it is refused, answer from the stored item. {NOTATION}"
    )
    for which in (function, another):
        answer(which, request(), "started", FREE)  # both are warm
    with ThreadPoolExecutor(2) as callers:
        for number in range(BIKES):
            one = request()
            # every third time it is the same ride, sent twice
            two = one if number % 3 == 2 else request(bike_id=one["bike_id"])
            results = list(callers.map(call, (function, another), (one, two)))
            came = [each.value if each.error is None else each.error for each in results]
            wanted = ["started"] * 2 if one == two else ["started", "taken"]
            outcomes = sorted(outcome_of(each) for each in came)
            assert outcomes == wanted, failure(
                "Two requests for one bike came at the same moment.",
                [one, two],
                wanted,
                outcomes,
                look,
                given="events",
            )
            assert one != two or came[0] == came[1], failure(
                "A ride and its retry came at the same moment, and got different answers.",
                one,
                came[0],
                came[1],
                "your condition lets a ride overwrite its own item, or you read before you write",
            )


def test_a_retry_is_the_same_rider(function):
    """A ride_id that comes again with another rider raises an error that names rider_id."""
    event = request()
    answer(function, event, "started", FREE)
    other = {**event, "rider_id": request()["rider_id"]}
    what = "The ride_id is known, and the rider is another"
    look = "compare the stored rider_id with the event's"
    expect_refusal(function, other, "rider_id", what, look)


def test_names_the_wrong_field(function):
    """A field that is missing, empty or not a string raises a ValueError that names it."""
    for field in ("ride_id", "bike_id", "rider_id"):
        event = request()
        del event[field]
        expect_refusal(function, event, field, f"The event has no {field}")
        for value in ("", fresh.whole(1, 999)):
            expect_refusal(function, request(**{field: value}), field, f"{field} is {show(value)}")


def expect_refusal(function, event, field, what, look=None):
    """Fails unless the function refuses the event with a ValueError that names the field."""
    result = call(function, event)
    look = look or f"how handler.py reads {field}"
    look = f"{look}: raise ValueError with a message that names {field}"
    assert result.error is not None, failure(
        f"{what}, and the function accepted it.", event, "a ValueError", result.value, look
    )
    came = [result.error.get("errorType"), str(result.error.get("errorMessage", ""))]
    assert came[0] == "ValueError" and field in came[1], failure(
        f"{what}, and the error does not say so.",
        event,
        ["ValueError", f"... {field} ..."],
        came,
        look,
    )


def test_an_error_of_the_table_comes_out(account, deploy):
    """A table that does not exist, or has another key, causes an error for the caller."""
    look = "your `except`: catch ConditionalCheckFailedException and nothing else"
    for table, what, wanted in (
        (account.name("table"), "The table does not exist", "ResourceNotFoundException"),
        (account.table("station"), "The table's key is station", "ValidationException"),
    ):
        event = request()
        result = call(deploy(TABLE=table), event)
        assert result.error is not None, failure(
            f"{what}, and the function answered as if all were well.",
            event,
            f"an error: {wanted}",
            result.value,
            look,
        )
        name, said = result.error.get("errorType"), str(result.error.get("errorMessage"))
        came = f"{name}: {said}"
        # boto3 has a class for some of the errors, and ClientError for the others.
        assert name in (wanted, "ClientError") and wanted in came, failure(
            f"{what}, and the caller gets another error than DynamoDB's own.",
            event,
            wanted,
            came,
            f"{look}, and raise no other error in place of DynamoDB's",
        )


def test_is_ready_before_the_first_event(account, function, table):
    """Each environment prints its ready line once, when the module loads."""
    for _ in range(2):
        call(function, request())
    streams = account.eventually(
        lambda: [
            lines
            for lines in account.log_streams_of(function)
            if any(has(line, "REPORT RequestId", "platform.report") for line in lines)
        ]
    )
    for lines in streams or [[]]:
        starts = [n for n, x in enumerate(lines) if has(x, "START RequestId", "platform.start")]
        begins = starts[0] if starts else len(lines)
        counted = {
            "before the first START": len([x for x in lines[:begins] if is_ready(x, table)]),
            "after it": len([x for x in lines[begins:] if is_ready(x, table)]),
        }
        wanted = {"before the first START": 1, "after it": 0}
        look = "make the client and print the line at module level, outside any function"
        if any(is_ready(line) and not is_ready(line, table) for line in lines[:begins]):
            look = "what the ready line says: the table's name has to be in it"
        assert counted == wanted, failure(
            f"An environment did not print one line with the word ready and the name {table}.",
            [line.strip()[:40] for line in lines[:8]],
            wanted,
            counted,
            look,
            given="log",
        )


def is_ready(line, table=""):
    """Whether a line of a log has the word ready and the table's name."""
    return re.search(r"\bready\b", line, re.IGNORECASE) is not None and table in line


def has(line, *words):
    """Whether a line has one of the words."""
    return any(word in line for word in words)


def test_does_not_load_without_its_setting(account, deploy):
    """Without TABLE, the function fails before it looks at any event, and names TABLE."""
    function = deploy()
    result = call(function, {})
    came = result.error if result.error is not None else result.value
    what = "The function was deployed without TABLE."
    assert result.error is not None and "TABLE" in str(result.error.get("errorMessage")), failure(
        what,
        {},
        "an error that names TABLE",
        came,
        'os.environ["TABLE"] at module level, without a default. If you check it yourself, raise '
        "an exception: sys.exit() hides the message",
    )
    said = account.eventually(lambda: account.log_of(function))
    ready = [line.strip() for line in said if is_ready(line)]
    assert not ready, failure(
        f"{what} It did not load, yet it said that it is ready.",
        {},
        "no line with ready",
        ready[0],
        "the order at module level: read TABLE, make the client, then print",
    )


@pytest.mark.extra
def test_runs_in_private_subnets_of_two_zones(account, function):
    """The function's subnets are in two or more zones, without a route to an internet gateway."""
    subnets, _ = vpc(function)
    ec2 = account.client("ec2")
    described = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    zones = sorted({subnet["AvailabilityZone"] for subnet in described})
    assert len(zones) >= 2, failure(
        "All of the function's subnets are in one zone; if that zone fails, the function is gone.",
        "describe_subnets",
        "at least two zones",
        zones,
        "SubnetIds in function.json, and the table of subnets in handler.py",
        given="called",
    )
    public = [subnet for subnet in subnets if has_internet_gateway(ec2, subnet)]
    assert not public, failure(
        "A subnet of the function is public. That gives a function no internet, and the task asks "
        "for private ones.",
        "describe_route_tables",
        "no route to an internet gateway",
        public,
        "SubnetIds in function.json, and the table of subnets in handler.py",
        given="called",
    )


def has_internet_gateway(ec2, subnet):
    """Whether the subnet is public."""
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    tables = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    return any(str(route.get("GatewayId", "")).startswith("igw-") for route in routes)


@pytest.mark.extra
def test_lets_nothing_in(account, function):
    """No security group of the function has an inbound rule: nobody opens a connection to it."""
    _, groups = vpc(function)
    described = account.client("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]
    rules = [rule for group in described for rule in group["IpPermissions"]]
    ranges = [each["CidrIp"] for rule in rules for each in rule.get("IpRanges", [])]
    assert not rules, failure(
        "A security group of the function lets connections in.",
        "describe_security_groups",
        "no inbound rule",
        ranges or f"{len(rules)} inbound rules",
        "SecurityGroupIds in function.json, and the table of groups in handler.py",
        given="called",
    )


@pytest.mark.extra
def test_runs_five_times_at_once_at_most(function):
    """The function's reserved concurrency is 5, which is what the locks can take."""
    found = function.client.get_function_concurrency(FunctionName=function.name)
    came = found.get("ReservedConcurrentExecutions")
    assert came == AT_ONCE, failure(
        "The function's reserved concurrency is not the one that the task asks for.",
        "get_function_concurrency",
        AT_ONCE,
        came,
        "ReservedConcurrentExecutions in function.json: the docstring names the number",
        given="called",
    )
