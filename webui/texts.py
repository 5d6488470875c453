"""Texts of the page in the reader's language; English is the source. Catalogues: `webui/translations`."""

from collections.abc import Iterable
from pathlib import Path

import flask_babel

SOURCE = "en"
OWN = Path(__file__).with_name("translations")
"""Where the page's own catalogues are, as `pybabel` has them: `<language>/LC_MESSAGES/messages.mo`."""


def languages(directories: Iterable[Path]) -> tuple[str, ...]:
    """The languages that the page speaks: English, and those for which there is a catalogue."""
    found = {
        file.parents[1].name
        for directory in directories
        for file in directory.glob("*/LC_MESSAGES/messages.mo")
    }
    return (SOURCE, *sorted(found - {SOURCE}))


def _(text: str, **values: object) -> str:
    """``text`` translated, with its ``%(name)s`` filled in."""
    return str(flask_babel.gettext(text, **values))


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """``text`` as it is, marked to be found by translators; ``_`` translates it where it is shown."""
    return text


def ago(seconds: float) -> str:
    """A length of time before (negative) or after now, as people say it."""
    return str(flask_babel.format_timedelta(seconds, add_direction=True))


def language() -> str:
    """The language of the answer, as HTML has it."""
    return str(flask_babel.get_locale())
