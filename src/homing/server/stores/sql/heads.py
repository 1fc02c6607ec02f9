"""The owner's head row: the lock of a commit, and the numbers it deals.

Taking the next number is a commit's first statement, so commits of one owner become visible in number order. A database
sequence would not do that: a reader can see the second number of one before the first is committed.
"""

from typing import Final

from sqlalchemy import bindparam, update

from homing.server.stores.sql.schema import head

_OF: Final = head.c.owner == bindparam("of")

NEXT: Final = update(head).where(_OF).values(seq=head.c.seq + 1).returning(head.c.seq, head.c.ordinals, head.c.erasures)
"""Take the lock and the next number."""

DEALT: Final = update(head).where(_OF).values(ordinals=bindparam("dealt"))
"""Note how many ordinals are dealt."""

VOID: Final = update(head).where(_OF).values(seq=head.c.seq + 1, erasures=head.c.erasures + 1).returning(head.c.seq)
"""Take the lock and the next number, and void what every process remembers of the owner."""
