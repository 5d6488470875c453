"""NSD, which is a secondary only."""

from collections.abc import Sequence

from tests.contract.dns_servers import DnsProgram, write_private
from tests.support import require

_KEY = """key:
    name: "{name}"
    algorithm: {algorithm}
    secret: "{secret}"
"""


class NsdSecondary(DnsProgram):
    """`nsd` in the foreground."""

    def write_key(self, name: str, algorithm: str, secret: str) -> None:
        text = _KEY.format(name=name, algorithm=algorithm, secret=secret)
        write_private(self.directory / f"{name}.key.conf", text)

    def command(self) -> Sequence[str]:
        return (require("nsd", package="nsd"), "-d", "-c", "nsd.conf")
