"""How a page is made: the templates, and what every one of them is given."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import MediaType
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from homing.errors import NotFound
from homing.server.stores.base import App, Owner

VARY: Final[Mapping[str, str]] = MappingProxyType({"Vary": "HX-Request"})
"""The header of a page that gives a script a part of it alone."""


class Visitor(NamedTuple):
    """Who looks at a page: an owner who is signed in, and the owner's apps, oldest first."""

    owner: Owner
    apps: tuple[App, ...]


def app_of(visitor: Visitor, name: str) -> App:
    """Return the visitor's app of that name; raise `NotFound`."""
    for app in visitor.apps:
        if app.name == name:
            return app
    message = f"You have no app {name!r}."
    raise NotFound(message)


Templates = TemplateConfig[JinjaTemplateEngine]
"""The framework's way to the templates."""


def make_templates(asset: Callable[[str], str]) -> Templates:
    """Return the framework's way to the templates; `asset` turns a file's name into its address."""
    environment = Environment(
        loader=PackageLoader("homing.server.dashboard"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def load_templates(made: Templates) -> None:
    """Compile every template now, so that nobody's first page waits for it."""
    environment = made.engine_instance.engine
    for name in environment.list_templates():
        environment.get_template(name)


def page(
    template: str,
    visitor: Visitor | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Template:
    """Answer with a template that is given these values, the `visitor` (None before signing in) and the `request`."""
    return Template(
        template,
        context={"visitor": visitor, **values},
        status_code=status,
        headers=dict(headers or {}),
        media_type=MediaType.HTML,
    )
