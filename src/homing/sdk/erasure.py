"""Asks a receiver to erase what it has stored of this installation.

`POST /v1/erase` beside `/v1/pings`, with the app's key and the id; the answer is the receipt. Only Homing's own form
knows such a request.
"""

import json
import ssl
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from homing.errors import SettingsError
from homing.sdk.content import Content
from homing.sdk.destinations import Destination
from homing.sdk.endpoint import at
from homing.sdk.transports.proxy import proxies, proxy_for
from homing.sdk.wire.native import PATH

ERASE_PATH: Final = "/v1/erase"
FORM: Final = "native"
SECONDS: Final = 30.0
"""An erasure is answered when it is done, and a receiver may have to look through many days."""

MOST_BYTES: Final = 65_536


class Erasure(NamedTuple):
    """What one destination answered: a receipt, or one sentence that says why there is none."""

    destination: str
    url: str
    receipt: Mapping[str, Any] | None = None
    problem: str | None = None


def erase(content: Content, to: Iterable[Destination], *, instance: str) -> tuple[Erasure, ...]:
    """Ask each destination; raise `SettingsError` where there is nothing to ask for, or no way to."""
    erasable(content.form.name, instance)
    return tuple(_erase(each, instance, content) for each in to)


def erasable(form: str, instance: str) -> None:
    """Raise `SettingsError` where the form of wire knows no such request, or nothing was ever sent."""
    if form != FORM:
        raise SettingsError([f"The form {form} knows no request to erase: ask those who receive it, by the id."])
    if not instance:
        raise SettingsError(["There is no id, so nothing was ever sent that could be erased."])


def _erase(to: Destination, instance: str, content: Content) -> Erasure:
    if not to.target.path.endswith(PATH):
        return Erasure(to.name, to.target.url, problem=f"An address that ends in {PATH} is needed to know the other.")
    target = at(to.target, to.target.path.removesuffix(PATH) + ERASE_PATH)
    headers = {
        "User-Agent": content.user_agent,
        "Content-Type": "application/json",
        "Authorization": f"Bearer {to.key}",
    }
    body = json.dumps({"instance_id": instance}).encode()
    try:
        proxy = proxy_for(target, proxies())
        sent = Request(target.url, body, {**headers, **(proxy.headers if proxy else {})})  # noqa: S310 - it was parsed
        opener = build_opener(
            _Staying(),
            ProxyHandler({target.scheme: proxy.endpoint.url} if proxy else {}),
            HTTPSHandler(context=ssl.create_default_context(cafile=content.ca_file)),
        )
        with opener.open(sent, timeout=SECONDS) as answer:
            return Erasure(to.name, target.url, _object(answer.read(MOST_BYTES)))
    except HTTPError as error:
        with error:
            return Erasure(to.name, target.url, problem=_refusal(error.code, _object(error.read(MOST_BYTES))))
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return Erasure(to.name, target.url, problem=f"There was no answer: {reason}.")


class _Staying(HTTPRedirectHandler):
    """Follows no redirect: the key is for nobody else."""

    def redirect_request(self, *_answer: Any) -> None:
        """Return no other request."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, body: Mapping[str, Any]) -> str:
    if isinstance(body.get("error"), str):
        return f"The answer was {status}: {body['error'][:180]}"
    return f"The answer was {status}."
