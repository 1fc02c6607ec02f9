"""Commands that change something: consent, settings, the id, and what a receiver has stored."""

import os
import pwd
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from homing.errors import SettingsError, SettingsLocked
from homing.sdk.about import About
from homing.sdk.commands.command import Context
from homing.sdk.commands.looking import as_value, state
from homing.sdk.commands.talk import FAILED, OK, Answer, Table
from homing.sdk.consent import MODE, ON, rows_of
from homing.sdk.erasure import Erasure, erasable
from homing.sdk.payload import Row
from homing.sdk.policy import Policy
from homing.sdk.seeding import Seed
from homing.settings import MASK, is_yes

if TYPE_CHECKING:
    from homing.sdk.telemetry import Telemetry

FIELDS: Final = ("field", "why", "example")
KEPT: Final = "Telemetry is off; the id was kept, so that it can be tried again."


def enable(context: Context) -> Answer:
    """Show what will be sent, and where to; switch telemetry on, and keep who agreed."""
    return _enable(context, context.make())


def _enable(context: Context, telemetry: "Telemetry") -> Answer:
    about = _switchable(telemetry.about())
    to = " and ".join(dict.fromkeys(each.url for each in telemetry.preview()))
    if not to:
        raise SettingsError(["Nobody can agree while it is not known where it would go.", *telemetry.status().problems])
    rows = [*about.rows, *about.new_rows]
    context.talk.show([f"To {to} go these fields, {about.policy.told}:", _fields(rows), about.policy.privacy])
    context.talk.ask("Switch telemetry on?")
    found = telemetry.save({ON: True}, who=login())
    if about.new_rows:
        # It was on already, and these were shown.
        telemetry.agree(who=login())
    about = telemetry.about()
    value, told = as_value(found, about), state(found, about)
    if not found.enabled:
        return Answer(value, problems=[f"It was saved, and yet: {told}"], code=FAILED)
    return Answer(value, [told])


def disable(context: Context) -> Answer:
    """Switch telemetry off, here and in every process of the application."""
    telemetry = context.make()
    _switchable(telemetry.about())
    found = telemetry.save({ON: False}, who=login())
    about = telemetry.about()
    return Answer(as_value(found, about), [state(found, about), "Nothing is sent any more."])


def setconfig(context: Context) -> Answer:
    """Save one setting, by its name in the settings file or here: `setconfig telemetryEnabled false`."""
    called, raw = context.args.setting, context.args.value
    telemetry = context.make()
    policy = telemetry.about().policy
    setting = policy.setting_called(called)
    if setting is None:
        raise SettingsError([f"{called} is no setting: there is {', '.join(_called(policy))}."])
    if setting == ON and is_yes(raw):
        return _enable(context, telemetry)
    found = telemetry.save({setting: raw}, who=login())
    about = telemetry.about()
    return Answer(as_value(found, about), [f"{called} is {_shown(policy, setting, raw)} now.", state(found, about)])


def reset_id(context: Context) -> Answer:
    """Make a new id: from now on this installation counts as another one."""
    context.talk.ask("From now on this installation counts as another one. Make a new id?")
    telemetry = context.make()
    telemetry.reset_id(who=login())
    instance = telemetry.about().instance
    return Answer({"instance": instance}, [f"The id is {instance} now."])


def delete_my_data(context: Context) -> Answer:
    """Switch telemetry off, have each destination erase what it stored, and forget the id."""
    telemetry = context.make()
    about = telemetry.about()
    erasable(about.policy.wire, about.instance)
    context.talk.ask("Switch telemetry off, and have erased all that was ever sent under this id?")
    _say_no(telemetry)
    try:
        done = telemetry.erase()
    except SettingsError as error:
        raise SettingsError([*error.problems, KEPT]) from error
    problems = [f"{each.destination}: {each.problem}" for each in done if each.problem]
    if problems:
        problems.append(KEPT)
    else:
        # The receiver refuses the old one from now on.
        telemetry.reset_id(who=login())
    receipts = [_receipt(each) for each in done if each.receipt is not None]
    return Answer([each._asdict() for each in done], receipts, problems, FAILED if problems else OK)


def seed(context: Context) -> Answer:
    """Save first settings from the environment, a set-up file and an install profile, where there are none yet."""
    telemetry = context.make()
    policy = telemetry.about().policy
    first = telemetry.first_settings(context.args.config, context.args.profile)
    if not first:
        return Answer([], ["There is nothing to save that is not saved already."])
    context.talk.show([_seeds(policy, first)])
    context.talk.ask("Save these first settings?")
    kept = telemetry.seed(first, who=login())
    value = [{**each._asdict(), "value": _shown(policy, each.setting, each.value)} for each in kept]
    return Answer(value, [f"{len(kept)} saved.", state(telemetry.status(), telemetry.about())])


def _say_no(telemetry: "Telemetry") -> None:
    """Keep a no, also where telemetry is off only here: another process may have other variables."""
    try:
        telemetry.save({ON: False}, who=login())
    except SettingsLocked:
        if telemetry.status().enabled:
            raise


def login() -> str:
    """Return the login name of whoever runs this; it is kept beside the consent, and never sent."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _switchable(about: About) -> About:
    """Return it where `save` can switch telemetry on and off; raise `SettingsError` where another way is needed."""
    mode = about.policy.name_of(MODE)
    if about.policy.name_of(ON) is None and mode is not None:
        raise SettingsError([f"{about.app} is switched on and off in the environment: with {mode.variables[0]}."])
    return about


def _fields(rows: Iterable[Row]) -> Table:
    return Table([(row.name, row.why, row.example) for row in rows], FIELDS)


def _seeds(policy: Policy, seeds: Sequence[Seed]) -> Table:
    rows = [(each.setting, _shown(policy, each.setting, each.value), each.layer, each.source) for each in seeds]
    return Table(rows, ("setting", "value", "layer", "from"))


def _shown(policy: Policy, setting: str, value: Any) -> Any:
    secret = {row.name for row in rows_of(policy) if row.secret}
    return MASK if setting in secret else value


def _called(policy: Policy) -> list[str]:
    return [each.file or each.setting for each in policy.names]


def _receipt(done: Erasure) -> Table:
    return Table([("erased by", done.url), *(done.receipt or {}).items()])
