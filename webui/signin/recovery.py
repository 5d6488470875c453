"""Recovery codes: ten that work once each, for the day when password and passkeys are gone."""

import hashlib
import secrets

from skulldns.model.members import MemberState
from webui.context import desk

COUNT = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUP, _GROUPS = 4, 7


def draw(login: str) -> list[str]:
    """New codes in place of the old ones; each has 138 random bits, so that its SHA-256 tells nothing of it."""
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(COUNT)]
    with desk().office.writing() as books:
        books.signins.set_recovery(login, [hashed(code) for code in codes])
    return codes


def use(login: str, code: str) -> bool:
    """Whether ``code`` was one that works. It works no more, and the password that was lost neither."""
    with desk().office.writing() as books:
        member = books.members.member(login)
        if member is None or member.state is not MemberState.ACTIVE:
            return False
        if not books.signins.use_recovery(login, hashed(code)):
            return False
        books.signins.set_password(login, None)
        return True


def hashed(code: str) -> str:
    """What is kept of a code; spaces, hyphens and capitals do not count."""
    plain = "".join(code.lower().split()).replace("-", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))
