"""Which ids tell too much, and what stands in their place."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.server.ingest.veil import Veil, is_hashed, looks_like

TELLING = {
    "email": ("ann@example.com", "mailto:ann@example.com", "root@host", "ann+x@example.co.uk/3"),
    "mac": ("3c:22:fb:1a:2b:3c", "3C-22-FB-1A-2B-3C", "eth0 3c:22:fb:1a:2b:3c", "3c22.fb1a.2b3c"),
    "address": ("192.0.2.7", "192.0.2.7:8080", "host-192.0.2.7", "2001:db8::7", "::1", "[2001:db8::7]:80"),
    "path": ("/srv/app", "/data", "~/app", "./app", "../app", r"C:\data\ann", "c:/app", r"\\host\share", "a/b/c"),
}
PLAIN = (
    "3920606d-a8be-4b50-a4d0-5237229d2f5c",
    "01H8XGJWBWBAQ4Z1Q4Z1Q4Z1Q4",
    "3c22fb1a2b3c",
    "a",
    "acme/one",
    "acme.one:2",
    "app-1.2.3",
    "10.0.19045.1",
    "12:30:45",
    "999.1.1.1",
    "ab-cd-ef-01-23-45-67-89",
    "~",
    "@ann",
)


@pytest.mark.parametrize(("text", "looks"), [(text, looks) for looks, texts in TELLING.items() for text in texts])
def test_what_tells_too_much(text: str, looks: str) -> None:
    """E-mails, MACs, addresses and paths are hashed, and the stored id says what it was."""
    assert looks == looks_like(text)
    hashed = Veil(b"secret").instance(text)
    assert is_hashed(hashed)
    assert hashed.startswith(f"hashed-{looks}-")
    assert text not in hashed
    assert hashed == Veil(b"secret").instance(text)
    assert hashed != Veil(b"other").instance(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_stays(text: str) -> None:
    """Any other id is kept as it is sent."""
    assert text == Veil(b"secret").instance(text)


@given(st.uuids(), st.sampled_from(("{}", "{{{}}}", "urn:uuid:{}")))
def test_uuids_stay(given_id: uuid.UUID, form: str) -> None:
    """No UUID is ever hashed, however it is written."""
    for text in (form.format(given_id), given_id.hex, str(given_id).upper()):
        assert looks_like(text) is None


@given(st.text(max_size=200))
def test_hashing_twice_changes_nothing(text: str) -> None:
    """Whatever is sent, what is stored tells nothing more, and is not hashed again."""
    veil = Veil(b"secret")
    stored = veil.instance(text)
    assert looks_like(stored) is None
    assert stored == veil.instance(stored)


@pytest.mark.parametrize("part", ["a:a", "1.1.1.1", "ann@example.com", "/srv/ann/"])
def test_a_text_of_any_length(part: str) -> None:
    """What is too long for an id is told by its beginning: looking at all of it would take hours."""
    text = part * 100_000
    stored = Veil(b"secret").instance(text)
    assert (looks_like(text[:200]) is None) == (stored == text)


def test_each_owner_has_hashes_of_its_own() -> None:
    """Two owners cannot find out that an id is known to both."""
    veil = Veil(b"secret")
    assert veil.of(1).instance("ann@example.com") == veil.of(1).instance("ann@example.com")
    assert veil.of(1).instance("ann@example.com") != veil.of(2).instance("ann@example.com")


def test_addresses_are_one_however_written() -> None:
    """An address has one hash, whether it came over IPv4 or mapped into IPv6, short or long."""
    veil = Veil(b"secret")
    assert veil.address("192.0.2.7") == veil.address("::ffff:192.0.2.7")
    assert veil.address("2001:db8::7") == veil.address("2001:0DB8:0:0::7")
    assert 3 == len({veil.address(each) for each in ("192.0.2.7", "192.0.2.8", "unknown")})
    assert "secret" not in repr(veil)
