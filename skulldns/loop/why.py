"""Every name can explain itself (law 11): its chain, link by link, and the cause and cure at the first broken one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import dns.rdatatype
from dns.name import Name

from skulldns.desired.askers import askers
from skulldns.desired.claimed import is_claim
from skulldns.desired.registry import Registry, Verdict
from skulldns.errors import SkullDNSError
from skulldns.loop.front import Front
from skulldns.loop.links import Link, LinkState, claim_link, lost_guest_link
from skulldns.loop.names import NameReport, Names
from skulldns.loop.outlooks import Outlooks
from skulldns.loop.publisher import Publisher
from skulldns.loop.visit import visit
from skulldns.model.byvalue import concerning
from skulldns.model.claims import GuestTarget
from skulldns.model.desired import ZONE_FILE
from skulldns.model.guests import GuestId, GuestState, said
from skulldns.model.namestate import NameState
from skulldns.model.records import Key
from skulldns.store.protocol import LedgerMemory
from skulldns.targets.protocol import NameServer


@dataclass(frozen=True, slots=True)
class Chain:
    """A name's whole chain; ``history`` holds its last changes as (Unix time, sentence)."""

    report: NameReport
    links: tuple[Link, ...]
    history: tuple[tuple[float, str], ...]


_ON_ITS_WAY = "a change is on its way, or somebody else made one: the next look is within a minute"


def explain(
    names: Names,
    ledger: LedgerMemory,
    name: Name,
    now: float,
    front: Front | None = None,
    outlooks: Outlooks | None = None,
) -> Chain:
    """Walk the chain of ``name``: zone, who wants it, policy, ns1, each secondary; then its site, if it has one.

    Each view of a zone has these links, beginning with ``zone``.
    """
    report = names.name(name, now)
    publishers = names.publishers_of(name)
    if not publishers:
        with names.engine.reading():
            claims = tuple(_claims(names.engine.registry, name))
        return _elsewhere(report, (*claims, *(visit(front, name, now) if front is not None else ())))
    links: list[Link] = []
    for publisher in publishers:
        links.append(Link("zone", LinkState.GOOD, f"{publisher.zone}, mode {publisher.rules.mode}"))
        links += _wanting(names, publisher, name)
        links.append(_policy(names.report(name, publisher, now)))
        links += _servers(names, publisher, name)
        links += outlooks.links(publisher.zone) if outlooks is not None else ()
    if front is not None:
        links += visit(front, name, now)
    history = tuple(
        (
            row.at,
            (
                f"{f'{row.view}: ' if row.view else ''}"
                f"{dns.rdatatype.to_text(row.key.type)} {row.before or 'nothing'} -> {row.after or 'nothing'}: "
                f"{row.reason}"
            ),
        )
        for row in ledger.journal(name, 5)
    )
    return Chain(report, tuple(links), history)


def _elsewhere(report: NameReport, site: tuple[Link, ...]) -> Chain:
    """The chain of a name in none of our zones: ``site`` has the links of its claim and site, if it has them."""
    if not site:
        link = Link("zone", LinkState.BROKEN, f"{report.reason}; see `zones` in the config")
        return Chain(report, (link,), ())
    served = all(link.state in {LinkState.GOOD, LinkState.NONE} for link in site)
    state = NameState.SERVED if served else NameState.PENDING
    link = Link("zone", LinkState.NONE, "none of ours: others say where it leads")
    return Chain(replace(report, state=state, reason=""), (link, *site), ())


def _wanting(names: Names, publisher: Publisher, name: Name) -> list[Link]:
    """Who asks for the name: static records, guests, or what is left of one."""
    decision = publisher.state.decision(name)
    found = [
        Link("zone file", LinkState.GOOD, f"{want.reason}: {want.rrset}")
        for want in decision.wanted
        if want.owner == ZONE_FILE
    ]
    owners = {want.owner for want in decision.wanted} | {
        entry.owner for entry in publisher.state.ledger.get(name, ())
    }
    with names.engine.reading():
        registry = names.engine.registry
        owning = sorted(owner for owner in owners if owner != ZONE_FILE and not is_claim(owner))
        found += _claims(registry, name, owners)
        led = [verdict.known.id for verdict in map(registry.guest_of, registry.claims.near(name)) if verdict]
        guests = list(dict.fromkeys([*led, *askers(registry, name), *map(GuestId, owning)]))
        verdicts = [registry.verdict(one) for one in guests if registry.known(one)]
    for verdict in verdicts:
        found += _guest(names, verdict)
    return found or [Link("guest", LinkState.NONE, "no guest, no claim and no zone file asks for this name")]


