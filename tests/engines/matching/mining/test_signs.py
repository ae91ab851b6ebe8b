"""Who is a bot, and whom messages name."""

import pytest

from engines.matching.mining.signs import (
    accepted_by,
    branch_of,
    co_authors,
    is_bot,
    is_update,
    reviewers,
)
from engines.matching.types import Signature


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
        ("pre-commit-ci[bot]", "66853113+pre-commit-ci[bot]@users.noreply.github.com"),
        ("renovate", "bot@renovateapp.com"),
        ("bors", "bors@rust-lang.org"),
        ("GitHub", "noreply@github.com"),
        ("pyup-bot", "github-bot@pyup.io"),
        ("Hosted Weblate", "hosted@weblate.org"),
        ("Kubernetes Prow Robot", "k8s-ci-robot@users.noreply.github.com"),
        ("Travis CI", "someone@x.org"),
        ("Miss Islington (bot)", "31488909+miss-islington@users.noreply.github.com"),
        ("GitHub Merge Button", "merge-button@github.com"),
        ("mypybot", ""),
        ("Deploy from CI", "x@y.org"),
        ("Claude", "noreply@anthropic.com"),
        ("pytorchmergebot", "pytorchmergebot@users.noreply.github.com"),
    ],
)
def test_programs_are_bots(name: str, email: str) -> None:
    assert is_bot(Signature(name, email))


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Jane Abbot", "jabbot@x.org"),
        ("Claude Moe", "claude@x.org"),
        ("Travis", "travis@x.org"),
        ("Ann Lee", "github@annlee.org"),
        ("Ann Jenkins", "jenkins@x.org"),
        ("Ann Lee", "1+annlee@users.noreply.github.com"),
        ("Ann Lee", "ann+buildbot@x.org"),
        ("Guo Ci", "guoci@x.org"),
        ("Marc Cabot", "cabot@x.org"),
        ("Robert", "robot.lover@x.org"),
        ("", ""),
    ],
)
def test_people_are_not(name: str, email: str) -> None:
    assert not is_bot(Signature(name, email))


def test_trailers_name_people_wherever_they_stand() -> None:
    message = (
        "Title\n\n* one\n\nCo-authored-by: Ann Lee <ann@x.org>\n\n* two\n"
        "co-authored-by: 'Bob' <bob@x.org>  \nCo-authored-by: nobody\n"
        "Reviewed-By: Cyd Noe <cyd@x.org>\nAcked-by: @dan\nReviewer: eve, none, Fay Goe\n"
        "Not-reviewed-by: Gus <gus@x.org>\n"
    )
    assert [*co_authors(message)] == [
        Signature("Ann Lee", "ann@x.org"),
        Signature("Bob", "bob@x.org"),
    ]
    assert [*reviewers(message)] == [Signature("Cyd Noe", "cyd@x.org"), "dan", "eve"]


@pytest.mark.parametrize(
    ("message", "handles", "branch"),
    [
        ("Auto merge of #12 - ann:fix, r=bob", ["bob"], "ann"),
        ("auto merge of #12 : Ann/fix, r=bob,cyd-x", ["bob", "cyd-x"], "ann"),
        ("Auto merge of #12 - ann:fix, r=<try>", [], "ann"),
        ("Auto merge of #12 - ann:fix, r=me", [], "ann"),
        ("Merge #12\n\n12: Fix it r=bob a=ann\n\nWhy r=zed", ["bob"], "ann"),
        ("Merge #1 #2\n\n1: One r=bob a=ann\n2: Two r=cyd a=dan", ["bob", "cyd"], ""),
        ("Merge pull request #12 from ann/fix\n\nSet r=bob", [], "ann"),
        ("Bug 1234 - Mend it. r=bob,@cyd DONTBUILD", ["bob", "cyd"], ""),
        ("Let r=5 in the formula", [], ""),
    ],
)
def test_merges_tell_who_accepted_and_whose_branch_it_was(
    message: str, handles: list[str], branch: str
) -> None:
    assert [*accepted_by(message)] == handles
    assert branch_of(message) == branch


@pytest.mark.parametrize(
    ("subject", "update"),
    [
        ("Merge branch 'master' of github.com:a/b", True),
        ("Merge remote-tracking branch 'origin/main' into work", True),
        ("merge", True),
        ("merged heads", True),
        ("merge with stable", True),
        ("Automated merge with ssh://x.org", True),
        ("Merge branch 'fix' of github.com:a/b", False),
        ("Merge remote-tracking branch 'ann/fix'", False),
        ("Merge pull request #12 from ann/master", False),
        ("Merge #12", False),
        ("Merge sort for lists (#12)", False),
        ("A title (#12)", False),
    ],
)
def test_who_only_catches_up_accepts_nothing(subject: str, *, update: bool) -> None:
    assert is_update(subject) is update


def test_an_at_sign_alone_is_nobodys_address_and_long_trailers_take_no_longer() -> None:
    assert [*reviewers("Reviewed-by: <@>\nReviewed-by: Ann <@x>")] == []
    spaced = f"Reviewed-by: a{' ' * 100_000}b\nReviewed-by: a <{'@' * 100_000}"
    assert [*reviewers(spaced)] == []
