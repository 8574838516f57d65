"""
Which cells of statistics are hidden: those of few people, and others from which they could be computed.

All functions are pure. The number of all people is shown. So a reader could compute a single hidden cell: all
people without those in the cells that are shown. Of two small cells a reader could compute the sum. So the
next larger cells are hidden too, until the hidden ones together are large enough.

Source: docs/decisions/0067-literacy.md
"""

from collections.abc import Iterable, Mapping

# At least this many cells are hidden together, so that none can be computed from the others.
HIDDEN_TOGETHER_MIN = 2


def hidden_cells(people: Mapping[str | None, int], cell_min: int) -> set[str | None]:
    """The cells that are not shown: those with fewer people than `cell_min`, and others that hide them."""
    hidden = {name for name, number in people.items() if number < cell_min}
    _hide_more(hidden, people, people, cell_min)
    return hidden


def hidden_units(
    units: Mapping[str | None, int],
    districts: Mapping[str | None, int],
    places: Iterable[tuple[str | None, str | None, int]],
    cell_min: int,
) -> set[str | None]:
    """
    The units that are not shown: hidden among all units, and among those of each district too.

    A district's number is the sum of its units. So if a district is shown, and a single unit in it is hidden,
    a reader could compute the unit. If a district is hidden, at least one of its units is hidden too.

    Args:
        places: by district and unit, how many people are of both.
    """
    hidden = hidden_cells(units, cell_min)
    among: dict[str | None, dict[str | None, int]] = {}
    for district, unit, number in places:
        among.setdefault(district, {})[unit] = number
    for district in hidden_cells(districts, cell_min):
        if hidden.isdisjoint(among[district]):
            hidden.add(min(among[district], key=lambda one: (units[one], one or "")))
    before = -1
    while len(hidden) > before:
        before = len(hidden)
        for those in among.values():
            _hide_more(hidden, those, units, cell_min)
    return hidden


def _hide_more(
    hidden: set[str | None],
    among: Mapping[str | None, int],
    size: Mapping[str | None, int],
    cell_min: int,
) -> None:
    """Hide the smallest ones that are shown, until those that are hidden among these hide each other."""
    left = sorted((one for one in among if one not in hidden), key=lambda one: (size[one], one or ""))
    for one in left:
        those = [among[name] for name in among if name in hidden]
        if not those or (len(those) >= HIDDEN_TOGETHER_MIN and sum(those) >= cell_min):
            return
        hidden.add(one)
