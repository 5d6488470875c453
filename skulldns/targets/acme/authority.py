"""One ACME CA and our account there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from acme import messages
from acme.client import ClientV2
from cryptography import x509
from cryptography.x509.oid import NameOID
from dns.name import Name

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import Account, Certificate, Challenge, Window, shown
from skulldns.targets.acme import words
from skulldns.targets.acme.account import AccountFiles, ExternalAccount
from skulldns.targets.acme.beyond import CaError, Client, Network
from skulldns.targets.acme.order import AcmeOrder
from skulldns.targets.protocol import Order

LOOK_AGAIN = 3600.0
"""Seconds until renewal information is looked at again where the CA does not say: windows may be short."""

_SHORTEST_LOOK, _LONGEST_LOOK = 60.0, 86_400.0
_ALREADY_REVOKED = "alreadyRevoked"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CaSettings:
    """One CA as the config describes it.

    ``directory``: URL; ``trust``: file with root certificates for it instead of the system's; ``profile``: which
    kind of certificate; ``issuer``: common name of the issuer whose chain is preferred (RFC 8555 section 7.4.2);
    ``caa``: domains that CAA records may name for it, beside those that it tells; ``skew``: how many seconds the
    CA's clock and ours may differ.
    """

    directory: str
    contact: str | None = None
    external_account: ExternalAccount | None = None
    profile: str | None = None
    trust: Path | None = None
    issuer: str | None = None
    caa: tuple[str, ...] = ()
    skew: float = 3600.0
    timeout: int = 20


class AcmeAuthority:
    """Keeps ``CertificateAuthority``; the account's files lie in ``directory``.

    ``wall`` is Unix time and ``steady`` a clock that never goes back, both in seconds. One thread uses an object at a
    time.
    """

    def __init__(
        self,
        settings: CaSettings,
        directory: Path,
        *,
        wall: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._files = AccountFiles(directory)
        self._wall = wall
        self._steady = steady
        self._client: Client | None = None

    @property
    def directory(self) -> str:
        return self._settings.directory

    def ping(self) -> None:
        self._client = None
        self._with_account(lambda client, account: client.touch_account(account))

    def caa(self) -> tuple[Sequence[str], str | None]:
        with self._spoken():
            told = self._connected().directory.meta.caa_identities or ()
        return (*self._settings.caa, *told), self._files.url()

    def order(self, names: Mapping[Name, Challenge], replaces: Certificate | None = None) -> Order:
        def begin(client: Client, _: str) -> tuple[Client, str, messages.Order]:
            self._check_clock(client)
            predecessor = (
                replaces.ari_id if replaces and "renewalInfo" in client.directory.to_partial_json() else None
            )
            return client, *client.order(map(shown, names), self._profile(client), predecessor)

        self._client = None  # the directory may have changed since the last order
        client, url, order = self._with_account(begin)
        with self._spoken():
            return AcmeOrder(client, self.directory, names, url, order, self._steady, self._preferred)

    def window(self, certificate: Certificate) -> Window | None:
        if certificate.ari_id is None:
            return None
        with self._spoken():
            found = self._connected().window(certificate.ari_id)
        if found is None:
            return None
        start, end, explanation, wait = found
        look_again = LOOK_AGAIN if wait is None else min(max(wait, _SHORTEST_LOOK), _LONGEST_LOOK)
        return Window(start, end, look_again, explanation)

    def revoke(self, chain: bytes, reason: int = 0) -> None:
        leaf = x509.load_pem_x509_certificate(chain)

        def revoke(client: Client, _: str) -> None:
            try:
                client.revoke(leaf, reason)
            except CaError as error:
                if error.code != _ALREADY_REVOKED:
                    raise

        self._with_account(revoke)

    def account(self) -> Account:
        with self._spoken():
            return Account(self._files.url(), self._files.key_since())

    def roll_over(self) -> None:
        def change(client: Client, account: str) -> None:
            client.roll_over(account, self._files.make_next_key())
            self._files.keep_next_key()

        # Whoever connects looks first which key counts: an earlier roll-over may have been cut off, as may this one.
        self._client = None
        try:
            self._with_account(change)
        finally:
            self._client = None

    def _with_account(self, use: Callable[[Client, str], T]) -> T:
        """Call ``use`` with a client that signs with our account and its URL; once more where the CA forgot it."""
        with self._spoken():
            client = self._connected()
            try:
                return use(client, self._signed_in(client))
            except CaError as error:
                if error.code != words.FORGOTTEN:
                    raise
            self._files.forget_url()
            return use(client, self._signed_in(client))

    def _connected(self) -> Client:
        if self._client is None:
            network = self._network()
            self._client = Client(ClientV2.get_directory(self.directory, network), network)
            self._finish_roll_over(self._client)
        return self._client

    def _network(self) -> Network:
        settings = self._settings
        trust = str(settings.trust) if settings.trust else None
        return Network(self._files.key(), trust=trust, timeout=settings.timeout, wall=self._wall)

    def _signed_in(self, client: Client) -> str:
        """Our account's URL: the one that is remembered, or found by its key, or of a new account."""
        url = self._files.url()
        if url is None:
            url = client.account(self._registration(client))
            self._files.keep_url(url)
        client.use_account(url)
        return url

    def _registration(self, client: Client) -> Mapping[str, Any]:
        request: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self._settings.contact:
            request["contact"] = [f"mailto:{self._settings.contact}"]
        external = self._settings.external_account
        if external:
            assert client.net.key is not None
            request["externalAccountBinding"] = messages.ExternalAccountBinding.from_data(
                client.net.key.public_key(), external.kid, external.hmac, client.directory
            )
        elif client.external_account_required():
            raise Refused(
                "it wants external account binding",
                where=self.directory,
                cure="configure the key that the CA gave you",
            )
        return request

    def _finish_roll_over(self, client: Client) -> None:
        """After a crash in the middle of a roll-over, the CA tells which key counts."""
        key = self._files.next_key()
        if key is None:
            return
        old, client.net.key = client.net.key, key
        try:
            client.account({"onlyReturnExisting": True})
        except CaError as error:
            if error.code != words.FORGOTTEN:
                raise
            client.net.key = old
            self._files.drop_next_key()
        else:
            self._files.keep_next_key()

    def _check_clock(self, client: Client) -> None:
        date = client.net.date
        if date is not None and abs(date - self._wall()) > self._settings.skew:
            raise Unavailable(
                f"its clock and ours differ by {abs(date - self._wall()):,.0f} seconds",
                where=self.directory,
                cure="set this machine's clock",
            )

    def _profile(self, client: Client) -> str | None:
        """The profile to ask for; a CA that has none is not asked (draft-ietf-acme-profiles section 4)."""
        wanted, offered = self._settings.profile, client.directory.meta.profiles
        if wanted is None or not offered:
            return None
        if wanted not in offered:
            raise Refused(
                f"it has no profile {wanted!r}",
                where=self.directory,
                cure=f"choose one of {', '.join(sorted(offered))}",
            )
        return wanted

    def _preferred(self, chains: Sequence[bytes]) -> bytes:
        """The first chain, or the one that ends at the preferred issuer."""
        for chain in chains:
            last = x509.load_pem_x509_certificates(chain)[-1]
            if self._settings.issuer in _common_names(last.issuer):
                return chain
        return chains[0]

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            with words.spoken(self.directory):
                yield
        except OSError as error:
            raise Unavailable(
                f"the account's files cannot be written: {error}", where=self.directory
            ) from error


def _common_names(name: x509.Name) -> list[str]:
    return [str(part.value) for part in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
