"""
Checks of the contracts that are being replaced by a new version (`shared/contracts/successions.py`).

A mistake there would be found by readers, or would stop a service when it publishes.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from ops.deployment.access import OTHERS
from shared.contracts.envelope import Event
from shared.contracts.first_wrong import first_problem
from shared.contracts.successions import BOTH_EMITTED_MIN, Succession

Golden = Callable[[type[Event]], dict[str, Any]]
"""The body of the golden record of a contract."""


def faults_of(
    declared: Sequence[Succession], golden: Golden, writers: Callable[[str], Sequence[str]]
) -> list[str]:
    """
    A sentence for each mistake in the declared successions.

    Args:
        writers: who writes a topic.
    """
    return [fault for succession in declared for fault in _faults(succession, golden, writers)]


def _faults(succession: Succession, golden: Golden, writers: Callable[[str], Sequence[str]]) -> Iterator[str]:
    old, new = succession.old, succession.new
    if (days := (succession.until - succession.since).days) < BOTH_EMITTED_MIN.days:
        yield f"{old.type}: both are emitted for {days} days, and readers need {BOTH_EMITTED_MIN.days}"
    if OTHERS in writers(old.topic):
        yield (
            f"{old.type} is written by other systems: nobody can make their old records from new ones. Let "
            f"the group that reads it read {new.type} too, and go on accepting both"
        )
        return
    made = succession.older(golden(new))
    try:
        event = old.model_validate_json(json.dumps(made))
    except ValidationError as error:
        yield f"{old.type} cannot be made from the golden record of {new.type}: {first_problem(error)}"
        return
    wanted = golden(old)
    if (found := json.loads(event.model_dump_json())) != wanted:
        differing = sorted(name for name in wanted if found.get(name) != wanted[name])
        yield (
            f"{old.type} as made from the golden record of {new.type} differs from its own in "
            f"{', '.join(differing)}: let both records tell the same event"
        )
