"""What an application mounts: the pages of its administrators, and the step of its set-up."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from homing.sdk.admin import actions, api, view_server, view_settings, view_setup
from homing.sdk.admin.actions import Done
from homing.sdk.admin.controls import SECRETS, changed, controls
from homing.sdk.admin.exchange import READING, Malformed, Request, Response, read_form, see
from homing.sdk.admin.faces import Allowed, Mounted, refuse
from homing.sdk.admin.frame import ASSETS, asset
from homing.sdk.consent import ON
from homing.sdk.telemetry import Telemetry

MESSAGES: Final = {
    "saved": "Saved. It holds from now on.",
    "unchanged": "Nothing was changed.",
    "enabled": "Telemetry is on. The first ping leaves within one interval.",
    "refused": "Telemetry stays off. Nothing is sent.",
    "agreed": "Agreed. The new fields are sent from now on.",
    "reset": "There is another id from now on.",
    "tested": "The test was sent, and the receiver took it.",
}
"""What is said after something was done, by the word in the address."""


class TelemetryAdmin(Mounted):
    """The settings page, the server page, and their JSON: mount `asgi` or `wsgi` below any path.

    `is_admin` is asked for every request, with the ASGI scope or the WSGI environ; it returns the administrator's name,
    which is kept with a consent, or True, or nothing for everybody else, who get 401. `home` is a path of the host's
    own pages. `origins` are addresses like `https://acme.example.com`, for browsers without Sec-Fetch-Site behind a
    proxy that renames the host.
    """

    def __init__(self, telemetry: Telemetry, *, is_admin: Allowed, home: str = "", origins: Sequence[str] = ()) -> None:
        super().__init__(is_admin, origins)
        self._telemetry = telemetry
        self._home = home

    def answer(self, request: Request, who: str) -> Response:
        """Answer an administrator's request, which comes from here."""
        # Another process may have saved something.
        self._telemetry.refresh()
        whole = request.prefix + request.path
        # By the end of the whole path, so that the JSON can also be mounted at its own path alone.
        if whole.endswith(api.PATH):
            return api.answer(self._telemetry, request, who=who)
        if whole.endswith(api.TEST_PATH):
            return api.answer_test(self._telemetry, request)
        if request.path == "/" and request.method == "POST":
            return self._done(request, who)
        if request.path == "/server" and request.method == "POST":
            return self._reset(request, who)
        return _common(request) or self._shown(request)

    def _shown(self, request: Request) -> Response:
        if request.path == "/server":
            return self._server(message=MESSAGES.get(request.asked("done"), ""))
        if request.path == "/":
            return self._settings(message=MESSAGES.get(request.asked("done"), ""))
        return refuse(request, 404, "There is no such page.")

    def _server(self, **further: str) -> Response:
        return view_server.page(self._telemetry.about(), self._telemetry.preview(), home=self._home, **further)

    def _reset(self, request: Request, who: str) -> Response:
        try:
            form = read_form(request)
        except Malformed as reason:
            return refuse(request, 400, str(reason))
        if form.get("do") != ["reset"]:
            return refuse(request, 400, "There is nothing to be done.")
        outcome = actions.reset_id(self._telemetry, who)
        return self._server(problem=outcome.sentence) if outcome.problems else see("server?done=reset")

    def _settings(self, **further: Any) -> Response:
        telemetry = self._telemetry
        status, about = telemetry.status(), telemetry.about()
        seen = view_settings.Seen(status, about, telemetry.preview(), telemetry.show_last(), self._home)
        return view_settings.page(seen._replace(**further))

    def _done(self, request: Request, who: str) -> Response:
        try:
            form = read_form(request)
        except Malformed as reason:
            return refuse(request, 400, str(reason))
        done = {"save": self._save, "enable": self._decide, "refuse": self._decide, "agree": self._agree}
        what = form.get("do", [""])[0]
        if what == "test":
            return self._test()
        return done[what](form, who) if what in done else refuse(request, 400, "There is nothing to be done.")

    def _save(self, form: dict[str, list[str]], who: str) -> Response:
        found = controls(self._telemetry.status(), self._telemetry.about())
        given: dict[str, Any] = {name: form.get(name, [""])[0].strip() for name in form.get("shown", [])}
        typed = {name: value for name, value in given.items() if name not in (ON, *SECRETS)}
        if ON in given:
            given[ON] = given[ON] == "true"
            typed[ON] = "on" if given[ON] else "off"
        forgotten = {name: None for name in form.get("forget", []) if name in given and name in SECRETS}
        settings = changed(found, {**given, **forgotten})
        outcome = actions.save(self._telemetry, settings, who=who)
        if outcome.problems:
            return self._refused(outcome, given=typed)
        return see(f"./?done={'saved' if settings else 'unchanged'}")

    def _decide(self, form: dict[str, list[str]], who: str) -> Response:
        is_yes = form["do"] == ["enable"]
        outcome = actions.save(self._telemetry, {ON: is_yes}, who=who)
        return self._refused(outcome) if outcome.problems else see(f"./?done={'enabled' if is_yes else 'refused'}")

    def _agree(self, _form: dict[str, list[str]], who: str) -> Response:
        outcome = actions.agree(self._telemetry, who)
        return self._refused(outcome) if outcome.problems else see("./?done=agreed")

    def _refused(self, outcome: Done, **further: Any) -> Response:
        return self._settings(outcome=outcome, problem=f"Nothing was saved. {outcome.sentence}", **further)

    def _test(self) -> Response:
        tested = actions.test(self._telemetry)
        if not tested.reason:
            return see("./?done=tested")
        # The page itself is whole; a proxy might show one of its own in place of a 502.
        return self._settings(problem=f"The test failed. {tested.reason}")


