"""kepu dead: records that a service could not handle, and what becomes of them."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from ops.commands.terminal import UP_HOME, Home, console, progress, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.dead import decide, tables
from ops.dead.chosen import TIMES_MAX, Choice, may_go_again, moment_of
from ops.dead.letters import Letter, as_seen, read_letters
from ops.dead.places import check_readable
from ops.deployment.whole_topics import partners_topics
from ops.errors import CommandError
from shared.messaging.connection import Kafka
from shared.messaging.publisher import Publisher, publishing

RATE = 100.0
SHOWN = 20

dead_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    Dead letters: records that a group could not handle. Each waits until you decide about it.

    See what waits, and why:  kepu dead list

    The cause is mended, or it was ours:  kepu dead redrive --group quiz-grading --code handler_failed

    Nothing can be done with them:  kepu dead discard --code bad_body --reason "sender told"

    A group gets no further because of one record:  kepu dead bury quiz.submitted/3/17 --group quiz-grading

    For a deployment elsewhere, name its Kafka: --kafka or KEPU_KAFKA. Each decision is kept as an event,
    dead_letter.decided, with the name of who has decided.
    """,
)


class StateChosen(StrEnum):
    """Which letters are listed."""

    waiting = "waiting"
    redriven = "redriven"
    discarded = "discarded"
    all = "all"


Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names of dead letters, as kepu dead list shows them. None: all that the options mean."
    ),
]
Name = Annotated[
    str,
    typer.Argument(help="The name of a dead letter, such as quiz.submitted.quiz-grading.dead/0/17."),
]
Topic = Annotated[str, typer.Option("--topic", help="Only records of this topic.", rich_help_panel="Which")]
Group = Annotated[
    str, typer.Option("--group", help="Only those that this group gave up.", rich_help_panel="Which")
]
Code = Annotated[
    str, typer.Option("--code", help="Only with this code, such as bad_body.", rich_help_panel="Which")
]
Source = Annotated[
    str, typer.Option("--source", help="Only of this sender (ce_source).", rich_help_panel="Which")
]
Event = Annotated[
    str, typer.Option("--event", help="Only with this id of the event (ce_id).", rich_help_panel="Which")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="Given up since then: 30m, 2h, 3d ago, or a time like 2027-05-20T08:00:00+08:00.",
        rich_help_panel="Which",
    ),
]
Until = Annotated[str | None, typer.Option("--until", help="Given up before then.", rich_help_panel="Which")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done.", rich_help_panel="How")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.", rich_help_panel="How")]
By = Annotated[
    str | None,
    typer.Option("--by", help="Who decides; your account, if you say nothing.", rich_help_panel="How"),
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why, for those who read it later. No names.", rich_help_panel="How")
]


@dead_cli.command(name="list")
def list_command(
    topic: Topic = "",
    group: Group = "",
    code: Code = "",
    source: Source = "",
    event: Event = "",
    since: Since = None,
    until: Until = None,
    state: Annotated[
        StateChosen, typer.Option(help="Waiting, or decided already.", rich_help_panel="Which")
    ] = StateChosen.waiting,
    limit: Annotated[
        int, typer.Option(min=0, help="How many letters are shown, the newest.", rich_help_panel="How")
    ] = SHOWN,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="All of them as lines of JSON, for programs.", rich_help_panel="How"),
    ] = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """Count the dead letters by topic, group and code, and show the newest. No content is shown."""
    where = kafka_of(kafka, home)
    choice = _choice(where, (), topic, group, code, source, event, since, until, state.value)
    letters = choice.of(read_letters(where, choice.topics))
    if as_json:
        for seen in as_seen(letters):
            tell(json.dumps(seen, ensure_ascii=False))
        return
    if not letters:
        words = "" if state is StateChosen.all else f"{state.value} "
        tell(f"no {words}dead letters")
        return
    console.print(tables.counted(letters))
    if limit:
        tell("")
        for line in tables.listed(letters[-limit:]):
            tell(line)
    if len(letters) > limit > 0:
        tell(f"{len(letters) - limit} older ones: --limit {len(letters)}, or --json")


