"""HTTP-01 (RFC 8555 section 8.3): one file for each token, in a directory that the proxy serves."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dns.name import Name

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Proof
from skulldns.targets.durable import write_durably

# base64url without padding; the length is only a bound.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


class TokenFiles:
    """Keeps ``Prover``. The files are for everybody, since the proxy's workers are other users."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

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
                return self._path(proof).read_bytes() == proof.content.encode("ascii")
            except FileNotFoundError:
                return False

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
