"""Somebody who opens a site of a lab: requests through its proxy, the certificate verified against its CA's root."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from skulldns.lab import Lab

_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Visit:
    """What the visitor got: a status, headers in lower case, and the text of the page."""

    status: int
    headers: dict[str, str]
    text: str


class Visitor:
    """Opens sites of one lab."""

    def __init__(self, lab: Lab) -> None:
        raw = lab.info.raw
        self._zone = lab.info.zone
        self._address = raw["proxy"]["address"]
        self._ports = {"http": raw["proxy"]["http_port"], "https": raw["proxy"]["https_port"]}
        self._root = raw["acme"]["root"]

    def opens(
        self, name: str, path: str = "/", *, scheme: str = "https", headers: Mapping[str, str] | None = None
    ) -> Visit | None:
        """The answer at a name; None where there is none, or no valid certificate.

        The name is relative to the lab's zone, or ends with a dot.
        """
        host = self._host(name)
        connection = HTTPConnection(host, timeout=_PATIENCE)
        try:
            with socket.create_connection((self._address, self._ports[scheme]), _PATIENCE) as plain:
                connection.sock = plain
                if scheme == "https":
                    connection.sock = self._tls().wrap_socket(plain, server_hostname=host)
                connection.request("GET", path, headers=dict(headers or {}))
                answer = connection.getresponse()
                found = {key.lower(): value for key, value in answer.getheaders()}
                return Visit(answer.status, found, answer.read().decode())
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def sees(self, name: str, *, status: int = 200, text: str = "") -> bool:
        """Whether the page at a name has this status and holds ``text``."""
        visit = self.opens(name)
        return visit is not None and visit.status == status and text in visit.text

    def serial(self, name: str) -> str:
        """The serial number of the certificate at a name (as for ``opens``), in hexadecimal."""
        host = self._host(name)
        with (
            socket.create_connection((self._address, self._ports["https"]), _PATIENCE) as plain,
            self._tls().wrap_socket(plain, server_hostname=host) as connection,
        ):
            return str((connection.getpeercert() or {})["serialNumber"])

    def _host(self, name: str) -> str:
        return name.removesuffix(".") if name.endswith(".") else f"{name}.{self._zone}"

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._root)
