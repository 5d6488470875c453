import pytest
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.yamltext import Kind, Mapping, Scalar, parse_yaml, plain, shown
from skulldns.errors import ConfigError


def _errors(text: str) -> str:
    try:
        _, errors = parse_yaml(text, "f.yaml", 10_000)
    except ConfigError as error:
        return str(error)
    return "\n".join(map(str, errors))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "f.yaml:1:1: the file is empty; write {} if nothing is what it should say"),
        ("# only words\n", "f.yaml:1:1: the file is empty; write {} if nothing is what it should say"),
        ("---\n", "f.yaml:1:1: the file is empty; write {} if nothing is what it should say"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab cannot indent YAML; use spaces"),
        ("a:\n  b: 1\n\tc: 2\n", "f.yaml:3:1: a tab cannot indent YAML; use spaces"),
        (
            "\ufeffa: 1",
            "f.yaml:1:1: the file starts with a byte order mark; save it as UTF-8 without BOM",
        ),
        (
            "a: 1\nb: \x00",
            'f.yaml:2:4: the character U+0000 is not allowed in YAML; take it out, or write it as an escape in "double quotes"',  # noqa: E501 - one line is the point
        ),
        (
            "a: 1\nb: 2\na: 3\n",
            'f.yaml:3:1: the key "a" is there twice, first in line 1; take one out or merge them',
        ),
        (
            "a: !!python/object/apply:os.system [x]",
            'f.yaml:1:4: the tag "tag:yaml.org,2002:python/object/apply:os.system" is not allowed; write a plain value without a tag',  # noqa: E501 - as above
        ),
        ("a: !x y", 'f.yaml:1:4: the tag "!x" is not allowed; write a plain value without a tag'),
        ("a: &a [*a]", "f.yaml:1:8: the alias *a refers to what it stands in; write the value out"),
        ("a: *b", "f.yaml:1:4: the alias *b has no anchor before it; write &b at what it refers to"),
        ("[" * 5_000, "f.yaml:1:65: nested more than 64 levels deep; write it flatter"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second YAML document starts here; keep one document in a file"),
        (
            "a: [1, 2",
            "f.yaml:1:9: not valid YAML: did not find expected ',' or ']'; close the bracket or brace",
        ),
        (
            "a: 1\n...\nb: 2\n",
            "f.yaml:3:1: something stands after the line '...', which ends the file; put it above that line",
        ),
        (
            "a:\n  b: 1\n{}\n",
            "f.yaml:3:3: '{}' stands for nothing, but other lines say something; take it out",
        ),
        ("a: 'b", "f.yaml:1:6: not valid YAML: found unexpected end of stream; close the quotes"),
        ("? [a]\n: b", "f.yaml:1:3: a key must be text; write 'key: value'"),
        ("no: 1", "f.yaml:1:1: the key no is read by YAML as yes or no, but text is due; quote it: 'no'"),
        (
            "1.10: a",
            "f.yaml:1:1: the key 1.10 is read by YAML as a decimal number, but text is due; quote it: '1.10'",
        ),
        (
            "010: a",
            (
                "f.yaml:1:1: the key 010 is read by YAML as a number (octal, sexagesimal or the like),"
                " but text is due; quote it: '010'"
            ),
        ),
        ("x" * 10_001, "f.yaml: the file is larger than 10000 characters; split it, or see what filled it"),
    ],
)
def test_what_is_refused(text: str, error: str) -> None:
    assert _errors(text) == error


def test_an_alias_bomb_ends_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert (
        _errors("\n".join(lines))
        == "f.yaml:5:45: aliases repeat more than 100000 values; write the values out"
    )


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("no", Kind.BOOLEAN, False),
        ("On", Kind.BOOLEAN, True),
        ("'no'", Kind.TEXT, "no"),
        ("none", Kind.TEXT, "none"),
        ("7", Kind.INTEGER, 7),
        ("-7", Kind.INTEGER, -7),
        ("010", Kind.NOTATION, "010"),
        ("0x10", Kind.NOTATION, "0x10"),
        ("1_000", Kind.NOTATION, "1_000"),
        ("12:30:45", Kind.NOTATION, "12:30:45"),
        ("9" * 5_000, Kind.NOTATION, "9" * 5_000),
        (".inf", Kind.NOTATION, ".inf"),
        ("1.10", Kind.DECIMAL, 1.1),
        ("2001-01-01", Kind.DATE, "2001-01-01"),
        ("~", Kind.EMPTY, None),
        ("=", Kind.TEXT, "="),
        ("192.0.2.1", Kind.TEXT, "192.0.2.1"),
    ],
)
def test_what_yaml_takes_a_scalar_for(text: str, kind: Kind, value: object) -> None:
    root, errors = parse_yaml(f"a: {text}", "f.yaml", 10_000)
    assert isinstance(root, Mapping)
    scalar = root.get("a")
    assert isinstance(scalar, Scalar)
    assert (scalar.kind, scalar.value, scalar.line, scalar.column, errors) == (kind, value, 1, 4, [])


def test_anchors_and_merge_keys() -> None:
    root, errors = parse_yaml("a: &a {t: 1, u: 2}\nb: {<<: *a, u: 3}\nc: {<<: [{u: 4}, *a]}\n", "f", 10_000)
    assert errors == []
    assert plain(root) == {"a": {"t": 1, "u": 2}, "b": {"t": 1, "u": 3}, "c": {"t": 1, "u": 4}}


def test_shown_stays_one_short_line() -> None:
    assert shown("a\nb\u202e") == '"a\\nb\\u202e"'
    assert len(shown("x" * 1_000)) == 62


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    error = _errors(text)
    assert error == "" or all(line.startswith("f.yaml:") for line in error.split("\n"))


@given(st.text(alphabet="ab:-?[]{}&*!|>'\"#%@` \t\n0<,.\\~", max_size=60))
def test_any_yaml_like_text_is_read_or_refused(text: str) -> None:
    _errors(text)
