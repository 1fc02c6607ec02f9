"""Identity and settings in a real PostgreSQL, through the host's connection."""

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.rows import dict_row

from homing import PostgresStore
from homing.clock import SystemClock
from homing.sdk.identity import INSTANCE_FILE, TOKEN_FILE, Identities, StorePlace
from homing.sdk.policy import POLICIES, IdKept
from homing.sdk.status import UNMADE
from tests.functional.receiver import environment
from tests.postgres import postgres
from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry

SELECT: Final = "select value from server_state where key = 'instance_id'"

UPDATE: Final = """update server_state
set value = ('"' || gen_random_uuid() || '"')::jsonb
where key = 'instance_id'
returning value as new_instance_id;"""
"""Both as document 001 prints them."""

PROGRAM: Final = """
import sys
import psycopg
from homing import PostgresStore, Telemetry
telemetry = Telemetry(
    app="acme", version="1.2.3", policy="sirveo", directory={directory!r},
    database=PostgresStore(lambda: psycopg.connect({address!r})),
)
print("ready", flush=True)
sys.stdin.readline()
telemetry.start()
print(telemetry.status().instance, flush=True)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server for all tests of this file."""
    with postgres() as address:
        yield address


@pytest.fixture
def address(server: str) -> Iterator[str]:
    """A database of the test's own, without any table."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def store(address: str) -> PostgresStore:
    """A store in that database."""
    return PostgresStore(lambda: psycopg.connect(address))


def asked(address: str, statement: str) -> Any:
    """Run a statement as its administrator does, and return the one value of its answer."""
    with psycopg.connect(address) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def tables(address: str) -> int:
    """Return how many tables there are."""
    return int(asked(address, "select count(*) from pg_tables where schemaname = 'public'"))


def sirveo(place: Path, store: Any, **given: Any) -> Any:
    """Return a server's telemetry."""
    return telemetry(place, **{"policy": "sirveo", "key": "", "database": store, "clock": SystemClock(), **given})


# The store.


def test_values_are_kept(store: PostgresStore, address: str) -> None:
    """Whatever JSON has comes back; reading makes no table; None deletes."""
    assert ({}, 0) == (store.load(), tables(address))
    values: dict[str, Any] = {"a": True, "b": 7, "c": 'ü " \\ %s', "d": {"e": [1, None]}, "f": ""}
    for name, value in values.items():
        store.save(name, value)
    assert values == store.load()
    store.save("a", None)
    store.save("b", 8)
    assert values | {"b": 8} == store.load() | {"a": True}


def test_swapping(store: PostgresStore) -> None:
    """A value is kept where another still stands, and what stands there then is told."""
    assert 1 == store.swap("a", old=None, new=1)
    assert 1 == store.swap("a", old=None, new=2)
    assert 1 == store.swap("a", old=2, new=3)
    assert 3 == store.swap("a", old=1, new=3)
    assert {"b": 1} == store.swap("a", old=3, new={"b": 1})
    assert 4 == store.swap("a", old={"b": 1}, new=4)


def rows_by_name(address: str) -> Any:
    """Return a connection whose rows have names."""
    return psycopg.connect(address, row_factory=dict_row)


def each_for_itself(address: str) -> Any:
    """Return a connection that commits every statement."""
    return psycopg.connect(address, autocommit=True)


def of_others(address: str) -> Any:
    """Return a connection that its host closes by other means, and that commits only when it is told to."""

    @contextlib.contextmanager
    def lent() -> Iterator[Any]:
        connection = psycopg.connect(address)
        try:
            yield connection
        finally:
            connection.rollback()
            connection.close()

    return lent()


@pytest.mark.parametrize("connect", [rows_by_name, each_for_itself, of_others])
def test_connections_of_hosts(address: str, connect: Callable[[str], Any]) -> None:
    """However the host wants its rows and its commits, values are kept."""
    store = PostgresStore(lambda: connect(address))
    store.save("a", 1)
    assert 2 == store.swap("a", old=1, new=2)
    assert {"a": 2} == PostgresStore(lambda: connect(address)).load()


@pytest.mark.parametrize("autocommit", [False, True])
def test_all_make_the_table_at_once(address: str, *, autocommit: bool) -> None:
    """Nobody is hindered by the others, and all agree."""

    def make(_number: int) -> str:
        store = PostgresStore(lambda: psycopg.connect(address, autocommit=autocommit))
        return Identities(StorePlace(store, "instance_id"), clock=SystemClock()).make().instance

    with ThreadPoolExecutor(8) as pool:
        assert 1 == len(set(pool.map(make, range(8))))


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """Nothing is sent, status says why, and nothing is raised."""
    gone = PostgresStore(lambda: psycopg.connect(f"postgresql://postgres@/x?host={tmp_path}"))
    with pytest.raises(OSError, match="the database: connection"):
        gone.load()
    outbox = Outbox()
    with sirveo(tmp_path, gone, transport=outbox) as sending:
        status = sending.send_now(SECONDS)
        sending.preview()
    assert ([], UNMADE) == (outbox.requests, status.instance)
    assert any("cannot be kept: the database" in problem for problem in status.problems)
    assert not any("\n" in problem for problem in status.problems)


