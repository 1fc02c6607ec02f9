"""Two writers and a reader that compacts, all at the same time."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise

from homing.outcomes import ACCEPTED, DUPLICATE
from homing.server.counting.sets import anyone, first, plan, seen
from homing.server.stores.base import Batch, Store
from tests.contract.site import Site

BATCHES = 150


def write(site: Site, store: Store, name: str) -> int:
    """Record batches, some pings of which the other writer records too; return how many were accepted."""
    accepted = 0
    for n in range(BATCHES):
        mine = site.ping(f"{name}-{n % 20}", version=f"{n % 3}", kind="begin")
        shared = [site.ping(f"both-{n}", id=f"{n}", version=name), site.ping(f"{n % 7}", version=f"{n}")]
        verdicts = store.record(Batch(f"{name}-{n}", [mine, *shared]))
        assert {ACCEPTED, DUPLICATE} >= set(verdicts)
        accepted += verdicts.count(ACCEPTED)
    return accepted


def test_everything_at_once(site: Site) -> None:
    """Nothing is lost or doubled, and the answers of a reader rise from commit to commit."""
    asked = plan([anyone(site.app, site.today)])
    answers = []
    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write, site, site.writers[n], name) for n, name in enumerate("ab")]
        for n in count():
            done = all(each.done() for each in writing)
            answers.append(site.reader.count(site.owner, asked))
            if n % 3 == 0:
                site.reader.compact()
            if done:
                break
        accepted = sum(each.result() for each in writing)
    clients = 20 + 20 + BATCHES + 7
    assert 5 * BATCHES == accepted
    assert {site.today: accepted} == site.requests()
    assert [clients, clients] == site.count(anyone(site.app, site.today), first(site.app, site.today))
    assert [BATCHES] == site.count(
        seen(site.app, site.today, "version", "a") | seen(site.app, site.today, "version", "b")
    )
    assert all(one.as_of <= two.as_of and one.numbers <= two.numbers for one, two in pairwise(answers))
    assert 2 * BATCHES == answers[-1].as_of
    site.clock.advance(days=1)
    site.compact(site.writers[0])
    assert [clients] == site.count(anyone(site.app, site.today - 1))
