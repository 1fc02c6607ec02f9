"""The wiring of the receiver, and its whole route table."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components

import homing
from homing.clock import Clock
from homing.errors import StoreError
from homing.server.accounts.accounts import Accounts
from homing.server.accounts.directory import REFRESH_SECONDS, Directory
from homing.server.accounts.door import Door
from homing.server.api import erasures, fleet, operations, reports, sessions
from homing.server.api.callers import SECURITY, Services, caller
from homing.server.api.eraser import Eraser
from homing.server.dashboard.assets import COMPRESSED, Assets, read_assets
from homing.server.dashboard.guard import answer_anything, secure
from homing.server.dashboard.pages import Templates, load_templates, make_templates
from homing.server.dashboard.routes import dashboard
from homing.server.dialects.base import Dialect
from homing.server.dialects.flowfuse import FlowFuse
from homing.server.dialects.native import Native
from homing.server.dialects.posthog.analytics import Analytics
from homing.server.dialects.posthog.capture import Capture
from homing.server.dialects.seqdesk import SeqDesk
from homing.server.dialects.sirveo import Sirveo
from homing.server.dialects.webhook import Webhook
from homing.server.ingest.addresses import AddressOf, address_finder
from homing.server.ingest.desk import Desk
from homing.server.ingest.lane import Lane, Limits
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.live import Live
from homing.server.ingest.routes import Routes
from homing.server.metrics import Metrics
from homing.server.reader.client import ReaderClient
from homing.server.stores.base import Control
from homing.server.stores.registry import Opened, options_of
from homing.server.writer.base import Writer
from homing.server.writer.client import WriterClient
from homing.settings import Resolved

log: Final = structlog.get_logger("homing.app")

DIALECTS: Final[Sequence[Dialect]] = (Native(), SeqDesk(), Sirveo(), FlowFuse(), Capture(), Analytics())
"""Every dialect. Their paths are served ahead of the framework's."""

BINDABLE: Final = ("seqdesk", "sirveo", "flowfuse")
"""The dialects whose paths at the host's root a setting gives to one app."""

HANDLERS: Final = (
    reports.get_report,
    fleet.get_measure,
    fleet.get_properties,
    fleet.get_events,
    fleet.get_history,
    sessions.sign_in,
    sessions.sign_out,
    sessions.change_password,
    erasures.erase,
    erasures.erase_below_key,
    operations.livez,
    operations.readyz,
    operations.metrics,
)
"""Everything the framework serves, beside the dashboard and the API's description at /api/openapi.json."""


class Receiver:
    """All parts of a running receiver. `lane` and `framework` serve requests between `start` and `stop`.

    `writer` makes pings durable; a process of its own does where none is given.
    """

    def __init__(self, opened: Opened, settings: Resolved, clock: Clock, writer: Writer | None = None) -> None:
        process = (settings["store"], options_of(settings), (settings["log_level"], settings["log_format"]))
        self.clock = clock
        self._store = opened.store
        self._control = opened.control
        self.metrics = Metrics()
        self.live = Live()
        self.accounts = Accounts(opened.control, clock)
        self.writer = writer or WriterClient(*process)
        self.desk = Desk(self.writer, clock, self.metrics.commit, settings["queue_pings"])
        self.reader = ReaderClient(*process)
        self.directory = directory_of(opened.control, settings, clock=clock)
        self._assets = read_assets()
        self._templates = make_templates(self._assets.url)
        address_of = address_finder(settings["trusted_proxies"])
        self.lane = self._lane(settings, address_of)
        self.framework = framework(self._services(settings, address_of), assets=self._assets, templates=self._templates)
        self._tasks: list[asyncio.Task[None]] = []
        self.metrics.watch(
            {
                "homing_queue_pings": ("Pings waiting for the store.", lambda: self.desk.pings),
                "homing_queue_bytes": ("Bytes waiting for the store.", lambda: self.desk.size),
                "homing_reader_restarts": ("How often the reader died.", lambda: self.reader.restarts),
                "homing_writer_restarts": ("How often the writer died.", lambda: self.writer.restarts),
            }
        )

    def _services(self, settings: Resolved, address_of: AddressOf) -> Services:
        return Services(
            accounts=self.accounts,
            directory=self.directory,
            reader=self.reader,
            metrics=self.metrics,
            clock=self.clock,
            door=Door(self.accounts, self.clock, self.metrics),
            address_of=address_of,
            checks=self.checks,
            release=self._store.release,
            live=self.live,
            control=self._control,
            dialects=DIALECTS,
            eraser=Eraser(self.directory, self.reader, self.clock),
            secure_cookies=settings["secure_cookies"],
            public_url=settings["public_url"],
        )

    def _lane(self, settings: Resolved, address_of: AddressOf) -> Lane:
        limits = Limits(
            RateLimit("rate_address", settings["rate_address"]),
            RateLimit("rate_app", settings["rate_app"]),
            address_of,
        )
        return Lane(
            Routes(DIALECTS, bound_by(settings), hooks=Webhook()),
            targets=self.directory,
            desk=self.desk,
            limits=limits,
            tally=self.metrics,
            hash_address=self.directory.hash_address,
            live=self.live,
            clock=self.clock,
        )

    def checks(self) -> Mapping[str, bool]:
        """Return what must be well for the receiver to be ready, and whether it is."""
        return {"store": self.desk.healthy and self.desk.alive, "reader": self.reader.alive}

    async def start(self) -> None:
        """Start the desk, the reader and what runs beside requests."""
        self.desk.start()
        self.reader.start()
        self._tasks = [
            asyncio.create_task(self._refresh()),
            asyncio.create_task(asyncio.to_thread(load_templates, self._templates)),
        ]

    async def stop(self) -> None:
        """Record what was let in, and end every part."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.desk.stop()
        await self.reader.stop()
        self._store.close()

    async def _refresh(self) -> None:
        """Notice apps and keys that another process added."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await asyncio.to_thread(self.directory.refresh)
            except StoreError as error:
                log.warning("refresh_failed", reason=str(error))
            except Exception:
                # What this task raises would end it, and no new key would be known until the next start.
                log.exception("internal")


def bound_by(settings: Resolved) -> Mapping[str, str]:
    """Return the name of the app that a dialect's paths at the host's root are bound to, by dialect."""
    return {name: settings[f"{name}_app"] for name in BINDABLE}


def directory_of(control: Control, settings: Resolved, *, clock: Clock) -> Directory:
    """Return the directory of apps and keys, which knows what every dialect may be split by."""
    dimensions = frozenset[str]().union(*(dialect.dimensions for dialect in DIALECTS))
    return Directory(control, clock, dialect_dimensions=dimensions, retention_days=settings["retention_days"])


def framework(services: Services, *, assets: Assets, templates: Templates) -> Litestar:
    """Return the web framework's part: API, operations and dashboard."""
    return Litestar(
        route_handlers=[*HANDLERS, *dashboard(services.public_url)],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "caller": Provide(caller),
            "assets": Provide(lambda: assets, sync_to_thread=False),
        },
        exception_handlers={Exception: answer_anything},
        before_send=[secure],
        template_config=templates,
        openapi_config=OpenAPIConfig(
            title="Homing",
            version=homing.__version__,
            path="/api",
            render_plugins=[JsonRenderPlugin()],
            components=Components(security_schemes=dict(SECURITY)),
        ),
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=6, minimum_size=1024, exclude_opt_key=COMPRESSED
        ),
        request_max_body_size=64 * 1024,
        logging_config=None,
    )