def test_settings_are_saved(tmp_path: Path, store: PostgresStore) -> None:
    """What somebody chose holds after a restart, and who agreed is there; the host's own rows stay."""
    store.save("own", {"of": "the host"})
    given: dict[str, Any] = {"database": store, "enabled": None, "policy": "seqdesk", "key": ""}
    with telemetry(tmp_path, **given) as sending:
        sending.save({"enabled": True, "interval": 12}, who="ada")
    with telemetry(tmp_path, **given) as sending:
        status = sending.status()
    assert (True, "database", 12 * 3600) == (status.enabled, status.layer, status.first.interval_seconds)
    assert ({"of": "the host"}, "ada") == (store.load()["own"], store.load()["consent"]["who"])


# The id.


def test_the_id_of_a_server(tmp_path: Path, store: PostgresStore, address: str) -> None:
    """It is made at the start, on or off, as a JSON string, and found as the document says."""  # 001-17 001-23
    with sirveo(tmp_path, store, enabled=None) as sending:
        made = sending.status().instance
    assert made == str(uuid.UUID(made)) == asked(address, SELECT)
    assert "string" == asked(address, SELECT.replace("value", "jsonb_typeof(value)", 1))


@pytest.mark.parametrize("wrong", ['"no UUID"', "7", "null", '["a"]', '""'])
def test_an_invalid_id(tmp_path: Path, store: PostgresStore, address: str, wrong: str) -> None:
    """What is missing or no UUID is replaced at the start; any UUID is kept."""  # 001-22
    store.save("instance_id", "x")
    with psycopg.connect(address) as connection:
        connection.execute("update server_state set value = %s where key = 'instance_id'", (wrong,))
    with sirveo(tmp_path, store) as sending:
        made = sending.status().instance
    assert made == str(uuid.UUID(made)) == asked(address, SELECT)
    other = "c232ab00-9414-11ec-b3c8-9f6bdeced846"
    store.save("instance_id", other)
    with sirveo(tmp_path, store) as sending:
        assert other == sending.status().instance
    asked(address, "delete from server_state returning 1")
    with sirveo(tmp_path, store) as sending:
        assert sending.status().instance == asked(address, SELECT) != other


def test_the_id_is_changed_with_sql(tmp_path: Path, store: PostgresStore, address: str) -> None:
    """The document's statements run as they stand, and what they make is used at the next start."""  # 001-24
    with sirveo(tmp_path, store) as sending:
        first = sending.status().instance
    new = asked(address, UPDATE)
    assert new == asked(address, SELECT) != first
    outbox = Outbox()
    with sirveo(tmp_path, store, transport=outbox) as sending:
        assert new == sending.send_now(SECONDS).instance
    assert all(new in body.decode() for body in outbox.bodies)
    assert outbox.bodies


def test_a_token_in_a_table(tmp_path: Path, store: PostgresStore) -> None:
    """Where the maker wants it so, id and token of any policy stand there, and no file."""
    outbox = Outbox()
    given: dict[str, Any] = {"database": store, "key": "", "transport": outbox}
    policy = POLICIES["seqdesk"]._replace(id_kept=IdKept.DATABASE)
    with telemetry(tmp_path, policy=policy, **given) as sending:
        sending.send_now(SECONDS)
    kept = store.load()
    assert kept["instance_id.token"] == outbox.requests[0].headers["X-SeqDesk-Telemetry-Token"]
    assert kept["instance_id"] in outbox.bodies[0].decode()
    assert not {INSTANCE_FILE, TOKEN_FILE} & {path.name for path in tmp_path.iterdir()}


def test_processes_agree(tmp_path: Path, address: str) -> None:
    """Two that begin at once, each with a directory of its own, are one server."""
    for attempt in range(3):
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(_program(tmp_path / str(number), address)) for number in range(2)]
            for process in running:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            found = {process.communicate(timeout=30)[0].strip() for process in running}
        assert found == {asked(address, SELECT)}, attempt
        asked(address, "delete from server_state returning 1")


@contextlib.contextmanager
def _program(directory: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    code = PROGRAM.format(directory=str(directory), address=address)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), stdin=pipe, stdout=pipe, text=True) as run:
        assert run.stdout is not None
        assert "ready" == run.stdout.readline().strip()
        yield run
