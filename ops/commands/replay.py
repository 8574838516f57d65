"""kepu replay: a group reads a part of its topics again."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from ops.commands.terminal import UP_HOME, Home, console, progress, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.dead.chosen import moment_of
from ops.replaying.effects import effect_of
from ops.replaying.offsets import bounds_for, committed_by, follow, move, wait_until_empty
from ops.replaying.plan import EARLIEST, Partition, check_skips_nothing, moment_or_offset, planned
from shared.contracts import topics as declared

replay_cli = typer.Typer()


Group = Annotated[str, typer.Option(help="The consumer group. It may be new.")]
From = Annotated[
    str,
    typer.Option(
        "--from", help="earliest, an offset, or a time: 30m, 2h, 3d ago, or 2027-05-20T08:00:00+08:00."
    ),
]
Topics = Annotated[
    list[str] | None,
    typer.Option(help="The topic; several times for several. By default all that a group of ours reads."),
]
Partitions = Annotated[list[int] | None, typer.Option(help="Only this partition; several times for several.")]
Skip = Annotated[
    bool, typer.Option("--skip", help="Also go forward, past records that the group has never read.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Show the progress until the group is at the end.")
]


@replay_cli.command(name="replay")
def replay_command(
    group: Group,
    from_: From,
    topic: Topics = None,
    partition: Partitions = None,
    skip: Skip = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Let a group read its topics again from a time or an offset on.

    1. Stop every process of the service that has the role worker or all.
    2. kepu replay --group quiz-grading --from 2h
    3. Start them. The command shows the progress until the group is at the end.

    Handlers of ours expect repeats, so nothing is done twice. The command says what it does in this group.
    """
    where = kafka_of(kafka, home)
    names = topic or [one.name for one in declared.LIVE if group in one.all_groups]
    if not names:
        raise typer.BadParameter(f"{group} is no group of ours, so name the topics", param_hint="--topic")
    wanted = moment_or_offset(from_)
    is_time = isinstance(wanted, str) and wanted != EARLIEST
    at = moment_of(from_, datetime.now(UTC)) if is_time else None
    bounds, first = bounds_for(where, names, partition or (), at)
    plan = planned(bounds, committed_by(where, group), wanted if isinstance(wanted, int) else first)
    check_skips_nothing(plan, skip=skip)
    _show(plan)
    tell(f"{group}: {effect_of(group)}")
    plan = [one for one in plan if one.target != one.committed]
    if dry_run or not plan:
        tell("nothing is changed" if plan else "the group is there already: nothing is changed")
        return
    repeated, skipped = sum(one.repeated for one in plan), sum(one.skipped for one in plan)
    words = f"Read {repeated} offsets again" + (f", and NEVER read {skipped}" if skipped else "")
    if not yes and not typer.confirm(f"{words}?"):
        return
    wait_until_empty(where, group, tell)
    move(where, group, plan)
    tell(f"{group} goes on there. Start its processes now.")
    if wait:
        with progress({"replay": sum(one.to_read for one in plan)}) as advance:
            follow(lambda: committed_by(where, group), plan, lambda count: advance("replay", count), tell)
        tell(f"{group} is at the end")


def _show(plan: list[Partition]) -> None:
    columns = ("topic", "partition", "kept from", "end", "group is at", "goes on at", "again", "skipped")
    table = Table(*columns, box=None, pad_edge=False)
    for one in plan:
        at = "nowhere" if one.committed is None else str(one.committed)
        numbers = (one.low, one.end, at, one.target, one.repeated, one.skipped)
        table.add_row(one.topic, str(one.number), *map(str, numbers))
    console.print(table)
