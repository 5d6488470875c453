"""One lab and one browser for each file: the page as a site behind the lab's nginx."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import sync_playwright

from skulldns.lab import Lab
from skulldns.lab.parts import EVERYTHING
from skulldns.lab.waiting import until
from tests.browser.world import HOST, PATIENCE, World, chromium, desk_of
from tests.support import require

_SERVERS = {"named": "bind9", "libvirtd": "libvirt-daemon", "nginx": "nginx", "pebble": "pebble"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The page, reached as members reach it."""
    program = require("chromium", package="chromium")
    for other, package in {
        "named": "bind9",
        "libvirtd": "libvirt-daemon",
        "nginx": "nginx",
        "pebble": "pebble",
    }.items():
        require(other, package=package)
    directory = tmp_path_factory.mktemp("page") / "lab"
    directory.mkdir(mode=0o700)
    (directory / "surroundings.json").write_text(json.dumps({"page": HOST}))
    with Lab.up(directory, extra=EVERYTHING) as lab:
        until(lambda: _is_served(lab), "the page behind the proxy", patience=PATIENCE / 1000)
        with sync_playwright() as playwright:
            browser = chromium(playwright, lab, program)
            try:
                yield World(lab, desk_of(lab), browser)
            finally:
                browser.close()


def _is_served(lab: Lab) -> bool:
    """Whether the page's own certificate is there, and one that the lab's CA vouches for."""
    proxy = lab.info.raw["proxy"]
    with suppress(OSError):
        tls = ssl.create_default_context(cafile=lab.info.raw["acme"]["root"])
        with socket.create_connection((proxy["address"], proxy["https_port"]), timeout=2) as plain:
            tls.wrap_socket(plain, server_hostname=HOST).close()
        return True
    return False
