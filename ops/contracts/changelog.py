"""
`contracts/CHANGELOG.md`: what each release has changed for those who read and write events.

It is made from the releases themselves, so nothing is missing in it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ops.contracts.gate import ANY_TYPE, Difference, Ends, differences, ends_of
from ops.contracts.kinds import Change, Kind
from ops.contracts.releases import CURRENT, Contracts

NAME = "CHANGELOG.md"
# What nobody has to react to. Other words may still be worth reading.
_QUIET = frozenset({Kind.reader_added, Kind.reader_left})
_HEAD = """\
# Changes of the contracts

Made by `python -m ops.contracts.documents` from the releases in this folder. Each release can read the
records of every other one, so you need not change anything at a new release. `kepu contracts diff A B`
compares any two of them.
"""


def changelog(released: Sequence[Contracts], today: Contracts) -> str:
    """The whole file: what is not released yet, then the releases, the newest first."""
    states = [*released, today]
    sections = [_first(states[0])] if states else []
    ends = ends_of(released)
    sections += [_section(old, new, ends) for old, new in pairwise(states)]
    return "\n".join([_HEAD, *reversed(sections)])


def _first(state: Contracts) -> str:
    lines = [f"- `{type_}`" for type_ in sorted(state.schemas)]
    return "\n".join(
        [f"## {_title(state)}\n", "The first release that is kept, with these contracts:\n", *lines, ""]
    )


def _section(old: Contracts, new: Contracts, ends: Ends) -> str:
    found = [one for one in differences(old, new, ends) if one.change.kind not in _QUIET]
    lines = list(_lines(found)) or ["Nothing has changed."]
    return "\n".join([f"## {_title(new)}\n", *lines, ""])


def _lines(found: Sequence[Difference]) -> Iterator[str]:
    of_type: dict[str, list[Change]] = {}
    for one in sorted(found, key=lambda one: (one.type != ANY_TYPE, one.type)):
        of_type.setdefault(one.type, []).append(one.change)
    for type_, changes in of_type.items():
        about = type_ if type_ == ANY_TYPE else f"`{type_}`"
        added = [f"`{one.place}`" for one in changes if one.kind == Kind.field_added]
        said = [one.said for one in changes if one.kind != Kind.field_added]
        if added:
            said.append(f"optional and new: {', '.join(added)}")
        yield f"- {about}{' ' if said == ['is new'] else ': '}{'; '.join(said)}"


def _title(state: Contracts) -> str:
    return "Not released yet" if state.name == CURRENT else state.name
