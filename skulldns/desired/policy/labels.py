"""The rules for labels and logins that guests, members, the page and the command line share."""

import re

from skulldns.desired.policy.reserved import reserved_by
from skulldns.errors import Refused
from skulldns.model.guests import said

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
_PORTS = 65_535
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_HOST_LABEL}(?:\.{_HOST_LABEL})*", re.ASCII)
_LONGEST_MAIL = 254  # RFC 5321 section 4.5.3.1.3: a path of 256 with its brackets
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def guest_label(text: str, more_reserved: tuple[str, ...] = ()) -> str:
    """Make a hypervisor's guest name a DNS label: lower case, ``_`` to ``-`` (RFC 1123 section 2.1).

    Raises ``Refused`` for what cannot be a label, and for reserved names.
    """
    if text.startswith("_"):
        raise Refused(f"{text!r} is reserved: labels that start with _ are not host names")
    label = text.lower().replace("_", "-") if text.isascii() else text
    if not _LABEL.fullmatch(label):
        raise Refused(
            f"{text!r} is not a host name label",
            cure="rename the guest to letters, digits and hyphens, at most 63, or give it `names`",
        )
    if label.startswith("xn--") or label[2:4] == "--":
        raise Refused(f"{text!r} looks like an encoded international name", cure="rename the guest")
    if entry := reserved_by(label, more_reserved):
        raise Refused(f"{text!r} is reserved ({entry})", cure="rename the guest or give it `names`")
    return label


def login(text: str) -> str:
    """A member's login, such as an owner: 1 to 32 of small letters, digits, dots, hyphens and underscores.

    It begins with a letter or a digit. Raises ``Refused``.
    """
    if not _LOGIN.fullmatch(text):
        raise Refused(
            f"{said(text)} is not a login",
            cure="write small letters, digits, '.', '_' and '-', at most 32, the first a letter or digit",
        )
    return text


def mail_address(text: str) -> str:
    """One plain mail address, as browsers judge it (HTML, valid email address); empty for none. Raises ``Refused``."""
    plain = text.strip()
    if plain and (len(plain) > _LONGEST_MAIL or not _MAIL.fullmatch(plain)):
        raise Refused(f"{said(plain[:60])} is no mail address", cure="write one such as alice@example.org")
    return plain


def port(value: int | str) -> int:
    """A port for TCP, as a number or as it was written. Raises ``Refused``."""
    text = str(value)
    if not (
        text.isascii() and text.isdecimal() and len(text) <= len(str(_PORTS)) and 1 <= int(text) <= _PORTS
    ):
        raise Refused(f"{said(text)} is not a port", cure=f"write a number from 1 to {_PORTS}")
    return int(text)
