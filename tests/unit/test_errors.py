"""Errors that are raised on purpose."""

import inspect

import pytest

from homing import errors
from homing.errors import HomingError, SettingsError, StoreError, StoreRejected, StoreUnavailable, StoreUnsupported

CLASSES = [name for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, Exception)]


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_is_homings(name: str) -> None:
    """One class catches them all, and the tree in the docstring shows each."""
    assert issubclass(getattr(errors, name), HomingError)
    assert name in (errors.__doc__ or "")


def test_stores_have_a_branch() -> None:
    """Whatever a store raises is a store's error."""
    assert all(issubclass(each, StoreError) for each in (StoreRejected, StoreUnavailable, StoreUnsupported))


def test_all_problems_are_held() -> None:
    """Settings errors hold every problem and read as their sentences."""
    error = SettingsError(["One is wrong.", "Another is missing."])
    assert ("One is wrong.", "Another is missing.") == error.problems
    assert "One is wrong. Another is missing." == str(error)
