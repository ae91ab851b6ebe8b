"""What `.gryph.toml` may say, and what is wrong with what it says.

The file is anybody's: it is bounded before it is read, and nothing of it is repeated but names of
keys, cut and made harmless. What is wrong is told and left at its default; the rest counts.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.grammar.nearest import nearest
from handlers import RepositoryWishes, Tier

NAME = ".gryph.toml"
LARGEST_BYTES = 16 * 1024
MOST_COMPLAINTS = 5
_LONGEST_KEY = 40
_TIERS = {"write": Tier.WRITE, "admin": Tier.ADMIN}


@dataclass(frozen=True)
class Key:
    """One thing a repository may wish."""

    section: str
    name: str
    expects: str
    summary: str

    @property
    def full_name(self) -> str:
        """As TOML's dotted keys spell it."""
        return f"{self.section}.{self.name}"


KEYS = (
    Key("test", "style", '`"pytest"` or `"unittest"`', "How tests are written."),
    Key("test", "budget", "a number from 1 to 120", "CPU seconds in all for tests."),
    Key(
        "test",
        "seed",
        "a whole number from 0 to 999999999",
        "The same seed gives the same tests.",
    ),
    Key(
        "plan",
        "team",
        "a text of at most 2,000 characters",
        "Who does the work of issues and lists that name nobody else, as a list says it: "
        '`"ana (backend:3), bo (frontend:2, 50%, off 2026-12-24)"`.',
    ),
    Key(
        "plan",
        "timezone",
        "a text of at most 64 characters",
        'Where its working hours are, as `"Europe/Berlin"`; UTC if not said.',
    ),
    Key(
        "who",
        "may",
        '`"write"` or `"admin"`',
        "The least that somebody needs to have code of this repository run. It can only ask for "
        'more than is needed anyway: with `"write"` the author of a pull request needs write '
        'access too. A value that is none of these counts as `"admin"`.',
    ),
    Key(
        "paths",
        "ignore",
        "a list of at most 100 patterns in quotes, of at most 200 characters each",
        'Files that are not worked on, like `"vendor/*"`; `*` stands for slashes too.',
    ),
    Key(
        "pull_requests",
        "behaviour",
        "`true` or `false`",
        "Whether each push to a pull request is compared with what it is based on, and what "
        "behaves differently is told on its lines and in a check run. Whoever pushes, it is the "
        "repository that asks; a fork's code waits for an approval of its commit.",
    ),
    Key(
        "match",
        "suggest_reviewers",
        "`true` or `false`",
        "Whether a reviewer is named, once, for each pull request that a person opens or marks as "
        "ready: in the comment that holds what is said of pushes, without notifying anybody, and "
        "only where there is somebody to name.",
    ),
    Key(
        "match",
        "spread",
        "`true` or `false`",
        "Whether the load is spread: those who are the likeliest for most of the newest tasks are "
        "named for one only where they are likelier than others by some, and the answer says who "
        "was spared. That costs about 5 of 100 names that would have been right.",
    ),
)


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Test(_Section):
    style: Literal["pytest", "unittest"] | None = None
    budget: float | None = Field(default=None, ge=1, le=120, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=0, le=999_999_999)


class _Plan(_Section):
    team: str | None = Field(default=None, max_length=2_000)
    timezone: str | None = Field(default=None, max_length=64)


class _Who(_Section):
    may: Literal["write", "admin"] | None = None


class _Paths(_Section):
    ignore: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=list[str], max_length=100
    )


class _PullRequests(_Section):
    behaviour: bool = False


class _Match(_Section):
    suggest_reviewers: bool = False
    spread: bool = False


class _File(_Section):
    test: _Test = _Test()
    plan: _Plan = _Plan()
    who: _Who = _Who()
    paths: _Paths = _Paths()
    pull_requests: _PullRequests = _PullRequests()
    match: _Match = _Match()


