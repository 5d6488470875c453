"""Say for a person what libvirt's error means, and what to do. Pure."""

import errno

import libvirt

from skulldns.errors import Unavailable
from skulldns.model.guests import SourceName

_CERTIFICATES = "see that both sides' certificates are of one CA, valid, and for this host's name"
_KEY = "let the host accept this user's key, or name the key with keyfile= in the URI"
_HOST_KEY = "compare the host's key and put it into this user's known_hosts"

# ssh, its libraries and GnuTLS have no codes of their own in libvirt's errors, only words.
_BY_WORDS = (
    ("Host key verification failed", _HOST_KEY),
    ("session host key", _HOST_KEY),
    ("HOST IDENTIFICATION HAS CHANGED", _HOST_KEY),
    ("Permission denied (", _KEY),
    ("failed to authenticate", _KEY),
    ("Authentication callback", _KEY),
    ("CA certificate", "put the certificates there, or name their directory with pkipath= in the URI"),
    ("certificate", _CERTIFICATES),
    ("TLS", _CERTIFICATES),
    ("ssh: connect to", "see that the host is up and its sshd runs"),
    ("nc: ", "start libvirt's daemon on that host"),
    ("virt-ssh-helper: ", "start libvirt's daemon on that host"),
)

_BY_NUMBER = {
    errno.ENOENT: "start libvirt's daemon",
    errno.ECONNREFUSED: "start libvirt's daemon",
    errno.EACCES: "let this user open libvirt's read-only socket",
    errno.EPERM: "let this user open libvirt's read-only socket",
}


def trouble(error: libvirt.libvirtError, where: SourceName, retry_after: float | None) -> Unavailable:
    """Turn an error into a sentence with its cure."""
    what = " ".join((error.get_error_message() or "an unknown error of libvirt").split()).removesuffix(".")
    return Unavailable(what, where=where, cure=_cure(error, what), retry_after=retry_after)


def _cure(error: libvirt.libvirtError, what: str) -> str:
    for words, cure in _BY_WORDS:
        if words in what:
            return cure
    # libvirt puts errno here for errors of the system.
    if error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() in _BY_NUMBER:
        return _BY_NUMBER[error.get_int1()]
    if error.get_error_code() in {libvirt.VIR_ERR_AUTH_FAILED, libvirt.VIR_ERR_AUTH_CANCELLED}:
        return "allow this user in libvirt's access rules"
    return "see the log of libvirt's daemon"
