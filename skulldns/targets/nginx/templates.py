"""Where templates come from: the admin's directory goes before what is installed."""

from pathlib import Path

from jinja2 import BaseLoader, FileSystemLoader

import proxy_templates


def template_loader(own: Path | None = None) -> BaseLoader:
    """Templates by their file names; one in ``own`` stands in for the installed one of the same name."""
    installed = Path(proxy_templates.__file__).parent
    return FileSystemLoader([own, installed] if own else [installed])
