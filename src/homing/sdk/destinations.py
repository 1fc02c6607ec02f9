"""Where pings go, made of what was decided. What is the operator's own never goes to the maker."""

from typing import Final, NamedTuple

from homing.sdk.consent import ENDPOINT, MODE, Decision
from homing.sdk.endpoint import Endpoint, parse
from homing.sdk.policy import Mode, Policy
from homing.sdk.wire.base import Form

DEFAULT: Final = "default"
CUSTOM: Final = "custom"
NAMES: Final = {Mode.DISABLED: (), Mode.CUSTOM: (CUSTOM,), Mode.DEFAULT: (DEFAULT,), Mode.BOTH: (CUSTOM, DEFAULT)}


class Vendor(NamedTuple):
    """The maker's own receiver."""

    endpoint: str
    key: str


class Destination(NamedTuple):
    """One receiver, and what is for it alone. It does not show what is secret."""

    name: str
    target: Endpoint
    interval: int
    key: str = ""
    bearer: str = ""
    identifier: str = ""

    def __repr__(self) -> str:
        return f"Destination({self.name!r}, {self.target.url!r})"


class Route(NamedTuple):
    """The destinations, and a sentence for each one that there ought to be and is not."""

    destinations: tuple[Destination, ...]
    problems: tuple[str, ...] = ()


def route(policy: Policy, form: Form, *, decision: Decision, vendor: Vendor) -> Route:
    """Return where to send."""
    wanted = NAMES[decision.mode]
    if CUSTOM in wanted and policy.name_of(MODE) and not decision.text(ENDPOINT) and not decision.has_bad_endpoint:
        return Route((), (f"In the mode {decision.mode} a URL is needed: nothing is sent.",))
    found: list[Destination] = []
    problems = []
    for name in wanted:
        if name == CUSTOM and decision.has_bad_endpoint:
            continue
        try:
            made = (
                _custom(policy, form, decision, vendor) if name == CUSTOM else _default(policy, form, decision, vendor)
            )
            found.append(made)
        except ValueError as reason:
            problems.append(f"Nothing is sent to the {name} destination: {reason}")
    return Route(tuple(found), tuple(problems))


def _default(policy: Policy, form: Form, decision: Decision, vendor: Vendor) -> Destination:
    # Where there are modes the maker's values are built in, and the operator's are for the other destination.
    interval = policy.interval.usual if policy.name_of(MODE) else decision.interval
    return Destination(DEFAULT, vendor_target(form, vendor), interval, vendor.key)


def vendor_target(form: Form, vendor: Vendor) -> Endpoint:
    """Return the maker's receiver; raise `ValueError` with a sentence when there is none."""
    if not vendor.endpoint:
        raise ValueError("endpoint must be given: there is no receiver of the maker's.")
    try:
        return form.target(parse(vendor.endpoint), vendor.key)
    except ValueError as reason:
        text = str(reason)
        raise ValueError(text if text.startswith("key ") else f"endpoint {text}.") from None


def _custom(policy: Policy, form: Form, decision: Decision, vendor: Vendor) -> Destination:
    # Without a setting of that name there is no key but the maker's, which is not for others.
    key = (decision.text("key") or vendor.key) if policy.name_of("key") else ""
    target = form.target(parse(decision.text(ENDPOINT) or vendor.endpoint), key)
    return Destination(CUSTOM, target, decision.interval, key, decision.text("bearer"), decision.text("identifier"))
