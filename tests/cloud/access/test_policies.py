"""The one evaluator of policies: of roles, of resources, and of who may assume a role."""

from __future__ import annotations

import json

import pytest

from workshop.cloud.access import Decision, Role, decide
from workshop.cloud.access.resource_policy import Source, allows, may_send

QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
BUCKET = "arn:aws:s3:::in"
S3 = Source("s3.amazonaws.com", BUCKET, "123456789012")
ALLOW = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE, "Principal": "*"}
DENY = {**ALLOW, "Effect": "Deny"}


def sends(*statements, source=S3):
    policy = json.dumps({"Statement": list(statements)})
    return may_send(policy, source, "sqs:SendMessage", QUEUE)


def without(statement, *names):
    return {name: value for name, value in statement.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"Action": "SQS:Send*"}, True),
        ({"Action": ["sqs:GetQueueUrl", "*"]}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": "arn:aws:sqs:*:*:que?e"}, True),
        ({"Resource": QUEUE.upper()}, False),  # only actions are the same in any case
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:[q]ueue"}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, True),
        ({"Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Effect": "allow"}, False),
    ],
)
def test_what_a_statement_speaks_of(change, expected):
    assert sends({**ALLOW, **change}) is expected


@pytest.mark.parametrize(
    ("left_out", "instead", "expected"),
    [
        ("Action", {"NotAction": "sqs:Delete*"}, True),
        ("Action", {"NotAction": ["sqs:*"]}, False),
        ("Resource", {"NotResource": f"{QUEUE}-2"}, True),
        ("Resource", {"NotResource": "arn:aws:sqs:*"}, False),
        ("Principal", {"NotPrincipal": {"Service": "sns.amazonaws.com"}}, True),
        ("Principal", {"NotPrincipal": {"Service": "s3.amazonaws.com"}}, False),
        ("Resource", {}, True),  # a queue's policy is about the queue
        ("Principal", {}, False),
        ("Action", {}, False),
    ],
)
def test_elements_with_not_and_none_at_all(left_out, instead, expected):
    assert sends({**without(ALLOW, left_out), **instead}) is expected


def test_a_denial_wins_wherever_it_stands():
    assert not sends(ALLOW, DENY)
    assert not sends(DENY, ALLOW)
    assert sends(ALLOW, {**without(DENY, "Principal"), "NotPrincipal": {"Service": S3.principal}})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:i?"}}, True),
        ({"ArnEquals": {"AWS:sourcearn": [f"{BUCKET}-2", BUCKET]}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*:in"}}, False),  # no star reaches over a colon
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::out*"}}, True),
        ({"ArnNotEquals": {"aws:SourceArn": BUCKET}}, False),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "1*"}}, False),
        ({"StringLike": {"aws:SourceAccount": "1*"}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", "2"]}}, True),
        ({"StringNotLike": {"aws:SourceAccount": "1*"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:SourceArn": BUCKET.upper()}}, True),
        ({"StringEquals": {"aws:SourceArn": BUCKET.upper()}}, False),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),  # the account is in none
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, True),
        ({"Null": {"aws:SourceArn": "true"}}, False),
        (
            {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::out"},
            },
            False,
        ),
    ],
)
def test_conditions(condition, holds):
    assert sends({**ALLOW, "Condition": condition}) is holds
    assert sends(ALLOW, {**DENY, "Condition": condition}) is not holds


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalTag/team": "rides"}},
        {"StringNotEquals": {"aws:PrincipalTag/team": "rides"}},
        {"Null": {"aws:PrincipalTag/team": "true"}},
        {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        {"DateGreaterThan": {"aws:SourceAccount": "2026-01-01T00:00:00Z"}},
    ],
)
def test_what_cannot_be_judged_counts_against_the_caller(condition):
    assert not sends({**ALLOW, "Condition": condition})
    assert not sends(ALLOW, {**DENY, "Condition": condition})
    elsewhere = {"Condition": condition, "Action": "sqs:ReceiveMessage"}
    assert sends(ALLOW, {**DENY, **elsewhere})


@pytest.mark.parametrize(
    "policy", [None, "", "{", "[]", '{"Statement": ["*"]}', '{"Statement": 1}']
)
def test_a_policy_that_cannot_be_read_allows_nothing(policy):
    assert may_send(policy, S3, "sqs:SendMessage", QUEUE) is False


def test_the_same_rules_for_functions_and_roles():
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "lambda:*", "Resource": function}
    condition = {"StringNotEquals": {"AWS:SourceAccount": "1"}}
    assert allows([{**statement, "Condition": condition}], S3, f"{function}:$LATEST")
    assert not allows([statement, {**statement, "Effect": "Deny"}], S3, function)
    role = without(statement, "Principal")
    assert decide([{"Statement": role}], "lambda:InvokeFunction", function) is Decision.ALLOWED
    role = without(role, "Resource")  # a role's policy must say on what
    assert decide([{"Statement": role}], "lambda:InvokeFunction", function) is Decision.NOT_ALLOWED


def trusting(**changes):
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **changes,
    }
    return Role("role", {"Statement": [trust]}, ())


def test_a_trust_policys_conditions_count():
    group = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"
    assert trusting().trusts("scheduler.amazonaws.com", group)
    assert not trusting().trusts("events.amazonaws.com", group)
    assert not trusting(Effect="Deny").trusts("scheduler.amazonaws.com", group)
    here = {"ArnLike": {"aws:SourceArn": group}, "StringEquals": {"aws:SourceAccount": "1" * 12}}
    assert not trusting(Condition=here).trusts("scheduler.amazonaws.com", group)
    here["StringEquals"]["aws:SourceAccount"] = "123456789012"
    assert trusting(Condition=here).trusts("scheduler.amazonaws.com", group)
    assert not trusting(Condition=here).trusts("scheduler.amazonaws.com", f"{group}-2")


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("123456789012", True),
        ("arn:aws:iam::123456789012:root", True),
        ("arn:aws:iam::123456789012:role/mine", True),
        ("arn:aws:iam::123456789012:role/other", False),
    ],
)
def test_whom_of_the_account_a_role_trusts(principal, expected):
    session = "arn:aws:sts::123456789012:assumed-role/mine/f"
    role = trusting(Principal={"AWS": principal})
    assert role.trusts_caller(session, "arn:aws:iam::123456789012:role/mine") is expected
