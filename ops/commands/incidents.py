"""kepu incidents: incidents of a peak week are played, to see that exactly the alert that is meant fires."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.table import Table

from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.play import DIFFERS, fresh
from ops.commands.terminal import DEFAULT_HOME, Home, console, tell
from ops.demo.mails import Mails
from ops.demo.run import week_of_now
from ops.deployment import databases
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.deployment.settle import wait_until_settled
from ops.errors import CommandError
from ops.incidents.catalogue import INCIDENTS, Incident
from ops.incidents.play import Outcome, play, wait_until_quiet
from ops.incidents.scene import Scene
from ops.incidents.visitors import Visitors
from ops.local.services import Services
from ops.monitoring.prometheus import Monitoring
from ops.week import load

incidents_cli = typer.Typer()


@incidents_cli.command()
def incidents(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which ones, as --list shows them. None: all.")
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Only the short form: the one that takes two minutes.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only show what can be played.")] = False,
    home: Home = DEFAULT_HOME / "incidents",
) -> None:
    """
    Play the incidents of a peak week, and see that exactly the alert that is meant fires, and ends.

    Starts Kafka, MongoDB, the services, Prometheus and Alertmanager with the rules of deploy/prometheus, lets
    people take part, breaks one thing after the other, and audits the week at the end. All of them take
    about 40 minutes. Needs Prometheus and Alertmanager: Debian's packages are fetched without root where they
    are not installed.

    Exits with 0 if every alert fired and ended in time, no other fired, and the audit agrees. Else with 1.
    """
    chosen = _chosen(names or (), short=short)
    if listed:
        console.print(_table([Outcome(one) for one in chosen], played=False))
        return
    with fresh(home) as services, Monitoring(home / "monitoring", tell) as monitoring:
        outcomes, found = asyncio.run(_play(services, monitoring, chosen))
    console.print(_table(outcomes, played=True))
    show(found, console)
    if not found.agrees or not all(outcome.is_good for outcome in outcomes):
        raise typer.Exit(DIFFERS)


def _chosen(names: Sequence[str], *, short: bool) -> list[Incident]:
    known = {one.name: one for one in INCIDENTS}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(f"there is no incident {unknown[0]}: {', '.join(known)}")
    return [one for one in INCIDENTS if (one.name in names or not names) and (one.is_short or not short)]


async def _play(
    services: Services, monitoring: Monitoring, chosen: Sequence[Incident]
) -> tuple[list[Outcome], Audit]:
    deployment, ledger, week = services.deployment, services.home / LEDGER_FILE, week_of_now()
    await asyncio.to_thread(load.load_whole, week, deployment.apis)
    scene = Scene(services, monitoring, week)
    async with (
        connected(deployment.apis, Ledger(ledger)) as client,
        databases.connected(deployment.mongo) as all_databases,
    ):
        visitors = Visitors(week, client, Mails(deployment.mail_file))
        async with visitors.coming():
            outcomes = await asyncio.to_thread(_play_all, scene, chosen, tell)
        tell(f"{visitors.done} people took part, {visitors.gave_up} gave up. Auditing …")
        await wait_until_settled(deployment.kafka, all_databases, lambda _: None)
        return outcomes, await audit(deployment, all_databases, ledger)


def _play_all(scene: Scene, chosen: Sequence[Incident], say: Callable[[str], None]) -> list[Outcome]:
    outcomes = []
    for number, incident in enumerate(chosen, 1):
        if names := wait_until_quiet(scene):
            raise CommandError(f"before {incident.name} it is not quiet: {', '.join(names)}")
        say(f"{number}/{len(chosen)} {incident.name}: {incident.what}")
        outcomes.append(play(scene, incident, say))
        say(f"  {outcomes[-1].words}")
    return outcomes


def _table(outcomes: Sequence[Outcome], *, played: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (
        "incident",
        "what happens",
        "alert",
        "within",
        *(("fired", "ended", "verdict") if played else ()),
    ):
        table.add_column(heading, overflow="fold")
    for one in outcomes:
        seen = (_seconds(one.fired_after), _seconds(one.resolved_after), one.words) if played else ()
        incident = one.incident
        table.add_row(incident.name, incident.what, incident.alert, _seconds(incident.within_seconds), *seen)
    return table


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"
