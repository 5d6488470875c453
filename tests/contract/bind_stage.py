"""BIND from what `ns config` prints; the lab's own two `named` are another stage."""

import re
import shutil
from collections.abc import Sequence

from skulldns.lab.waiting import until
from tests.contract.dns_servers import DnsProgram, Primary, fresh_secret, write_private
from tests.support import require

_KEY = 'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};\n'
_CONTROLS = """include "named.conf";
include "rndc.key";
controls {{ inet 127.0.0.1 port {port} allow {{ 127.0.0.1; }} keys {{ "rndc"; }}; }};
"""
_RNDC = """include "{directory}/rndc.key";
options {{ default-server 127.0.0.1; default-port {port}; default-key "rndc"; }};
"""
_SERIAL = re.compile(r"\d+(?=\s+;\s*serial)")


class Bind(DnsProgram):
    """`named`, controlled by `rndc`: a copy of it, since Debian's AppArmor profile is bound to its path."""

    def write_key(self, name: str, algorithm: str, secret: str) -> None:
        text = _KEY.format(name=name, algorithm=algorithm, secret=secret)
        write_private(self.directory / f"{name}.key", text)

    def prepare(self) -> None:
        self.write_key("rndc", "hmac-sha256", fresh_secret())
        values = {"port": self.control_port, "directory": self.directory}
        (self.directory / "test.conf").write_text(_CONTROLS.format(**values), encoding="utf-8")
        (self.directory / "rndc.conf").write_text(_RNDC.format(**values), encoding="utf-8")
        shutil.copy(require("named", package="bind9"), self.directory / "named")

    def command(self) -> Sequence[str]:
        return (str(self.directory / "named"), "-g", "-n", "1", "-c", "/proc/self/cwd/test.conf")

    def rndc(self, *words: str) -> str:
        return self.run(require("rndc", package="bind9"), "-c", "rndc.conf", *words)


class BindPrimary(Bind, Primary):
    def freeze(self) -> None:
        self.rndc("freeze", self._name)

    def thaw(self) -> None:
        self.rndc("thaw", self._name)

    def rewind(self, serial: int) -> None:
        self.freeze()
        now = self.answers()
        file = self.directory / f"{self._name}.zone"

        def written() -> bool:
            found = _SERIAL.search(file.read_text(encoding="utf-8"))
            return found is not None and int(found[0]) == now

        until(written, "writing the frozen zone")
        text = file.read_text(encoding="utf-8")
        file.write_text(_SERIAL.sub(str(serial), text, count=1), encoding="utf-8")
        self.thaw()

    @property
    def _name(self) -> str:
        return self.zone.to_text(omit_final_dot=True)


class BindSecondary(Bind):
    """The same program; only its configuration differs."""
