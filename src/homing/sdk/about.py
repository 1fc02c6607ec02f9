"""What telemetry is made of, as a plain value: for pages and command lines that explain it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from homing.sdk.licence import Licence
from homing.sdk.payload import Row
from homing.sdk.policy import Policy


class About(NamedTuple):
    """What does not change with each ping.

    `rows` are the fields that are sent, `new_rows` those that wait until somebody agrees to them. `instance` is the id,
    also while telemetry is off; empty while there is none. `endpoint` is the maker's receiver. `profile` has the id and
    the version of the install profile, if any. `origins` says where each setting stands: the variable, or the place in
    a file. `keeps` is the layer that `save` writes to; empty where there is none. `file_name` is that of the settings
    file, and `file` what stands in it; both empty where there is none.
    """

    app: str
    version: str
    policy: Policy
    rows: tuple[Row, ...]
    new_rows: tuple[Row, ...]
    instance: str
    endpoint: str
    licence: Licence | None
    profile: Mapping[str, str]
    origins: Mapping[str, str]
    keeps: str
    file_name: str
    file: Mapping[str, Any]