@dead_cli.command()
def show(
    name: Name,
    value: Annotated[
        bool,
        typer.Option("--value", help="Print the record's value too. It may contain personal data."),
    ] = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """Show one dead letter: its reason, its record's headers, and what was decided about it."""
    where = kafka_of(kafka, home)
    choice = Choice(names=(name,), more=tuple(partners_topics(where)))
    [letter] = choice.of(read_letters(where, choice.topics))
    console.print(tables.one(letter))
    if value and letter.value is not None:
        tell(letter.value.decode(errors="replace"))


@dead_cli.command()
def redrive(
    names: Names = None,
    topic: Topic = "",
    group: Group = "",
    code: Code = "",
    source: Source = "",
    event: Event = "",
    since: Since = None,
    until: Until = None,
    rate: Annotated[
        float, typer.Option(min=0.1, max=10_000, help="Records a second.", rich_help_panel="How")
    ] = RATE,
    times_max: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="Records that were sent again so often stay.", rich_help_panel="How"
        ),
    ] = TIMES_MAX,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Send the records of dead letters to their topics again, after their cause is mended.

    A record keeps its ids, so nothing is done twice, and other groups that read it again change nothing. A
    submission counts as of the time at which it was appended first. If a record fails again, it is a new
    dead letter.
    """
    where = kafka_of(kafka, home)
    choice = _choice(where, names, topic, group, code, source, event, since, until)
    chosen = choice.of(read_letters(where, choice.topics))
    letters, refused = may_go_again(chosen, decide.replaced(where, chosen), times_max=times_max)
    for line in tables.refusals(refused):
        tell(line)
    if not _confirmed("send again", letters, dry_run=dry_run, yes=yes):
        return

    async def work(publisher: Publisher, told: Callable[[int], None]) -> None:
        await decide.redrive(publisher, letters, by=_account(by), reason=reason or None, rate=rate, told=told)

    _carry_out(where, letters, work)
    tell(f"{len(letters)} sent again. What fails again is a new dead letter: kepu dead list")


@dead_cli.command()
def discard(
    names: Names = None,
    topic: Topic = "",
    group: Group = "",
    code: Code = "",
    source: Source = "",
    event: Event = "",
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Note that nothing more is done with dead letters. They are listed as discarded, and can still be redriven
    by name.
    """
    if not reason:
        raise CommandError("say why nothing is done with them: --reason")
    where = kafka_of(kafka, home)
    choice = _choice(where, names, topic, group, code, source, event, since, until)
    letters = choice.of(read_letters(where, choice.topics))
    if not _confirmed("discard", letters, dry_run=dry_run, yes=yes):
        return

    async def work(publisher: Publisher, told: Callable[[int], None]) -> None:
        await decide.discard(publisher, letters, by=_account(by), reason=reason, told=told)

    _carry_out(where, letters, work)
    tell(f"{len(letters)} discarded")


@dead_cli.command()
def bury(
    places: Annotated[
        list[str],
        typer.Argument(help="Records that stop the group, as TOPIC/PARTITION/OFFSET: its log names them."),
    ],
    group: Annotated[str, typer.Option(help="The group that gets no further.")],
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Let a group pass by records that stop it. It makes dead letters of them, so nothing is lost.

    A group that waits for a server looks every 30 seconds. A group that has stopped looks when its process
    is started again.
    """
    where = kafka_of(kafka, home)
    check_readable(where, group, places)
    for place in places:
        tell(f"bury {place} for {group}")
    if dry_run or not (yes or typer.confirm("Bury these records?")):
        return

    async def work() -> None:
        async with publishing(where, "kepu-dead") as publisher:
            await decide.bury(publisher, group, places, by=_account(by), reason=reason or None)

    asyncio.run(work())
    tell(f"{len(places)} named. If {group} has stopped, start its process again.")


def _choice(
    kafka: Kafka,
    names: Sequence[str] | None,
    topic: str,
    group: str,
    code: str,
    source: str,
    event: str,
    since: str | None,
    until: str | None,
    state: str = "waiting",
) -> Choice:
    now = datetime.now(UTC)
    from_, to = (moment_of(one, now) if one else None for one in (since, until))
    more = tuple(partners_topics(kafka))
    return Choice(tuple(names or ()), topic, group, code, source, event, from_, to, state, more)


def _confirmed(what: str, letters: Sequence[Letter], *, dry_run: bool, yes: bool) -> bool:
    if not letters:
        tell(f"there is nothing to {what}")
        return False
    console.print(tables.counted(letters))
    if dry_run:
        tell(f"would {what} {len(letters)}")
        return False
    return yes or typer.confirm(f"{what} {len(letters)}?".capitalize())


def _carry_out(
    kafka: Kafka,
    letters: Sequence[Letter],
    work: Callable[[Publisher, Callable[[int], None]], Awaitable[None]],
) -> None:
    async def run() -> None:
        with progress({"letters": len(letters)}) as advance:
            async with publishing(kafka, "kepu-dead") as publisher:
                await work(publisher, lambda count: advance("letters", count))

    asyncio.run(run())


def _account(by: str | None) -> str:
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("say who decides: --by") from None
