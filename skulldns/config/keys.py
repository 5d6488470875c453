"""TSIG keys, whose secrets stay in files."""

import base64
import binascii
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name
import dns.tsig
from dns.name import Name

from skulldns.config.reading import read_text
from skulldns.errors import ConfigError

_LIMIT = 65_536
_LEAST_BYTES = 16
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{22,}")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
_STATEMENT = re.compile(r'\s*key\s+"?(?P<name>[^\s"{]+)"?\s*\{(?P<body>[^}]*)\}\s*;?\s*')
_CLAUSE = re.compile(r'\s*(?P<word>[a-z]+)\s+"?(?P<value>[^\s";]+)"?\s*')
_NEW = "make one with 'tsig-keygen'"


@dataclass(frozen=True, slots=True)
class TsigKey:
    """A TSIG key (RFC 8945) by reference: its secret is read when it is used and never kept here."""

    name: Name
    algorithm: str
    secret_file: Path

    def key(self) -> dns.tsig.Key:
        """Read the secret.

        Raises ``ConfigError``, located in the secret's file, when that is missing, open to others, or holds
        no base64 of at least 16 bytes, or another key than this one.
        """
        text = self._read()
        statement = _STATEMENT.fullmatch(_COMMENT.sub("", text)) if "{" in text else None
        if statement:
            text = self._from_statement(statement["name"], statement["body"])
        try:
            secret = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise self._error("does not hold base64 or one key statement", _NEW) from None
        if len(secret) < _LEAST_BYTES:
            raise self._error(f"holds a secret of {len(secret)} bytes, less than {_LEAST_BYTES}", _NEW)
        return dns.tsig.Key(self.name, secret, self.algorithm)

    def _read(self) -> str:
        if _BASE64.fullmatch(str(self.secret_file.name)) and not self.secret_file.exists():
            # It may be the secret itself: not to be repeated.
            raise ConfigError(
                "secret_file names no file", cure="put the secret into a file and name that here"
            )
        text = read_text(self.secret_file, _LIMIT)
        try:
            mode = self.secret_file.stat().st_mode
        except OSError:
            raise self._error("is gone", "write it again") from None
        if mode & stat.S_IROTH:
            raise self._error("can be read by everyone", f"run 'chmod o= {self.secret_file}'")
        return text

    def _from_statement(self, name: str, body: str) -> str:
        """The secret in the body of BIND's key statement, which must be of this key."""
        clauses = {}
        for part in body.split(";"):
            if clause := _CLAUSE.fullmatch(part):
                clauses[clause["word"]] = clause["value"]
        algorithm = clauses.get("algorithm", "").lower().rstrip(".")
        if algorithm != self.algorithm:
            raise self._error(
                f"holds a key for {algorithm or 'no algorithm'}", f"the config says {self.algorithm}"
            )
        try:
            same = dns.name.from_text(name) == self.name
        except dns.exception.DNSException:
            same = False
        if not same:
            mine = self.name.to_text(omit_final_dot=True)
            raise self._error(
                f"holds the key {name}", f"the config calls it {mine}: use one name on both sides"
            )
        return clauses.get("secret", "")

    def _error(self, what: str, cure: str) -> ConfigError:
        return ConfigError(f"the key file {what}", file=self.secret_file, cure=cure)
