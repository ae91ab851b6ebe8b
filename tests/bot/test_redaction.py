"""No secret leaves in a reply, also not in two halves."""

from bot.redaction import redacted_caller, redacted_model
from handlers import Caller, Platform
from jobs.messages import Code, Collapsible, Fields, Reply, Table, Text
from storage.ids import new_artifact_id
from storage.redaction import HIDDEN, Redactor

SECRET = "ghp_" + "a1B2c3" * 6
REDACTOR = Redactor()


def test_secrets_are_found_in_every_corner_of_a_reply() -> None:
    table = Table(header=("a",), rows=((SECRET,),))
    reply = Reply(
        summary=SECRET,
        blocks=(
            Text(markdown=SECRET),
            Collapsible(title=SECRET, blocks=(table, Code(text=SECRET))),
            Fields(pairs=((SECRET, SECRET),)),
        ),
    )
    said = redacted_model(reply, REDACTOR).model_dump_json()
    assert SECRET not in said
    assert said.count(HIDDEN) == 7


def test_a_secret_that_two_blocks_share_is_taken_out_of_both() -> None:
    reply = Reply(
        summary="two halves",
        blocks=(Text(markdown=f"first {SECRET[:20]}"), Code(text=f"{SECRET[20:]}\nand more")),
    )
    said = redacted_model(reply, REDACTOR)
    assert said.blocks == (Text(markdown=f"first {HIDDEN}"), Code(text=f"{HIDDEN}\nand more"))


def test_a_reply_without_secrets_is_the_same_reply() -> None:
    reply = Reply(summary="nothing", blocks=(Text(markdown=f"`{new_artifact_id()}`"),))
    assert redacted_model(reply, REDACTOR) is reply


def test_a_person_s_name_is_told_without_the_secret_in_it() -> None:
    caller = Caller(platform=Platform.DISCORD, account="7", name="it is AKIAF7XPXERVTFET4EAC")
    told = redacted_caller(caller, Redactor())
    assert (told.account, told.name) == ("7", f"it is {HIDDEN}")
