"""A name as a person typed it, to a name that can be in the DNS and in a browser (RFC 5890 to 5893, IDNA 2008)."""

import re
from ipaddress import ip_address

import dns.exception
import dns.name
import idna
from dns.name import Name

from skulldns.desired.policy.alike import one_script, shown_text
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LONGEST_LABEL = 63
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4: 255 bytes, of which the first length and the root take two
_LONGEST_TEXT = 4 * _LONGEST_NAME
_JOINERS = "\u200c\u200d"
_PLAIN = "use letters, digits and hyphens, at most 63 in a part, no hyphen first or last"


def hostname(text: str, rules: Rules) -> Name:
    """The absolute name for what a member typed; one label without a final dot is in the first zone.

    Raises ``Refused``.
    """
    labels = _labels(text)
    if len(labels) == 1 and rules.zones and not text.endswith("."):
        labels += [label.decode() for label in rules.zones[0].labels[:-1]]
    return _absolute(labels, text)


def any_hostname(text: str) -> Name:
    """The absolute name for a host name anywhere, such as the goal of an alias: at least two labels.

    Raises ``Refused``.
    """
    labels = _labels(text)
    if len(labels) == 1:
        raise Refused(f"{shown_text(text)} is only a part of a name", cure="write the whole name")
    return _absolute(labels, text)


def host_label(text: str) -> str:
    """One label, encoded where it has other letters than ASCII (A-label), in lower case. Raises ``Refused``."""
    if "_" in text:
        raise Refused(f"{shown_text(text)} has a _, which host names do not have", cure=_PLAIN)
    if "*" in text:
        raise Refused(f"{shown_text(text)} stands for many names", cure="claim the names one by one")
    lower = text.lower()
    if lower.isascii() and not text.isascii():  # such as the sign for kelvin
        raise _no_idn(text)
    label = lower if lower.isascii() else _encoded(lower)
    if not _LABEL.fullmatch(label):
        long = len(label) > _LONGEST_LABEL
        raise Refused(f"{shown_text(text)} is {'too long' if long else 'not a host name'}", cure=_PLAIN)
    if label.startswith("xn--"):
        one_script(_decoded(label))
    elif label[2:4] == "--":
        raise Refused(
            f"{shown_text(text)} looks like an encoded international name", cure="use other hyphens"
        )
    return label


def _labels(text: str) -> list[str]:
    plain = text.removesuffix(".")
    if not plain:
        raise Refused("there is no name", cure="write a name such as wiki")
    if len(plain) > _LONGEST_TEXT:
        raise Refused("the name is too long", cure=f"use at most {_LONGEST_NAME} characters")
    if _is_address(plain):
        raise Refused(f"{shown_text(plain)} is an address", cure="write a name")
    parts = plain.split(".")
    if "" in parts:
        raise Refused(f"{shown_text(text)} has an empty part", cure="write one dot between two parts")
    labels = [host_label(part) for part in parts]
    if len(labels) > 1 and labels[-1].isdecimal():  # RFC 3696 section 2: the last is never all digits
        raise Refused(f"{shown_text(text)} reads like an address", cure="write a name")
    return labels


def _absolute(labels: list[str], text: str) -> Name:
    if sum(len(label) + 1 for label in labels) - 1 > _LONGEST_NAME:
        raise Refused(
            f"the name is too long: {shown_text(text[:60])}", cure=f"use at most {_LONGEST_NAME} characters"
        )
    try:
        return dns.name.from_text(".".join(labels) + ".", dns.name.root)
    except dns.exception.DNSException as error:
        raise Refused(f"{shown_text(text)} is not a host name", cure=_PLAIN) from error


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _encoded(label: str) -> str:
    if any(joiner in label for joiner in _JOINERS):
        raise Refused(f"{shown_text(label)} has invisible letters", cure="leave them out")
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError as error:
        raise _no_idn(label) from error


def _decoded(label: str) -> str:
    try:
        found = idna.ulabel(label)
        same = idna.alabel(found).decode("ascii") == label
    except idna.IDNAError as error:
        raise _no_idn(label) from error
    if not same or any(joiner in found for joiner in _JOINERS):
        raise _no_idn(label)
    return found


def _no_idn(text: str) -> Refused:
    wrong = [
        one if one.isprintable() else f"U+{ord(one):04X}" for one in dict.fromkeys(text) if _is_no_letter(one)
    ]
    which = f": {' '.join(wrong)}" if wrong else ""
    return Refused(
        f"{shown_text(text)} has letters that host names cannot have (IDNA 2008){which}",
        cure="write it in small letters and digits of one language",
    )


def _is_no_letter(letter: str) -> bool:
    try:
        idna.check_label(f"a{letter}a")
    except idna.InvalidCodepoint:
        return True
    except idna.IDNAError:
        pass  # such as letters from right to left, which are fine among themselves
    return False
