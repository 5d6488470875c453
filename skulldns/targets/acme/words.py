"""What a CA's problem means, and what to do about it: from its codes to our errors (RFC 8555 section 6.7)."""

from collections.abc import Iterator
from contextlib import contextmanager

import dns.exception
import dns.name
from dns.name import Name

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable
from skulldns.targets.acme.beyond import CaError, Problem, readable
from skulldns.targets.protocol import ProofFailed, RateLimited

_SERVER_FAULTS = 500
_TOO_MANY = 429
_DETAIL_SHOWN = 300

# What time may cure, though the CA says it with a 4xx status.
_WAIT = {"serverInternal", "badNonce", "orderNotReady"}
_CONFLICTS = {"alreadyReplaced"}
FORGOTTEN = "accountDoesNotExist"

_CURES = {
    "badCSR": "report it as a fault of SkullDNS",
    "badSignatureAlgorithm": "report it as a fault of SkullDNS",
    "caa": "add the CA to the name's CAA records, or remove them",
    "connection": "see that the name reaches the proxy from outside",
    "dns": "see that the zone is delegated and its name servers answer from outside",
    "dnssec": "repair the zone's DNSSEC",
    "externalAccountRequired": "get a key for external account binding from the CA",
    "incorrectResponse": "see that the name leads to this installation",
    "invalidContact": "give the CA another contact",
    "invalidProfile": "choose another profile",
    "rejectedIdentifier": "ask for another name, or another CA",
    "unauthorized": "see that the name leads to this installation",
    "unsupportedContact": "give the CA another contact",
    "userActionRequired": "read the CA's terms and agree to them",
}


@contextmanager
def spoken(where: str) -> Iterator[None]:
    """Turn what goes wrong with the CA at ``where`` into ``Unavailable``, ``Conflict`` or ``Refused``."""
    try:
        with readable():
            yield
    except CaError as error:
        raise translated(error, where) from error


def translated(error: CaError, where: str) -> SkullDNSError:
    """Our error for the CA's."""
    what = sentence(error.problem)
    if error.code == "rateLimited" or error.status == _TOO_MANY:
        return RateLimited(what, retry_after=error.retry_after, where=where)
    if (
        error.status == 0
        or error.status >= _SERVER_FAULTS
        or error.retry_after is not None
        or error.code in _WAIT
    ):
        return Unavailable(what, retry_after=error.retry_after, where=where)
    if error.code in _CONFLICTS:
        return Conflict(what, where=where, cure="order without replacing")
    return Refused(what, where=where, cure=_CURES.get(error.code))


def proof_failed(problem: Problem | None, name: Name, where: str) -> ProofFailed:
    """The CA looked for a proof and did not find it."""
    if problem is None:
        problem = Problem("", "it gives no reason")
    return ProofFailed(
        f"{name.to_text(omit_final_dot=True)} could not be validated: {sentence(problem)}",
        where=where,
        cure=_CURES.get(problem.code),
        names=(name,),
    )


def names_of(problem: Problem) -> tuple[Name, ...]:
    """The names that a problem and its subproblems are about."""
    found: list[Name] = []
    for one in (problem, *problem.subproblems):
        if one.name:
            try:
                found.append(dns.name.from_text(one.name))
            except dns.exception.DNSException:
                continue
    return tuple(dict.fromkeys(found))


def sentence(problem: Problem) -> str:
    """The CA's words on one line, at a length for people."""
    parts = [
        problem.detail,
        *(f"{one.name}: {one.detail}" if one.name else one.detail for one in problem.subproblems),
    ]
    text = _plain("; ".join(dict.fromkeys(parts))).rstrip(".")
    shown = text if len(text) <= _DETAIL_SHOWN else text[:_DETAIL_SHOWN] + "..."
    code = _plain(problem.code)[:_DETAIL_SHOWN]
    return f"{shown} ({code})" if code else shown or "it gives no reason"


def _plain(text: str) -> str:
    """One line, without what moves a terminal's cursor."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
