"""What the sending side says to people: once on standard error, and in the log."""

import sys
from typing import Final

from homing.sdk.destinations import Route
from homing.sdk.policy import Policy

LOGGER: Final = "homing.telemetry"


def is_terminal() -> bool:
    """Tell whether a person may be reading standard error."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (AttributeError, ValueError):
        # Something else stands in its place, or it is closed.
        return False


def show(app: str, policy: Policy, route: Route) -> bool:  # wide: who, how, and where to
    """Write the notice, and return whether that was possible."""
    hosts = " and ".join(each.target.host for each in route.destinations) or "nobody"
    name = policy.name_of("enabled")
    switch = f"{name.variables[0]}=false or " if name and name.variables else ""
    text = (
        f"{app} will report to {hosts} that this installation is alive, from the next run on; nothing is sent now.\n"
        f"Switch it off with {switch}DO_NOT_TRACK=1.\n"
    )
    try:
        sys.stderr.write(text)
    except (OSError, ValueError):
        return False
    return True


def log(level: str, instance: str) -> None:
    """Let telemetry's log lines be seen from this level on, and begin with the instance's id."""
    import logging

    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname).3s %(message)s"))
        logger.addHandler(handler)
    log_instance(instance)


def log_instance(instance: str) -> None:
    """Write the instance's id into the log at DEBUG, where the program has one."""
    logging = sys.modules.get("logging")
    if logging is not None and hasattr(logging, "getLogger"):
        logging.getLogger(LOGGER).debug("[telemetry] instance_id=%s", instance)
