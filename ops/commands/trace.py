"""kepu trace: where an id is in the log, and what is missing."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from ops.commands.terminal import UP_HOME, Home, tell, told_in_quarters
from ops.commands.where import KafkaServers, kafka_of
from ops.dead.chosen import moment_of
from ops.tracing.chain import in_order, missing
from ops.tracing.find import find
from ops.tracing.show import as_seen, lines

# The exit code when something should have followed and did not.
INCOMPLETE = 1

trace_cli = typer.Typer()


@trace_cli.command(name="trace")
def trace_command(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A correlation id (X-Correlation-ID), or the id of an event, a participant, an attempt, a"
            " registration, or the code of an award.",
        ),
    ],
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="Read the log from then on: 30m, 2h, 3d ago, or a time like 2027-05-20T08:00:00+08:00.",
        ),
    ] = "24h",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")] = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Find an id in all topics, and say what should have followed and did not.

    Each line has the time, the topic with partition and offset, the type of the event, its id and the id of
    its cause; of a dead letter also the group, the code and the reason. No content is shown. Exits with 1 if
    nothing was found, or something is missing.

    kepu trace 0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55 --since 3d
    """
    now = datetime.now(UTC)
    from_ = moment_of(since, now)
    found = find(kafka_of(kafka, home), id_, from_, (lambda *_: None) if as_json else told_in_quarters(tell))
    records = in_order(found.records)
    absent = list(missing(records, found.reaches, datetime.now(UTC)))
    if as_json:
        said = {
            "id": id_,
            "since": from_.isoformat(),
            "records": [as_seen(one) for one in records],
            "more": found.more,
            "missing": absent,
        }
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        for line in lines(records):
            tell(line)
        if found.more:
            tell("There are more records: take the id of one thing, or a shorter --since.")
        for line in absent:
            tell(f"missing: {line}")
        if not records:
            tell(
                f"no record since {from_:%Y-%m-%d %H:%M} UTC names {id_}: take an earlier --since, or look at"
                " the outbox of the service that should have published it"
            )
    if not records or absent:
        raise typer.Exit(INCOMPLETE)
