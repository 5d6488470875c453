"""Our account at one CA: its key and URL on disk, registered, found again, and with a new key."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.b64 import b64decode
from josepy.jwk import JWKEC

from skulldns.errors import ConfigError, Unavailable
from skulldns.targets.durable import make_directory, sync_directory, write_durably


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """A key for external account binding (RFC 8555 section 7.3.4); ``hmac_file`` holds it in base64url."""

    kid: str
    hmac_file: Path

    @property
    def hmac(self) -> str:
        """The key, in base64url. Raises ``ConfigError``."""
        try:
            text = self.hmac_file.read_text(encoding="ascii").strip()
            b64decode(text)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the key for external account binding cannot be read: {error}",
                file=self.hmac_file,
                cure="put the CA's HMAC key there, in base64url",
            ) from error
        return text


class AccountFiles:
    """The key, the key that is to follow it, and the URL of one account, in ``directory`` (private)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = directory / "account.key"
        self._next = directory / "account.key.next"
        self._url = directory / "account.json"

    def key(self) -> JWKEC:
        """The account's key, made if there is none."""
        return self._read(self._key) or self._make(self._key)

    def key_since(self) -> float | None:
        """When the account's key was made, in Unix time; None if there is none."""
        try:
            return self._key.stat().st_mtime
        except FileNotFoundError:
            return None

    def next_key(self) -> JWKEC | None:
        """The key of a roll-over that was begun and not finished."""
        return self._read(self._next)

    def make_next_key(self) -> JWKEC:
        """Begin a roll-over: a new key, on the disk before the CA is told."""
        return self._make(self._next)

    def keep_next_key(self) -> None:
        """The CA has taken the next key."""
        self._next.replace(self._key)
        sync_directory(self._directory)

    def drop_next_key(self) -> None:
        """The CA has not taken the next key."""
        self._next.unlink(missing_ok=True)

    def url(self) -> str | None:
        """The account's URL, if it is known."""
        try:
            return str(json.loads(self._url.read_bytes())["url"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # it is found again by its key

    def keep_url(self, url: str) -> None:
        """Remember the account's URL."""
        write_durably(self._url, json.dumps({"url": url}).encode())

    def forget_url(self) -> None:
        """The CA does not know the account any more."""
        self._url.unlink(missing_ok=True)

    def _make(self, path: Path) -> JWKEC:
        key = ec.generate_private_key(ec.SECP256R1())
        make_directory(self._directory)
        write_durably(path, pem(key))
        return JWKEC(key=key)

    def _read(self, path: Path) -> JWKEC | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(
                f"the account's key cannot be read: {os.strerror(error.errno or 0)}", where=str(path)
            ) from error
        try:
            key = serialization.load_pem_private_key(content, password=None)
        except ValueError as error:
            raise ConfigError(
                "this is no private key",
                file=path,
                cure="put the account's key back, or remove the file for a new account",
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError("this is no ECDSA key", file=path, cure="remove the file for a new account")
        return JWKEC(key=key)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
