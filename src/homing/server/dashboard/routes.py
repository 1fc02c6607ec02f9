"""All that the dashboard serves."""

from typing import Final

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from homing.server.dashboard import apps, connect, events, instances, live, overview, signing, webhooks
from homing.server.dashboard.assets import serve_asset
from homing.server.dashboard.guard import answer_page, own_origin, visitor

ROUTES: Final = (
    overview.show_overview,
    overview.show_choices,
    events.show_events,
    live.show_live,
    webhooks.list_webhooks,
    webhooks.make_webhook,
    webhooks.show_webhook,
    webhooks.save_webhook,
    webhooks.ask_delete,
    webhooks.delete_webhook,
    apps.list_apps,
    apps.make_app,
    apps.show_settings,
    apps.add_key,
    apps.ask_end,
    apps.rotate,
    apps.revoke,
    apps.keep,
    apps.change_bearer,
    apps.ask_retire,
    apps.retire,
    apps.restore,
    connect.show_connect,
    connect.show_arrival,
    instances.list_instances,
    instances.show_instance,
    instances.ask_release,
    instances.release,
    signing.show_sign_in,
    signing.sign_in,
    signing.sign_out,
    signing.show_password,
    signing.change_password,
)
"""Every page, and every form on one."""


def dashboard(public_url: str) -> list[ControllerRouterHandler]:
    """Return what the framework serves for browsers; `public_url` is the setting of that name."""
    pages = Router(
        path="/",
        route_handlers=list(ROUTES),
        dependencies={"visitor": Provide(visitor)},
        exception_handlers={Exception: answer_page},
        guards=[own_origin(public_url)],
        include_in_schema=False,
    )
    return [pages, serve_asset]
