"""kepu door: check tickets at a door that has no network."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.terminal import tell
from ops.door.exchange import Registration, saved
from ops.door.queue import ScanQueue, now
from ops.door.verifier import Door, Ruling

door_cli = typer.Typer(
    no_args_is_help=True,
    help="Check tickets at a door without a network: load the list before, scan, send the scans afterwards.",
)

# How many come in stands behind the ticket: KW1… x3
SCANNED = re.compile(r"^(?P<ticket>.*?)(?:\s+[x×](?P<people>\d{1,2}))?$", re.IGNORECASE)
LINE_CHARS_MAX = 400
WORDS = {
    "ok": "请进",
    "already_checked_in": "已签到",
    "too_many": "人数超过剩余名额",
    "unknown": "不是本活动的入场券",
    "unchecked": "离线无法核验此入场码，请人工判断；联网后核验",
    "revoked": "入场券已失效",
    "cancelled": "报名已取消",
    "waiting": "候补中，没有名额",
    "held": "名额待确认",
    "session_cancelled": "场次已取消",
    "wrong_session": "不是这个场次的入场券",
    "wrong_day": "不是今天的入场券",
    "too_early": "还没到签到时间",
    "too_late": "已过签到时间",
}

List = Annotated[Path, typer.Option("--list", help="The file with the door's list.")]
Queue = Annotated[
    Path, typer.Option("--queue", help="The file with this door's scans; each door has its own.")
]
Url = Annotated[str, typer.Option("--registration", help="URL of the registration service.")]
Key = Annotated[str, typer.Option(envvar="KEPU_ORGANISER_KEY", help="The key of the door, or of organisers.")]
Session = Annotated[str, typer.Argument(help="The id of the session.")]


@door_cli.command(name="load")
def load_command(
    session: Session, registration: Url, organiser_key: Key, list_: List = Path("door.json")
) -> None:
    """Load the list of a session, while there is a network. Load it again as often as you can."""
    door_list = Registration(registration, organiser_key).load(session, list_)
    tell(f"{list_}: session {door_list.session_id}, {len(door_list.entries)} entries")


@door_cli.command(name="scan")
def scan_command(list_: List = Path("door.json"), queue: Queue = Path("door-queue.jsonl")) -> None:
    """
    Check tickets, one a line, from a scanner or the keyboard; no network is needed.

    For some of a ticket's people write how many behind it: KW1… x3

    Each scan is on the disk before its verdict is shown: "verdict, people, words", with tabs between.
    """
    door_list, keys = saved(list_)
    with ScanQueue(queue) as scans:
        door = Door(door_list, keys, scans.inside(door_list.made_at))
        for line in sys.stdin:
            # No file and no number after the ticket is so long.
            found = SCANNED.match(line.strip()[:LINE_CHARS_MAX])
            if found is None or not found["ticket"]:
                continue
            at = now()
            people = int(found["people"]) if found["people"] else None
            ruling = door.scan(found["ticket"], people or None, at)
            scans.note(door_list.session_id, found["ticket"], people or None, at, ruling)
            sys.stdout.write(f"{_shown(ruling)}\n")
            sys.stdout.flush()


@door_cli.command(name="pick")
def pick_command(
    registration_id: Annotated[str, typer.Argument(help="The id, from the list of the session.")],
    people: Annotated[int, typer.Option(min=0, max=99, help="How many come in; 0: all.")] = 0,
    list_: List = Path("door.json"),
    queue: Queue = Path("door-queue.jsonl"),
) -> None:
    """
    Let somebody in who has no ticket, and whom you have found in the list of the session.

    It is a command of its own, so that no scanner can type it: whoever shows you an id has shown nothing.
    """
    door_list, keys = saved(list_)
    with ScanQueue(queue) as scans:
        at = now()
        ruling = Door(door_list, keys, scans.inside(door_list.made_at)).pick(
            registration_id, people or None, at
        )
        scans.note(door_list.session_id, None, people or None, at, ruling)
    sys.stdout.write(f"{_shown(ruling)}\n")


@door_cli.command(name="send")
def send_command(
    session: Session,
    device: Annotated[str, typer.Option(help="The id of this door, such as door-1; each door has its own.")],
    registration: Url,
    organiser_key: Key,
    queue: Queue = Path("door-queue.jsonl"),
) -> None:
    """
    Send the scans that the service does not have yet, and say where its verdict differs from the door's.

    Sending again is harmless: what was sent stays, what was not is sent.
    """
    sent = 0
    with ScanQueue(queue) as scans:
        for verdict in Registration(registration, organiser_key).send(session, device, scans):
            if sent == 0 and verdict["clock_off_seconds"]:
                off = verdict["clock_off_seconds"]
                tell(f"the clock of this device is off by {off} s: times were corrected")
            sent += 1
            if verdict["conflict"]:
                noted = verdict["noted"]
                done = "let in" if noted["let_in"] else "sent away"
                of = verdict["registration_id"] or "nobody's"
                tell(f"{noted['scanned_at']} {done}, but {verdict['verdict']}: {of}")
    tell(f"{sent} scans sent")


def _shown(ruling: Ruling) -> str:
    return f"{ruling.verdict}\t{ruling.people}\t{WORDS[ruling.verdict]}"
