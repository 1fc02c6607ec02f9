"""What was worked out is remembered within bounds."""

from pyroaring import BitMap

from homing.server.counting.memo import KEY_BYTES, Memo

ONE = KEY_BYTES + 2


def test_what_was_put_is_found() -> None:
    """A union is found under its key, and nothing under another."""
    memo = Memo(10 * ONE)
    memo.put(("a",), BitMap([1]))
    assert (BitMap([1]), None) == (memo.get(("a",)), memo.get(("b",)))


def test_what_was_not_used_for_longest_goes_first() -> None:
    """Where there is no more room, the union asked for longest ago makes some."""
    memo = Memo(2 * ONE)
    for name in "ab":
        memo.put((name,), BitMap([1]))
    memo.get(("a",))
    memo.put(("c",), BitMap([1]))
    assert [True, False, True] == [memo.get((name,)) is not None for name in "abc"]


def test_what_is_larger_than_all_the_room_is_not_held() -> None:
    """A union that does not fit at all pushes nothing out."""
    memo = Memo(ONE)
    memo.put(("a",), BitMap([1]))
    memo.put(("b",), BitMap(range(0, 1_000_000, 2)))
    assert [True, False] == [memo.get((name,)) is not None for name in "ab"]
