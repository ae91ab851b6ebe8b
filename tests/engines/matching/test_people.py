"""Which signatures are one person, as a history shows it."""

import pytest

from engines.matching.people import People
from engines.matching.types import Merged, Person, Signature


def _task(
    author: Signature, *, branch_of: str = "", reviewer: Signature | None = None, bot: bool = False
) -> Merged:
    return Merged(
        sha="1",
        started_s=1,
        merged_s=1,
        author=author,
        others=(),
        reviewers=(reviewer,) if reviewer else (),
        touches=(),
        text="",
        commits=1,
        by_bot=bot,
        branch_of=branch_of,
    )


def _handle(handle: str) -> Signature:
    return Signature(handle, f"{handle.lower()}@users.noreply.github.com")


def _same(people: People, *signatures: Signature) -> bool:
    return len({people.see(signature) for signature in signatures}) == 1


ANN = Signature("Ann Lee", "ann@work.org")
BOB = Signature("Bob Moe", "bobmoe@work.org")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ANN, Signature("ann", " ANN@work.org")),
        (ANN, Signature("ann  lee", "ann@home.org")),
        (
            Signature("Ann", "12+Annl@users.noreply.github.com"),
            Signature("A", "annl@users.noreply.github.com"),
        ),
        (Signature("ann", ""), Signature("Ann", "")),
    ],
)
def test_an_address_a_handle_or_a_full_name_tell_that_two_are_one(
    one: Signature, other: Signature
) -> None:
    assert _same(People(), one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ANN, BOB),
        (Signature("Ann", "a@x.org"), Signature("Ann", "a@y.org")),
        (Signature("Ann", "root@localhost"), Signature("Bob", "root@localhost")),
        (Signature("Ann", "you@example.com"), Signature("Bob", "you@example.com")),
        (Signature("Your Name", "a@x.org"), Signature("Your Name", "b@x.org")),
        (Signature("Ann", "noreply@x.org"), Signature("Bob", "noreply@x.org")),
    ],
)
def test_what_everybody_might_have_tells_nothing(one: Signature, other: Signature) -> None:
    assert not _same(People(), one, other)


def test_a_person_keeps_the_first_address_and_takes_the_latest_name() -> None:
    people = People()
    index = people.see(ANN)
    assert people.person(index) == Person("ann@work.org", "Ann Lee")
    people.see(Signature("Ann Poe", "ann@work.org"))
    people.see(Signature("", "ann@work.org"))
    assert people.person(index) == Person("ann@work.org", "Ann Poe")


def test_two_people_may_turn_out_to_be_one() -> None:
    people = People()
    one, two = people.see(ANN), people.see(Signature("A. Lee", "al@home.org"))
    assert one != two
    assert people.take_joined() == []
    people.see(Signature("Ann Lee", "al@home.org"))
    assert people.find(two) == one
    assert people.take_joined() == [(one, two)]
    assert people.take_joined() == []
    assert len(people) == 2


def test_knowing_somebody_makes_and_joins_nobody() -> None:
    people = People()
    people.see(ANN)
    assert people.known(BOB) is None
    assert people.known(Signature("ANN LEE", "else@x.org")) == 0
    assert len(people) == 1


def test_a_handle_is_of_who_writes_its_branches() -> None:
    people = People()
    people.take(_task(BOB, reviewer=_handle("anna")))
    assert people.owner("anna") != people.see(ANN)
    for _ in range(3):
        people.take(_task(ANN, branch_of="anna"))
    assert people.owner("Anna") == people.see(ANN) == people.see(_handle("anna"))
    assert people.person(people.see(ANN)).name == "Ann Lee"


def test_a_handle_stays_with_who_wrote_most_of_its_branches() -> None:
    people = People()
    for author in (ANN, BOB, ANN, ANN):
        people.take(_task(author, branch_of="anna"))
    for _ in range(20):
        people.take(_task(BOB, branch_of="anna"))
    assert people.owner("anna") == people.see(ANN) != people.see(BOB)


def test_a_handle_that_an_address_tells_is_not_taken_by_branches() -> None:
    people = People()
    people.take(_task(Signature("Ann Lee", "1+anna@users.noreply.github.com")))
    for _ in range(5):
        people.take(_task(BOB, branch_of="anna"))
    assert not _same(people, ANN, BOB)


def test_an_organisation_is_nobody() -> None:
    people = People()
    for author in (ANN, BOB) * 5:
        people.take(_task(author, branch_of="org"))
    assert people.owner("org") is None


@pytest.mark.parametrize("first", [True, False])
def test_a_bare_handle_is_of_the_only_one_who_is_called_so(*, first: bool) -> None:
    people = People()
    tasks = [_task(BOB), _task(ANN, reviewer=_handle("BobMoe"))]
    for task in tasks if first else reversed(tasks):
        people.take(task)
    assert _same(people, BOB, _handle("BobMoe"))
    assert people.person(people.see(BOB)).name == "Bob Moe"


def test_where_two_are_called_so_a_bare_handle_is_neither() -> None:
    people = People()
    other = Signature("Bob Other", "bobmoe@else.org")
    for task in (_task(BOB), _task(other), _task(ANN, reviewer=_handle("bobmoe"))):
        people.take(task)
    assert people.owner("bobmoe") not in {people.see(BOB), people.see(other)}


def test_bots_are_not_people() -> None:
    people = People()
    people.take(_task(ANN, branch_of="anna", bot=True))
    assert len(people) == 0


def test_the_address_of_anybody_is_no_key() -> None:
    people = People()
    strangers = [
        Signature("Root", "root@localhost"),
        Signature("Toor", "root@localhost"),
        Signature("No Mail", ""),
        Signature("Some Body", ""),
    ]
    keys = [people.person(people.see(one)).key for one in strangers]
    assert keys == ["Root <root@localhost>", "Toor <root@localhost>", "No Mail <>", "Some Body <>"]
    assert [people.signature_of(key) for key in keys] == strangers
    assert people.signature_of("root@localhost") is None


def test_a_handle_is_somebodys_own_where_nearly_all_of_its_branches_are_theirs() -> None:
    people = People()
    others = [Signature(f"Some {name}", f"{name}@x.org") for name in ("Eva", "Fay", "Gil")]
    for handle, many in (("annie", 9), ("acme", 7), ("bobmoe", 6)):
        author = BOB if handle == "bobmoe" else ANN
        for signature in (*[author] * many, *others[: 3 if handle != "annie" else 2]):
            people.take(_task(signature, branch_of=handle))
    assert [people.is_own(handle) for handle in ("annie", "acme", "bobmoe", "nobody")] == [
        True, False, True, False,
    ]  # fmt: skip
