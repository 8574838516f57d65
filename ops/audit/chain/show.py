"""A chain on the terminal: a block for each link, and the verdict."""

from rich.console import Console
from rich.markup import escape

from ops.audit.chain.links import Link
from ops.audit.chain.run import Chain

COLOURS = {"agrees": "green", "differs": "red", "gone": "yellow"}
WORDS = {"agrees": "agrees", "differs": "differs", "gone": "not in the log"}


def show_chain(chain: Chain, console: Console) -> None:
    """Print all links, each with its place, its event id and the SHA-256 of its value."""
    named = chain.facts.named
    _print(console, f"Award {named.award_code} ({named.award_id}) of {named.recipient_id}")
    if chain.facts.is_erased:
        _print(console, "The recipient was erased. What is left says nothing about who it was.")
    for number, link in enumerate(chain.links, 1):
        _show(number, link, console)
    wrong = [number for number, link in enumerate(chain.links, 1) if link.differs]
    gone = sum(link.status == "gone" for link in chain.links)
    verdict = f"{len(wrong)} differ: {', '.join(map(str, wrong))}" if wrong else "everything agrees"
    more = f" ({gone} not in the log)" if gone else ""
    console.print(
        f"\n[{'red' if wrong else 'green'}]Chain: {len(chain.links)} links, {verdict}[/]{more}",
        soft_wrap=True,
    )


def _show(number: int, link: Link, console: Console) -> None:
    colour = COLOURS[link.status]
    console.print(f"\n{number:3} {escape(link.name)}: [{colour}]{WORDS[link.status]}[/]", soft_wrap=True)
    _print(console, f"    {link.says}")
    for words in link.differs:
        console.print(f"    [red]{escape(words)}[/]", soft_wrap=True)
    if link.entry is not None:
        _print(console, f"    {link.entry.place}   event {link.entry.id}")
        _print(console, f"    SHA-256 {link.sha256}")
    if link.stored is not None:
        _print(console, f"    {link.stored}")


def _print(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
