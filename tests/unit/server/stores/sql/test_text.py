"""How single values are written down."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from homing.server.stores.sql.text import json_list
from homing.server.stores.written import claim_of, digest, read_state, state_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(TEXT, values, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, TEXT, max_size=4), st.dictionaries(TEXT, VALUES, max_size=4))
def test_a_state_is_read_back(dimensions: dict[str, str], properties: dict[str, object]) -> None:
    """Whatever JSON can say comes back as it was said."""
    state = state_of(dimensions, properties)
    assert (dimensions, properties) == read_state(state)
    assert (dimensions, properties) == read_state(state.decode())


@given(TEXT, TEXT)
def test_digests_tell_names_apart(one: str, other: str) -> None:
    """A digest has 24 characters, the same ones for the same name."""
    assert (one == other) == (digest(one) == digest(other))
    assert 24 == len(digest(one))


def test_a_digest_does_not_change() -> None:
    """Digests are stored, so they must stay the same from version to version."""
    assert "qDzV0B6CD6aSjNOydWR/5fy6" == digest("instance")


def test_a_list_is_json() -> None:
    """Values of any iterable become one JSON array."""
    assert '[1,"ü",null]' == json_list(iter([1, "ü", None]))


IDS = st.uuids().map(str) | st.integers(0, 2**128 - 1).map(lambda bits: str(UUID(int=bits & ~(0xF << 76) | 7 << 76)))


@given(IDS, IDS)
def test_claims_tell_ids_apart(one: str, other: str) -> None:
    """What stands for a ping's id is short, and the same for the same id alone, whatever kind it is of."""
    assert (one == other) == (claim_of(one) == claim_of(other))
    assert len(claim_of(one)) <= 32


def test_claims_of_one_time() -> None:
    """Ids that begin with their time stand together, in its order; nobody's spelling of others makes them such."""
    first, second, later = (f"01a2017b-{part}-7c1a-9617-bc2741eb0cab" for part in ("09d2", "09d2", "09d3"))
    second = second.replace("bc", "00")
    assert claim_of(first)[:12] == claim_of(second)[:12] < claim_of(later)[:12]
    assert claim_of(first.upper()) == digest(first.upper())
    assert claim_of(f"{first}\n") == digest(f"{first}\n")
