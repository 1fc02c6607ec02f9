"""The receiver's side of a real writer process."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from homing.outcomes import outcome_of
from homing.server.stores.base import Batch, Options
from homing.server.writer import client as module
from homing.server.writer.client import WriterClient
from homing.server.writer.scribe import Recorded
from tests.contract.engines import Sqlite
from tests.contract.site import Site

pytestmark = pytest.mark.slow

Run = Callable[[Callable[[WriterClient, Site], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """A store."""
    made = Site(Sqlite(tmp_path))
    yield made
    made.close()


def written(client: WriterClient, batch: Batch) -> asyncio.Future[Recorded]:
    """Write a batch; the future holds what became of it."""
    told: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
    client.write(batch, told.set_result)
    return told


def names(recorded: Recorded) -> list[str]:
    """Return the names of verdicts."""
    return [outcome_of(each).name for each in recorded.verdicts]


def test_a_batch_is_written_once(site: Site) -> None:
    """A batch is durable when it is told of, and written again under the same id it changes nothing."""

    async def run() -> list[list[str]]:
        client = WriterClient(site.url, Options(), ("error", "json"))
        client.start()
        batch = Batch("the-same", [site.ping("a"), site.ping("b")])
        told = [names(await asyncio.wait_for(written(client, batch), 30)) for _ in range(2)]
        await client.stop()
        return told

    assert [["accepted"] * 2] * 2 == asyncio.run(run())
    assert 2 == sum(site.requests().values())


def test_small_batches_beside_large_ones(site: Site) -> None:
    """However batches share commits, each is told of what became of its own pings, and each ping counts once."""

    async def run() -> list[list[str]]:
        client = WriterClient(site.url, Options(), ("error", "json"))
        client.start()
        sizes = [100, 1, 100, 2, 100, 3] * 4
        batches = [Batch(f"{n}", [site.ping(f"{n}.{k}") for k in range(size)]) for n, size in enumerate(sizes)]
        twice = site.ping("twice", id="twice")
        batches += [Batch("once", [twice]), Batch("again", [site.ping("other"), twice])]
        waiting = [written(client, batch) for batch in batches]
        told = [names(await asyncio.wait_for(each, 30)) for each in waiting]
        assert [["accepted"] * size for size in sizes] == told[:-2]
        await client.stop()
        return told[-2:]

    assert [["accepted"], ["accepted", "duplicate"]] == asyncio.run(run())
    assert 4 * 306 + 2 == sum(site.requests().values())


def test_what_cannot_cross_harms_no_other(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A ping that is no plain value is a fault of ours, told in the log; those beside it are stored."""

    async def run() -> list[str]:
        client = WriterClient(site.url, Options(), ("error", "json"))
        client.start()
        faulty = site.ping("b")._replace(properties={"x": object()})
        batch = Batch("mixed", [site.ping("a"), faulty, site.ping("c")])
        told = names(await asyncio.wait_for(written(client, batch), 30))
        await client.stop()
        return told

    assert ["accepted", "internal", "accepted"] == asyncio.run(run())
    assert 2 == sum(site.requests().values())
    assert "internal" in capsys.readouterr().out


def test_a_process_that_cannot_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no store to open, pings are told to come back later."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 1.0)

    async def run() -> Recorded:
        client = WriterClient("nothing:///known", Options(), ("error", "json"))
        client.start()
        told = await asyncio.wait_for(written(client, Batch("one", [site.ping("a")])), 30)
        assert not client.alive
        await client.stop()
        return told

    recorded = asyncio.run(run())
    assert (["unavailable"], "there is no process to write") == (names(recorded), recorded.trouble)