class TelemetrySetup(Mounted):
    """A step of an application's set-up: mount `asgi` or `wsgi` below any path.

    It shows what would be sent and asks once; the choice is kept before anything is sent, and the browser goes on to
    `then`, a path of the host's. Let `initialised` of `Telemetry` say no until the set-up is over: till then nothing
    leaves. `is_admin` and `origins` are those of `TelemetryAdmin`; whom the host lets set it up, it lets in here.
    """

    def __init__(
        self, telemetry: Telemetry, *, is_admin: Allowed, then: str = "/", origins: Sequence[str] = ()
    ) -> None:
        super().__init__(is_admin, origins)
        self._telemetry = telemetry
        self._then = then

    def answer(self, request: Request, who: str) -> Response:
        """Answer a request of whoever sets the application up."""
        self._telemetry.refresh()
        if request.path == "/" and request.method == "POST":
            return self._chosen(request, who)
        if found := _common(request):
            return found
        if request.path != "/":
            return refuse(request, 404, "There is no such page.")
        return view_setup.page(self._telemetry.status(), self._telemetry.about(), outcome=Done())

    def _chosen(self, request: Request, who: str) -> Response:
        try:
            form = read_form(request)
        except Malformed as reason:
            return refuse(request, 400, str(reason))
        status, about = self._telemetry.status(), self._telemetry.about()
        if view_setup.lock_of(status, about):
            # Nothing could be chosen, and the page said why.
            return see(self._then)
        outcome = actions.save(self._telemetry, {ON: form.get(ON) == ["true"]}, who=who)
        return view_setup.page(status, about, outcome=outcome) if outcome.problems else see(self._then)


def _common(request: Request) -> Response | None:
    """Answer what both have: files for browsers, a path without its slash, methods there are none for."""
    if request.method not in READING:
        return refuse(request, 405, "This cannot be done here.")._replace(headers=(("Allow", "GET, HEAD, POST"),))
    if request.path.removeprefix("/") in ASSETS:
        return asset(request.path.removeprefix("/"))
    if request.path == "":
        # Pages name each other without the prefix, which a proxy may know under another name.
        return see(f"{quote(request.prefix.rpartition('/')[2], safe='')}/")
    return None
