"""Which labels look alike, and which mix scripts (UTS 39, with the data of confusable_homoglyphs)."""

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

import idna
from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.guests import said

_LATIN = "LATIN"
_ANY = frozenset({"COMMON", "INHERITED"})
_TOGETHER = (
    # Scripts that one language writes together (UTS 39 section 5.1).
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
_MARKS = (
    # Accents and other marks at letters.
    range(0x300, 0x370),
    range(0x1AB0, 0x1B00),
    range(0x1DC0, 0x1E00),
    range(0x20D0, 0x2100),
)
_MODIFIER = "MODIFIER LETTER "  # the start of the names of apostrophes, tone letters and the like
_FORM = re.compile(r"LATIN (?:LETTER SMALL CAPITAL|SMALL LETTER) ([A-Z])(?: WITH .+)?")
_WRITTEN = frozenset("æðøþßđħıłŋœŧƈƒƙƥƭƴǝǥǯɓɔɖɗəɛɠɣɨɩɲɽʃʉʊʋʌʒ")
"""Latin letters of living languages that are no ASCII letters with accents (as ICANN's root zone rules have them)."""
_PAIRS = (("rn", "m"), ("vv", "w"))


@lru_cache(maxsize=4096)
def skeleton(name: Name) -> str:
    """A text that is equal for names that look alike: letters of other scripts, accents, hyphens, 0 and o, 1 and l."""
    return ".".join(label_skeleton(one) for one in unicode_labels(name))


def unicode_labels(name: Name) -> tuple[str, ...]:
    """The labels of a name, with their letters where they are encoded; as they are if that cannot be read."""
    return tuple(_unicode(one.decode("latin-1")) for one in name.labels if one)


def shown_name(name: Name) -> str:
    """A name as people write it, with their letters, without its final dot."""
    return ".".join(unicode_labels(name))


def shown_text(text: str) -> str:
    """What somebody wrote, for a sentence: with its letters, quoted; what cannot be seen is escaped."""
    return said(text) if text.isascii() or not text.isprintable() else f"'{text}'"


def one_script(label: str) -> str:
    """A label of one language's letters (U-label), unchanged. Raises ``Refused`` for mixed scripts and disguises.

    Latin letters that no language of today is written with, such as those of phonetics and small capitals, are
    disguises, too: of them UTS 39 section 3.1 has no identifiers.
    """
    scripts = frozenset(_script(letter) for letter in label) - _ANY
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise Refused(
            f"{shown_text(label)} mixes letters of several scripts: {_foreign(label)}",
            cure="use the letters of one language",
        )
    if odd := [letter for letter in dict.fromkeys(label) if _script(letter) == _LATIN and _is_odd(letter)]:
        raise Refused(
            f"{shown_text(label)} has letters of no language: {' '.join(odd)}",
            cure=f"write {label_skeleton(label)}" if label_skeleton(label).isascii() else "use other letters",
        )
    if scripts - {_LATIN} and label_skeleton(label).isascii():
        raise Refused(
            f"{shown_text(label)} looks like {label_skeleton(label)!r} and is not: "
            f"its letters are {_listed(sorted(scripts))}",
            cure="use another name",
        )
    return label


def _foreign(label: str) -> str:
    """The letters that are not of the script of most, each with its script."""
    by_script = Counter(_script(letter) for letter in label if _script(letter) not in _ANY)
    usual = by_script.most_common(1)[0][0]
    foreign = [one for one in dict.fromkeys(label) if _script(one) not in {usual, *_ANY}]
    return ", ".join(f"{one} is {_script(one).capitalize()}" for one in foreign)


def _listed(scripts: list[str]) -> str:
    return " and ".join(script.capitalize() for script in scripts)


def _is_odd(letter: str) -> bool:
    return not (unicodedata.normalize("NFD", letter)[0].isascii() or letter in _WRITTEN)


def _unicode(label: str) -> str:
    try:
        return idna.ulabel(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


@lru_cache(maxsize=4096)
def label_skeleton(label: str) -> str:
    """The skeleton of one label, with its letters."""
    decomposed = unicodedata.normalize("NFD", label.casefold())
    letters = (_prototype(letter) for letter in decomposed if not _is_mark(letter))
    plain = "".join(letters).casefold().replace("-", "").replace("0", "o").replace("1", "l")
    for pair, one in _PAIRS:
        plain = plain.replace(pair, one)
    return plain


@cache
def _is_mark(letter: str) -> bool:
    return any(ord(letter) in marks for marks in _MARKS) or unicodedata.name(letter, "").startswith(_MODIFIER)


@cache
def _prototype(letter: str) -> str:
    """What stands for all letters that look like this one: plain ASCII if there is such."""
    if letter.isascii():
        return letter
    if form := _FORM.fullmatch(unicodedata.name(letter, "")):
        return form[1].lower()
    from confusable_homoglyphs.confusables import (  # type: ignore[import-untyped] # noqa: PLC0415 - 0.3 s, for few
        confusables_data,
    )

    like = [letter, *(one["c"] for one in confusables_data.get(letter, ()))]
    plain = [text for text in like if text.isascii() and text.isalnum()]
    return str(min(plain or [text for text in like if len(text) == 1]))


@cache
def _script(letter: str) -> str:
    if letter.isascii():
        return _LATIN if letter.isalpha() else "COMMON"
    from confusable_homoglyphs.categories import alias  # type: ignore[import-untyped] # noqa: PLC0415 - as above

    return str(alias(letter))
