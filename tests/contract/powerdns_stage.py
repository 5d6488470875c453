"""PowerDNS with SQLite, as a primary and as a secondary."""

from collections.abc import Sequence

from tests.contract.dns_servers import DnsProgram, Primary, write_private
from tests.support import require


class PowerDns(DnsProgram):
    """`pdns_server`, whose zones are made by the rendered commands."""

    def write_key(self, name: str, algorithm: str, secret: str) -> None:  # noqa: ARG002 - setup.sh says it
        write_private(self.directory / f"{name}.secret", secret)

    def prepare(self) -> None:
        require("pdns_server", package="pdns-server")
        require("sqlite3", package="sqlite3")
        self.run("sh", "setup.sh")

    def command(self) -> Sequence[str]:
        return (
            require("pdns_server", package="pdns-server"),
            f"--config-dir={self.directory}",
            "--guardian=no",
        )

    def pdnsutil(self, *words: str) -> str:
        """Change its database, and let it forget what it has read of it."""
        said = self.run("pdnsutil", f"--config-dir={self.directory}", *words)
        self.run("pdns_control", f"--config-dir={self.directory}", "purge", f"{self.zone}$")
        return said


class PowerDnsPrimary(PowerDns, Primary):
    knows_types = False

    def freeze(self) -> None:
        self.pdnsutil("set-meta", _text(self.zone), "ALLOW-DNSUPDATE-FROM")

    def thaw(self) -> None:
        self.pdnsutil("set-meta", _text(self.zone), "ALLOW-DNSUPDATE-FROM", "0.0.0.0/0", "::/0")

    def rewind(self, serial: int) -> None:
        name = _text(self.zone)
        soa = f"ns1.{name}. hostmaster.{name}. {serial} 60 5 1209600 60"
        self.pdnsutil("replace-rrset", name, "@", "SOA", "3600", soa)


class PowerDnsSecondary(PowerDns):
    """The same program; only its configuration differs."""


def _text(name: object) -> str:
    return str(name).rstrip(".")
