"""The closed list of what can become of a ping, of signing in, or of erasing.

The same word is the metric's label, the field in the log and the answer of the API.
"""

from typing import Final, NamedTuple


class Outcome(NamedTuple):
    """One thing that can become of a ping, of signing in, or of erasing.

    `status` is the HTTP status when it is the answer to a whole request, `bug` says that it should never happen, and
    `sentence` explains it to whoever sent it.
    """

    name: str
    status: int
    bug: bool
    sentence: str


def _rows(*rows: tuple[str, int, str]) -> dict[str, Outcome]:
    return {name: Outcome(name, status, status == _BUG, sentence) for name, status, sentence in rows}


_BUG: Final = 500

OUTCOMES: Final = _rows(
    ("accepted", 200, "The ping was stored."),
    ("duplicate", 200, "A ping with this id is already stored; it counts once."),
    ("key_missing", 401, "Send an app key."),
    ("key_unknown", 401, "This app key is not known here, or was revoked."),
    ("key_scope", 403, "This app key is not allowed to do that."),
    ("bearer_missing", 401, "This app demands a bearer token: send it as Authorization: Bearer."),
    ("bearer_wrong", 401, "This bearer token is none of the app's, or has ended."),
    ("token_missing", 401, "Send the instance's token."),
    ("token_wrong", 403, "This instance is bound to another token; its owner can release the binding."),
    ("app_retired", 410, "This app is retired and takes no more pings."),
    ("instance_erased", 410, "The data of this instance was erased; its pings are no longer taken."),
    ("instance_guessable", 403, "Only an id that nobody can guess erases itself: ask the owner of the receiver."),
    ("instance_unknown", 404, "Nothing is stored about this instance."),
    ("webhook_unknown", 404, "There is no webhook at this address."),
    ("webhook_off", 403, "This webhook is switched off."),
    ("method", 405, "Use POST."),
    ("encoding", 415, "The body's Content-Encoding is not supported; send it plain, gzip, deflate, br or zstd."),
    ("compression", 400, "The compressed body is damaged or cut off."),
    ("too_large", 413, "The body is larger than 1 MiB."),
    ("too_slow", 408, "The body did not arrive in time."),
    ("too_many", 413, "The request holds too many pings."),
    ("malformed", 400, "The body is not valid JSON in UTF-8."),
    ("too_deep", 400, "The body is nested more than 32 levels deep."),
    ("shape", 400, "The body does not have the documented shape."),
    ("protocol_version", 400, "This protocolVersion is not known; send 1."),
    ("text", 400, "Text must not contain NUL characters or lone surrogates."),
    ("number", 400, "Numbers must fit into 64 bits."),
    ("instance_id", 400, "The instance id must have 1 to 200 characters, none of them a control character."),
    ("ping_id", 400, "The ping id must have 1 to 200 characters, none of them a control character."),
    ("kind", 400, "The kind must have 1 to 100 characters, none of them a control character."),
    ("dimension", 400, "A dimension value must have 1 to 100 characters, none of them a control character."),
    ("properties", 413, "The properties are larger than 64 KiB."),
    ("too_old", 400, "The ping is older than the days that are kept."),
    ("from_future", 400, "The ping's time lies more than 24 hours ahead."),
    ("rate_address", 429, "Too many requests from this address; wait before you send more."),
    ("rate_app", 429, "Too many requests for this app; wait before you send more."),
    ("password_wrong", 401, "Name or password is not right."),
    ("locked_out", 429, "Too many wrong passwords; wait before you try again."),
    ("overloaded", 503, "The receiver is full; try again in a moment."),
    ("unavailable", 503, "The store cannot be written at the moment; try again."),
    ("unstorable", 400, "The store cannot hold this ping."),
    ("internal", 500, "Something is wrong in the receiver; the ping was not stored."),
)
"""Every outcome by its name."""

ACCEPTED: Final = OUTCOMES["accepted"]
DUPLICATE: Final = OUTCOMES["duplicate"]


class Refusal(Exception):
    """A ping or a request that is not taken.

    `outcome` is its row of the closed list; `sentence` is what the sender is told, more exact than the row's own
    sentence where `detail` was given. `retry_after` is in seconds.
    """

    def __init__(self, name: str, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(name)
        self.outcome = OUTCOMES[name]
        self.detail = detail
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        """What the sender is told."""
        return self.detail or self.outcome.sentence


Verdict = Outcome | Refusal
"""What a ping ends with: a good outcome, or a refusal with its sentence."""


def outcome_of(verdict: Verdict) -> Outcome:
    """Return the row of the closed list behind a verdict."""
    return verdict.outcome if isinstance(verdict, Refusal) else verdict
