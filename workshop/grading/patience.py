"""How long the checks of a stage wait for a function that does not end.

One check waits for one invocation a minute at most, whatever Timeout the function has. A function
that runs into its timeout again and again would still hold the grader for many minutes, check
after check: after some of them the remaining checks fail at once, and say why. One that has never
answered anything is waited for once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from ..cloud.base.model import Invocation

WAIT_S = 60  # for one answer, and for what an event sets off
TIMED_OUT_S = 24  # lost in two timeouts or more: an INIT of 10 s with a timeout of 3 s is 13 s
TAKEN_S = 200  # in all invocations of a stage; solutions take some seconds
INIT_S = 10  # after which Lambda ends INIT
ENDLESS = "Look for what never ends: a loop, a wait without a limit, or code outside the handler."


class NeverEnds(AssertionError):
    """The function, or what it set off, did not end in the time that a check waits."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} within {WAIT_S} s, and no check waits longer. Look for what never ends: a "
            "loop, a wait without a limit, and a Timeout in function.json that is too long."
        )


class Patience:
    """Counts for each stage what its checks lost in waiting.

    `invocations` gives what ran in the local cloud; on another endpoint nobody can tell.
    """

    def __init__(self) -> None:
        self.invocations: Callable[[], list[Invocation]] = list
        self._given_up: defaultdict[str, int] = defaultdict(int)

    def note_given_up(self, stage: str) -> None:
        """Notes that a check waited in vain."""
        self._given_up[stage] += 1

    def exhausted(self, stage: str) -> str:
        """Why no further check of the stage should run; else an empty string."""
        ran = [each for each in self.invocations() if each.function_name.startswith(stage + "-")]
        lost = [float(WAIT_S)] * self._given_up[stage]
        timeouts = [each for each in ran if each.status == "timeout"]
        lost += [_seconds(each) for each in timeouts]
        if timeouts and all(each.status == "timeout" for each in ran):
            return (
                f"Your function ran into the {timeouts[0].duration_ms / 1000:g} s timeout, and has "
                f"not answered yet, so this check did not wait for it again. {ENDLESS}"
            )
        if len(lost) > 1 and sum(lost) >= TIMED_OUT_S:
            return (
                f"Your function ran into its timeout {len(lost)} times, which took "
                f"{sum(lost):.0f} s, so this check did not wait for it again. {ENDLESS}"
            )
        taken = sum(_seconds(each) for each in ran)
        if taken >= TAKEN_S:
            return (
                f"Your function has run for {taken:.0f} s in {len(ran)} invocations, so this check "
                "did not wait for it again. Look for what takes so long: a sleep, or work that is "
                "done again for each event."
            )
        return ""


def _seconds(invocation: Invocation) -> float:
    """How long it took, INIT included."""
    took = (invocation.duration_ms + (invocation.init_ms or 0)) / 1000
    init_failed = invocation.cold and invocation.init_ms is None
    return took + INIT_S if init_failed and invocation.status == "timeout" else took
