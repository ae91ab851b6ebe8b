"""Which signatures are one person: joined as a history is read, never by what comes later.

Two signatures are one person if they share an e-mail address, the handle in GitHub's noreply
address, or a full name. Whose branches lie under a handle is its owner, once that is clear.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engines.matching.types import Merged, Person, Signature

_NOREPLY = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com")
_WORDS = 2
"""Of a name that tells people apart; "Alex" alone is too many people."""
_ANYBODYS_EMAIL = re.compile(
    r"(?:root|ubuntu|vagrant|ec2-user|user|you|your|none|nobody|unknown|\(no author\))@.*"
    r"|.*@(?:localhost|(?:.*\.)?(?:localdomain|local|internal|example|invalid|\(none\))"
    r"|(?:your-?)?(?:example|domain|email)\.(?:com|org|net))"
    r"|no-?reply@.*"
)
_ANYBODYS_NAME = re.compile(
    r"(?:your|first|full|last|no|test|unknown|github|git|user|root|dummy)\W?(?:first|last|full)?\W?"
    r"(?:name|author|user|unknown|root|lastname)|john doe|jane doe"
)
"""What git, an installer or a manual proposes: it tells nobody apart."""
_LONG = 5
"""Letters of what stands before an @ that name somebody elsewhere, too."""
_LEAST_BRANCHES = 3
_SHARE = 0.75
"""Of the branches under a handle, before it is taken for that of who wrote them. Who rolls up the
work of others has some of theirs; an organisation has one of its people's, but signs nothing."""

_CLEAR_SHARE = 0.8
"""Of them all in the end, for others to be told that the handle is theirs."""


