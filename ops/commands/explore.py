"""kepu listen and kepu emit: see events as they come, and write one."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Column, Table

from ops.commands.terminal import UP_HOME, Home, console, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.contracts.documents import GOLDEN
from ops.dead.chosen import moment_of
from ops.deployment.access import OTHERS, writers_of
from ops.errors import CommandError
from ops.exploring import compose, show
from ops.exploring.choose import contract_of, topics_of
from ops.exploring.fields import with_fields
from ops.exploring.follow import From, follow
from ops.exploring.heard import Hearing, Wanted
from ops.exploring.send import send
from shared.contracts import events
from shared.contracts.envelope import Event
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import declared
from shared.messaging.connection import Kafka
from shared.messaging.publisher import Record

explore_cli = typer.Typer()
errors = Console(stderr=True, highlight=False)

Patterns = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[EVENT]...",
        help="Events, such as quiz.completed, 'quiz.*' or kepu.quiz.completed.v1. None: all events.",
    ),
]
Key = Annotated[str, typer.Option("--key", help="Only records with this key.", rich_help_panel="Which")]
Participant = Annotated[
    str,
    typer.Option(
        "--participant",
        metavar="ID",
        help="Only records about this participant: in the key, or anywhere in the body.",
        rich_help_panel="Which",
    ),
]
OfSource = Annotated[
    str, typer.Option("--source", help="Only records of this ce_source.", rich_help_panel="Which")
]
Dead = Annotated[
    bool, typer.Option("--dead", help="The dead letters of these events instead.", rich_help_panel="Which")
]
Since = Annotated[
    str,
    typer.Option(
        "--from",
        help="Where to begin: now, beginning, 30m, 2h or 3d ago, or 2027-05-20T08:00:00+08:00.",
        rich_help_panel="Which",
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="End after so many records.", rich_help_panel="How")
]
ToEnd = Annotated[
    bool, typer.Option("--to-end", help="End where the topics end now; do not wait.", rich_help_panel="How")
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, for programs: an object on each line.", rich_help_panel="How"),
]
Type = Annotated[
    str | None,
    typer.Argument(
        metavar="[EVENT]", help="The event, such as registration.requested; kepu emit --list shows all."
    ),
]
File = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="Its body as JSON, or a line of kepu listen --json; - for stdin."),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        "-f",
        metavar="NAME=VALUE",
        help="Set a field, also inside of others: places=2, plan.venue=Hall, answers.q7=AC.",
        rich_help_panel="What",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        envvar="KEPU_SOURCE",
        help="ce_source, the name of your system, such as schools/examination-hall."
        f" By default {compose.EXPLORER}.",
        rich_help_panel="What",
    ),
]
CorrelationId = Annotated[
    str | None,
    typer.Option("--correlation-id", help="By default the event's own id.", rich_help_panel="What"),
]
AsService = Annotated[
    bool,
    typer.Option(
        "--as-service",
        help="Say a fact in the name of the service that says it. Only where nothing depends on it.",
        rich_help_panel="How",
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Do not ask before --as-service elsewhere.", rich_help_panel="How")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Check it and print the record; write nothing.", rich_help_panel="How"),
]
Example = Annotated[
    bool,
    typer.Option("--example", help="Print a body with every field, to begin with.", rich_help_panel="Learn"),
]
List = Annotated[
    bool, typer.Option("--list", help="Print all events, and who may say them.", rich_help_panel="Learn")
]


def hint(text: str) -> None:
    """Print a line for people beside the output that programs read."""
    errors.print(text, soft_wrap=True, markup=False, style="dim")


@explore_cli.command(name="listen")
def listen_command(
    patterns: Patterns = None,
    key: Key = "",
    participant: Participant = "",
    source: OfSource = "",
    dead: Dead = False,
    from_: Since = "now",
    limit: Limit = None,
    to_end: ToEnd = False,
    as_json: AsJson = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    See events as they come. Ctrl-C ends it.

    A line has the time, the event, its key, and the first fields of its body. A record that our groups would
    refuse is red, and says why. What is sealed stays sealed. Reading changes nothing: no group is joined, and
    no offset is committed.

    With --json each line is a whole record: place, key, headers and body (data), which kepu emit takes again.
    Bodies have ids instead of names, but people may have written anything into a text.

    kepu listen 'registration.*' --from 10m

    kepu listen --participant 98a065ef-629f-5f90-9bb1-f3c76a66f5e8 --from beginning --to-end

    kepu listen quiz.completed --json | jq .data.points
    """
    since: From = from_ if from_ in ("now", "beginning") else moment_of(from_, datetime.now(UTC))  # type: ignore[assignment] # (one of the two words, by the condition)
    chosen = list(patterns or ())
    wanted = Wanted(key, participant, source)
    hearing = Hearing()
    shown = 0

    def choose(there: Any) -> list[str]:
        return topics_of(chosen, there, dead=dead)

    try:
        for message in follow(kafka_of(kafka, home), choose, since, to_end=to_end, tell=hint):
            if not wanted.means(message):
                continue
            one = hearing.heard(message)
            # Before it is printed: then Ctrl-C may come.
            shown += 1
            if as_json:
                print(show.as_json(one), flush=True)
            else:
                console.print(show.line(one), soft_wrap=True)
            if shown == limit:
                break
    except KeyboardInterrupt:
        # People end it so: that is no failure.
        hint("")
    hint("1 record" if shown == 1 else f"{shown:,} records")


