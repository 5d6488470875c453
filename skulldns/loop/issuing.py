"""One try to get a certificate, from the checks before to the files after, as a generator of pauses.

It goes through the CAs in their order until one issues. What is placed for a CA is always removed.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dns.name import Name

from skulldns.errors import Conflict, Refused, SkullDNSError, Unavailable
from skulldns.loop.cawatch import CaWatch
from skulldns.loop.clock import Clock
from skulldns.model.certificates import Certificate, Challenge, KeyPair, Proof, bare, shown
from skulldns.model.guests import IPAddress
from skulldns.model.issuance import Cost, Expense, Issuance, Kind
from skulldns.plan.budget import LETS_ENCRYPT, Budget, Limit, costs, reach, validations
from skulldns.plan.caa import climb, forbidden
from skulldns.plan.cadence import FOLLOW_PAUSES, pause
from skulldns.store.protocol import CertificateMemory
from skulldns.targets.protocol import (
    CertificateAuthority,
    CertificateFiles,
    Lookups,
    ProofFailed,
    Prover,
    RateLimited,
)

_log = logging.getLogger(__name__)

SEEN_WITHIN = 120.0
"""Seconds that proofs may take until they are to be found everywhere."""

Names = Mapping[Name, Challenge]


@dataclass(frozen=True, slots=True)
class Issuer:
    """One CA of the config, with its staging and its limits."""

    authority: CertificateAuthority
    staging: CertificateAuthority | None = None
    limits: Mapping[Kind, Limit] = field(default_factory=lambda: LETS_ENCRYPT)


@dataclass(frozen=True, slots=True)
class Office:
    """All that it takes to get certificates.

    ``addresses`` are the proxy's: where names that are proved by HTTP-01 must lead; empty where that is not known.
    ``registered`` tells the registered domain of a name.
    """

    issuers: Sequence[Issuer]
    provers: Mapping[Challenge, Prover]
    lookups: Lookups
    files: CertificateFiles
    memory: CertificateMemory
    registered: Callable[[Name], Name]
    addresses: frozenset[IPAddress] = frozenset()

    def authorities(self) -> Sequence[CertificateAuthority]:
        """Every CA where we have an account, those for rehearsals too."""
        found = [one for issuer in self.issuers for one in (issuer.authority, issuer.staging) if one]
        return list({one.directory: one for one in found}.values())


@dataclass(frozen=True, slots=True)
class Issued:
    """What a try brought: the certificate, the CA (its directory), and why some names are not on it, if so."""

    certificate: Certificate
    ca: str
    shortfall: ProofFailed | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """What a try asks for: ``names`` of ``identity``, in place of ``current``, whose renewal may be ``due``."""

    identity: str
    names: Names
    state: Issuance
    current: Certificate | None
    due: bool

    def worthwhile(self, rest: Names) -> bool:
        """Whether a certificate for some of the names would be a gain."""
        return bool(rest) and (self.due or not (self.current and self.current.covers(rest)))


class Issuing:
    """Makes tries. Each is a generator: it yields seconds to wait until it wants to go on, and returns ``Issued``.

    A try raises ``ProofFailed`` where a name is to blame, ``Refused`` where every CA refuses, else ``Unavailable``.
    """

    def __init__(self, office: Office, watch: CaWatch, clock: Clock) -> None:
        self._office = office
        self._watch = watch
        self._clock = clock

    def problems(self, names: Names) -> Mapping[Name, SkullDNSError]:
        """Names that could not be proved now, before any CA is asked."""
        found: dict[Name, SkullDNSError] = {}
        for name, kind in names.items():
            try:
                self._check(name, kind)
            except SkullDNSError as error:
                found[name] = error
        return found

    def attempt(self, wanted: Application) -> Generator[float, None, Issued]:
        """Try once. Where some names cannot be proved, the others get a certificate if that is a gain."""
        try:
            return (yield from self._anywhere(wanted))
        except ProofFailed as error:
            failed = {bare(name) for name in error.names}
            rest = {name: kind for name, kind in wanted.names.items() if bare(name) not in failed}
            if len(rest) == len(wanted.names) or not wanted.worthwhile(rest):
                raise
            issued = yield from self._anywhere(replace(wanted, names=rest))
            return replace(issued, shortfall=error)

    def _anywhere(self, wanted: Application) -> Generator[float, None, Issued]:
        """The first CA that issues. A name's own fault is the same everywhere, so it ends the try."""
        failures: list[SkullDNSError] = []
        for issuer in self._office.issuers:
            away = self._watch.reason(issuer.authority)
            if away:
                failures.append(Unavailable(away))
                continue
            try:
                return (yield from self._at(issuer, wanted))
            except ProofFailed:
                raise
            except (Refused, Conflict, RateLimited) as error:
                failures.append(error)
            except Unavailable as error:
                failures.append(error)
                if error.where == issuer.authority.directory:
                    self._watch.lost(issuer.authority, error)
        raise _summary(failures)

    def _at(self, issuer: Issuer, wanted: Application) -> Generator[float, None, Issued]:
        names, current = wanted.names, wanted.current
        self._check_caa(issuer, names)
        if wanted.state.rehearse and issuer.staging:
            yield from self._rehearse(issuer.staging, names)
        replaces = current if current and wanted.state.ca == issuer.authority.directory else None
        try:
            pair = yield from self._order(issuer, names, replaces)
        except Conflict:
            pair = yield from self._order(issuer, names, None)
        certificate = self._office.files.install(wanted.identity, pair, names, self._clock.wall())
        return Issued(certificate, issuer.authority.directory)

    def _rehearse(self, staging: CertificateAuthority, names: Names) -> Generator[float, None, None]:
        """See that the names can be proved, where a failure costs nothing."""
        try:
            yield from self._get(staging, names, None)
        except ProofFailed:
            raise
        except SkullDNSError as error:  # staging has troubles of its own
            _log.info("%s", error)

    def _order(
        self, issuer: Issuer, names: Names, replaces: Certificate | None
    ) -> Generator[float, None, KeyPair]:
        """Get a certificate, and account for it: what is spent is written down before."""
        memory, ca, now = self._office.memory, issuer.authority.directory, self._clock.wall()
        price = costs(names, self._office.registered, renewal=bool(replaces and replaces.ari_id))
        self._check_budget(issuer, [*price, *validations(names)])
        spent = [Expense(ca, cost, now) for cost in price]
        memory.spend(spent)
        try:
            return (yield from self._get(issuer.authority, names, replaces))
        except SkullDNSError as error:
            for expense in spent:
                if expense.cost.kind is not Kind.ORDER:
                    memory.refund(expense)
            if isinstance(error, ProofFailed):
                at = self._clock.wall()
                memory.spend(Expense(ca, cost, at) for cost in validations(error.names))
            raise

    def _get(
        self, authority: CertificateAuthority, names: Names, replaces: Certificate | None
    ) -> Generator[float, None, KeyPair]:
        placed: list[Proof] = []
        try:
            order = authority.order(names, replaces)
            for proof in order.proofs:
                placed.append(proof)
                self._prover(proof.kind).place(proof)
            yield from self._until_seen(placed)
            order.proved()
            while True:
                found = order.step()
                if isinstance(found, KeyPair):
                    return found
                yield found
        finally:
            self._clear(placed)

    def _until_seen(self, proofs: Iterable[Proof]) -> Generator[float, None, None]:
        """Wait until each proof is to be found wherever a CA may look."""
        end = self._clock.steady() + SEEN_WITHIN
        tries = 0
        for proof in proofs:
            while not self._prover(proof.kind).seen(proof):
                if self._clock.steady() > end:
                    raise _not_seen(proof)
                yield pause(FOLLOW_PAUSES, tries)
                tries += 1

    def _clear(self, proofs: Iterable[Proof]) -> None:
        for proof in proofs:
            try:
                self._prover(proof.kind).remove(proof)
            except SkullDNSError as error:  # it is remembered, and swept later
                _log.warning("%s", error)

    def _prover(self, kind: Challenge) -> Prover:
        return self._office.provers[kind]

    def _check(self, name: Name, kind: Challenge) -> None:
        """See that ``name`` can be proved: HTTP-01 needs it to lead to our proxy, on every server."""
        prover = self._office.provers.get(kind)
        if prover is None:
            raise Refused(f"{shown(name)} cannot be proved by {kind} here", cure="configure the proxy")
        prover.check(bare(name))
        if kind is not Challenge.HTTP01 or not self._office.addresses:
            return
        for server, found in self._office.lookups.addresses(name).items():
            if not found or not found <= self._office.addresses:
                there = ", ".join(sorted(map(str, found))) or "no address"
                ours = ", ".join(sorted(map(str, self._office.addresses)))
                raise Refused(
                    f"{shown(name)} leads to {there} at {server}, not to the proxy",
                    cure=f"let it lead to {ours}",
                )

    def _check_caa(self, issuer: Issuer, names: Names) -> None:
        issuers, account = issuer.authority.caa()
        for name, kind in names.items():
            try:
                places = (self._office.lookups.caa(place) for place in climb(bare(name)))
                records = next(filter(None, places), ())
            except Unavailable as error:  # the CA will look for itself
                _log.info("%s", error)
                continue
            reason = forbidden(name, records, issuers, account=account, method=kind)
            if reason:
                raise Refused(
                    reason,
                    where=issuer.authority.directory,
                    cure="add this CA to the CAA records, or remove them",
                )

    def _check_budget(self, issuer: Issuer, price: Iterable[Cost]) -> None:
        now = self._clock.wall()
        expenses = self._office.memory.expenses(issuer.authority.directory, now - reach(issuer.limits))
        full = Budget(issuer.limits, expenses).exhausted(price, now)
        if full:
            subject = f" for {full.cost.subject}" if full.cost.subject else ""
            raise RateLimited(
                f"its limit of {full.limit.count} ({full.cost.kind}{subject}) is used up",
                retry_after=max(0.0, (full.free_at or now) - now),
                where=issuer.authority.directory,
                cure="it is tried again when there is room",
            )


def _not_seen(proof: Proof) -> Unavailable:
    what = f"what is to prove {shown(proof.name)} is still not to be found"
    if proof.kind is Challenge.HTTP01:
        return Unavailable(
            f"{what} on the proxy's port for HTTP", cure="see that the proxy runs and answers there"
        )
    return Unavailable(f"{what} on every server", cure="see that the secondary follows")


def _summary(failures: Sequence[SkullDNSError]) -> SkullDNSError:
    """What to say when no CA issued: a refusal of the preferred one, else what all say, and the soonest moment."""
    refusals = [error for error in failures if not isinstance(error, Unavailable)]
    if refusals or not failures:
        return next(iter(refusals), Refused("no CA is configured", cure="add one to acme.directories"))
    waits = [error.retry_after for error in failures if isinstance(error, Unavailable)]
    known = [wait for wait in waits if wait is not None]
    kind = RateLimited if all(isinstance(error, RateLimited) for error in failures) else Unavailable
    what = "; ".join(dict.fromkeys(map(str, failures)))
    return kind(what, retry_after=min(known) if len(known) == len(waits) else None)
