"""The closed list of what can become of a ping."""

import re

import pytest

from homing.outcomes import ACCEPTED, DUPLICATE, OUTCOMES, Outcome, Refusal, outcome_of


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=lambda outcome: outcome.name)
def test_each_outcome_explains_itself(outcome: Outcome) -> None:
    """A name fit for a metric's label, a status of HTTP, and a sentence."""
    assert outcome is OUTCOMES[outcome.name]
    assert re.fullmatch("[a-z_]+", outcome.name)
    assert outcome.status == 200 or 400 <= outcome.status < 600
    assert re.fullmatch(r"[A-Z].*\.", outcome.sentence)


def test_sentences_differ() -> None:
    """No two outcomes say the same."""
    assert len(OUTCOMES) == len({outcome.sentence for outcome in OUTCOMES.values()})


def test_only_our_own_fault_is_a_bug() -> None:
    """Just the internal error means a bug; what counts is good."""
    assert [OUTCOMES["internal"]] == [outcome for outcome in OUTCOMES.values() if outcome.bug]
    assert [ACCEPTED, DUPLICATE] == [outcome for outcome in OUTCOMES.values() if outcome.status == 200]


def test_a_refusal_has_its_rows_sentence() -> None:
    """A refusal says what its row says, or something more exact."""
    assert OUTCOMES["too_large"].sentence == Refusal("too_large").sentence
    exact = Refusal("shape", "Field 'a' is missing.", retry_after=5)
    assert ("Field 'a' is missing.", 5) == (exact.sentence, exact.retry_after)
    assert "shape" == str(exact)


def test_a_refusal_is_of_the_list() -> None:
    """There is no refusal beside the list."""
    with pytest.raises(KeyError):
        Refusal("whatever")


def test_a_verdict_has_an_outcome() -> None:
    """Good or refused, behind a verdict is a row of the list."""
    assert [ACCEPTED, OUTCOMES["text"]] == [outcome_of(ACCEPTED), outcome_of(Refusal("text"))]
