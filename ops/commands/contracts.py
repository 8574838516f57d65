"""kepu contracts: what changed in the events, whom a change would break, and who reads what."""

import json
from typing import Annotated

import typer

from ops.commands.terminal import UP_HOME, Home, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.contracts.changelog import changelog
from ops.contracts.documents import broken, faults, outdated, release
from ops.contracts.gate import broken_by, differences, ends_of, unreleased
from ops.contracts.groups import groups_at
from ops.contracts.readers import readers_of
from ops.contracts.registry import client_of
from ops.contracts.registry import push as pushed
from ops.contracts.releases import CURRENT, current, named, releases
from ops.named import value_of

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
    found, old, wrong = broken(), outdated(), faults()
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
        said = {"refused": refused, "wrong_versions": wrong, "out_of_date": old, "unreleased": free}
        print(json.dumps(said, ensure_ascii=False))
    else:
        for one in found:
            tell(f"{one}\n")
        for what in wrong:
            tell(f"{what}\n")
        for what in old:
            tell(f"{what}: write contracts/ again with python -m ops.contracts.documents")
        if free:
            tell(f"in no release yet, so not protected: {', '.join(free)}")
        if not found and not old and not wrong:
            tell("contracts are up to date and break no release")
    if found or old or wrong:
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
    found = differences(before, after, ends_of(releases()))
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
    live: Annotated[
        bool,
        typer.Option("--live", help="Also ask Kafka which groups read it there.", rich_help_panel="How"),
    ] = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Who reads and who writes an event.

    Our own groups are those that shared/contracts/topics.py declares. Other systems may read every topic
    that Kafka's rights allow them: with --live Kafka says which groups have read it, and how much they have
    not read yet. Ask it before an old version of an event ends.
    """
    found = readers_of(type_)
    tell(f"{found.type}, in topic {found.topic}, key {found.key}")
    tell(f"written by: {', '.join(found.writers)}")
    tell(f"read by our groups: {', '.join(found.groups) or 'none'}")
    tell(f"first released: {found.since or 'not yet'}")
    if found.succeeded_by:
        tell(f"replaced by {found.succeeded_by}: both are emitted until {found.until}")
    if live:
        there = groups_at(kafka_of(kafka, home), found.topic)
        for group in there:
            whose = "ours" if group.name in found.groups else "of another system"
            tell(f"at Kafka: {group.name} ({whose}), {group.unread:,} records unread")
        if not there:
            tell("at Kafka: no group has read it")


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


@contracts_cli.command()
def push(
    url: Annotated[
        str,
        typer.Argument(
            help="The registry: http://host:8081 of Confluent or Karapace, "
            "http://host:8080/apis/ccompat/v7 of Apicurio."
        ),
    ],
    version: Annotated[
        str, typer.Option("--release", help="The release that is registered.", rich_help_panel="Which")
    ] = CURRENT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be registered.", rich_help_panel="How")
    ] = False,
) -> None:
    """
    Register the schemas with a schema registry, for teams whose tools look there.

    Each gets the subject TOPIC-value. What the registry has already is left alone, so you may repeat it. If
    the registry wants a login, set KEPU_REGISTRY_USER and KEPU_REGISTRY_PASSWORD (or …_FILE).
    """
    counts: dict[str, int] = {}
    with client_of(url, value_of("KEPU_REGISTRY_USER"), value_of("KEPU_REGISTRY_PASSWORD")) as client:
        for one in pushed(client, named(version), dry_run=dry_run):
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
            if one.outcome != "known":
                tell(f"{one.subject}: {one.outcome}" + (f" as {one.id}" if one.id is not None else ""))
    tell(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
