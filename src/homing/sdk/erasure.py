"""Asks a receiver to erase what it has stored of this installation.

`POST /v1/erase` beside `/v1/pings`, with the app's key and the id; the answer is the receipt. Only Homing's own form
knows such a request.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from homing.clock import Clock
from homing.errors import SettingsError
from homing.sdk.content import Content
from homing.sdk.destinations import Destination
from homing.sdk.endpoint import at
from homing.sdk.payload import encode
from homing.sdk.transports.answers import parsed, refusal
from homing.sdk.transports.base import TOO_SLOW, Deadline, Request
from homing.sdk.transports.http import usual_transport
from homing.sdk.wire.native import PATH

ERASE_PATH: Final = "/v1/erase"
FORM: Final = "native"
SECONDS: Final = 30.0
"""An erasure is answered when it is done, and a receiver may have to look through many days."""


class Erasure(NamedTuple):
    """What one destination answered: a receipt, or one sentence that says why there is none."""

    destination: str
    url: str
    receipt: Mapping[str, Any] | None = None
    problem: str | None = None


def erase(content: Content, to: Iterable[Destination], *, instance: str, clock: Clock) -> tuple[Erasure, ...]:
    """Ask each destination; raise `SettingsError` where there is nothing to ask for, or no way to."""
    erasable(content.form.name, instance)
    return tuple(_erase(each, instance, content, Deadline(clock, SECONDS)) for each in to)


def erasable(form: str, instance: str) -> None:
    """Raise `SettingsError` where the form of wire knows no such request, or nothing was ever sent."""
    if form != FORM:
        raise SettingsError([f"The form {form} knows no request to erase: ask those who receive it, by the id."])
    if not instance:
        raise SettingsError(["There is no id, so nothing was ever sent that could be erased."])


def _erase(to: Destination, instance: str, content: Content, deadline: Deadline) -> Erasure:
    path = to.target.path
    if not path.endswith(PATH):
        return Erasure(to.name, to.target.url, problem=f"An address that ends in {PATH} is needed to know the other.")
    target = at(to.target, path.removesuffix(PATH) + ERASE_PATH)
    headers = {"User-Agent": content.user_agent, "Authorization": f"Bearer {to.key}"}
    answer = usual_transport(content.ca_file).ask(Request(target, headers, encode({"instance_id": instance})), deadline)
    if answer.is_success:
        return Erasure(to.name, target.url, _receipt(answer.body))
    error = f"There was no answer within {SECONDS:g} seconds." if answer.error == TOO_SLOW else answer.error
    return Erasure(to.name, target.url, problem=error or refusal(answer))


def _receipt(body: bytes) -> Mapping[str, Any]:
    try:
        return parsed(body)
    except ValueError:
        return {}