@explore_cli.command(name="emit")
def emit_command(
    type_: Type = None,
    file: File = None,
    fields: Fields = None,
    source: Source = None,
    correlation_id: CorrelationId = None,
    as_service: AsService = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    example: Example = False,
    list_: List = False,
    as_json: AsJson = False,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Write one event, after a check by its contract.

    Its id, its time and its other headers are filled in. The same event again has the same id, so readers
    know it as a repeat. The partition is that of the key. The command waits until Kafka has it safely.

    kepu emit registration.requested --example > request.json

    kepu emit registration.requested request.json -f session_id=first-aid-0525 --dry-run

    kepu emit notification.requested -f participant_id=98a065ef-… -f subject=考场安排 -f body=请提前到达
    """
    if list_:
        _print_list()
        return
    if type_ is None:
        raise CommandError("say which event: kepu emit --list shows all")
    contract = contract_of(type_)
    if example:
        print(json.dumps(example_of(contract)["data"], ensure_ascii=False, indent=2))
        return
    given = compose.given_of(_read(file)) if file else compose.Given({})
    body = with_fields(given.body, list(fields or ()), contract.model_json_schema())
    if (
        "request_id" in contract.model_fields
        and "request_id" not in body
        and OTHERS in writers_of(contract.topic)
    ):
        # Every request needs an id of its own, which means nothing.
        body = {"request_id": str(uuid4()), **body}
    sender = compose.source_for(contract, source or given.headers.get("ce_source"), as_service=as_service)
    compose.check(contract, body)
    record = compose.record_of(
        contract,
        compose.changed(given, body),
        source=sender,
        now=datetime.now(UTC),
        correlation_id=correlation_id,
    )
    if dry_run:
        _print_record(record, declared(contract).partitions, as_json=as_json)
        return
    if as_service and kafka and not yes:
        typer.confirm(f"Say {contract.topic} in the name of {sender} at {kafka}?", abort=True)
    _send(kafka_of(kafka, home), record, as_json=as_json)


def example_of(contract: type[Event]) -> dict[str, Any]:
    """
    The golden record of a contract: key, headers and data.

    Raises:
        CommandError: this is no checkout of the project.
    """
    path = GOLDEN / f"{contract.type}.json"
    if not path.exists():
        raise CommandError(f"examples are in a checkout of the project: {path.name} is not here")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _read(file: Path) -> str:
    try:
        source = sys.stdin.buffer if str(file) == "-" else file.open("rb")
        with source:
            content = source.read(compose.INPUT_BYTES_MAX + 1)
        if len(content) > compose.INPUT_BYTES_MAX:
            raise CommandError(
                f"{file} has more than {compose.INPUT_BYTES_MAX:,} bytes: no event is so large"
            )
        return content.decode()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8") from None


def _send(kafka: Kafka, record: Record, *, as_json: bool) -> None:
    partition, offset = send(kafka, record)
    headers = {name: value.decode() for name, value in record[3]}
    place = f"{record[0]}/{partition}/{offset}"
    if as_json:
        print(
            json.dumps(
                {"place": place, "ce_id": headers["ce_id"], "ce_correlationid": headers["ce_correlationid"]}
            )
        )
        return
    tell(f"{place}  {headers['ce_type']}  {headers['ce_id']}")
    hint(f"what follows from it: kepu trace {headers['ce_correlationid']}")


def _print_record(record: Record, partitions: int, *, as_json: bool) -> None:
    topic, key, value, headers = record
    said = {name: content.decode() for name, content in headers}
    body = json.loads(value or b"")
    partition = partition_of(key, partitions)
    if as_json:
        whole = {
            "topic": topic,
            "partition": partition,
            "key": (key or b"").decode(),
            "headers": said,
            "data": body,
        }
        print(json.dumps(whole, ensure_ascii=False))
        return
    tell(f"topic      {topic}")
    tell(f"key        {(key or b'').decode()}")
    tell(f"partition  {partition}, if the topic has {partitions}")
    for name, content in said.items():
        tell(f"{name:17} {show.printable(content)}")
    tell(json.dumps(body, ensure_ascii=False, indent=2))
    hint("nothing was written (--dry-run)")


def _print_list() -> None:
    # Names whole, also on a narrow terminal: they are typed again.
    names = (Column(name, no_wrap=True) for name in ("event", "key"))
    table = Table(*names, "said by", "what it says", box=None, pad_edge=False)
    for contract in events.ALL:
        says = (contract.__doc__ or "").strip().split("\n")[0]
        table.add_row(contract.topic, contract.key_field, ", ".join(writers_of(contract.topic)), says)
    console.print(table)
