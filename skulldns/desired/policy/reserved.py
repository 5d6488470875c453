"""Labels that nobody gets by themselves."""

from functools import lru_cache

TRUSTED = tuple("wpad isatap autoconfig autodiscover mta-sts localhost localdomain broadcasthost".split())
"""Names that clients look up or trust by themselves, wherever they stand."""

RESERVED = (
    # RFC 2142: mailbox names for common services and roles.
    *(
        "info",
        "marketing",
        "sales",
        "support",
        "abuse",
        "noc",
        "security",
        "postmaster",
        "hostmaster",
        "usenet",
    ),
    *("news", "webmaster", "uucp"),
    *TRUSTED,
    # Infrastructure that a guest must not impersonate.
    *("ns*", "dns", "mx*", "mail", "smtp", "imap", "pop*", "webmail", "www", "ftp", "admin*", "root", "api"),
    *("auth", "login", "sso", "id", "account", "portal", "status", "names", "vpn", "gw", "gateway", "router"),
    *("proxy", "ntp", "time", "ldap", "kdc", "backup"),
)
"""Labels nobody gets by themselves; a star stands for any ending."""

FAMILIES = ("www*", "imap*", "smtp*", "hypervisor*")
"""Labels that members do not claim in addition; a guest may be called so, since an admin names it."""


@lru_cache(maxsize=4096)
def folded(label: str) -> str:
    """The form in which look-alikes of reserved names are equal."""
    return label.casefold().replace("-", "").replace("0", "o").replace("1", "l")


def reserved_by(label: str, more: tuple[str, ...] = (), reserved: tuple[str, ...] = RESERVED) -> str | None:
    """The entry of the reserved list that covers ``label``, or None. ``more`` are the config's own entries."""
    if label.startswith("_"):
        return "_*"
    plain = folded(label)
    for entry in (*reserved, *more):
        pattern = folded(entry.removesuffix("*"))
        if plain.startswith(pattern) if entry.endswith("*") else plain == pattern:
            return entry
    return None
