"""kepu transactions: transactions of other systems that hold up a partition."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Column, Table

from ops.commands.terminal import UP_HOME, Home, console, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.deployment.transactions import OpenTransaction, abort, open_transactions
from shared.contracts.topics import LIVE

transactions_cli = typer.Typer()

Abort = Annotated[
    bool, typer.Option("--abort", help="Abort those that hang. Open ones that may end are left.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@transactions_cli.command(name="transactions")
def transactions_command(
    abort_: Abort = False,
    yes: Yes = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Show the open transactions of other systems. Whoever reads the partition waits for their end.

    Kafka ends each one after some seconds (transaction.max.timeout.ms). One that hangs is open for longer:
    its end was lost while the broker of the partition was away, so it stays open until you abort it. Nothing
    is lost by that: what it wrote was never committed, and the records behind it are read.

    --abort needs the right to alter the cluster.
    """
    where = kafka_of(kafka, home)
    found = open_transactions(where, [topic.name for topic in LIVE])
    if not found:
        tell("no transaction is open")
        return
    console.print(_shown(found))
    hanging = [one for one in found if one.hangs]
    if not abort_:
        tell("kepu transactions --abort ends those that hang" if hanging else "none hangs: Kafka ends them")
    elif not hanging:
        tell("none hangs, so nothing is aborted")
    elif yes or typer.confirm(f"Abort {len(hanging)} that hang?"):
        abort(where, hanging)
        tell(f"{len(hanging)} aborted: their partitions are read on")


def _shown(found: Sequence[OpenTransaction]) -> Table:
    columns = "partition", "from offset", "producer", "silent for", ""
    table = Table(Column("topic", no_wrap=True), *columns, box=None, pad_edge=False)
    for one in found:
        numbers = map(str, (one.partition, one.first_offset, one.producer_id))
        table.add_row(one.topic, *numbers, f"{one.idle_seconds:.0f} s", "hangs" if one.hangs else "")
    return table