def read(content: bytes) -> RepositoryWishes:
    """The wishes, with complaints about what is wrong; never raises."""
    if len(content) > LARGEST_BYTES:
        return _broken(f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        text = content.decode()
        said = tomllib.loads(text)
    except RecursionError:
        return _broken("it is nested too deeply")
    except UnicodeDecodeError:
        return _broken("it is not UTF-8 text")
    except ValueError as error:
        place = re.search(r"at line \d+, column \d+|at end of document", str(error))
        return _broken(f"it is not TOML ({place[0]})" if place else "it is not TOML")
    return _judged(said, text)


def _broken(why: str) -> RepositoryWishes:
    return RepositoryWishes(complaints=(f"`{NAME}` is left out of account: {why}.",))


def _judged(said: dict[str, Any], text: str) -> RepositoryWishes:
    faults = dict(_faults(said))
    found = _File.model_validate(_without(said, faults.keys()))
    may = found.who.may
    strictest = any(path[0] == "who" and _is_meant(path) for path in faults)
    return RepositoryWishes(
        style=found.test.style,
        budget_s=found.test.budget,
        seed=found.test.seed,
        team=found.plan.team,
        timezone=found.plan.timezone,
        may=Tier.ADMIN if strictest else _TIERS[may] if may else None,
        ignore=tuple(found.paths.ignore),
        behaviour=found.pull_requests.behaviour,
        suggest_reviewers=found.match.suggest_reviewers,
        spread=found.match.spread,
        complaints=_complaints(faults, text),
    )


def _complaints(faults: Mapping[tuple[str, ...], str], text: str) -> tuple[str, ...]:
    told = [_complaint(path, kind, text) for path, kind in islice(faults.items(), MOST_COMPLAINTS)]
    more = len(faults) - len(told)
    return (*told, f"And {more:,} more of the kind.") if more else tuple(told)


def _is_meant(path: tuple[str, ...]) -> bool:
    """Whether somebody meant to say who may, and got it wrong: a slip must not open what was to
    be closed.
    """
    return len(path) == 1 or path[1] == "may" or nearest(path[1], ["may"]) is not None


def _faults(said: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each section or key that is wrong, and pydantic's word for how."""
    try:
        _File.model_validate(said)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            yield tuple(str(part) for part in each["loc"][:2]), each["type"]


def _without(said: Mapping[str, Any], wrong: Collection[tuple[str, ...]]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in each.items() if (name, key) not in wrong}
        for name, each in said.items()
        if (name,) not in wrong
    }


def _complaint(path: tuple[str, ...], kind: str, text: str) -> str:
    line = _line_of(path, text)
    where = f"Line {line}: " if line else ""
    name = _shown(".".join(path))
    if kind == "extra_forbidden":
        meant = _meant(path)
        hint = f"; did you mean `{meant}`?" if meant else "."
        return f"{where}`{name}` is not known{hint}"
    known = {key.full_name: key for key in KEYS}.get(".".join(path))
    if known is None:
        return f"{where}`{name}` is a section: write `[{name}]`, and its keys below."
    default = "counts as `admin`" if known.section == "who" else "is left at its default"
    return f"{where}`{name}` is to be {known.expects}; it {default}."


def _meant(path: tuple[str, ...]) -> str | None:
    """The known section or key that an unknown one is a slip of."""
    sections = list(dict.fromkeys(key.section for key in KEYS))
    word = path[-1][:_LONGEST_KEY]
    if len(path) > 1:
        inside = [key.name for key in KEYS if key.section == path[0]]
        found = nearest(word, inside)
        if found is not None:
            return f"{path[0]}.{found}"
    elif (section := nearest(word, sections)) is not None:
        return section
    anywhere = nearest(word, [key.name for key in KEYS])
    return next((key.full_name for key in KEYS if key.name == anywhere), None)


def _line_of(path: tuple[str, ...], text: str) -> int | None:
    """Where a section or key is first named, by its plain spelling; None where it has another."""
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.strip()
        if word.startswith("["):
            here = word.strip("[] \t").partition("]")[0].strip()
            if path == (here,):
                return number
            continue
        key = word.partition("=")[0].strip().replace(" ", "")
        if ".".join(path) in ((f"{here}.{key}" if here else key), key.partition(".")[0]):
            return number
    return None


def _shown(key: str) -> str:
    """A foreign key within a sentence of ours."""
    clean = "".join(each if each.isprintable() else "�" for each in key).replace("`", "'")
    return clean if len(clean) <= _LONGEST_KEY else f"{clean[: _LONGEST_KEY - 1]}…"
