"""Asks whether there is a newer release: of a server that speaks as FaynoSync's does, or as SeqDesk's.

The request carries the instance's id where telemetry may send there, and else nothing that tells installations apart.
Whether a release that is given to a part of them is for this one is decided here.
"""

import threading
from pathlib import Path
from typing import Final

import homing
from homing.clock import Clock, SystemClock
from homing.errors import SettingsError
from homing.sdk.endpoint import parse
from homing.sdk.identity import FilePlace, default_directory
from homing.sdk.payload import Moment
from homing.sdk.telemetry import Telemetry
from homing.sdk.transports.answers import Question, parsed, refusal
from homing.sdk.transports.base import LIMIT_SECONDS, TOO_SLOW, Deadline
from homing.sdk.update_forms import FAYNOSYNC, FORMS, Update, problems_of
from homing.sdk.wire.base import behind_key, go_arch, go_system

DEVICE_HEADER: Final = "X-Device-ID"
ROLLOUT_FILE: Final = "rollout-id"
"""What decides on releases for a part of all installations, while telemetry may not send: it never leaves."""


class UpdateCheck:
    """Asks one update server.

    `url` names the server; where it has no path the form's own is used, behind the app's `key` if that is given. With
    `telemetry` the check carries the instance's id where pings may go too. Arguments that cannot be used raise
    `SettingsError` at once, with every problem; after that nothing raises.
    """

    def __init__(
        self,
        *,
        url: str,
        app: str,
        version: str,
        channel: str = "",
        platform: str | None = None,
        arch: str | None = None,
        owner: str = "",
        key: str = "",
        form: str = "faynosync",
        telemetry: Telemetry | None = None,
        directory: Path | str | None = None,
        ca_file: Path | str | None = None,
        clock: Clock | None = None,
    ) -> None:
        now = Moment(version, "", "", 0, "")
        asking = {
            "app_name": app,
            "version": version,
            "channel": channel,
            "platform": go_system(now) if platform is None else platform,
            "arch": go_arch(now) if arch is None else arch,
            "owner": owner,
        }
        self._form = FORMS.get(form, FAYNOSYNC)
        problems = [*([] if form in FORMS else [f"form must be one of {', '.join(FORMS)}."]), *problems_of(asking)]
        try:
            self._endpoint = self._form.endpoint(behind_key(parse(url), key, self._form.path), asking)
        except ValueError as reason:
            problems.append(f"url {reason}." if not str(reason).startswith("key ") else str(reason))
        if problems:
            raise SettingsError(problems)
        self._app = app
        self._telemetry = telemetry
        self._directory = directory
        self._ca_file = None if ca_file is None else str(ca_file)
        self._clock = clock or SystemClock()
        self._own: str | None = None
        self.last = Update()

    def check(self) -> Update:
        """Ask now, and return what there is to know after 5 seconds at most; `last` keeps what had no problem."""
        deadline = Deadline(self._clock, LIMIT_SECONDS)
        found: list[Update] = []
        # The look-up of a name cannot be interrupted: whoever waits for it does so in a thread of its own.
        thread = threading.Thread(target=lambda: found.append(self._ask(deadline)), name="homing-update", daemon=True)
        try:
            thread.start()
            thread.join(LIMIT_SECONDS)
        except RuntimeError as error:
            return Update(problem=f"The thread of the check cannot begin: {error}.")
        deadline.cancel()
        update = found[0] if found else Update(problem=TOO_SLOW)
        if update.problem is None:
            self.last = update
        return update

    def _ask(self, deadline: Deadline) -> Update:
        from homing.sdk.transports.http import usual_transport

        try:
            device = self._telemetry.device_id(self._endpoint.url) if self._telemetry else None
            headers = {"User-Agent": f"Homing/{homing.__version__}", "Accept": "application/json"}
            headers |= {DEVICE_HEADER: device} if device else {}
            answer = usual_transport(self._ca_file).ask(Question(self._endpoint, headers), deadline)
            if answer.error or not answer.is_success:
                return Update(problem=answer.error or refusal(answer))
            update, rollout = self._form.read(parsed(answer.body))
        except ValueError as reason:
            return Update(problem=f"The answer cannot be understood: {reason}.")
        except Exception as error:  # noqa: BLE001 - a check that fails must not harm the host
            return Update(problem=f"The check failed: {type(error).__name__}.")
        if rollout and update.is_available and not rollout.includes(device or self._own_id()):
            return update._replace(is_available=False, is_waiting=True)
        return update

    def _own_id(self) -> str:
        """Return what decides on this installation's part where the instance's id may not be sent; it stays here."""
        try:
            place = FilePlace(Path(self._directory) if self._directory else default_directory(self._app))
            with place.alone():
                found = place.read(ROLLOUT_FILE)
                self._own = found or place.swap(ROLLOUT_FILE, old=found, new=self._own or self._clock.id())
        except OSError:
            # Without a place for it, it holds for this run.
            self._own = self._own or self._clock.id()
        return self._own
