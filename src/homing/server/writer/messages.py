"""What the receiver and the writer say to each other: batches one way, what became of them the other."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from homing.outcomes import ACCEPTED, OUTCOMES, Refusal, Verdict
from homing.server.channel.frames import pack, unpack
from homing.server.stores.base import Batch
from homing.server.stores.written import Written, write_down
from homing.server.writer.scribe import Recorded

_batches: Final = msgspec.msgpack.Decoder(tuple[str, list[Written]])


def pack_batch(batch: Batch) -> bytes:
    """Return a batch as a frame; raise an `Exception` where a ping holds what is no plain value."""
    return pack((batch.id, list(map(write_down, batch.pings))))


def unpack_batch(body: bytes) -> Batch:
    """Return the batch in a frame's body."""
    return Batch(*_batches.decode(body))


def pack_recorded(name: str, recorded: Recorded) -> bytes:
    """Return what became of the batch of that id as a frame. That every ping was accepted, as usual, is a number."""
    verdicts = recorded.verdicts
    told: Any = len(verdicts) if verdicts.count(ACCEPTED) == len(verdicts) else [_told(each) for each in verdicts]
    return pack((name, told, recorded.seconds, recorded.trouble))


def unpack_recorded(body: bytes) -> tuple[str, Recorded]:
    """Return the id of a batch and what became of it."""
    name, told, seconds, trouble = unpack(body)
    verdicts: list[Verdict] = [ACCEPTED] * told if isinstance(told, int) else [_verdict(each) for each in told]
    return name, Recorded(verdicts, seconds, trouble)


def _told(verdict: Verdict) -> Sequence[Any]:
    if isinstance(verdict, Refusal):
        return (verdict.outcome.name, verdict.detail, verdict.retry_after)
    return (verdict.name,)


def _verdict(told: Sequence[Any]) -> Verdict:
    name, *refusal = told
    return Refusal(name, *refusal) if refusal else OUTCOMES[name]
