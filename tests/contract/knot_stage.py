"""Knot DNS as a primary and as a secondary."""

import re
from collections.abc import Sequence

from tests.contract.dns_servers import DnsProgram, Primary, write_private
from tests.support import require

_SERIAL = re.compile(r"(\sSOA\s+\S+\s+\S+\s+)\d+")
_KEY = """key:
  - id: "{name}"
    algorithm: {algorithm}
    secret: "{secret}"
"""


class Knot(DnsProgram):
    """`knotd`, controlled through its socket."""

    def write_key(self, name: str, algorithm: str, secret: str) -> None:
        text = _KEY.format(name=name, algorithm=algorithm, secret=secret)
        write_private(self.directory / f"{name}.key.conf", text)

    def command(self) -> Sequence[str]:
        return (require("knotd", package="knot"), "-c", "knot.conf")

    def knotc(self, *words: str) -> str:
        return self.run(require("knotc", package="knot"), "-s", "knot.sock", "-b", *words)


class KnotPrimary(Knot, Primary):
    def freeze(self) -> None:
        self.knotc("zone-freeze", self._name)

    def thaw(self) -> None:
        self.knotc("zone-thaw", self._name)

    def rewind(self, serial: int) -> None:
        self.knotc("-f", "zone-flush", self._name)
        self.stop()
        file = self.directory / f"{self._name}.zone"
        text = file.read_text(encoding="utf-8")
        file.write_text(_SERIAL.sub(rf"\g<1>{serial}", text, count=1), encoding="utf-8")
        for kept in (self.directory / "journal").iterdir():
            kept.unlink()
        self.start()

    @property
    def _name(self) -> str:
        return self.zone.to_text(omit_final_dot=True)


class KnotSecondary(Knot):
    """The same program; only its configuration differs."""
