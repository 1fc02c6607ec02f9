"""Who may erase an instance, by what is known of it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import pytest

from homing.outcomes import Refusal
from homing.server.api.eraser import Asked, check_bindings

HERE: Final = 1
ELSEWHERE: Final = 2
GUESSABLE: Final = "host-1"
RANDOM: Final = "3f1c0f0a-1111-4222-8333-444455556666"
TOKEN: Final = "t"
BOUND: Final = sha256(TOKEN.encode()).hexdigest()


def refusal(asked: Asked, bound: Mapping[int, str | None]) -> str | None:
    """Return why an instance may not be erased with the key of an app, None where it may."""
    try:
        check_bindings(asked, HERE, bound=bound)
    except Refusal as found:
        return found.outcome.name
    return None


@pytest.mark.parametrize("bound", [{}, {HERE: None}, {ELSEWHERE: None}, {ELSEWHERE: BOUND}])
@pytest.mark.parametrize("token", [None, TOKEN])
def test_an_id_that_can_be_guessed(bound: Mapping[int, str | None], token: str | None) -> None:
    """The answer is the same whether such an id is known to nobody, to this app, or to another one."""
    assert "instance_guessable" == refusal(Asked(GUESSABLE, token), bound)


def test_an_id_that_nobody_can_guess() -> None:
    """It erases what this app knows, what nobody knows, and nothing that only another app knows."""
    asked = Asked(RANDOM)
    assert [None, None] == [refusal(asked, bound) for bound in ({}, {HERE: None, ELSEWHERE: None})]
    assert ["instance_unknown"] * 2 == [refusal(asked, {ELSEWHERE: each}) for each in (None, BOUND)]


@pytest.mark.parametrize("name", [GUESSABLE, RANDOM])
@pytest.mark.parametrize("bound", [{HERE: BOUND}, {HERE: None, ELSEWHERE: BOUND}])
def test_a_token(name: str, bound: Mapping[int, str | None]) -> None:
    """Where one app has it bound, its token is asked for, whatever the id."""
    found = [refusal(Asked(name, token), bound) for token in (None, "x", TOKEN)]
    assert ["token_missing", "token_wrong", None] == found
