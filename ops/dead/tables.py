"""Dead letters as people read them: no content is shown, since it may be personal."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.markup import escape
from rich.table import Column, Table

from ops.dead.chosen import Refused
from ops.dead.letters import Letter, as_seen

REASON_CHARS = 120


def counted(letters: Sequence[Letter]) -> Table:
    """How many there are of each topic, group and code."""
    # On a narrow terminal nothing is cut off: names are typed again.
    headings = "topic", "group", "code", "letters", "oldest", "newest"
    table = Table(*(Column(one, overflow="fold") for one in headings), box=None, pad_edge=False)
    times: dict[tuple[str, str, str], list[datetime]] = {}
    for one in letters:
        times.setdefault((one.topic, one.group, one.code), []).append(one.at)
    for kind in sorted(times):
        found = times[kind]
        table.add_row(*map(escape, kind), str(len(found)), _said(min(found)), _said(max(found)))
    return table


def listed(letters: Sequence[Letter]) -> Iterator[str]:
    """A line for each, the name first, so that it can be copied."""
    for one in letters:
        again = f"sent again {one.times} times, " if one.times else ""
        who = f"{one.source or 'no source'}, event {one.event_id or 'without id'}"
        yield f"{one.name}  {one.code}: {one.reason[:REASON_CHARS]} ({again}from {who})"


def one(letter: Letter) -> Table:
    """All that is known of one."""
    table = Table(box=None, pad_edge=False, show_header=False)
    [seen] = as_seen([letter])
    for field, said in seen.items():
        table.add_row(field, escape(str(said)))
    for header, content in letter.headers:
        table.add_row(f"header {escape(header)}", escape(content.decode(errors="replace")))
    table.add_row("key", escape((letter.key or b"").decode(errors="replace")))
    table.add_row("value", "not in the dead letter" if letter.value is None else f"{len(letter.value)} bytes")
    for decided in letter.decisions:
        words = f"{decided.decided_at:%Y-%m-%d %H:%M:%S} UTC by {decided.by}: {decided.reason or 'no reason'}"
        table.add_row(decided.decision, escape(words))
    return table


def refusals(refused: Sequence[Refused]) -> Iterator[str]:
    """A line for each reason why letters are not sent again."""
    for why, count in Counter(one.why for one in refused).items():
        first = next(one.letter.name for one in refused if one.why == why)
        yield f"{count} not sent again, the first is {first}: {why}"


def _said(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M:%S}"
