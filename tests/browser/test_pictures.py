"""Pictures of pages."""

import struct
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.pictures import Camera, Shown, session
from tests.functional.receiver import Receiver


def test_a_picture(browser: Browser, receiver: Receiver, origin: str, tmp_path: Path) -> None:
    """A picture shows a whole page as wide as was asked, to the owner and to a stranger in different ways."""
    camera = Camera(browser, origin, session(browser, origin, password=receiver.announced("Password")))
    for signed_in in (True, False):
        camera.take(Shown("/", "", signed_in), tmp_path / f"{signed_in}.png", width=380, theme="dark")
    of_owner, of_stranger = ((tmp_path / f"{signed_in}.png").read_bytes() for signed_in in (True, False))
    assert (b"\x89PNG", 380) == (of_stranger[:4], struct.unpack_from(">I", of_stranger, 16)[0])
    assert of_owner != of_stranger
