"""Sites -> files. A site that cannot be served is left out and said why; it never stops the others."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dns.name import Name
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError

from skulldns.errors import ConfigError, Refused, SkullDNSError
from skulldns.model.sites import Page, Site
from skulldns.targets.vhost import checks, views
from skulldns.targets.vhost.settings import GENERATION, ProxySettings
from skulldns.targets.vhost.syntax import marked, unmarked

ENTRY = "skulldns.conf"
"""The file that nginx's own configuration includes."""

MAPS = "maps.conf"


@dataclass(frozen=True, slots=True)
class Rendered:
    """All files by their names below the generation's directory, sorted, and what could not be rendered.

    A site is called by its canonical name here. ``owners`` has the site of each file that is one site's own;
    ``names`` the site that has each host name; ``sites`` those with files of their own, rendered or not;
    ``refused`` why some are not served.
    """

    files: Mapping[str, str]
    owners: Mapping[str, str]
    names: Mapping[str, str]
    sites: Mapping[str, Site]
    refused: Mapping[str, SkullDNSError]


class Renderer:
    """Renders with one set of templates and settings; remembers the files of sites and zones that did not change."""

    def __init__(self, settings: ProxySettings, templates: BaseLoader) -> None:
        self._settings = settings
        self._texts = Environment(  # noqa: S701 - no HTML: `marked` checks each value
            loader=templates,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._pages = Environment(
            loader=templates, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._common = views.common(settings)
        self._sources: list[str] = []
        self._known: dict[tuple[Site, bool], Mapping[str, str]] = {}
        self._shared: dict[tuple[Name | Page, bool], str] = {}

    def render(self, sites: Iterable[Site], certificates: Collection[str]) -> Rendered:
        """Render all files; ``certificates`` are the identities of those that are there.

        Raises ConfigError for a template that cannot be rendered for anybody.
        """
        self._notice_new_templates()
        index = views.Index(self._settings, certificates)
        files: dict[str, str] = {}
        owners: dict[str, str] = {}
        known: dict[tuple[Site, bool], Mapping[str, str]] = {}
        for site in sorted(sites, key=views.order):
            index.take(site)
        for name, site in index.own.items():
            served = site.certificate in certificates
            try:
                texts = self._known.get((site, served)) or self._site(site, served)
            except SkullDNSError as error:
                index.refuse(name, error)
                continue
            known[site, served] = texts
            files.update(texts)
            owners.update(dict.fromkeys(texts, name))
        self._known = known
        for zone in self._settings.zones:
            title = checks.hostname(zone)
            files[f"zones/{checks.file_stem(title)}.conf"] = self._zone(zone, title in certificates)
        files[MAPS] = self._text("maps.conf.j2", index.maps())
        files[ENTRY] = self._text("skulldns.conf.j2", {"generation": GENERATION, **index.sizes()})
        files.update({f".skulldns/{page}.html": self._page(page) for page in Page})
        return Rendered(dict(sorted(files.items())), owners, index.names, index.own, index.refused)

    def _notice_new_templates(self) -> None:
        """Forget what was rendered with templates that somebody edited since."""
        names = self._texts.list_templates(extensions=["j2"])
        assert self._texts.loader is not None
        sources = [self._texts.loader.get_source(self._texts, name)[0] for name in names]
        if sources != self._sources:
            # jinja2 looks at the file that a template came from, not at one that has come before it since.
            self._known = {}
            self._shared = {}
            self._sources = sources
            for environment in (self._texts, self._pages):
                if environment.cache is not None:
                    environment.cache.clear()

    def _site(self, site: Site, served: bool) -> Mapping[str, str]:  # noqa: FBT001 - part of what is remembered
        values, passwords = views.site(site, served=served, settings=self._settings)
        stem = checks.file_stem(values["names"][0])
        texts = {f"sites/{stem}.conf": self._text("site.conf.j2", values)}
        if passwords:
            texts[f"passwords/{stem}"] = passwords
        return texts

    def _zone(self, zone: Name, served: bool) -> str:  # noqa: FBT001 - part of what is remembered
        text = self._shared.get((zone, served))
        if text is None:
            text = self._text("zone.conf.j2", views.zone(zone, served=served, settings=self._settings))
            self._shared[zone, served] = text
        return text

    def _text(self, template: str, values: Mapping[str, object]) -> str:
        """Render one file for nginx; a template's faults are the admin's, a value's are its owner's."""
        try:
            return unmarked(self._texts.get_template(template).render({**self._common, **values}))
        except Refused as error:
            raise Refused(error.what, where=error.where or template, cure=error.cure) from None
        except TemplateError as error:
            raise _broken(template, error) from error

    def _page(self, page: Page) -> str:
        text = self._shared.get((page, True))
        if text is None:
            template = f"{page}.html.j2"
            try:
                text = self._pages.get_template(template).render(retry_after=views.RETRY_AFTER.get(page, 0))
            except TemplateError as error:
                raise _broken(template, error) from error
            self._shared[page, True] = text
        return text


def _finalize(value: object) -> str:
    """Mark a value; one that does not exist raises its own error when it is read."""
    return marked(str(value) if isinstance(value, StrictUndefined) else value)


def _broken(template: str, error: TemplateError) -> ConfigError:
    line = getattr(error, "lineno", None)
    name = getattr(error, "name", None) or template
    return ConfigError(
        error.message or type(error).__name__,
        file=name,
        line=line,
        cure="correct the template or remove yours",
    )
