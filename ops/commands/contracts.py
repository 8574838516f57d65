"""kepu contracts: what changed in the events, whom a change would break, and who reads what."""

import json
from typing import Annotated

import typer

from ops.commands.terminal import tell
from ops.contracts.changelog import changelog
from ops.contracts.documents import broken, outdated, release
from ops.contracts.gate import broken_by, differences, unreleased
from ops.contracts.readers import readers_of
from ops.contracts.releases import CURRENT, current, named, releases

contracts_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    The contracts: what events promise to those who read and write them.

    Before you change one, see who reads it:  kepu contracts readers quiz.completed

    After you have changed one:  kepu contracts check

    What has changed between two releases:  kepu contracts diff 0.2.0 current

    A release is a folder in contracts/released. Readers of any release can read the records of any other,
    so most changes are refused. Each refusal says who would break, and what to do instead.
    """,
)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.", rich_help_panel="How")]


@contracts_cli.command()
def check(as_json: AsJson = False) -> None:
    """
    Compare the contracts of the code with all releases. The exit code is 1 if a change is refused.

    Also says which files in contracts/ are out of date, and which contracts are in no release yet: these
    may still change in any way.
    """
    found, old = broken(), outdated()
    free = unreleased(releases(), current())
    if as_json:
        refused = [
            {
                "type": one.type,
                "release": one.release,
                "kind": one.change.kind,
                "place": one.change.place,
                "said": one.change.said,
                "breaks": one.broken,
                "instead": one.instead,
            }
            for one in found
        ]
        print(json.dumps({"refused": refused, "out_of_date": old, "unreleased": free}, ensure_ascii=False))
    else:
        for one in found:
            tell(f"{one}\n")
        for what in old:
            tell(f"{what}: write contracts/ again with python -m ops.contracts.documents")
        if free:
            tell(f"in no release yet, so not protected: {', '.join(free)}")
        if not found and not old:
            tell("contracts are up to date and break no release")
    if found or old:
        raise typer.Exit(1)


@contracts_cli.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A release, such as 0.2.0, or current.")],
    new: Annotated[str, typer.Argument(metavar="B", help="Another one.")] = CURRENT,
    as_json: AsJson = False,
) -> None:
    """
    What changes from A to B, contract by contract. A change that breaks somebody says whom.

    If you read the events of a deployment that runs A and it goes to B, this is what you will see.
    """
    before, after = named(old), named(new)
    found = differences(before, after)
    lines = [
        {
            "type": one.type,
            "kind": one.change.kind,
            "place": one.change.place,
            "said": one.change.said,
            "breaks": list(broken_by(one, before, after)),
        }
        for one in found
    ]
    if as_json:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False))
        return
    for line in lines:
        colon = " " if line["kind"] == "contract_added" else ": "
        breaks = f"; BREAKS {', '.join(line['breaks'])}" if line["breaks"] else ""
        tell(f"{line['type']}{colon}{line['said']}{breaks}")
    for one in (before, after):
        if one.delivery is None:
            tell(f"{one.name} has only schemas: keys, topics and headers are not compared")
    if not lines:
        tell(f"{old} and {new} are the same")


@contracts_cli.command(name="changelog")
def changelog_command() -> None:
    """What each release has changed. The same stands in contracts/CHANGELOG.md."""
    print(changelog(releases(), current()), end="")


@contracts_cli.command()
def readers(
    type_: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="A type or a topic: kepu.quiz.completed.v1, quiz.completed."),
    ],
) -> None:
    """
    Who reads and who writes an event.

    Our own groups are those that shared/contracts/topics.py declares. Other systems may read every topic
    that Kafka's rights allow them.
    """
    found = readers_of(type_)
    tell(f"{found.type}, in topic {found.topic}, key {found.key}")
    tell(f"written by: {', '.join(found.writers)}")
    tell(f"read by our groups: {', '.join(found.groups) or 'none'}")
    tell(f"first released: {found.since or 'not yet'}")


@contracts_cli.command(name="release")
def release_command(
    version: Annotated[str, typer.Argument(help="Above the newest release, such as 0.4.0.")],
) -> None:
    """
    Keep the contracts of now as those of a release, for ever. Refused if they break an earlier release.

    Commit the folder contracts/released/VERSION that it writes.
    """
    release(version)
    tell(f"written: contracts/released/{version}, and contracts/CHANGELOG.md")
