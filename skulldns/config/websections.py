"""The members' page, signing in there through another service, and what people and programs are told."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from skulldns.config.section import Section
from skulldns.config.values import FilePath, Flag, Listen, Place, Port, Url, wrong
from skulldns.model.notices import ADDRESS, Kind, Protection


def _is_here(host: str) -> bool:
    """Whether a host is this machine: what is said to it passes no network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_here(parts.hostname or ""):
        raise wrong(f"{url} would be talked to in clear", "use https")
    return url


def _mail(text: str) -> str:
    if not re.fullmatch(ADDRESS, text):
        raise wrong(f"{text!r} is not a mail address", "write it like names@example.org")
    return text


SafeUrl = Annotated[Url, AfterValidator(_safe)]
MailAddress = Annotated[str, AfterValidator(_mail)]


class OidcSection(Section):
    """Signing in through another service, by OpenID Connect."""

    name: str = Field(max_length=60, min_length=1, description="What the service is called on the page.")
    issuer: SafeUrl = Field(description="The service's issuer: its configuration is found below it.")
    client_id: str = Field(min_length=1, description="What the service calls this page.")
    client_secret_file: FilePath = Field(description="File with the secret that the service gave out for it.")
    groups_claim: str | None = Field(
        None, description="The claim that lists a member's groups at the service."
    )
    admin_groups: tuple[str, ...] = Field(
        (),
        description="Groups whose members are admins here, and nobody else who signs in through the service.",
    )
    create: Flag = Field(
        default=False, description="Whether whoever has an account there becomes a member here."
    )


class WebConfig(Section):
    """The members' page."""

    url: Url = Field(description="The address that members open.")
    listen: Listen = Field("127.0.0.1:8053", description="Address and port where the page listens.")
    title: str = Field("SkullDNS", max_length=60, description="What the page calls itself.")
    proxies: tuple[Place, ...] = Field(
        (), description="Web servers in front of the page, which are believed about its visitors' addresses."
    )
    leaked_passwords: FilePath | None = Field(
        None,
        description="SHA-1 values of leaked passwords, sorted, one a line (as haveibeenpwned.com has them).",
    )
    oidc: OidcSection | None = Field(None, description="Another service through which members may sign in.")


class SmtpSection(Section):
    """The mail server that takes our mail."""

    host: str = Field(min_length=1, description="Its name or address.")
    port: Port = Field(587, description="Its port.")
    security: Protection = Field(
        Protection.STARTTLS, description="How the connection is protected; none is for loopback only."
    )
    login: str | None = Field(None, description="Who we are there, if it asks.")
    password_file: FilePath | None = Field(None, description="File with the password, with `login`.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.security is Protection.NONE and not _is_here(self.host):
            raise wrong(f"{self.host} would be talked to in clear", "use security: starttls or tls")
        if (self.login is None) != (self.password_file is None):
            raise wrong("login and password_file belong together", "write both, or none")
        return self


class WebhookSection(Section):
    """A program that is told by HTTP."""

    url: SafeUrl = Field(description="Where it is told, by HTTPS or on this machine.")
    secret_file: FilePath = Field(description="File with the secret that signs what it is told.")
    kinds: tuple[Kind, ...] = Field(tuple(Kind), description="What it is told.")


def _once(hooks: tuple[WebhookSection, ...]) -> tuple[WebhookSection, ...]:
    """Each address once: what it was told is remembered by it."""
    return tuple({hook.url: hook for hook in hooks}.values())


class NoticesConfig(Section):
    """Who is told of what happens, and how."""

    smtp: SmtpSection | None = Field(None, description="The mail server; without it nobody gets mail.")
    sender: MailAddress | None = Field(None, description="Whom mail comes from, with `smtp`.")
    webhooks: Annotated[tuple[WebhookSection, ...], AfterValidator(_once)] = Field(
        (), description="Programs that are told."
    )

    @model_validator(mode="after")
    def _has_sender(self) -> Self:
        if self.smtp is not None and self.sender is None:
            raise wrong("mail needs a sender", "add sender: names@example.org")
        return self


def in_directory(web: WebConfig | None, home: Path) -> WebConfig | None:
    """The page's section with absolute paths."""
    if web is None or web.oidc is None:
        return web
    path = home / web.oidc.client_secret_file
    return web.model_copy(update={"oidc": web.oidc.model_copy(update={"client_secret_file": path})})


def notices_in(notices: NoticesConfig | None, home: Path) -> NoticesConfig | None:
    """The notices' section with absolute paths."""
    if notices is None:
        return None
    smtp = notices.smtp
    if smtp is not None and smtp.password_file is not None:
        smtp = smtp.model_copy(update={"password_file": home / smtp.password_file})
    hooks = tuple(one.model_copy(update={"secret_file": home / one.secret_file}) for one in notices.webhooks)
    return notices.model_copy(update={"smtp": smtp, "webhooks": hooks})
