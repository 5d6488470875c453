"""What the command line may ask, of the running daemon or of an installation of its own: one answer for both."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import dns.name

from skulldns import wiring
from skulldns.daemon import certificates, guests, plans, zones
from skulldns.daemon.calls import InThread
from skulldns.daemon.control import Verbs as Table
from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.loop.accounts import balances
from skulldns.loop.certifier import Certifier
from skulldns.loop.health import ill
from skulldns.loop.issuing import Office
from skulldns.loop.why import explain
from skulldns.model.plan import Plan
from skulldns.wiring import Installation
from skulldns.wiring.health import look


class Verbs:
    """The verbs over one installation; answers are values for JSON.

    ``settle`` waits until all secondaries serve what was made, and says which do not; a daemon's followers see to it.
    """

    def __init__(
        self, installation: Installation, in_thread: InThread, settle: Callable[[], list[str]] = list
    ) -> None:
        self._installation = installation
        self._in_thread = in_thread
        self._settle = settle

    def table(self) -> Table:
        return {
            "status": lambda _: self.status(),
            "name": lambda arguments: self.name(str(arguments["name"])),
            "why": lambda arguments: self.why(str(arguments["name"])),
            "config": lambda _: str(self._installation.config.path),
            "plan": lambda _: self.plan(),
            "apply": lambda arguments: self.apply(arguments.get("checksum")),
            "guests": lambda _: self.guests(),
            "guest": lambda arguments: self.guest(str(arguments["guest"])),
            "assign": self.assign,
            "health": lambda arguments: self.health(outside=bool(arguments.get("outside"))),
            "certificates": lambda _: self.certificates(),
            "renew": lambda arguments: self.renew(str(arguments["name"])),
            "revoke": lambda arguments: self.revoke(str(arguments["name"]), int(arguments["reason"])),
            "budget": lambda _: self.budget(),
            "show": lambda arguments: zones.show(self._installation, self._full_name(str(arguments["name"]))),
            "adopt": self.adopt,
            "accept": lambda arguments: zones.accept(self._installation, str(arguments["zone"])),
            "accounts": lambda _: self.accounts(),
            "new account key": lambda arguments: self.new_account_key(arguments.get("ca")),
        }

    def status(self) -> dict[str, Any]:
        now = self._installation.clock.wall()
        status = self._installation.reporter.status(now)
        # Names are many, flat and asked for often: ``asdict`` would copy them deeply.
        names = [{field: getattr(name, field) for field in name.__slots__} for name in status.names]
        return {"pid": os.getpid(), "at": now, **asdict(replace(status, names=())), "names": names}

    def name(self, text: str) -> dict[str, Any]:
        """The state of one name."""
        report = self._installation.reporter.names.name(
            self._full_name(text), self._installation.clock.wall()
        )
        return asdict(report)

    def why(self, text: str) -> dict[str, Any]:
        """The chain of one name."""
        return asdict(
            explain(
                self._installation.reporter.names,
                self._installation.ledger,
                self._full_name(text),
                self._installation.clock.wall(),
                self._installation.front,
                self._installation.outlooks,
            )
        )

    def health(self, *, outside: bool = False) -> dict[str, Any]:
        """The pings, and the figures beside them: ``status`` without its names, and ``budget``.

        With ``outside``, our zones are looked at from outside now; else what the last such look saw counts.
        """
        installation, late = self._installation, []
        if outside:
            installation.outlooks.look()
        if installation.https is not None:
            try:
                self._in_thread(installation.https.sites, installation.https.sites.look)
            except Unavailable as error:
                late = [ill("proxy", "", str(error))]
        now = installation.clock.wall()
        status, engine = installation.reporter.status(now), installation.engine
        found = [*look(installation.config, engine, status, installation.machine(), now), *late]
        figures = asdict(replace(status, names=()))
        return {"pings": [asdict(one) for one in found], "status": figures, "budget": self.budget()}

    def certificates(self) -> list[dict[str, Any]]:
        """Every certificate that is wanted."""
        states = self._installation.certificates.issuances()
        return certificates.listing(self._installation.front, states)

    def renew(self, text: str) -> dict[str, Any]:
        """Have a certificate renewed now; returns it as it is until then. Raises ``Refused``."""
        certifier, office = self._certifier()
        report = certificates.found(self._installation.front, text, self._full_name(text))
        certificates.renew(certifier, office, report.wish.identity, self._in_thread)
        return self._certificate(report.wish.identity)

    def revoke(self, text: str, reason: int) -> dict[str, Any]:
        """Revoke a certificate and order a new one; returns it as it is until then.

        Raises ``Refused`` and ``Unavailable``.
        """
        certifier, office = self._certifier()
        report = certificates.found(self._installation.front, text, self._full_name(text))
        certificates.revoke(certifier, office, report, reason, self._in_thread)
        return self._certificate(report.wish.identity)

    def accounts(self) -> list[dict[str, Any]]:
        """Our account at each CA. Raises ``Refused``."""
        _, office = self._certifier()
        return certificates.accounts(office)

    def new_account_key(self, ca: str | None) -> dict[str, Any]:
        """Give our account at ``ca`` a new key; returns it. Raises ``Refused``, ``Conflict`` and ``Unavailable``."""
        certifier, office = self._certifier()
        return certificates.new_account_key(certifier, office, ca, self._in_thread)

    def budget(self) -> list[dict[str, Any]]:
        """What the CAs let us have, and what is left of it."""
        limits, now = wiring.all_limits(self._installation.config), self._installation.clock.wall()
        return certificates.budget(balances(limits, self._installation.certificates, now))

    def plan(self) -> dict[str, Any]:
        """The plans of all zones as they are now. Raises ``Unavailable`` when no primary can be read."""
        made, failures = [], []
        for publisher in self._installation.publishers:
            try:
                made.append(self._in_thread(publisher, publisher.plan))
            except Unavailable as error:
                failures.append(str(error))
        if not made and failures:
            raise Unavailable(failures[0])
        return self._shown(made, failures)

    def apply(self, checksum: str | None) -> dict[str, Any]:
        """Do the plan; with ``checksum``, exactly that one.

        ``failures`` say what a server did not take, ``unserved`` which secondaries do not serve it in the end.
        Raises ``Conflict`` when the plan is another by now, ``Unavailable`` when a primary cannot be read.
        """
        agreed: list[str | None] = [None] * len(self._installation.publishers)
        if checksum is not None:
            agreed = self._agreed(checksum)
        done, failures, made = [], [], 0
        for one, publisher in zip(agreed, self._installation.publishers, strict=True):
            try:
                plan = self._in_thread(publisher, partial(publisher.apply, one))
            except Unavailable as error:
                failures.append(str(error))
                continue
            keys = {change.key for change in plan.changes}
            untaken = [why for key, (_, why) in list(publisher.writer.pending.items()) if key in keys]
            made += len(keys) - len(untaken)
            failures += untaken
            done.append(plan)
        if failures and not done:
            raise Unavailable(failures[0])
        # First, since the plans as values and a look at all secondaries take much memory each in a large zone.
        unserved = self._settle()
        return self._shown(done, failures) | {"made": made, "unserved": unserved}

    def guests(self) -> list[dict[str, Any]]:
        """Every guest known: what its source says, what it publishes, and what was refused and why."""
        engine = self._installation.engine
        with engine.reading():
            registry = engine.registry
            found = [guests.shown(registry, known) for known in registry.all_known()]
        return sorted(found, key=lambda one: (one["source"], one["name"], one["id"]))

    def guest(self, text: str) -> dict[str, Any]:
        """One guest, by its name or identity. Raises ``Refused``."""
        engine = self._installation.engine
        with engine.reading():
            return guests.shown(engine.registry, guests.found(engine.registry, text))

    def assign(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Assign ``given`` to ``guest`` and take back ``cleared``; returns the guest as it is then.

        Raises ``Refused``, and ``Unavailable`` when it cannot be stored.
        """
        engine = self._installation.engine
        given = {str(field): str(value) for field, value in arguments["given"].items()}
        cleared = [str(field) for field in arguments["cleared"]]
        work = partial(
            guests.assign, engine, self._installation.config.path, str(arguments["guest"]), given, cleared
        )
        found: dict[str, Any] = self._in_thread(engine, work)
        return found

    def adopt(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Take over foreign records that are as we want them. Raises ``Refused`` and ``Unavailable``."""
        words = [str(word) for word in arguments["words"]]
        words[:1] = [self._full_name(word).to_text() for word in words[:1]]
        return zones.adopt(self._installation, self._in_thread, words, dry=bool(arguments["dry"]))

    def _agreed(self, checksum: str) -> list[str | None]:
        """The checksum of each zone's plan, if they are what ``checksum`` names. Raises like ``apply``."""
        before = self.plan()
        if before["failures"]:
            raise Unavailable(before["failures"][0])
        if before["checksum"] != checksum:
            raise Conflict(
                f"the plan is {before['checksum']} by now, not {checksum}",
                cure="look at `skulldns plan` again",
            )
        return [zone["checksum"] for zone in before["zones"]]

    def _shown(self, made: Sequence[Plan], failures: Sequence[str]) -> dict[str, Any]:
        engine = self._installation.engine
        files = [error for error in engine.zone_files.values() if error]
        return plans.shown(made, failures, engine.farewell, files)

    def _certifier(self) -> tuple[Certifier, Office]:
        https = self._installation.https
        if https is None or https.certifier is None or https.office is None:
            raise Refused("nobody gets certificates here", cure="configure `proxy` and `acme`")
        return https.certifier, https.office

    def _certificate(self, identity: str) -> dict[str, Any]:
        return next(one for one in self.certificates() if one["identity"] == identity)

    def _full_name(self, text: str) -> dns.name.Name:
        """A name as a person types it: absolute, one that a member claims, or relative to the first zone."""
        zones = [zone.name for zone in self._installation.config.zones.values()]
        try:
            name = dns.name.from_text(text.strip().lower().rstrip(".") or ".")
        except dns.exception.DNSException as error:
            raise Refused(f"{text!r} is not a name: {error}") from error
        publishers = [publisher.zone.name for publisher in self._installation.publishers]
        if any(name.is_subdomain(zone) for zone in publishers) or not zones or text.strip().endswith("."):
            return name
        with self._installation.engine.reading():
            if self._installation.engine.registry.claims.at(name) is not None:
                return name
        return name.relativize(dns.name.root).concatenate(zones[0])
