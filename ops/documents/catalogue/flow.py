"""Who writes events for whom: the picture of the index, and the lists under it. All functions are pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ops.deployment.access import OTHERS
from ops.documents.catalogue.facts import Fact

Point: TypeAlias = tuple[int, int]
SERVICES = ("registration", "quiz", "awards", "notifications")


@dataclass(frozen=True, slots=True)
class Service:
    """What a service reads and writes: for each event, the other side of it."""

    name: str
    reads: Sequence[tuple[Fact, str]]
    writes: Sequence[tuple[Fact, str]]


@dataclass(frozen=True, slots=True)
class Box:
    """A service in the picture: its middle."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """Events from one to another: the path of the arrow, where its number stands, and what it counts."""

    path: str
    x: int
    y: int
    count: int
    title: str


WIDTH, HEIGHT = 820, 385
BOX_WIDTH, BOX_HEIGHT = 132, 44
BOXES = (
    Box(OTHERS, 76, 165),
    Box("registration", 290, 60),
    Box("quiz", 290, 270),
    Box("awards", 515, 165),
    Box("notifications", 742, 165),
)
# Where an arrow that would cross a box leaves and ends, and through which point it bends.
_AROUND: Mapping[tuple[str, str], tuple[Point, Point, Point]] = {
    (OTHERS, "notifications"): ((76, 187), (409, 517), (722, 187)),
    ("registration", "notifications"): ((356, 60), (742, 60), (742, 143)),
    ("quiz", "notifications"): ((356, 270), (762, 270), (762, 187)),
    ("registration", "quiz"): ((290, 82), (290, 165), (290, 248)),
}


def of_service(name: str, facts: Iterable[Fact]) -> Service:
    """What a service reads and writes."""
    found = list(facts)
    reads = [
        (fact, ", ".join(fact.writers))
        for fact in found
        if any(reader.service == name for reader in fact.readers)
    ]
    writes = [
        (fact, ", ".join(dict.fromkeys(reader.service for reader in fact.readers)) or f"{OTHERS} only")
        for fact in found
        if name in fact.writers
    ]
    return Service(name, reads, writes)


def arrows(facts: Iterable[Fact]) -> list[Arrow]:
    """An arrow from each writer to each other service that reads what it writes."""
    counted: dict[tuple[str, str], list[str]] = {}
    for fact in facts:
        for reader in dict.fromkeys(reader.service for reader in fact.readers):
            for writer in fact.writers:
                if writer != reader:
                    counted.setdefault((writer, reader), []).append(fact.name)
    boxes = {box.name: box for box in BOXES}
    return [
        _arrow(boxes[writer], boxes[reader], names)
        for (writer, reader), names in counted.items()
        if writer in boxes and reader in boxes
    ]


def _arrow(start: Box, end: Box, names: Sequence[str]) -> Arrow:
    """A curve of one bend; where nothing is in the way, a straight line between the sides of two boxes."""
    half = BOX_WIDTH // 2
    middle = (start.x + end.x) // 2, (start.y + end.y) // 2
    straight = (start.x + half, start.y), middle, (end.x - half, end.y)
    (x1, y1), (bend_x, bend_y), (x2, y2) = _AROUND.get((start.name, end.name), straight)
    # The middle of a quadratic curve.
    x, y = (x1 + 2 * bend_x + x2) // 4, (y1 + 2 * bend_y + y2) // 4
    title = f"{start.name} to {end.name}: {', '.join(names)}"
    return Arrow(f"M{x1},{y1} Q{bend_x},{bend_y} {x2},{y2}", x, y, len(names), title)