def _claims(registry: Registry, name: Name, owners: Iterable[str] = ()) -> Iterator[Link]:
    """The claims that ask for something at the name, and what became of those whose records are still there."""
    for claim in registry.claims.near(name):
        yield claim_link(claim)
        if isinstance(claim.target, GuestTarget) and registry.guest_of(claim) is None:
            yield lost_guest_link(claim)
    for owner in sorted(filter(is_claim, owners)):
        if registry.claims.claim_of(owner) is None:
            over = registry.claims.ended(owner)
            yield Link("claim", LinkState.NONE, over.reason if over else "no member claims it any more")


def _guest(names: Names, verdict: Verdict) -> list[Link]:
    guest, known = verdict.known.guest, verdict.known
    status = names.engine.sources.get(guest.source)
    links = []
    if status is None:
        links.append(Link("source", LinkState.BROKEN, f"{guest.source} is not in the config any more"))
    elif status.reason is not None:
        links.append(Link("source", LinkState.BROKEN, status.reason))
    elif status.answered_at is None:
        links.append(Link("source", LinkState.WAITING, f"{guest.source} has not answered yet"))
    else:
        links.append(Link("source", LinkState.GOOD, f"{guest.source} answers"))
    title = f"{guest.title} ({said(guest.id)})"
    if known.gone_since is not None:
        links.append(
            Link("guest", LinkState.BROKEN, f"{title} is gone; start or define it again to keep its name")
        )
    elif not known.present:
        links.append(Link("guest", LinkState.WAITING, f"{title} is not shown by its source just now"))
    else:
        links.append(Link("guest", LinkState.GOOD, f"{title} is {guest.state.value}"))
    links += [
        Link("refused", LinkState.BROKEN, f"{refusal.what}: {refusal.reason}") for refusal in verdict.refusals
    ]
    if verdict.addresses:
        links.append(
            Link("address", LinkState.GOOD, ", ".join(str(address) for address in verdict.addresses))
        )
    elif guest.state is GuestState.RUNNING:
        links.append(
            Link(
                "address",
                LinkState.WAITING,
                "none yet; see that the guest asks for a lease in an allowed network",
            )
        )
    else:
        links.append(
            Link("address", LinkState.WAITING, "none: the guest is stopped and had none before; start it")
        )
    return links


def _policy(report: NameReport) -> Link:
    match report.state:
        case NameState.REFUSED | NameState.FOREIGN:
            return Link("policy", LinkState.BROKEN, report.reason)
        case NameState.HELD:
            return Link("policy", LinkState.WAITING, report.reason)
        case NameState.UNKNOWN:
            return Link("policy", LinkState.NONE, report.reason)
        case _:
            return Link("policy", LinkState.GOOD, "it may be published")


def _servers(names: Names, publisher: Publisher, name: Name) -> list[Link]:
    """What each server answers now, asked while explaining."""
    wanted = {want.key: want.rrset for want in publisher.state.decision(name).wanted}
    keys = [*wanted, *(rrset.key for rrset in publisher.state.current.get(name, ()))]
    keys = list(dict.fromkeys(keys)) or [Key(name, dns.rdatatype.A), Key(name, dns.rdatatype.AAAA)]
    servers: list[tuple[str, NameServer, str | None]] = [
        ("ns1", publisher.primary.server.twin(), publisher.trouble.reason if publisher.trouble else None)
    ]
    for number, follower in enumerate(names.followers.get(publisher.zone, ()), 2):
        servers.append((f"ns{number}", follower.secondary.twin(), follower.reason))
    links = []
    for title, server, reason in servers:
        try:
            answers = server.lookup(keys)
        except SkullDNSError as error:
            links.append(Link(title, LinkState.BROKEN, str(error)))
            continue
        finally:
            server.close()
        shown = ", ".join(
            f"{dns.rdatatype.to_text(key.type)} {' '.join(rrset.values())}"
            for key, rrset in answers.items()
            if rrset
        )
        text = f"{server.where} answers {shown or 'that there is nothing'}"
        if conflict := next(
            (why for key, why in list(publisher.conflicts.items()) if key.name == name), None
        ):
            links.append(Link(title, LinkState.BROKEN, f"{text}; {conflict}"))
            continue
        if all(concerning(answers.get(key), rrset) == rrset for key, rrset in wanted.items()):
            links.append(Link(title, LinkState.GOOD if wanted else LinkState.NONE, text))
        else:
            links.append(
                Link(
                    title,
                    LinkState.BROKEN if reason else LinkState.WAITING,
                    f"{text}; {reason or _ON_ITS_WAY}",
                )
            )
    return links
