"""What chaos must notice when it is broken. `make chaos-meta` tries it, which takes minutes."""

from pathlib import Path

import pytest

from ops.chaos import child
from ops.chaos.rig import FEW_PARTS
from ops.chaos.schedule import KINDS, SERVERS
from shared.contracts.topics import ALL
from tests.mutations.running import mutated
from tests.ops.chaos.meta.__main__ import Guarantee, guarantees
from tests.ops.chaos.meta.focused import fault_of

GROUPS = {group for topic in ALL for group in topic.groups}
ROOT = Path(__file__).parents[3]
LEAST = 10


@pytest.mark.parametrize("one", guarantees(), ids=lambda one: one.mutation.name)
def test_each_mutation_fits_the_code_and_each_of_its_faults_can_happen(one: Guarantee) -> None:
    compile(mutated(ROOT, one.mutation), one.mutation.file, "exec")
    for fault in map(fault_of, one.faults):
        assert fault.kind in KINDS
        assert {*fault.victims} <= {part.name for part in FEW_PARTS} | {*SERVERS}
        if fault.kind == "crash":
            point, _, group = fault.detail.partition("@")
            assert point in child.POINTS
            assert group in GROUPS or not group


def test_there_are_enough_of_them() -> None:
    names = [one.mutation.name for one in guarantees()]
    assert len({*names}) == len(names) >= LEAST
