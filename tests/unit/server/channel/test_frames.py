"""Frames, however the bytes of several arrive."""

import socket
import threading
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.server.channel.frames import Splitter, frame, pack, receive, unpack

BODIES = st.lists(st.binary(max_size=300), max_size=8)


@given(BODIES, st.data())
def test_frames_are_told_apart(bodies: list[bytes], data: st.DataObject) -> None:
    """Whichever way the bytes of frames are cut, their bodies come out whole and in order."""
    sent = b"".join(map(frame, bodies))
    found: list[bytes] = []
    splitter = Splitter(found.append)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)))))
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        splitter.feed(sent[start:end])
    assert bodies == found


def test_values_travel() -> None:
    """A value arrives as it was sent; a mapping that cannot be changed as one that can."""
    value = {"text": "\u2028", "number": -(2**63), "none": None, "list": [1.5, True]}
    assert value == unpack(pack(MappingProxyType(value))[4:])


def test_what_is_no_plain_value() -> None:
    """What cannot travel is told at once."""
    for value in (object(), {"x": 2**64}, {"x": {1j}}):
        with pytest.raises((TypeError, OverflowError)):
            pack(value)


def test_waiting_for_a_frame() -> None:
    """A frame is waited for until it is whole; None says that the other side is gone."""
    ours, theirs = socket.socketpair()
    body = b"x" * 1_000_000
    with ours:
        sending = threading.Thread(target=theirs.sendall, args=(frame(body) + frame(b"") + frame(b"cut")[:-1],))
        sending.start()
        assert [body, b""] == [receive(ours), receive(ours)]
        sending.join()
        theirs.close()
        assert receive(ours) is None
