"""Chance that repeats."""

from uuid import UUID

from homing.cli.demo.chance import between, chance, pick, random_id


def test_the_same_words_give_the_same_number() -> None:
    """Nothing but the words decides, and another word is another number."""
    assert chance("a", 1) == chance("a", 1)
    assert 1000 == len({chance("a", number) for number in range(1000)})


def test_numbers_are_spread_evenly() -> None:
    """Numbers lie from 0 to 1, as many in one tenth as in another."""
    tenths = [int(10 * chance("even", number)) for number in range(10_000)]
    assert all(900 < tenths.count(tenth) < 1100 for tenth in range(10))
    assert all(3 <= between(3, 5, number) < 5 for number in range(1000))


def test_picks_follow_their_shares() -> None:
    """A value with three times the share is picked three times as often, one without a share never."""
    picked = [pick((("much", 75), ("little", 25), ("never", 0)), number) for number in range(10_000)]
    assert 7300 < picked.count("much") < 7700
    assert 0 == picked.count("never")


def test_ids_are_random_uuids() -> None:
    """An id is a UUID4 of its own."""
    ids = {random_id(number) for number in range(1000)}
    assert 1000 == len(ids)
    assert {4} == {UUID(each).version for each in ids}
