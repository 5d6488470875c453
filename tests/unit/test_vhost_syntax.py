from pathlib import Path

import crossplane
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.errors import Refused
from skulldns.targets.vhost import syntax
from tests.unit.vhostworld import FULL, guest, own, render


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b;", ["a", "b", ";"]),
        ("a{b;}", ["a", "{", "b", ";", "}"]),
        ('a "b c;{" d;', ["a", '"b c;{"', "d", ";"]),
        (r'a "b\"c";', ["a", r'"b\"c"', ";"]),
        ("a 'b\nc';", ["a", "'b\nc'", ";"]),
        ("a b#c; # d;\n e;", ["a", "b#c", ";", "e", ";"]),
        ("a ${b}c;", ["a", "${b}c", ";"]),
        (r"a b\ c\;d;", ["a", r"b\ c\;d", ";"]),
        ('a b"c;', ["a", 'b"c', ";"]),
        ("a b}c;", ["a", "b}c", ";"]),
    ],
)
def test_words_are_found_as_nginx_finds_them(text: str, words: list[str]) -> None:
    assert syntax.tokens(text) == words


@pytest.mark.parametrize("text", ['a "b', "a 'b", 'a "b"c;', 'a "b\\"', "a\0;", "a \\"])
def test_what_nginx_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="line 1 is not nginx's syntax"):
        syntax.tokens(text)


@pytest.mark.parametrize("text", ["a", "a {", "}", "a { b }", "{ a; }", "a; }", "a { b;"])
def test_open_ends_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        syntax.unmarked(text)


def test_a_value_may_be_a_part_of_a_word_and_a_word_in_quotes() -> None:
    text = f'a x{syntax.marked("y")}z "{syntax.marked("b; c {")} d" {syntax.marked(1)};'
    assert syntax.unmarked(text) == 'a xyz "b; c { d" 1;'


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("a {};", "b c"),
        ("a {};", "b;c"),
        ("a {};", "b{"),
        ("a {};", "#b"),
        ("a {};", "'"),
        ("a '{}';", "b'"),
        ("a '{}';", "b' c '"),
        ("# {}\na;", "b"),
        ("a {};", "b;}"),
        ("{} b;", "}"),
    ],
)
def test_a_value_that_is_more_than_a_part_of_one_word_is_refused(template: str, value: str) -> None:
    with pytest.raises(Refused):
        syntax.unmarked(template.format(syntax.marked(value)))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a\nb",
        "a\rb",
        "a\0b",
        "\x7f",
        "$host",
        "${host}",
        'a"b',
        "a\\",
        "\ue000",
        "\ue001",
        "\ud800",
        "x" * 2001,
    ],
)
def test_what_can_stand_in_no_word_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        syntax.marked(value)


@pytest.mark.parametrize("value", [None, True, b"a", 1.5, ["a"]])
def test_only_texts_and_numbers_are_values(value: object) -> None:
    with pytest.raises(Refused):
        syntax.marked(value)


@given(st.text(alphabet=st.sampled_from("ab ;{}#'\"\\$\n\t%@.:/()~^*é"), max_size=30))
def test_any_value_is_refused_or_leaves_the_skeleton(value: str) -> None:
    template = "a x{0}y \"{0}\" '{0}' {0}; b {{ c {0}; }}"
    whole = syntax.skeleton(template.format("v"))
    try:
        text = syntax.unmarked(template.format(syntax.marked(value)))
    except Refused:
        return
    assert syntax.skeleton(text) == whole


def test_another_parser_reads_our_files_alike(tmp_path: Path) -> None:
    for file, text in render(guest("a"), own(options=FULL)).files.items():
        if not file.endswith(".conf"):
            continue
        path = tmp_path / file.replace("/", "-")
        path.write_text(text, encoding="utf-8")
        others = [
            token for token, _, quoted in crossplane.lex(str(path)) if quoted or not token.startswith("#")
        ]
        assert [_bare(token) for token in syntax.tokens(text)] == others


def _bare(token: str) -> str:
    """A token without its quotes, and without the escapes that matter in them."""
    quote = token[0]
    if len(token) > 1 and quote in "\"'":
        return token[1:-1].replace(f"\\{quote}", quote)
    return token


def test_listening_goes_elsewhere_and_nothing_else_does() -> None:
    text = "server {\n    listen 192.0.2.1:80 default_server;\n    listen [::]:443 quic reuseport;\n    listener x;\n}"
    assert list(syntax.directives(syntax.listening_elsewhere(text, "/t"))) == [
        ("server",),
        ("listen", "unix:/t/192-0-2-1-80.socket", "default_server"),
        ("listener", "x"),
    ]
