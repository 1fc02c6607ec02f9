"""What PostHog's SDKs ask beside sending: there are no flags, and nothing is enabled, so that they go on quietly."""

import re
from types import MappingProxyType
from typing import Any, Final

import msgspec

from homing.server.dialects.base import JSON_TYPE, Answer
from homing.server.dialects.posthog.events import CORS

SCRIPT_TYPE: Final = ("content-type", "application/javascript")

CONFIG: Final = MappingProxyType(
    {
        "supportedCompression": ("gzip", "gzip-js"),
        "hasFeatureFlags": False,
        "autocapture_opt_out": True,
        "autocaptureExceptions": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "defaultIdentifiedOnly": True,
        "elementsChainAsString": True,
        "heatmaps": False,
        "isAuthenticated": False,
        "sessionRecording": False,
        "siteApps": (),
        "toolbarParams": MappingProxyType({}),
    }
)
"""What the browser's library asks at its start.

`surveys` is left out: told of them at all, even that there are none, the library goes for a script to show them.
"""

FLAGS: Final = MappingProxyType(
    {
        "flags": MappingProxyType({}),
        "featureFlags": MappingProxyType({}),
        "featureFlagPayloads": MappingProxyType({}),
        "errorsWhileComputingFlags": False,
    }
)
"""The flags, in the words of all versions at once."""

QUESTIONS: Final = re.compile(r"/(?:(flags|decide)/?|array/([\w-]{1,100})/config(\.js)?)", re.ASCII)


def quiet_answer(path: str) -> Answer | None:
    """Return the answer to a question about flags or the configuration; None where the path is neither."""
    found = QUESTIONS.fullmatch(path)
    if found is None:
        return None
    flags, key, script = found.groups()
    if flags:
        return Answer(200, _json({**CONFIG, **FLAGS}), (JSON_TYPE, *CORS))
    if script is None:
        return Answer(200, _json(CONFIG), (JSON_TYPE, *CORS))
    held = b"(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {})"
    return Answer(
        200, b"%s[%s] = {config: %s, siteApps: []};\n" % (held, _json(key), _json(CONFIG)), (SCRIPT_TYPE, *CORS)
    )


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=dict)
