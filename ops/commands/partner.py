"""kepu partner: other systems that write under a name of their own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ops.commands.terminal import UP_HOME, Home, console, tell
from ops.commands.where import KafkaServers, kafka_of
from ops.deployment import first_program, partners
from ops.deployment.partners import PartnersError
from ops.local.services import PARTNERS_FILE
from shared.contracts import events
from shared.contracts.partners import RATE_PER_SECOND_MAX, WRITABLE, Partner
from shared.messaging.connection import Kafka, connection

# What a system that registers people needs.
WRITES = (events.RegistrationRequested.topic,)
READS = (
    events.RegistrationConfirmed.topic,
    events.RegistrationWaitlisted.topic,
    events.RegistrationRejected.topic,
)
RATE = 10

partner_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    Partners: other systems that each have a user and topics of their own at Kafka.

    A partner writes to partner.NAME.TOPIC. The service partners checks each record (whose it is, and whether
    it keeps to the contract) and forwards it to TOPIC, no faster than the partner's rate. So a partner that
    sends nonsense, or far too much, delays nobody else.

    For the week of kepu up:  kepu up --with partners, then kepu partner add hall --folder hall

    Elsewhere, log in as an operator:  kepu partner add hall --kafka … --file partners.json

    What was refused, and why:  kepu dead list --group partners-hall
    """,
)

Name = Annotated[
    str,
    typer.Argument(
        help="The partner's name, such as hall: small letters, digits and dashes. Its user at Kafka has it "
        "too."
    ),
]
File = Annotated[
    Path | None,
    typer.Option(
        envvar="KEPU_PARTNERS_FILE",
        help="The file of partners that the service partners reads. By default that of kepu up.",
        rich_help_panel="Where",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="Write the configuration (with the password) and a first program into this folder, instead of "
        "printing them."
    ),
]
ForPartner = Annotated[
    str | None,
    typer.Option(
        help="Kafka's bootstrap servers as the partner reaches them, if not those that you use yourself.",
        rich_help_panel="Where",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        help="The certificates that the partner's TLS must trust, if not those of its system.",
        rich_help_panel="Where",
    ),
]


@partner_cli.command()
def add(
    name: Name,
    source: Annotated[
        str | None, typer.Option(help="The ce_source of all its records. By default the name.")
    ] = None,
    write: Annotated[
        list[str] | None,
        typer.Option(help=f"A topic that it may write, of {', '.join(sorted(WRITABLE))}. May be repeated."),
    ] = None,
    read: Annotated[
        list[str] | None,
        typer.Option(help="A topic that it may read, such as quiz.published. May be repeated."),
    ] = None,
    rate: Annotated[
        int,
        typer.Option(min=1, max=RATE_PER_SECOND_MAX, help="How many of its commands are forwarded a second."),
    ] = RATE,
    folder: Folder = None,
    for_partner: ForPartner = None,
    ca_file: CaFile = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Also if Kafka has a user of this name already.")
    ] = False,
    file: File = None,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Make a partner: its topics, user, rights and quotas at Kafka. Its password is shown once.

    Without --write and --read it may ask for places and read the outcomes.
    """
    partner = Partner(
        name,
        source or name,
        tuple(write or (() if read else WRITES)),
        tuple(read or (READS if not write or WRITES[0] in write else ())),
        rate,
        datetime.now(UTC),
    )
    servers = kafka_of(kafka, home)
    login = partners.add(_file(file, home), servers, partner, take_over=take_over)
    password = login.password if login.checked else None
    _hand_over(partner, _as_reached(servers, for_partner, ca_file), password, folder)


@partner_cli.command(name="list")
def list_command(file: File = None, home: Home = UP_HOME) -> None:
    """Show all partners."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "source", "writes", "reads", "a second", "added"):
        table.add_column(heading, overflow="fold")
    for one in partners.entries(_file(file, home)):
        added = f"{one.added_at:%Y-%m-%d %H:%M} UTC"
        table.add_row(
            one.name, one.source, "\n".join(one.writes), str(len(one.reads)), str(one.rate_per_second), added
        )
    console.print(table)


@partner_cli.command()
def show(name: Name, file: File = None, home: Home = UP_HOME) -> None:
    """Show one partner: what it may do, and the names of its topics. No password: Kafka keeps none."""
    one = partners.entry(_file(file, home), name)
    tell(f"{one.name} writes as {one.source}, at most {one.rate_per_second} commands a second")
    for topic in one.writes:
        tell(f"writes {one.ingress(topic)}, which is forwarded to {topic}")
    for topic in one.reads:
        tell(f"reads {topic}")
    tell(f"reads in the groups {one.name} and {one.name}.…")
    tell(f"is read by the group {one.group}; refused records: kepu dead list --group {one.group}")


@partner_cli.command()
def rotate(
    name: Name,
    folder: Folder = None,
    for_partner: ForPartner = None,
    ca_file: CaFile = None,
    file: File = None,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    Give a partner a new password, and show it once.

    Connections that are open go on. With the old password nobody can open another one.
    """
    where = _file(file, home)
    servers = kafka_of(kafka, home)
    login = partners.rotate(where, servers, name)
    password = login.password if login.checked else None
    _hand_over(partners.entry(where, name), _as_reached(servers, for_partner, ca_file), password, folder)


@partner_cli.command()
def remove(
    name: Name,
    with_topics: Annotated[
        bool,
        typer.Option(
            "--with-topics",
            help="Also delete its topics, with all that was not forwarded yet, and its dead letters.",
        ),
    ] = False,
    file: File = None,
    kafka: KafkaServers = None,
    home: Home = UP_HOME,
) -> None:
    """
    End a partner at once, also over connections that are open.

    What it wrote and was not forwarded stays in its topics. If you add a partner of this name again, that is
    forwarded: after a theft of its password use --with-topics.
    """
    partners.remove(_file(file, home), kafka_of(kafka, home), name, with_topics=with_topics)
    tell(f"{name} is no partner any more.")


def _file(file: Path | None, home: Path) -> Path:
    return file or home / PARTNERS_FILE


def _as_reached(kafka: Kafka, servers: str | None, ca_file: Path | None) -> Kafka:
    to = connection(kafka)
    return replace(to, servers=servers or to.servers, ca_file=ca_file or to.ca_file)


def _hand_over(partner: Partner, kafka: Kafka, password: str | None, folder: Path | None) -> None:
    if password is None:
        tell("This Kafka lets everybody do everything, so no login is needed and no quota holds.")
    texts = {
        first_program.CONFIGURATION: first_program.configuration(partner, kafka, password),
        first_program.PROGRAM: first_program.program(partner),
    }
    for name, text in texts.items():
        if text is None:
            continue
        if folder is None:
            tell(f"# {name}\n{text}")
        else:
            _write(folder / name, text)
            tell(f"written: {folder / name}")


def _write(file: Path, text: str) -> None:
    try:
        first_program.write(file, text)
    except OSError as error:
        raise PartnersError(
            f"can't write {file} ({error.strerror}): name another folder, then kepu partner rotate"
        ) from error
