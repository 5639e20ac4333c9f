"""DynamoDB's conditions: values of two types do not match, whichever is larger.

moto compares them in Python, and answers with the TypeError of a number beside a string. Follows
LT, LE, GT, GE and BETWEEN under ComparisonOperator in DynamoDB's API reference
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Condition.html).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.dynamodb import comparisons

RELATIONS: list[Any] = [
    comparisons.OpLessThan,
    comparisons.OpLessThanOrEqual,
    comparisons.OpGreaterThan,
    comparisons.OpGreaterThanOrEqual,
    comparisons.FuncBetween,
]


def install() -> None:
    """Wraps moto's relations; does nothing the second time."""
    for relation in RELATIONS:
        if not hasattr(relation.expr, "__wrapped__"):
            relation.expr = _of_one_type(relation.expr)


def _of_one_type(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @functools.wraps(compare)
    def expr(self: Any, item: Any) -> bool:
        between = isinstance(self, comparisons.FuncBetween)
        operands = self.arguments if between else (self.lhs, self.rhs)
        # size(path) is no operand of the item's: it is a number.
        types = {
            each.get_type(item) if isinstance(each, comparisons.Operand) else "N"
            for each in operands
        }
        return len(types) == 1 and compare(self, item)

    return expr
