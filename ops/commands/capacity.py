"""kepu capacity: how large a deployment has to be for so many participants."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ops.capacity import costs
from ops.capacity.day import Moment
from ops.capacity.plan import HOUR, PROCESSES, REGISTRATION, WAY, Plan, Wish, plan
from ops.commands.terminal import console, tell

BAR = 24
GB = 1e9

capacity_cli = typer.Typer()


Participants = Annotated[float, typer.Option(min=1, max=1e9, help="How many people take part, such as 10e6.")]
Days = Annotated[int, typer.Option(min=1, max=366, help="How many days the week has.")]
PeakHourFactor = Annotated[
    float,
    typer.Option(
        min=1, max=1_000, help="How many times a mean hour of the week the busiest hour of all has."
    ),
]
Attempts = Annotated[
    float | None,
    typer.Option(min=1, max=1_000, help="Attempts of each participant. By default one on each day."),
]
ResultsWithin = Annotated[
    float, typer.Option(min=1, max=86_400, help="Seconds that a result may take on the peak day.")
]
RampMinutes = Annotated[
    float,
    typer.Option(
        min=0, max=60, help="Minutes in which the rush comes, before the busiest hour. 0: all at once."
    ),
]
BrokerCores = Annotated[
    float, typer.Option(min=0.5, max=256, help="Cores of one Kafka broker.", rich_help_panel="Machines")
]
ShardCores = Annotated[
    float,
    typer.Option(
        min=0.5, max=256, help="Cores of the primary of one MongoDB shard.", rich_help_panel="Machines"
    ),
]
AutoscalerSeconds = Annotated[
    float, typer.Option(min=1, max=3_600, help="The autoscaler looks so often.", rich_help_panel="Machines")
]
CostsFile = Annotated[
    Path,
    typer.Option(
        "--costs", help="Costs that python -m bench capacity has measured.", rich_help_panel="Machines"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="All figures as JSON, for programs.")]


@capacity_cli.command()
def capacity(
    participants: Participants,
    days: Days = 12,
    peak_hour_factor: PeakHourFactor = 20,
    attempts: Attempts = None,
    results_within: ResultsWithin = 30,
    ramp_minutes: RampMinutes = 15,
    broker_cores: BrokerCores = 4,
    shard_cores: ShardCores = 8,
    autoscaler_seconds: AutoscalerSeconds = 30,
    costs_file: CostsFile = costs.MEASURED,
    as_json: AsJson = False,
) -> None:
    """
    Say how many processes, partitions, brokers, shards and disks a week needs, and simulate its peak day.

    The costs of one person are measured by the bench, on one machine that the answer names. Processes have
    one core each, and at the peak everything may be busy for 60 % of its time.

    Example: kepu capacity --participants 10e6 --days 12 --peak-hour-factor 20
    """
    measured = costs.read(costs_file)
    wish = Wish(
        participants,
        days,
        peak_hour_factor,
        attempts or float(days),
        results_within,
        60 * ramp_minutes,
        broker_cores,
        shard_cores,
        autoscaler_seconds,
    )
    found = plan(wish, measured)
    if as_json:
        tell(json.dumps(_figures(found, measured), indent=2))
        return
    tell(
        f"{wish.participants:,.0f} people, {wish.attempts:g} attempts each in {days} days: "
        f"{wish.mean_rate:,.1f} attempts a second in a mean hour, {wish.peak_rate:,.0f} in the busiest one.\n"
    )
    console.print(_needs(found))
    tell("\nThe peak day, simulated: attempts a second, and processes at the end of each hour.\n")
    console.print(_day(found))
    late = "in time" if found.age_max <= wish.results_seconds else "LATE: it cannot be met by more processes"
    tell(
        f"\nThe slowest result takes {found.age_max:.0f} s; {wish.results_seconds:.0f} s are wanted: {late}."
    )
    tell(f"Costs: measured {measured.measured_at} on {measured.machine}. Other machines: measure there.")


def _needs(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "how many", "why"):
        table.add_column(heading, overflow="fold")
    for name, (least, most) in found.processes.items():
        table.add_row(name, f"{least} to {most}" if least < most else f"{most}", "processes of one core each")
    table.add_row(
        "partitions", f"{found.partitions}", "of quiz.submitted and quiz.completed: at most one worker each"
    )
    table.add_row(
        "Kafka brokers", f"{found.brokers}", f"{found.kafka_bytes / GB:,.1f} GB of disk each, 3 copies of all"
    )
    table.add_row(
        "MongoDB shards", f"{found.shards}", f"of 3 members, {found.mongo_bytes / GB:,.1f} GB of disk each"
    )
    return table


def _day(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("hour", "attempts/s", "", *PROCESSES, "slowest, s"):
        table.add_column(heading, justify="left" if not heading else "right")
    hours = range(24)
    rates = [_rate(found.moments[WAY[0]], hour) for hour in hours]
    for hour, rate in zip(hours, rates, strict=True):
        bar = "█" * round(BAR * rate / max(rates))
        processes = [f"{max(one.processes for one in _of(found.moments[name], hour))}" for name in PROCESSES]
        age = sum(max(one.age for one in _of(found.moments[name], hour)) for name in WAY)
        table.add_row(f"{hour:02d}", f"{rate:,.0f}", bar, *processes, f"{age:.0f}")
    return table


def _of(moments: list[Moment], hour: int) -> list[Moment]:
    return [one for one in moments if hour * HOUR < one.at <= (hour + 1) * HOUR]


def _rate(moments: list[Moment], hour: int) -> float:
    return sum(one.arrived for one in _of(moments, hour)) / HOUR


def _figures(found: Plan, measured: costs.Costs) -> dict[str, object]:
    return {
        "peak_attempts_per_second": found.wish.peak_rate,
        "processes": {name: {"least": low, "most": high} for name, (low, high) in found.processes.items()},
        "partitions": found.partitions,
        "brokers": found.brokers,
        "broker_disk_bytes": found.kafka_bytes,
        "shards": found.shards,
        "shard_disk_bytes": found.mongo_bytes,
        "slowest_result_seconds": found.age_max,
        "hours": [
            {
                "hour": hour,
                "attempts_per_second": _rate(found.moments[WAY[0]], hour),
                **{
                    name: max(one.processes for one in _of(found.moments[name], hour))
                    for name in (REGISTRATION, *WAY)
                },
            }
            for hour in range(24)
        ],
        "costs": measured.model_dump(),
    }
