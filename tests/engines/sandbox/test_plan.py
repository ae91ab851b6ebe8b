from hypothesis import given
from hypothesis import strategies as st

from engines.sandbox.plan import Plan, decode, encode, read_plan

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(argv=st.lists(texts), work=texts)
def test_a_plan_reads_back_as_it_was_written(argv: list[str], work: str) -> None:
    plan = Plan()
    plan.argv = argv
    plan.work = work
    assert vars(read_plan(encode(vars(plan)))) == vars(plan)


@given(value=texts)
def test_a_value_may_hold_the_separator_of_its_name(value: str) -> None:
    assert decode(encode({"name": value})) == [("name", value)]


def test_a_file_name_that_is_not_unicode_survives() -> None:
    name = b"\xff.txt".decode("utf-8", "surrogateescape")
    assert decode(encode({"name": name})) == [("name", name)]
