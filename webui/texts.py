"""Texts of the page in the reader's language; English is the source. Catalogues: `webui/translations`."""

from collections.abc import Iterable
from gettext import NullTranslations
from pathlib import Path
from typing import cast

import flask_babel
from flask import Flask, g

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
    found = _catalogue().gettext(text)
    return found % values if values else found


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """``text`` as it is, marked to be found by translators; ``_`` translates it where it is shown."""
    return text


def install_texts(app: Flask) -> None:
    """Have templates translate as ``_`` does."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of Jinja's extension for gettext
        gettext=_,
        ngettext=lambda one, many, number: _catalogue().ngettext(one, many, number),
        newstyle=True,
    )


def _catalogue() -> NullTranslations:
    """The reader's texts. A page has hundreds, and Flask-Babel finds out anew for each who reads it."""
    try:
        return cast("NullTranslations", g.catalogue)
    except AttributeError:
        g.catalogue = flask_babel.get_translations()
        return cast("NullTranslations", g.catalogue)
    except RuntimeError:  # outside of any request
        return cast("NullTranslations", flask_babel.get_translations())


def ago(seconds: float) -> str:
    """A length of time before (negative) or after now, as people say it."""
    return str(flask_babel.format_timedelta(seconds, add_direction=True))


def language() -> str:
    """The language of the answer, as HTML has it."""
    return str(flask_babel.get_locale())
