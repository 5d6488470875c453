"""What of a site's last good files may be served on while its new ones cannot be."""

from collections.abc import Mapping

from skulldns.errors import Refused
from skulldns.targets.vhost import checks, views
from skulldns.targets.vhost.rendering import Rendered
from skulldns.targets.vhost.settings import ProxySettings
from skulldns.targets.vhost.syntax import directives

_PASSES = frozenset({"proxy_pass", "grpc_pass"})


def last_good(
    title: str,
    rendered: Rendered,
    old: Mapping[str, bytes],
    files: Mapping[str, bytes],
    settings: ProxySettings,
) -> Mapping[str, bytes]:
    """The files of the site ``title`` in ``old``, if they show nothing that the site would not show today.

    That is: the same upstreams, since an old address may be another guest's by now; no name that is not the site's
    any more; and certificates that are there in ``files``.
    """
    site = rendered.sites.get(title)
    stem = checks.file_stem(title) if site else ""
    text = old.get(f"sites/{stem}.conf")
    if site is None or text is None:
        return {}
    try:
        found = list(directives(text.decode()))
        upstreams = views.upstreams(site, settings)
    except (Refused, UnicodeDecodeError):
        return {}
    passes = {words[1].strip('"') for words in found if words[0] in _PASSES}
    names = {name for words in found if words[0] == "server_name" for name in words[1:]}
    needed = {
        words[1].removeprefix(f"{settings.current}/") for words in found if words[0] == "ssl_certificate"
    }
    if (
        passes != upstreams
        or any(rendered.names.get(name) != title for name in names)
        or needed - files.keys()
    ):
        return {}
    return {
        name: content for name, content in old.items() if name in {f"sites/{stem}.conf", f"passwords/{stem}"}
    }
