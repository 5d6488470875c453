"""Stages for the same play with every web proxy: two guests' web servers, certificates, and faults."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from skulldns.model.sites import Site
from skulldns.targets.fakeproxy import FakeProxy
from skulldns.targets.nginx import Nginx
from skulldns.targets.proxy import CertificatePaths, Proxy
from tests.realnginx import ZONE, RealNginx, make_pair
from tests.rooms import ROOT

_KEYED = "limit_req_zone {key} zone=sample:1m rate=1r/s;"


class Stage(ABC):
    """A proxy, and what happens to it. ``ports`` are those of two guests' web servers."""

    proxy: Proxy
    ports: tuple[int, int]
    certificates: Mapping[str, CertificatePaths]

    @abstractmethod
    def shows(self, host: str) -> int | str | None:
        """What a visitor gets: the port of the guest that answers, the page's name, or None for nothing at all."""

    @abstractmethod
    def spoil(self, *titles: str) -> None:
        """Let the proxy refuse these sites from now on, and no others."""

    @abstractmethod
    def mismatch(self, identity: str) -> None:
        """Put another key beside a certificate."""

    @abstractmethod
    def stop(self) -> None:
        """Let the proxy end."""

    @abstractmethod
    def start(self) -> None:
        """Start it again."""

    @abstractmethod
    def hold(self) -> None:
        """Let it refuse to run anything new, though it says yes."""

    @abstractmethod
    def release(self) -> None:
        """Let it run new things again."""

    @abstractmethod
    def edit(self) -> str:
        """Edit a file of the proxy by hand; gives its name."""


class FakeStage(Stage):
    """The fake, whose files are paths that nobody reads."""

    def __init__(self) -> None:
        self._fake = FakeProxy()
        self.proxy = self._fake
        self.ports = (8001, 8002)
        self.certificates = {
            one: CertificatePaths(Path(f"{one}.chain"), Path(f"{one}.key")) for one in (ZONE, "shop.test")
        }

    def shows(self, host: str) -> int | str | None:
        site: Site | None = self._fake.served.get(host)
        if site is None:
            return "unknown" if host.endswith(f".{ZONE}") else None
        if site.upstream:
            return site.upstream.port if site.certificate in self._fake.certificates else None
        return site.page

    def spoil(self, *titles: str) -> None:
        self._fake.broken = set(titles)

    def mismatch(self, identity: str) -> None:
        self._fake.mismatched = {identity}

    def stop(self) -> None:
        self._fake.down = True

    def start(self) -> None:
        self._fake.down = False

    def hold(self) -> None:
        self._fake.stubborn = True

    def release(self) -> None:
        self._fake.stubborn = False

    def edit(self) -> str:
        self._fake.edited = ["maps.conf"]
        return "maps.conf"


class NginxStage(Stage):
    """A real nginx. Its admin's own template spoils sites; nginx keeps its old shared memory zones, come what may."""

    def __init__(self, nginx: RealNginx, templates: Path, ports: tuple[int, int]) -> None:
        self.nginx = nginx
        self.ports = ports
        self._templates = templates
        self.proxy: Nginx = nginx.target()
        self.certificates = {**nginx.wildcard(), "shop.test": nginx.certificate("shop.test")}

    @staticmethod
    def prepare(templates: Path) -> None:
        """Write the admin's templates."""
        site = (ROOT / "proxy_templates" / "site.conf.j2").read_text(encoding="utf-8")
        spoilt = (
            '{% import "spoilt.j2" as spoilt %}{% if names[0] in spoilt.titles %}nonsense on;{% endif %}\n'
        )
        (templates / "site.conf.j2").write_text(spoilt + site, encoding="utf-8")
        (templates / "spoilt.j2").write_text("{% set titles = [] %}", encoding="utf-8")

    def shows(self, host: str) -> int | str | None:
        self.nginx.settled()
        try:
            answer = self.nginx.get(host)
        except OSError:  # nothing listens there, or nobody has the name
            return None
        if answer.status == 200:
            return int(answer.body.split()[0])
        titles = {"switched off": "stopped", "Nobody lives here": "unknown"}
        return next((page for title, page in titles.items() if title in answer.body), answer.body)

    def spoil(self, *titles: str) -> None:
        text = f"{{% set titles = {json.dumps(titles)} %}}"
        (self._templates / "spoilt.j2").write_text(text, encoding="utf-8")

    def mismatch(self, identity: str) -> None:
        self.certificates[identity].key.write_bytes(make_pair([identity])[1])

    def stop(self) -> None:
        self.nginx.stop()

    def start(self) -> None:
        self.nginx.start()

    def hold(self) -> None:
        self.nginx.configure(_KEYED.format(key="$server_name"))

    def release(self) -> None:
        self.nginx.configure(_KEYED.format(key="$binary_remote_addr"))

    def edit(self) -> str:
        file = self.nginx.current / "maps.conf"
        file.write_text(file.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
        return "maps.conf"
