"""Who reads and who writes the records of a contract."""

from dataclasses import dataclass

from ops.contracts.releases import current, releases
from ops.errors import CommandError


class UnknownType(CommandError):
    """There is no contract of this name."""


@dataclass(frozen=True, slots=True)
class Readers:
    """
    Those who read and write one contract.

    Attributes:
        groups: our consumer groups.
        writers: our services, and `other systems` if they may write it.
        since: the first release with this contract, if there is one.
        succeeded_by, until: the version that replaces it, and until when both are emitted.
    """

    type: str
    topic: str
    key: str
    groups: tuple[str, ...]
    writers: tuple[str, ...]
    since: str | None
    succeeded_by: str | None = None
    until: str | None = None


def readers_of(name: str) -> Readers:
    """
    The readers of a contract, by its type or its topic.

    Raises:
        UnknownType: there is no such contract.
    """
    today = current()
    for type_ in today.schemas:
        place = today.delivery_of(type_)
        if place and name in (type_, place["topic"]):
            since = next((one.name for one in releases() if type_ in one.schemas), None)
            groups, writers = tuple(place["read_by"]), tuple(place["written_by"])
            after = place["succeeded_by"] or {}
            return Readers(
                type_,
                place["topic"],
                place["key"],
                groups,
                writers,
                since,
                after.get("type"),
                after.get("until"),
            )
    close = [type_ for type_ in today.schemas if name.rpartition(".")[2] in type_][:5]
    hint = f": do you mean {', '.join(close)}?" if close else ": contracts/ has a file for each"
    raise UnknownType(f"there is no contract {name}{hint}")
