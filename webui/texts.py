"""Texts of the page in the reader's language; English is the source. Catalogues: `webui/translations`."""

import flask_babel


def _(text: str, **values: object) -> str:
    """``text`` translated, with its ``%(name)s`` filled in."""
    return str(flask_babel.gettext(text, **values))


def ago(seconds: float) -> str:
    """A length of time before (negative) or after now, as people say it."""
    return str(flask_babel.format_timedelta(seconds, add_direction=True))


def language() -> str:
    """The language of the answer, as HTML has it."""
    return str(flask_babel.get_locale())
