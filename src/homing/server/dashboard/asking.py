"""How the parameters of a page become a question."""

from collections.abc import Mapping, Sequence

from homing.server.dashboard.pages import Visitor
from homing.server.dashboard.views_address import DAYS
from homing.server.dashboard.views_controls import DEFAULT_RANGE
from homing.server.query.question import Query, parse


def asked(visitor: Visitor, given: Mapping[str, Sequence[str]], *, today: int) -> Query:
    """Return the question of a visitor, about the last month where no days are given; raise `QueryError`."""
    named = given if given.keys() & set(DAYS) else {**given, "range": [DEFAULT_RANGE]}
    return parse(visitor.owner.id, {app.name: app.id for app in visitor.apps}, given=named, today=today)
