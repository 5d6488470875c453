"""What the command line sees of certificates, and what it may have done with them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from dns.name import Name

from skulldns.daemon.calls import InThread
from skulldns.errors import Refused, Unavailable
from skulldns.loop.accounts import because
from skulldns.loop.certifier import CertificateReport, Certifier, Renew
from skulldns.loop.front import Front
from skulldns.loop.issuing import Office
from skulldns.model.issuance import Issuance
from skulldns.plan.budget import Balance
from skulldns.targets.protocol import CertificateAuthority

_LIST = "see `skulldns cert list`"


def listing(front: Front, states: Mapping[str, Issuance]) -> list[dict[str, Any]]:
    """Every certificate that is wanted; ``because`` tells why its next try is when it is."""
    return [
        asdict(line) | {"because": because(line, states.get(line.identity) or Issuance(line.identity))}
        for line in front.certificates()
    ]


def found(front: Front, text: str, name: Name) -> CertificateReport:
    """The certificate with this identity, or the one that ``name`` is served with. Raises ``Refused``."""
    reports = front.reports()
    site = front.site(name)
    for report in reports:
        if report.wish.identity == text.strip().rstrip(".").lower():
            return report
    for report in reports:
        if (site and report.wish.identity == site.certificate) or name in report.wish.names:
            return report
    raise Refused(f"there is no certificate {text!r}", cure=_LIST)


def renew(certifier: Certifier, office: Office, identity: str, in_thread: InThread) -> None:
    """Have it renewed now, whatever was due. Raises ``Unavailable`` where that cannot be remembered."""

    def remembered() -> bool:
        state = office.memory.issuances().get(identity)
        return state is not None and state.forced

    certifier.mailbox.put(Renew(identity))
    if not in_thread(certifier, remembered):  # letters are read in their order, and before the next try
        raise Unavailable(
            f"the renewal of {identity} could not be written down", cure="see `skulldns doctor`"
        )


def revoke(
    certifier: Certifier, office: Office, report: CertificateReport, reason: int, in_thread: InThread
) -> None:
    """Revoke what is served now at the CA that issued it, and order a new one.

    The order is remembered first: where revoking fails, a new certificate with a new key does no harm. Raises
    ``Refused`` and ``Unavailable``.
    """
    identity = report.wish.identity
    chain = office.files.chain(identity)
    if chain is None:
        raise Refused(f"{identity} has no certificate", cure=_LIST)
    authorities = [one.authority for one in office.issuers if one.authority.directory == report.ca]
    if not authorities:
        raise Refused(
            f"the CA that issued it ({report.ca or 'not known'}) is not in the config",
            where=identity,
            cure="add it to acme.directories for as long as that takes",
        )
    certifier.mailbox.put(Renew(identity))
    in_thread(certifier, partial(authorities[0].revoke, chain, reason))


def accounts(office: Office) -> list[dict[str, Any]]:
    """Our account at each CA, as it is remembered."""
    return [_account(one) for one in office.authorities()]


def new_account_key(
    certifier: Certifier, office: Office, ca: str | None, in_thread: InThread
) -> dict[str, Any]:
    """Give our account at ``ca`` a new key; ``ca`` is a part of its directory's URL, None where there is only one.

    Raises ``Refused``, ``Conflict`` and ``Unavailable``.
    """
    found = [one for one in office.authorities() if ca is None or ca in one.directory]
    exact = [one for one in found if one.directory == ca]
    if len(exact or found) != 1:
        known = ", ".join(one.directory for one in office.authorities())
        what = "this is said of several CAs" if found else f"{ca} is no CA of the config"
        raise Refused(what, cure=f"name one of {known}")
    [authority] = exact or found
    in_thread(certifier, partial(certifier.roll_over, authority))
    return _account(authority)


def _account(authority: CertificateAuthority) -> dict[str, Any]:
    return {"ca": authority.directory, **asdict(authority.account())}


def budget(balances: Iterable[tuple[str, Balance]]) -> list[dict[str, Any]]:
    """How it stands with each limit of each CA; ``subject`` is empty for what counts for all, or was not spent."""
    return [
        {
            "ca": ca,
            "limit": balance.cost.kind.value,
            "subject": balance.cost.subject,
            "count": balance.limit.count,
            "per": balance.limit.per,
            "spent": balance.spent,
            "left": balance.left,
            "free_at": balance.free_at,
        }
        for ca, balance in balances
    ]
