"""Which labels look alike, and which mix scripts (UTS 39, with the data of confusable_homoglyphs)."""

import unicodedata
from functools import cache, lru_cache

import idna
from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.guests import said

_ANY = frozenset({"COMMON", "INHERITED"})
_TOGETHER = (
    # Scripts that one language writes together (UTS 39 section 5.1).
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
_MARKS = range(0x300, 0x370)  # accents above and below letters
_PAIRS = (("rn", "m"), ("vv", "w"))


@lru_cache(maxsize=65_536)
def skeleton(name: Name) -> str:
    """A text that is equal for names that look alike: letters of other scripts, accents, hyphens, 0 and o, 1 and l."""
    return ".".join(label_skeleton(one) for one in unicode_labels(name))


def unicode_labels(name: Name) -> tuple[str, ...]:
    """The labels of a name, with their letters where they are encoded; as they are if that cannot be read."""
    return tuple(_unicode(one.decode("latin-1")) for one in name.labels if one)


def shown_name(name: Name) -> str:
    """A name as people write it, with their letters, without its final dot."""
    return ".".join(unicode_labels(name))


def one_script(label: str) -> str:
    """A label of one language's letters (U-label), unchanged. Raises ``Refused`` for mixed scripts and disguises."""
    scripts = frozenset(_script(letter) for letter in label) - _ANY
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise Refused(
            f"{said(label)} mixes letters of several scripts", cure="use the letters of one language"
        )
    if scripts - {"LATIN"} and label_skeleton(label).isascii():
        raise Refused(
            f"{said(label)} looks like {label_skeleton(label)!r} and is not", cure="use another name"
        )
    return label


def _unicode(label: str) -> str:
    try:
        return idna.ulabel(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


@lru_cache(maxsize=65_536)
def label_skeleton(label: str) -> str:
    """The skeleton of one label, with its letters."""
    decomposed = unicodedata.normalize("NFD", label.casefold())
    letters = (_prototype(letter) for letter in decomposed if ord(letter) not in _MARKS)
    plain = "".join(letters).casefold().replace("-", "").replace("0", "o").replace("1", "l")
    for pair, one in _PAIRS:
        plain = plain.replace(pair, one)
    return plain


@cache
def _prototype(letter: str) -> str:
    """What stands for all letters that look like this one: plain ASCII if there is such."""
    if letter.isascii():
        return letter
    from confusable_homoglyphs.confusables import (  # type: ignore[import-untyped] # noqa: PLC0415 - 0.3 s, for few
        confusables_data,
    )

    like = [letter, *(one["c"] for one in confusables_data.get(letter, ()))]
    plain = [text for text in like if text.isascii() and text.isalnum()]
    return str(min(plain or [text for text in like if len(text) == 1]))


@cache
def _script(letter: str) -> str:
    if letter.isascii():
        return "LATIN" if letter.isalpha() else "COMMON"
    from confusable_homoglyphs.categories import alias  # type: ignore[import-untyped] # noqa: PLC0415 - as above

    return str(alias(letter))
