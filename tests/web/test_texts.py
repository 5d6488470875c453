"""All texts of the page can be translated, and a catalogue is used."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo

from tests.web.browsing import browser, templates
from tests.webworld import SETTINGS, Page, page
from webui.settings import WebSettings
from webui.texts import languages

_ROOT = Path(__file__).parents[2]
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_NO_TEXT = {"pre", "code", "script", "svg"}
_SHOWN = {"alt", "aria-label", "placeholder", "title", "data-title"}
_PROPER = {"ddclient", "lego", "certbot", "/nic/update", "https://", "skd__…"}
_LETTER = re.compile(r"[A-Za-z]")


def _messages() -> set[str]:
    with (_ROOT / "webui/babel.cfg").open(encoding="utf-8") as file:
        mapping, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # Babel types it not
    found = extract_from_dir(_ROOT / "webui", mapping, options)
    return {
        text for _, _, message, _, _ in found for text in ([message] if isinstance(message, str) else message)
    }


def test_the_texts_of_pages_and_code_are_found() -> None:
    messages = _messages()
    assert len(messages) > 150
    assert "My guests" in messages, "from a template and from code"
    assert "the password is too short" in messages, "from code"
    assert "%(num)d codes are left." in messages, "a plural"


class _Bare(HTMLParser):
    """Collects text that stands in a template without being marked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NO_TEXT:
            self._inside.append(tag)
        self.found += [value for key, value in attrs if key in _SHOWN and value and self._is_text(value)]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found += [line.strip() for line in data.splitlines() if self._is_text(line)]

    @staticmethod
    def _is_text(text: str) -> bool:
        return bool(_LETTER.search(text)) and text.strip() not in _PROPER


def _bare(template: str) -> list[str]:
    parser = _Bare()
    parser.feed(_JINJA.sub("", template))
    parser.close()
    return parser.found


def test_no_template_has_a_text_that_is_not_marked() -> None:
    bare = {file.name: found for file in templates() if (found := _bare(file.read_text(encoding="utf-8")))}
    assert bare == {}


@pytest.mark.parametrize(
    "template", ["<p>{{ _('a') }} text</p>", '<input placeholder="text">', "<h1>Text</h1>"]
)
def test_a_text_that_is_not_marked_would_be_found(template: str) -> None:
    assert _bare(template)


def _pseudo(directory: Path) -> Path:
    """A catalogue in which every text stands between brackets, for a language that the page does not speak."""
    catalog = Catalog(locale="eo")
    for text in _messages():
        catalog.add(text, f"[{text}]")
    place = directory / "eo" / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "messages.mo").open("wb") as file:
        write_mo(file, catalog)
    return directory


def test_a_catalogue_is_used_for_who_wants_its_language(tmp_path: Path) -> None:
    translations = _pseudo(tmp_path / "translations")
    assert languages([translations]) == ("en", "eo")
    world = page(tmp_path, settings=WebSettings(SETTINGS.url, SETTINGS.secret, translations=(translations,)))
    at = browser(world)
    text = at.get("/guests", headers={"Accept-Language": "eo"}).text
    assert '<html lang="eo">' in text
    assert "<h1>[My guests]</h1>" in text
    assert ">[Sign out]<" in text
    assert "<h1>My guests</h1>" in at.get("/guests", headers={"Accept-Language": "de, fr"}).text


def test_every_word_of_a_page_comes_from_the_catalogue(tmp_path: Path) -> None:
    translations = _pseudo(tmp_path / "translations")
    world: Page = page(
        tmp_path, settings=WebSettings(SETTINGS.url, SETTINGS.secret, translations=(translations,))
    )
    at = browser(world, "carol")
    for path in ("/tokens/new", "/admin/invitations", "/admin/approvals", "/claim"):
        text = at.get(path, headers={"Accept-Language": "eo"}).text
        main = re.sub(
            r"<(option|span class=\"name\")[^>]*>.*?</", "</", text.partition("<main")[2], flags=re.DOTALL
        )
        plain = re.sub(r"<[^>]*>|\[[^\]]*\]|&\w+;|&#\d+;", " ", main.partition(">")[2])
        assert not re.search(r"[A-Za-z]{4,}", plain), (path, plain.split())
