"""The links of a chain that explains a name."""

from dataclasses import dataclass
from enum import StrEnum

from skulldns.model.certificates import shown
from skulldns.model.claims import AddressTarget, AliasTarget, Claim, GuestTarget, RedirectTarget, Target


class LinkState(StrEnum):
    """How a link of the chain is: it holds, waits, is broken, or is nothing this name needs."""

    GOOD = "good"
    WAITING = "waiting"
    BROKEN = "broken"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what it is, how it is, and a sentence."""

    link: str
    state: LinkState
    text: str


def claim_link(claim: Claim) -> Link:
    """Whose an active claim is, and where it leads."""
    leads = _leads(claim.target)
    if leads is None:
        text = f"{claim.member}'s claim has no address yet; let a router update it"
        return Link("claim", LinkState.WAITING, text)
    return Link("claim", LinkState.GOOD, f"{claim.member}'s claim {leads}")


def _leads(target: Target) -> str | None:
    match target:
        case GuestTarget(direct=True):
            return "leads to its guest's own addresses"
        case GuestTarget(port=port, scheme=scheme):
            return f"leads through the proxy to {scheme} at port {port} of its guest"
        case AliasTarget(name):
            return f"is an alias of {shown(name)}"
        case RedirectTarget(url):
            return f"sends visitors to {url}"
        case AddressTarget(ipv4, ipv6):
            known = " and ".join(str(one) for one in (ipv4, ipv6) if one)
            return f"leads to {known}" if known else None


def lost_guest_link(claim: Claim) -> Link:
    """The guest of a claim is not there, or not its member's."""
    whose = f"it is gone, or not {claim.member}'s"
    return Link("guest", LinkState.BROKEN, f"{whose}; lead the name to one of {claim.member}'s guests")
