"""One word as the code, issue or pull request it points at."""

import re
from urllib.parse import unquote, urlsplit

from bot.grammar.faults import Fault, Span, code
from handlers import Target

_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}"
_PLACE = re.compile(rf"(?P<repository>{_REPOSITORY})?(?:@(?P<ref>[^\s:]+))?")
_REPOSITORY_AT_REF = re.compile(rf"(?P<repository>{_REPOSITORY})?@(?P<ref>[^\s:]+)")
_NUMBER = re.compile(rf"(?P<repository>{_REPOSITORY})?#(?P<number>\d{{1,9}})")
_LINES = re.compile(r"L?(\d{1,7})(?:C\d{1,7})?(?:-L?(\d{1,7})(?:C\d{1,7})?)?", re.IGNORECASE)
_LINES_AFTER_COLON = re.compile(r"(\d{1,7})(?:-(\d{1,7}))?")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_URL = re.compile(r"https?://", re.IGNORECASE)
_FILE_NAME = re.compile(r"[^/\\]\.[A-Za-z]\w{0,9}$")
_COLON_OR_LINK = ":#/\\@"
URL_FORMS = (
    "An address I can read is that of a file (`…/owner/repo/blob/main/src/a.py#L3-L9`), a pull "
    "request or an issue."
)


def looks_like_target(text: str) -> bool:
    """Whether `text` could hardly be an ordinary word."""
    return any(char in text for char in _COLON_OR_LINK) or _FILE_NAME.search(text) is not None


def as_target(text: str) -> Target:
    """What `text` points at.

    Raises:
        Fault: It points at nothing; the span counts characters of `text`.
    """
    if not text.strip():
        raise Fault("This target is empty.", Span(0, len(text)))
    _check_characters(text)
    if _URL.match(text):
        return _from_url(text)
    if number := _NUMBER.fullmatch(text):
        return Target(number["repository"], number=int(number["number"]))
    head, lines = _split_lines(text)
    head, symbol = _split_symbol(head)
    repository, ref, path = _split_place(head)
    return Target(repository, ref, path, symbol, lines)


def _check_characters(text: str) -> None:
    for index, char in enumerate(text):
        if not char.isprintable() and not char.isspace():
            what = f"A target holds no hidden character, here U+{ord(char):04X}."
            raise Fault(what, Span(index, index + 1), instead="")


def _split_lines(text: str) -> tuple[str, tuple[int, int] | None]:
    head, mark, fragment = text.rpartition("#")
    if mark:
        found = _LINES.fullmatch(fragment)
        if found is None:
            what = "Behind `#` stand lines, `#L3` or `#L3-9`, or the number of an issue."
            raise Fault(what, Span(len(head), len(text)), instead="")
        return head, _as_lines(found, Span(len(head), len(text)), form="#L{}-{}")
    head, mark, fragment = text.rpartition(":")
    found = _LINES_AFTER_COLON.fullmatch(fragment)
    if mark and found and head and not head.endswith(":"):
        return head, _as_lines(found, Span(len(head), len(text)), form=":{}-{}")
    return text, None


def _as_lines(found: re.Match[str], span: Span, *, form: str) -> tuple[int, int]:
    first = int(found[1])
    last = int(found[2] or first)
    if first < 1:
        raise Fault("Lines are counted from 1.", span, instead=form.format(1, max(last, 1)))
    if last < first:
        what = f"The last line, {last}, stands before the first, {first}."
        raise Fault(what, span, instead=form.format(last, first))
    return first, last


def _split_symbol(text: str) -> tuple[str, str | None]:
    head, mark, symbol = text.partition("::")
    if not mark:
        return text, None
    name = symbol.replace("::", ".").removesuffix("()")
    if not name or name.startswith(".") or name.endswith("."):
        what = "Behind `::` stands a name, such as `Stack` or `Stack.push`."
        raise Fault(what, Span(len(head), len(text)), instead="")
    return head, name


def _split_place(text: str) -> tuple[str | None, str | None, str | None]:
    if _DRIVE.match(text):
        return None, None, text
    left, colon, path = text.partition(":")
    if not colon:
        place = _REPOSITORY_AT_REF.fullmatch(text)
        return (place["repository"], place["ref"], None) if place else _only_path(text)
    place = _PLACE.fullmatch(left)
    if place is None:
        raise _not_a_place(text, left, path)
    if not path and not left:
        raise Fault("Behind `:` stands a path.", Span(0, len(text)))
    return place["repository"], place["ref"], path or None


def _only_path(text: str) -> tuple[None, None, str | None]:
    head, mark, ref = text.rpartition("@")
    if mark and "/" not in ref and _FILE_NAME.search(head):
        what = "A branch or commit stands before the path."
        raise Fault(what, Span(0, len(text)), instead=f"@{ref}:{head}")
    return None, None, text or None


def _not_a_place(text: str, left: str, path: str) -> Fault:
    if _FILE_NAME.search(left) and path.replace(".", "_").isidentifier():
        what = "A function or class stands behind two colons."
        return Fault(what, Span(0, len(text)), instead=f"{left}::{path}")
    what = f"Before `:` stands a repository, `owner/name`, and {code(left)} is none."
    return Fault(what, Span(0, len(left)))


def _from_url(text: str) -> Target:
    whole = Span(0, len(text))
    try:
        url = urlsplit(text)
        parts = [unquote(part) for part in url.path.split("/") if part]
    except ValueError as error:
        raise Fault(URL_FORMS, whole) from error
    owner, name, kind, *rest = [*parts, "", "", ""][: max(3, len(parts))]
    repository = f"{owner}/{name.removesuffix('.git')}"
    rest = [part for part in rest if part]
    if not re.fullmatch(_REPOSITORY, repository):
        raise Fault(URL_FORMS, whole)
    if kind in {"pull", "issues"} and rest and re.fullmatch(r"\d{1,9}", rest[0]):
        return Target(repository, number=int(rest[0]))
    if kind in {"blob", "tree"} and rest:
        path = "/".join(rest[1:]) or None
        _check_characters(f"{rest[0]}{path or ''}")
        return Target(repository, rest[0], path, lines=_lines_of_url(url.fragment, whole))
    if kind == "commit" and rest:
        return Target(repository, rest[0])
    if not kind:
        return Target(repository)
    raise Fault(URL_FORMS, whole)


def _lines_of_url(fragment: str, span: Span) -> tuple[int, int] | None:
    """Lines as GitHub marks them; any other fragment (a heading's) says nothing about code."""
    found = _LINES.fullmatch(fragment)
    if found is None or not fragment.upper().startswith("L"):
        return None
    first = int(found[1])
    last = int(found[2] or first)
    if first < 1:
        raise Fault("Lines are counted from 1.", span)
    return min(first, last), max(first, last)
