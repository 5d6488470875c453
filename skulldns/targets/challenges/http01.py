"""HTTP-01 (RFC 8555 section 8.3): one file for each token, in a directory that the proxy serves."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dns.name import Name

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Proof, shown
from skulldns.model.guests import IPAddress
from skulldns.targets.durable import write_durably
from skulldns.targets.probe import PROXY_HEADER

# base64url without padding; the length is only a bound.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where the proxy answers HTTP to this host; with ``proxy_protocol`` connections begin with a PROXY header."""

    address: IPAddress
    port: int
    proxy_protocol: bool = False

    def shows(self, proof: Proof) -> bool:
        """Whether it answers with what the CA is to find."""
        connection = HTTPConnection(shown(proof.name), timeout=_PATIENCE)
        try:
            with socket.create_connection((str(self.address), self.port), _PATIENCE) as plain:
                if self.proxy_protocol:
                    plain.sendall(PROXY_HEADER)
                connection.sock = plain
                headers = {"User-Agent": "SkullDNS", "Connection": "close"}
                connection.request("GET", f"/.well-known/acme-challenge/{proof.token}", headers=headers)
                answer = connection.getresponse()
                expected = proof.content.encode("ascii")
                return answer.status == HTTPStatus.OK and answer.read(len(expected) + 1) == expected
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class TokenFiles:
    """Keeps ``Prover``. The files are for everybody, since the proxy's workers are other users.

    A proof is seen once the proxy shows it at its ``door``; without one, once its file is there.
    """

    def __init__(self, directory: Path, door: Door | None = None) -> None:
        self._directory = directory
        self._door = door

    def check(self, name: Name) -> None:
        """Any name will do; where it leads is looked up elsewhere."""

    def place(self, proof: Proof) -> None:
        path = self._path(proof)
        with self._told():
            self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._directory.chmod(0o755)
            write_durably(path, proof.content.encode("ascii"), 0o644)

    def seen(self, proof: Proof) -> bool:
        with self._told():
            try:
                there = self._path(proof).read_bytes() == proof.content.encode("ascii")
            except FileNotFoundError:
                return False
        return there and (self._door is None or self._door.shows(proof))

    def remove(self, proof: Proof) -> None:
        path = self._path(proof)
        with self._told():
            path.unlink(missing_ok=True)

    def sweep(self) -> int:
        with self._told():
            found = [*self._directory.iterdir()] if self._directory.is_dir() else []
            leftovers = [path for path in found if _TOKEN.fullmatch(path.name) or path.name.endswith(".new")]
            for path in leftovers:
                path.unlink(missing_ok=True)
        return len(leftovers)

    def _path(self, proof: Proof) -> Path:
        if not _TOKEN.fullmatch(proof.token):
            raise Refused(
                "the CA's token has characters that a token cannot have", cure="report it to the CA"
            )
        return self._directory / proof.token

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(
                f"tokens for the CA cannot be written: {os.strerror(error.errno or 0)}",
                where=str(self._directory),
                cure="check the directory and the disk",
            ) from error
