"""Certificates as nginx gets them: chain and key in one file, so that they change together or not at all."""

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from skulldns.errors import Refused, SkullDNSError, Unavailable
from skulldns.targets.proxy import CertificatePaths
from skulldns.targets.vhost import checks


def gather(
    paths: Mapping[str, CertificatePaths], kept: Mapping[str, bytes]
) -> tuple[dict[str, bytes], dict[str, SkullDNSError]]:
    """The files of all certificates by identity, and why some cannot be used.

    In the place of one that cannot be used stands what ``kept`` has of it, by file stems: nginx goes on with the last
    good one.
    """
    files: dict[str, bytes] = {}
    faults: dict[str, SkullDNSError] = {}
    for identity, where in sorted(paths.items()):
        last_good = kept.get(checks.file_stem(identity)) if identity.isascii() else None
        try:
            checks.identity(identity)
            text = _read(where.chain).strip() + b"\n" + _read(where.key).strip() + b"\n"
            if text != last_good:
                _check(text, where)
            files[identity] = text
        except SkullDNSError as error:
            faults[identity] = error
            if last_good is not None:
                files[identity] = last_good
    return files, faults


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(
            f"cannot be read: {error.strerror}", where=str(path), cure="see that SkullDNS may read it"
        ) from None


def _check(text: bytes, where: CertificatePaths) -> None:
    """A key that belongs to the first certificate. nginx would refuse its whole configuration otherwise."""
    try:
        leaf = x509.load_pem_x509_certificates(text)[0]
        certified = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("this is no certificate in PEM", where=str(where.chain), cure="renew it") from None
    try:
        own = load_pem_private_key(text, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused(
            "this is no private key in PEM", where=str(where.key), cure="renew the certificate"
        ) from None
    if own.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != certified:
        raise Refused(
            f"this is not the key of the certificate in {where.chain}",
            where=str(where.key),
            cure="renew the certificate",
        )
