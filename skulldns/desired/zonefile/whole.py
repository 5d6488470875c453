"""Whether a zone file is whole: a file that is cut at the end of a line is valid YAML with fewer records.

A file cannot tell that by itself, so it is compared with the last good version of itself, and may say where it
ends: YAML's end of a document, a line ``...``, which octoDNS reads too.
"""

import re
from collections.abc import Iterable

from skulldns.desired.zonefile.reading import ZoneText
from skulldns.errors import ConfigError

_END = re.compile(r"(?:^|\n)\.\.\.[ \t\r]*(?:#[^\n]*)?(?:\n[ \t\r]*(?:#[^\n]*)?)*\Z")
_NOTHING = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?(?:\n|\Z))*")


def ends_itself(text: str) -> bool:
    """Whether the file says where it ends: nothing but comments follows a line ``...``."""
    return _END.search(text) is not None


def cut_short(before: Iterable[ZoneText], after: Iterable[ZoneText]) -> ConfigError | None:
    """The error for the first file of a zone that looks as if its end were not written; None when all are whole.

    ``before`` are the files of the last good version, ``after`` the same files now; files that only one of them
    has are not looked at. Whole is what ends with ``...``. Otherwise a file is cut that had this end and lost
    it, that is the beginning of what it was, or that lost the end of its last line.
    """
    known = {text.file: text.text for text in before}
    errors = (_cut(known[text.file], text) for text in after if text.file in known)
    return next((error for error in errors if error is not None), None)


def _cut(before: str, after: ZoneText) -> ConfigError | None:
    text = after.text
    if text == before or ends_itself(text):
        return None
    if ends_itself(before):
        what = "the file has lost the line '...' that ended it, so it may be cut"
    elif before.startswith(text):
        if _only_comments(before, len(text)):
            return None
        what = "the file is the beginning of what it was, as if it were cut"
    elif before.endswith("\n") and not text.endswith("\n"):
        what = "the last line does not end, as if the file were cut"
    else:
        return None
    lines = text.splitlines() or [""]
    cure = "write the rest; if it is meant to end here, end it with a line '...'"
    return ConfigError(what, file=after.file, line=len(lines), column=len(lines[-1]) + 1, cure=cure)


def _only_comments(text: str, start: int) -> bool:
    """Whether nothing but whole comment lines and blanks follows ``start``, so that no value can have changed."""
    if not text[start:].strip():
        return True
    at_line = start == 0 or text[start - 1] == "\n"
    return at_line and _NOTHING.fullmatch(text, start) is not None
