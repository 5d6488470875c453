"""What the command line may ask, of the running daemon or of an installation of its own: one answer for both."""

import hashlib
import os
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import dns.name

from skulldns import wiring
from skulldns.daemon import certificates, guests
from skulldns.daemon.calls import InThread
from skulldns.daemon.control import Verbs as Table
from skulldns.errors import Conflict, Refused, Unavailable
from skulldns.loop.accounts import balances
from skulldns.loop.certifier import Certifier
from skulldns.loop.health import ill, pings
from skulldns.loop.issuing import Office
from skulldns.loop.publisher import Publisher
from skulldns.loop.why import explain
from skulldns.model.changes import Change
from skulldns.model.plan import Plan
from skulldns.wiring import Installation


class Verbs:
    """The verbs over one installation; answers are values for JSON."""

    def __init__(self, installation: Installation, in_thread: InThread) -> None:
        self._installation = installation
        self._in_thread = in_thread

    def table(self) -> Table:
        return {
            "status": lambda _: self.status(),
            "name": lambda arguments: self.name(str(arguments["name"])),
            "why": lambda arguments: self.why(str(arguments["name"])),
            "plan": lambda _: self.plan(),
            "apply": lambda arguments: self.apply(arguments.get("checksum")),
            "guests": lambda _: self.guests(),
            "guest": lambda arguments: self.guest(str(arguments["guest"])),
            "assign": self.assign,
            "health": lambda _: self.health(),
            "certificates": lambda _: self.certificates(),
            "renew": lambda arguments: self.renew(str(arguments["name"])),
            "revoke": lambda arguments: self.revoke(str(arguments["name"]), int(arguments["reason"])),
            "budget": lambda _: self.budget(),
        }

    def status(self) -> dict[str, Any]:
        now = self._installation.clock.wall()
        return {"pid": os.getpid(), "at": now, **asdict(self._installation.reporter.status(now))}

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
            )
        )

    def health(self) -> dict[str, Any]:
        """The pings, and the figures beside them: ``status`` without its names, and ``budget``."""
        installation, late = self._installation, []
        if installation.https is not None:
            try:
                self._in_thread(installation.https.sites, installation.https.sites.look)
            except Unavailable as error:
                late = [ill("proxy", "", str(error))]
        now = installation.clock.wall()
        status, engine = installation.reporter.status(now), installation.engine
        zones = [zone.name for zone in installation.config.zones.values() if zone.file]
        files = {zone.to_text(omit_final_dot=True): engine.zone_files.get(zone) for zone in zones}
        found = [*pings(status, files, installation.machine(), now), *late]
        if engine.config_error:
            found.insert(0, ill("config", str(installation.config.path), engine.config_error))
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

    def budget(self) -> list[dict[str, Any]]:
        """What the CAs let us have, and what is left of it."""
        limits, now = wiring.all_limits(self._installation.config), self._installation.clock.wall()
        return certificates.budget(balances(limits, self._installation.certificates, now))

    def plan(self) -> dict[str, Any]:
        """The plans of all zones as they are now. Raises ``Unavailable`` when no primary can be read."""
        plans, failures = [], []
        for publisher in self._installation.publishers:
            try:
                plans.append(self._in_thread(publisher, publisher.plan))
            except Unavailable as error:
                failures.append(str(error))
        if not plans and failures:
            raise Unavailable(failures[0])
        return _shown(plans, failures)

    def apply(self, checksum: str | None) -> dict[str, Any]:
        """Do the plan; with ``checksum``, exactly that one. ``failures`` say what a server did not take.

        Raises ``Conflict`` when the plan is another by now, ``Unavailable`` when a primary cannot be read.
        """
        before = self.plan()
        if checksum is not None and before["checksum"] != checksum:
            raise Conflict(
                f"the plan is {before['checksum']} by now, not {checksum}",
                cure="look at `skulldns plan` again",
            )
        if before["failures"]:
            raise Unavailable(before["failures"][0])
        done, failures = [], []
        for shown, publisher in zip(before["zones"], self._installation.publishers, strict=True):
            agreed = shown["checksum"] if checksum is not None else None
            done.append(self._in_thread(publisher, partial(_apply, publisher, agreed)))
        for plan, publisher in zip(done, self._installation.publishers, strict=True):
            keys = {change.key for change in plan.changes}
            failures += [why for key, (_, why) in list(publisher.writer.pending.items()) if key in keys]
        shown = _shown(done, failures)
        return shown | {"made": shown["changes"] - len(failures)}

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

    def _certifier(self) -> tuple[Certifier, Office]:
        https = self._installation.https
        if https is None or https.certifier is None or https.office is None:
            raise Refused("nobody gets certificates here", cure="configure `proxy` and `acme`")
        return https.certifier, https.office

    def _certificate(self, identity: str) -> dict[str, Any]:
        return next(one for one in self.certificates() if one["identity"] == identity)

    def _full_name(self, text: str) -> dns.name.Name:
        """A name as a person types it: absolute, or relative to the first zone that takes guests."""
        zones = [zone.name for zone in self._installation.config.zones.values()]
        try:
            name = dns.name.from_text(text.strip().lower().rstrip(".") or ".")
        except dns.exception.DNSException as error:
            raise Refused(f"{text!r} is not a name: {error}") from error
        publishers = [publisher.zone for publisher in self._installation.publishers]
        if any(name.is_subdomain(zone) for zone in publishers) or not zones or text.strip().endswith("."):
            return name
        return name.relativize(dns.name.root).concatenate(zones[0])


def _apply(publisher: Publisher, checksum: str | None) -> Plan:
    if checksum is not None:
        return publisher.apply(checksum)
    return publisher.apply(publisher.plan().checksum, agreed=False)


def _shown(plans: list[Plan], failures: list[str]) -> dict[str, Any]:
    shown = [_shown_plan(plan) for plan in plans]
    parts = [plan["checksum"] for plan in shown]
    return {
        "zones": shown,
        "checksum": hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12],
        "changes": sum(len(plan["changes"]) for plan in shown),
        "needs_agreement": any(plan.needs_agreement for plan in plans),
        "failures": failures,
    }


def _shown_plan(plan: Plan) -> dict[str, Any]:
    return {
        "zone": plan.zone.to_text(omit_final_dot=True),
        "checksum": plan.checksum,
        "changes": [_shown_change(change) for change in plan.changes],
        "blocked": [
            _shown_change(one.change) | {"block": one.block.value, "because": one.reason}
            for one in plan.blocked
        ],
        "conflicts": [{"key": str(key), "reason": reason} for key, reason in plan.conflicts],
    }


def _shown_change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "name": change.name.to_text(omit_final_dot=True),
        "type": str(change.key).rsplit(" ", 1)[1],
        "before": change.before and {"ttl": change.before.ttl, "values": change.before.values()},
        "after": change.after and {"ttl": change.after.ttl, "values": change.after.values()},
        "reason": change.reason,
    }
