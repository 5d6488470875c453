"""What is known of certificates without the worker that gets them: the CAs' limits, and what lies on the disk."""

from collections.abc import Mapping, Sequence

import dns.name

from skulldns.config import AuthoritySection, Config, LimitsSection
from skulldns.loop.certifier import CertificateReport
from skulldns.model.certificates import CertificateWish, Challenge
from skulldns.model.issuance import Issuance, Kind
from skulldns.plan import renewal
from skulldns.plan.budget import LETS_ENCRYPT, Limit
from skulldns.store.protocol import CertificateMemory


def limits(section: LimitsSection) -> Mapping[Kind, Limit]:
    """What a CA lets us have."""
    found = {
        Kind.ORDER: section.orders,
        Kind.CERTIFICATE: section.certificates,
        Kind.SAME_NAMES: section.same_names,
        Kind.FAILURE: section.failures,
    }
    return {**LETS_ENCRYPT} | {kind: Limit(one.count, one.per) for kind, one in found.items() if one}


def all_limits(config: Config) -> Mapping[str, Mapping[Kind, Limit]]:
    """What each CA of the config lets us have, by its directory."""
    acme = config.acme
    if acme is None:
        return {}
    return {
        directory: limits(acme.authorities.get(directory, AuthoritySection()).limits)
        for directory in acme.directories
    }


def stored(config: Config, memory: CertificateMemory, now: float) -> Sequence[CertificateReport]:
    """How it stood with the certificates on the disk when the daemon ended; which ones are wanted is not known."""
    if config.acme is None:
        return ()
    from skulldns.targets.certificates.files import (  # noqa: PLC0415 - its libraries take long to load
        CertificateDirectory,
    )

    files, states = CertificateDirectory(config.state / "certificates"), memory.issuances()
    found = []
    for identity in sorted({*files.identities(), *states}):
        certificate, state = files.current(identity), states.get(identity) or Issuance(identity)
        names = certificate.names if certificate else [dns.name.from_text(identity)]
        due_at, attempts = state.attempts.next_at, state.attempts
        if certificate:
            due_at = max(due_at, renewal.due_at(certificate, state))
        alarm = certificate is not None and now > renewal.alarm_at(certificate, state)
        wish = CertificateWish(identity, dict.fromkeys(names, Challenge.DNS01))
        found.append(
            CertificateReport(
                wish,
                certificate,
                state.ca,
                due_at,
                trying=False,
                alarm=alarm,
                failures=attempts.failures,
                reason=attempts.reason,
            )
        )
    return found
