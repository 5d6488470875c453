"""nginx's syntax, read as nginx itself does (`ngx_conf_read_token` in src/core/ngx_conf_file.c).

What a template puts in is marked, so that one can see where it ended up after the words were taken apart: a value
must lie within one word. Then no value can begin a directive, end one, open a block or hide what follows.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from skulldns.errors import Refused

_BEGIN, _END = "\ue000", "\ue001"
_PUNCTUATION = frozenset(";{}")
_MARKS = re.compile(f"[{_BEGIN}{_END}]")
_WITHIN = re.compile(f"[^{_BEGIN}{_END}]*(?:{_BEGIN}[^{_BEGIN}{_END}]+{_END}[^{_BEGIN}{_END}]*)+")

# What has a meaning to nginx in some place and is not needed in any: variables cannot be escaped at all.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f"\\$\u2028\u2029\ud800-\udfff\ue000\ue001]')
_LISTEN = re.compile(
    r"(?P<gap>(?:^|(?<=[;{}]))\s*)listen[ \t]+(?P<address>[^\s;]+)(?P<rest>[^;{}]*);", re.MULTILINE
)
_LONGEST = 2000  # nginx reads 4096 bytes at a time, and a word may not be longer (NGX_CONF_BUFFER)

# A part is what separates, then perhaps a token; possessive, so that a comment is never read as anything else.
_PART = re.compile(
    r"""
    ((?:[ \t\r\n]++|\#[^\n]*+)*+)
    (   [;{}]
      | "(?:[^"\\]|\\.)*+"(?=[ \t\r\n;{)]|\Z)
      | '(?:[^'\\]|\\.)*+'(?=[ \t\r\n;{)]|\Z)
      | (?:\\.|\$\{|[^ \t\r\n;{}"'\#\\])(?:\\.|\$\{|[^ \t\r\n;{\\])*+
      | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)


def marked(value: object) -> str:
    """A value on its way into a template. Raises Refused if it cannot stand in any word."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise Refused(f"{type(value).__name__} is no text for nginx", cure="correct the template")
    text = str(value)
    if not text or len(text) > _LONGEST:
        raise Refused(f"a value has {len(text)} characters", cure=f"use 1 to {_LONGEST}")
    if found := _FORBIDDEN.search(text):
        raise Refused(f"{text!r} cannot be written for nginx", cure=f"leave out {found[0]!r}")
    return f"{_BEGIN}{text}{_END}"


def unmarked(text: str) -> str:
    """The text without its marks, once every marked value is known to lie within one word.

    Raises Refused otherwise, and if the text is not nginx's syntax.
    """
    plain = _MARKS.sub("", text)
    words = tokens(text)
    filled = [word for word in words if _BEGIN in word or _END in word]
    if sum(word.count(_BEGIN) for word in filled) != text.count(_BEGIN) or not all(
        map(_WITHIN.fullmatch, filled)
    ):
        raise Refused("a value is more than a part of one word", cure="correct the value or the template")
    alike = tokens(plain)
    if len(words) != len(alike) or _MARKS.sub("", "\0".join(words)) != "\0".join(alike):
        raise Refused("a value changes how nginx reads the file", cure="correct the value or the template")
    _check_blocks(alike)
    return plain


def tokens(text: str) -> list[str]:
    """The words of a configuration with their quotes, and ``;``, ``{`` and ``}``. Raises Refused."""
    parts = _PART.findall(text)
    read = sum(map(len, chain.from_iterable(parts)))
    if read != len(text) or "\0" in text:
        raise Refused(f"line {_fault(text)} is not nginx's syntax", cure="correct the template")
    return [token for _, token in parts if token]


def _fault(text: str) -> int:
    """The line where reading ends."""
    position = 0
    while found := _PART.match(text, position):
        if found.end() == position:
            break
        position = found.end()
    return text.count("\n", 0, position) + 1


def directives(text: str) -> Iterator[tuple[str, ...]]:
    """The directives with their arguments, in the order of the text, those of blocks after their block's own."""
    words: list[str] = []
    for token in tokens(text):
        if token not in _PUNCTUATION:
            words.append(token)
        else:
            if words:
                yield tuple(words)
            words = []


def skeleton(text: str) -> tuple[str, ...]:
    """How the text is built, whatever its values: each directive's name, its number of words and its end."""
    words: list[str] = []
    built = []
    for token in tokens(text):
        if token in _PUNCTUATION:
            built.append(f"{words[0] if words else ''} {len(words)} {token}")
            words = []
        else:
            words.append(token)
    return tuple(built)


def listening_elsewhere(text: str, directory: str) -> str:
    """The text with a Unix socket in ``directory`` for each address that is listened on; QUIC has no such socket."""

    def socket(match: re.Match[str]) -> str:
        if match["rest"] and "quic" in match["rest"].split():
            return match["gap"]
        name = re.sub(r"[^0-9a-f]", "-", match["address"])
        return f"{match['gap']}listen unix:{directory}/{name}.socket{match['rest']};"

    return _LISTEN.sub(socket, text)


def _check_blocks(words: Iterable[str]) -> None:
    """Every block is closed, and no directive is without a name or without its semicolon."""
    depth = 0
    before = ";"
    for word in words:
        if word in _PUNCTUATION:
            depth += (word == "{") - (word == "}")
            if depth < 0 or (word == "}") != (before in _PUNCTUATION):
                raise Refused("its blocks are not closed as they were opened", cure="correct the template")
        before = word
    if depth or before not in {";", "}"}:
        raise Refused("it ends in the middle", cure="correct the template")