class People:
    """A union-find over signatures. Indices are given in the order of first sight."""

    def __init__(self) -> None:
        """Nobody is known."""
        self._parents: list[int] = []
        self._persons: list[Person] = []
        self._by_mark: dict[str, int] = {}
        self._by_signature: dict[Signature, int] = {}
        self._joined: list[tuple[int, int]] = []
        self._bare: set[int] = set()  # of whom nothing is known but a handle
        self._nicks: dict[str, set[int]] = {}
        self._branches: dict[str, Counter[int]] = {}

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> "People":
        """Who `as_json` told of; raises LookupError, TypeError or ValueError for others."""
        people = cls()
        people._parents = list(kept["parents"])
        people._persons = [Person(key, name) for key, name in kept["persons"]]
        people._by_mark = dict(kept["marks"])
        people._by_signature = {
            Signature(name, email): index for name, email, index in kept["signatures"]
        }
        people._bare = set(kept["bare"])
        people._nicks = {nick: set(called) for nick, called in kept["nicks"].items()}
        people._branches = {
            handle: Counter(dict(counts)) for handle, counts in kept["branches"].items()
        }
        return people

    def as_json(self) -> dict[str, Any]:
        """Everything there is to know, but for who was joined and not yet taken."""
        return {
            "parents": self._parents,
            "persons": [(person.key, person.name) for person in self._persons],
            "marks": self._by_mark,
            "signatures": [(*signed, index) for signed, index in self._by_signature.items()],
            "bare": sorted(self._bare),
            "nicks": {nick: sorted(called) for nick, called in self._nicks.items()},
            "branches": {handle: [*one.items()] for handle, one in self._branches.items()},
        }

    def __len__(self) -> int:
        """Indices given so far, those of joined people included."""
        return len(self._parents)

    def see(self, signature: Signature) -> int:
        """The index of who signed, made on first sight; may find that two people are one."""
        known = self._by_signature.get(signature)
        if known is not None:
            index = self.find(known)
        else:
            index = self._placed(signature)
            self._by_signature[signature] = index
        person = self._persons[index]
        if signature.name and person.name != signature.name and not _bare_handle(signature):
            self._persons[index] = Person(person.key, signature.name)
        return index

    def take(self, task: Merged) -> None:
        """See everybody of a task, and learn whose the handle is under which its branch lay."""
        if task.by_bot:
            return
        for signature in (task.author, *task.others, *task.reviewers):
            self.see(signature)
        if task.branch_of:
            self._credit(task.branch_of, self.see(task.author))

    def owner(self, handle: str) -> int | None:
        """The index of who has a handle on GitHub, where that is known."""
        index = self._by_mark.get(_handle_mark(handle))
        return None if index is None else self.find(index)

    def signature_of(self, key: str) -> Signature | None:
        """One by which the person of a key is known; None where nobody has it."""
        signatures = self._by_signature.items()
        return next((signed for signed, one in signatures if self.person(one).key == key), None)

    def is_own(self, handle: str) -> bool:
        """Whether branches tell clearly whose a handle is: an organisation's has those of several,
        and one of them may have begun it.
        """
        handle, owner = handle.lower(), self.owner(handle)
        branches = Counter(map(self.find, self._branches.get(handle, Counter()).elements()))
        if owner is None or not branches:
            return False
        is_called_so = owner in map(self.find, self._nicks.get(handle, ()))
        return is_called_so or branches[owner] >= _CLEAR_SHARE * branches.total()

    def known(self, signature: Signature) -> int | None:
        """The index of who signed, if somebody seen so far did; nobody is made or joined."""
        found = self._by_signature.get(signature)
        if found is None:
            marks = marks_of(signature)
            found = next((self._by_mark[mark] for mark in marks if mark in self._by_mark), None)
        return None if found is None else self.find(found)

    def find(self, index: int) -> int:
        """The index under which a person is known now."""
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    def person(self, index: int) -> Person:
        """Who has an index."""
        return self._persons[self.find(index)]

    def take_joined(self) -> list[tuple[int, int]]:
        """Pairs (kept, gone) of people who turned out to be one since the last call."""
        joined, self._joined = self._joined, []
        return joined

    def _placed(self, signature: Signature) -> int:
        marks = marks_of(signature)
        found = [self._by_mark[mark] for mark in marks if mark in self._by_mark]
        bare = _bare_handle(signature)
        if found:
            index = self._one(found)
            if not bare:
                self._bare.discard(index)
        else:
            index = len(self._parents)
            self._parents.append(index)
            self._persons.append(Person(_key_of(signature, marks), signature.name))
            if bare:
                self._bare.add(index)
        for mark in marks:
            self._by_mark[mark] = index
        nicks = () if bare else _nicks(signature)
        for nick in nicks:
            self._nicks.setdefault(nick, set()).add(index)
        for handle in (bare,) if bare else nicks:
            self._attribute(handle)
        return self.find(index)

    def _attribute(self, handle: str) -> None:
        """Whose a handle is of which nothing else is known: the one person's who is called so."""
        owner = self.owner(handle)
        called = {self.find(index) for index in self._nicks.get(handle, ())}
        if owner in self._bare and len(called) == 1:
            self._one([owner, *called])

    def _credit(self, handle: str, author: int) -> None:
        """Whose a handle is under which branches lie: the one person's who wrote most of them."""
        branches = self._branches.setdefault(handle, Counter())
        branches[author] += 1
        owner = self.owner(handle)
        if owner is not None and owner not in self._bare:
            return
        theirs = sum(count for index, count in branches.items() if self.find(index) == author)
        if theirs >= _LEAST_BRANCHES and theirs >= _SHARE * branches.total():
            self._by_mark[_handle_mark(handle)] = self._one([author, owner or author])

    def _one(self, indices: list[int]) -> int:
        """Join people, under the index of who was seen first."""
        index, *others = sorted(set(map(self.find, indices)))
        for gone in others:
            self._parents[gone] = index
            self._joined.append((index, gone))
            if index in self._bare:
                person = self._persons[gone]
                self._persons[index] = Person(self._persons[index].key, person.name)
        if not self._bare.issuperset([index, *others]):
            self._bare.discard(index)
        return index


def marks_of(signature: Signature) -> list[str]:
    """What a signature shares with others of the same person."""
    email = signature.email.strip().lower()
    marks = ["email " + email] if "@" in email and not _ANYBODYS_EMAIL.fullmatch(email) else []
    if noreply := _NOREPLY.fullmatch(email):
        marks.append(_handle_mark(noreply[1]))
    name = " ".join(signature.name.lower().split())
    if len(name.split()) >= _WORDS and not _ANYBODYS_NAME.fullmatch(name):
        marks.append(f"name {name}")
    return marks or [f"only {name} {email}"]


def _key_of(signature: Signature, marks: Sequence[str]) -> str:
    """An address, where it is one person's."""
    is_theirs = any(mark.startswith("email ") for mark in marks)
    return signature.email if is_theirs else f"{signature.name} <{signature.email}>"


def _handle_mark(handle: str) -> str:
    return f"handle {handle.lower()}"


def _bare_handle(signature: Signature) -> str:
    """The handle in a signature that tells nothing else; empty for others."""
    handle = signature.name.lower()
    return handle if signature.email == f"{handle}@users.noreply.github.com" else ""


def _nicks(signature: Signature) -> set[str]:
    """What somebody may be called by in short: a name of one word, or what stands before the @."""
    name, local = signature.name.strip().lower(), signature.email.lower().partition("@")[0]
    nicks: set[str] = set()
    if len(local) >= _LONG and not _ANYBODYS_EMAIL.fullmatch(local + "@"):
        nicks.add(local)
    if name and " " not in name:
        nicks.add(name)
    return nicks
