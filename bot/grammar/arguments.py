"""What stands behind a verb, checked against what the command takes."""

from collections.abc import Sequence
from itertools import zip_longest

from bot.grammar.faults import Fault, Span, code
from bot.grammar.options import FREE, Given, forgotten_key, is_option, take_option
from bot.grammar.targets import as_target, looks_like_target
from bot.grammar.words import Word
from handlers import Call, Command, Takes, Target
from storage.ids import JobId, as_job_id

_WANTED = {
    Takes.TARGET: "a file, a function or a pull request",
    Takes.JOB: "the id of a job",
    Takes.JOB_AND_WORDS: "the id of a job",
}


def read_arguments(line: str, words: Sequence[Word], command: Command) -> Call:
    """The call of `command` with the `words` of `line` behind its verb.

    Raises:
        Fault: They do not fit the command.
    """
    given = _sorted(line, words, command)
    free, targets, jobs = _positional(line, given.positional, command)
    return Call(
        verb=command.verb,
        line=line.strip(),
        words=free,
        targets=targets,
        jobs=jobs,
        options=given.options,
        flags=frozenset(given.flags),
    )


def _sorted(line: str, words: Sequence[Word], command: Command) -> Given:
    given = Given()
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word.is_open and command.takes not in FREE:
            raise _open_quote(line, word)
        if is_option(word, command):
            take_option(word, rest, command, given)
        elif command.takes in FREE or not _is_decoration(word):
            given.positional.append(word)
    return given


def _open_quote(line: str, word: Word) -> Fault:
    closed = f'{line[: word.start]}"{line[word.start + 1 :].strip()}"'
    what = "This quote is not closed."
    return Fault(what, Span(word.start, word.start + 1), rather=closed)


def _is_decoration(word: Word) -> bool:
    """A lone comma or smiley, which says nothing to a command that takes no words."""
    if word.is_quoted or word.bare in {".", "..", "/"}:
        return False
    return not any(char.isalnum() for char in word.bare)


def _positional(
    line: str, words: Sequence[Word], command: Command
) -> tuple[tuple[str, ...], tuple[Target, ...], tuple[JobId, ...]]:
    match command.takes:
        case Takes.NOTHING:
            if words:
                raise _too_much(line, words, command)
            return (), (), ()
        case Takes.WORDS:
            return _free(words), (), ()
        case Takes.SOME_WORDS:
            _check_keys(words, command)
            return _free(words), (), ()
        case Takes.TARGET | Takes.OPTIONAL_TARGET:
            return (), _targets(line, words, command), ()
        case Takes.JOB | Takes.OPTIONAL_JOB:
            return (), (), _jobs(line, words, command)
        case Takes.JOB_AND_WORDS:
            return _free(words[1:]), (), _jobs(line, words[:1], command)


def _free(words: Sequence[Word]) -> tuple[str, ...]:
    """Words as typed; the first is a keyword more often than not, so it sheds its comma."""
    return tuple(word.text if index else word.bare for index, word in enumerate(words))


def _check_keys(words: Sequence[Word], command: Command) -> None:
    """Raises Fault where an option stands among the words without its `=`."""
    for word, follower in zip_longest(words, words[1:]):
        if fault := forgotten_key(word, follower, command):
            raise fault


def _targets(line: str, words: Sequence[Word], command: Command) -> tuple[Target, ...]:
    if not words:
        if command.takes is Takes.TARGET:
            raise _missing(line, command)
        return ()
    if len(words) > 1:
        raise _too_much(line, words, command)
    word = words[0]
    if not word.is_quoted and as_job_id(word.bare) and not looks_like_target(word.bare):
        what = f"`{command.verb}` works on code, and {code(word.bare)} is the id of a job."
        raise Fault(what, Span(word.start, word.end))
    try:
        return (as_target(word.bare),)
    except Fault as fault:
        raise _in_line(fault, word) from fault


def _in_line(fault: Fault, word: Word) -> Fault:
    """The target's fault at its place in the line; the whole word where it was not bare."""
    at = word.typed.find(word.bare)
    if at < 0:
        return Fault(fault.what, Span(word.start, word.end))
    start = word.start + at
    span = Span(start + fault.span.start, start + fault.span.end)
    return Fault(fault.what, span, instead=fault.instead)


def _jobs(line: str, words: Sequence[Word], command: Command) -> tuple[JobId, ...]:
    if not words:
        if command.takes is not Takes.OPTIONAL_JOB:
            raise _missing(line, command)
        return ()
    job = as_job_id(words[0].bare)
    span = Span(words[0].start, words[0].end)
    if job is None:
        what = f"{code(words[0].bare)} is not the id of a job, which looks like `J7K2M9Q`."
        raise Fault(what, span)
    if len(words) > 1:
        raise _too_much(line, words, command)
    return (job,)


def _missing(line: str, command: Command) -> Fault:
    what = f"`{command.verb}` needs {_WANTED[command.takes]}."
    end = len(line.rstrip())
    sample = command.examples[0].split()[1:2]
    return Fault(what, Span(end + 1, end + 2), instead=f" {sample[0]}" if sample else None)


def _too_much(line: str, words: Sequence[Word], command: Command) -> Fault:
    _check_keys(words, command)
    if command.takes is Takes.NOTHING:
        what = f"`{command.verb}` takes nothing more."
        return Fault(what, Span(words[0].start, words[-1].end), instead="")
    kept = words[0]
    if command.takes in {Takes.TARGET, Takes.OPTIONAL_TARGET}:
        kept = next((word for word in words if looks_like_target(word.bare)), words[0])
    extra, *more = [word for word in words if word is not kept]
    thing = "job" if command.takes in {Takes.JOB, Takes.OPTIONAL_JOB} else "target"
    what = f"`{command.verb}` takes one {thing} in a line, and {code(extra.bare)} is too much."
    rather = _left_out(line, [extra, *more])
    return Fault(what, Span(extra.start, extra.end), rather=rather)


def _left_out(line: str, words: Sequence[Word]) -> str:
    """The line without the words."""
    starts = [0, *(word.end for word in words)]
    ends = [*(word.start for word in words), len(line)]
    kept = (line[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return " ".join(part for part in kept if part)
