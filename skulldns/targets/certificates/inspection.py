"""Reading certificates, and judging a new one before it is served."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import dns.exception
import dns.name
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID
from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.certificates import Certificate, KeyPair, shown
from skulldns.targets.acme.beyond import ari_id

SKEW = 3600.0
"""Seconds that a certificate may begin in the future: clocks differ."""


def read_certificate(chain: bytes) -> Certificate:
    """What the leaf of a chain (PEM) says. Raises ``Refused`` where it cannot be read."""
    return _certificate(_parsed(chain)[0])


def check(pair: KeyPair, names: Iterable[Name], now: float) -> Certificate:
    """What the certificate says, if it can be served for all of ``names`` at ``now`` (Unix time).

    It must be for these names, belong to the key, be valid now, and each certificate of the chain must be signed by
    the next one. How long it is valid does not matter. Raises ``Refused`` with the first thing that is wrong.
    """
    certificates = _parsed(pair.chain)
    leaf = _certificate(certificates[0])
    missing = [name for name in names if not leaf.covers([name])]
    if missing:
        raise _unsound(f"it is not for {', '.join(map(shown, missing))}")
    if certificates[0].public_key() != _key(pair.key).public_key():
        raise _unsound("it belongs to another key")
    if leaf.not_after <= now:
        raise _unsound("it has expired already")
    if leaf.not_before > now + SKEW:
        raise _unsound("it is not valid yet")
    _check_chain(certificates)
    return leaf


def _parsed(chain: bytes) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise _unsound("it cannot be read") from error


def _certificate(leaf: x509.Certificate) -> Certificate:
    try:
        return Certificate(
            names=_names(leaf),
            not_before=leaf.not_valid_before_utc.timestamp(),
            not_after=leaf.not_valid_after_utc.timestamp(),
            serial=f"{leaf.serial_number:x}",
            issuer=_issuer(leaf),
            ari_id=ari_id(leaf),
        )
    except (ValueError, dns.exception.DNSException) as error:
        raise _unsound("its content cannot be read") from error


def _names(leaf: x509.Certificate) -> frozenset[Name]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(
        dns.name.from_text(name).canonicalize() for name in found.get_values_for_type(x509.DNSName)
    )


def _issuer(leaf: x509.Certificate) -> str:
    found = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else leaf.issuer.rfc4514_string()


def _key(key: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise _unsound("its key cannot be read") from error


def _check_chain(certificates: Sequence[x509.Certificate]) -> None:
    for issued, issuer in pairwise(certificates):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise _unsound("its chain does not hold together") from error


def _unsound(what: str) -> Refused:
    return Refused(
        f"the new certificate is not used: {what}", cure="the last good one stays; it is tried again"
    )
