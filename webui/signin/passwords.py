"""Passwords: what makes a good one, and how they are kept.

Length counts, not composition (NIST SP 800-63B section 3.1.1.2; OWASP ASVS 5.0 V6.2). What others have used often or
what leaked is refused. They are kept as argon2id (RFC 9106).
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from skulldns.errors import Refused
from webui.texts import _

SHORTEST = 12
LONGEST = 256
_FEWEST_CHARACTERS = 4
_LEFT = 6
"""Letters that must be left of a password without the words that everybody here would try first."""
_FEWEST_GUESSES = 10**6
"""Guesses that whoever knows common words, names, keyboards and dates may need (zxcvbn's score 2)."""
_WEIGHED = 72
"""Characters at the start that are weighed, since longer ones cost zxcvbn too much time."""
_LINE = 40
"""Bytes of a SHA-1 in hexadecimal, as lists of leaked passwords have them."""

_hasher = PasswordHasher()


def judge(password: str, login: str, leaked: Path | None = None, words: Iterable[str] = ()) -> None:
    """Raise ``Refused`` for a password that is too short, often used, leaked, or made of the login or of ``words``.

    So are repeats, rows and combinations of what is often used, such as `passwordpassword`.

    ``leaked`` is a file of SHA-1 values in upper case and order, one a line, as haveibeenpwned.com offers it
    (anything may follow a colon).
    """
    if len(password) < SHORTEST:
        raise Refused(
            _("the password is too short"),
            cure=_("use at least %(count)d characters, such as four words", count=SHORTEST),
        )
    if len(password) > LONGEST:
        raise Refused(
            _("the password is too long"), cure=_("use at most %(count)d characters", count=LONGEST)
        )
    plain = password.casefold()
    if len(set(plain)) < _FEWEST_CHARACTERS or _left(plain, (login, *words)) < _LEFT:
        raise Refused(
            _("the password is easy to guess"), cure=_("use four words that have nothing in common")
        )
    if zxcvbn(plain[:_WEIGHED])["guesses"] < _FEWEST_GUESSES:
        raise Refused(
            _("the password is made of what many use"), cure=_("use four words that have nothing in common")
        )
    if plain in _often_used() or (leaked is not None and _is_in(leaked, password)):
        raise Refused(_("that password has leaked elsewhere"), cure=_("use one that nobody had before"))


def _left(plain: str, words: Iterable[str]) -> int:
    """How many letters are left; digits and marks beside a word that is known make nothing good."""
    for word in sorted(filter(lambda word: len(word) >= _FEWEST_CHARACTERS, words), key=len, reverse=True):
        if word in plain:
            plain = "".join(one for one in plain.replace(word, "") if one.isalpha())
    return len(plain)


def judge_again(password: str, again: str) -> None:
    """Raise ``Refused`` if the two are not the same."""
    if password != again:
        raise Refused(_("the two passwords are not the same"), cure=_("type it twice"))


def encoded(password: str) -> str:
    """The password as it is kept."""
    return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether ``password`` is the one that is kept. It takes as long where none is kept, so that nothing is told."""
    try:
        _hasher.verify(kept or _of_nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_dated(kept: str) -> bool:
    """Whether it is kept with weaker settings than today's, and should be encoded again."""
    return _hasher.check_needs_rehash(kept)


@cache
def _often_used() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _of_nobody() -> str:
    return _hasher.hash("nobody's password")


def _is_in(leaked: Path, password: str) -> bool:
    """Binary search in the sorted file; it has tens of gigabytes and is never read as a whole."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with leaked.open("rb") as file:
        low, high = 0, file.seek(0, 2)
        while low < high:
            middle = (low + high) // 2
            file.seek(middle)
            if middle:
                file.readline()
            here = file.tell()
            line = file.readline()[:_LINE]
            if not line or line > wanted:
                high = middle
            elif line == wanted:
                return True
            else:
                low = max(here, middle + 1)
        file.seek(low)
        return file.readline()[:_LINE] == wanted
