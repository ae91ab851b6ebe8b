"""What people say and what they read, over the whole spine."""

from dataclasses import replace

from inline_snapshot import snapshot

from handlers import PullRequest, Tier
from jobs.desk import Declined, Desk, Done, Transient
from jobs.requests import JobRequest
from storage import audit, feedback, inbox
from storage.clock import utc_now
from storage.ids import JobId
from tests.fakes.chat import Chat, easy_work

FORK = PullRequest(
    number=12,
    head_sha="3f9d2c41ab07" + "0" * 28,
    head_repository="mallory/r",
    base_repository="o/r",
    base_ref="main",
    author="mallory",
)


async def test_a_command_becomes_a_job_with_one_status_and_one_result(chat: Chat) -> None:
    assert await chat.say("@gryph test src/a.py") == snapshot("""\
[test succeeded: 3 tests pass]
---
3 tests for src/a.py

  Apply  gryph ask "apply J-ID"
  Retry  gryph ask "retry J-ID"\
""")
    assert [message.kind for message in chat.platform.messages] == ["status", "result"]


async def test_the_status_message_tells_every_state_in_turn(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    texts = chat.platform.messages[0].texts
    assert texts[0].startswith("[test queued")
    assert texts[-1] == "[test succeeded: 3 tests pass]"


async def test_same_delivery_twice_is_one_job(chat: Chat) -> None:
    assert await chat.send("@gryph test src/a.py", key="Ev1")
    assert not await chat.send("@gryph test src/a.py", key="Ev1")
    await chat.until_quiet()
    assert len(chat.platform.messages) == 2


async def test_an_edit_runs_only_what_is_new(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    answer = await chat.say(
        "@gryph test src/a.py\n@gryph test src/b.py", previous="@gryph test src/a.py"
    )
    assert "src/b.py" in answer
    assert "src/a.py" not in answer


async def test_six_commands_in_one_message_are_five_jobs_and_a_word(chat: Chat) -> None:
    answer = await chat.say("\n".join(f"@gryph test src/{n}.py" for n in range(6)))
    assert answer.count("3 tests for") == 5
    assert "were left out" in answer


async def test_a_typo_is_answered_with_the_place_and_the_right_word(chat: Chat) -> None:
    assert await chat.say("@gryph tset src/a.py") == snapshot("""\
There is no command `tset`. Did you mean `test`?
    /gryph tset src/a.py
           ^^^^
Nearest correct command:
    /gryph test src/a.py
Example: `/gryph test src/parser.py`

  Run it  gryph ask "test src/a.py"\
""")


async def test_plain_words_are_answered_with_what_we_understood(chat: Chat) -> None:
    assert await chat.say("@gryph can you please write tests for src/a.py") == snapshot("""\
Did you mean this?
    /gryph test src/a.py

  Run it  gryph ask "test src/a.py"\
""")


async def test_chatter_that_is_not_for_us_is_left_alone(chat: Chat) -> None:
    assert await chat.say("we should test src/a.py some day") == ""


async def test_help_lists_every_command(chat: Chat) -> None:
    assert await chat.say("@gryph help", by="stranger") == snapshot("""\
What I can do
─────────────

Command            What it does
`/gryph test`      Write tests for code, or show what a pull request changes in how it behaves
`/gryph generate`  Write, fix or refactor code with a model, and check what it wrote
`/gryph plan`      Plan who does what and when, tell how sure that is, and plan again after an event
`/gryph match`     Name who should take a task or review a change, and why; or who knows which code
`/gryph status`    Show where a job is, or your latest jobs
`/gryph cancel`    Stop a job that waits or runs
`/gryph retry`     Run a finished job again, with the same request on the same commit
`/gryph explain`   Tell what a job was asked, on which commit, and what happened when
`/gryph approve`   Let one commit of a fork's pull request run here
`/gryph apply`     Put a job's files into the repository: a pull request, or files on this machine
`/gryph feedback`  Say whether a result was good, in words or with up/down
`/gryph link`      Link your accounts on two platforms
`/gryph config`    Show or set this channel's repository and your own preferences
`/gryph quota`     Show how many commands you, this workspace and this repository have left
`/gryph help`      Show what I can do, or one command in detail

Mention me (`@gryph test src/a.py`) or use `/gryph`; one line is one job. `/gryph help test` tells more about one command.\
""")


async def test_help_for_one_command_tells_who_may(chat: Chat) -> None:
    assert await chat.say("@gryph help test") == snapshot("""\
/gryph test
───────────

Write tests for code, or show what a pull request changes in how it behaves.

The code is read, then run in a sandbox without network on typed and mined inputs. What comes back has passed in fresh processes; calls that crash are listed as possible bugs, not hidden in a test. Apply puts the file into the repository: as a pull request on GitHub, as a file on your own machine. Of a folder the modules that nothing tests yet and that have most to test come first, a file of tests for each. Besides Python, JavaScript and TypeScript (for Jest) and Java (for JUnit 5) are known; what is missing for them on the worker's machine is told.

With `model=default` (Python) a model is shown up to three functions that the search left with lines or branches that no test runs, and asked for tests that do. Each of them has to pass as the others do, in the sandbox, several times, and to reach something new; the answer tells which are the model's, and what was dropped and why. What a model writes is not the same every time, whatever the seed.

Of a pull request (`test #12`, its address, or just `test` in it) the code before and after are run on the same inputs and the tests that are there, and what came out differently is told function by function, on the lines it belongs to. `base=main` does the same for any branch, and for a folder of your own machine as it lies there.

Option          What                                                                Values
`style=…`       How the tests are written.                                          pytest, unittest
`properties=…`  Whether laws that hold become Hypothesis tests; if not said, where  yes, no
                the repository uses Hypothesis.
`base=…`        Compare with where the code parted from this branch or commit.
`budget=…`      CPU seconds in all, 1 to 120.                                       8s
`seed=…`        The same seed gives the same tests.                                 1
`model=…`       The model to ask for tests of what the search did not reach, of
                those that `gryph model list` shows, or `default`; if not said,
                none is asked.

/gryph test src/parser.py
/gryph test src/parser.py::Parser.parse
/gryph test src/parser.py#L10-40 style=unittest
/gryph test src/
/gryph test #12
/gryph test base=main

Open to: people with write access and the pull request's author.\
""")


async def test_a_stranger_may_not_run_code(chat: Chat) -> None:
    assert await chat.say("@gryph test src/a.py", by="mallory") == snapshot(
        "`test` is open to people with write access; here you have no access."
    )


async def test_a_file_outside_the_repository_is_refused(chat: Chat) -> None:
    assert "outside the repository" in await chat.say("@gryph test ../../etc/passwd.py")


async def test_another_repository_is_not_open_to_this_channel(chat: Chat) -> None:
    assert "not open to this place" in await chat.say("@gryph test other/secret:src/a.py")


async def test_without_a_repository_the_person_is_told_how_to_name_one(chat: Chat) -> None:
    chat.platform.repository = None
    assert "config repository=owner/name" in await chat.say("@gryph test src/a.py")


async def test_what_the_person_can_mend_is_said_as_the_result(chat: Chat) -> None:
    def declined(request: JobRequest, desk: Desk) -> Done:
        raise Declined("`src/a.py` line 3: invalid syntax.")

    chat.work = declined
    assert await chat.say("@gryph test src/a.py") == snapshot("""\
[test failed: `src/a.py` line 3: invalid syntax.]
---
`src/a.py` line 3: invalid syntax.

  Retry  gryph ask "retry J-ID"\
""")


async def test_our_own_bug_is_told_with_the_job_and_without_detail(chat: Chat) -> None:
    def broken(request: JobRequest, desk: Desk) -> Done:
        raise KeyError("secret detail")

    chat.work = broken
    answer = await chat.say("@gryph test src/a.py")
    assert answer == snapshot("""\
[test failed: internal error]
---
Something broke on our side (`KeyError`), not in your code. It is in the worker's log under job `J-ID`.

  Retry  gryph ask "retry J-ID"\
""")
    assert "secret detail" not in answer


async def test_a_transient_failure_is_tried_again(chat: Chat) -> None:
    tries: list[int] = []

    def flaky(request: JobRequest, desk: Desk) -> Done:
        tries.append(1)
        if len(tries) == 1:
            raise Transient("the host does not answer")
        return easy_work(request, desk)

    chat.work = flaky
    assert "3 tests for src/a.py" in await chat.say("@gryph test src/a.py")
    assert len(tries) == 2


async def test_a_running_job_is_cancelled_from_the_thread(chat: Chat) -> None:
    def slow(request: JobRequest, desk: Desk) -> Done:
        while not desk.watch.stop_requested():
            pass
        return easy_work(request, desk)

    chat.work = slow
    await chat.send("@gryph test src/a.py")
    while not any("running" in m.texts[-1] for m in chat.platform.messages):
        await chat.tick()
    job = await chat.newest_job()
    answer = await chat.say(f"@gryph cancel {job.id}")
    assert "Stopping `J-ID`" in answer
    assert "[test cancelled" in chat.read()


async def test_only_who_may_cancels(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    assert "`cancel` is open to" in await chat.say(f"@gryph cancel {job.id}", by="mallory")


async def test_a_finished_job_is_retried_as_a_new_one(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    first = await chat.newest_job()
    assert "3 tests for src/a.py" in await chat.say(f"@gryph retry {first.id}")
    second = await chat.newest_job()
    assert (second.retry_of, second.request) == (first.id, first.request)


async def test_who_lost_write_access_may_not_retry(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    chat.platform.tiers["ann"] = Tier.READ
    assert "`test` is open to" in await chat.say(f"@gryph retry {job.id}")


async def test_a_forks_code_waits_for_an_approval_of_its_head(chat: Chat) -> None:
    chat.platform.pull = FORK
    await maintained_by_bob(chat)
    assert "waiting" in await chat.say("@gryph test src/a.py", by="mallory")
    assert "commit" in await chat.say("@gryph approve 0000000", by="bob")
    assert "commit" in await chat.say(f"@gryph approve {FORK.head_sha[:12]}", by="bob")
    answer = await chat.say(f"@gryph approve {FORK.head_sha}", by="bob")
    assert answer == snapshot("""\
Approved commit `3f9d2c41ab07` for running; the next push needs a new approval. Queued: `J-ID`.
---
3 tests for src/a.py

  Apply  gryph ask "apply J-ID"
  Retry  gryph ask "retry J-ID"\
""")
    assert "3 tests for src/a.py" in chat.read()


async def maintained_by_bob(chat: Chat) -> None:
    chat.platform.tiers |= {"bob": Tier.WRITE, "bob-on-github": Tier.WRITE}
    await chat.link("bob", "bob-on-github")


async def test_an_approval_dies_with_its_givers_access_to_the_repository(chat: Chat) -> None:
    chat.platform.pull = FORK
    await maintained_by_bob(chat)
    await chat.say(f"@gryph approve {FORK.head_sha}", by="bob")
    assert "3 tests" in await chat.say("@gryph test src/a.py", by="mallory")
    chat.platform.tiers["bob-on-github"] = Tier.READ  # and still a member of the workspace
    assert "waiting" in await chat.say("@gryph test src/a.py", by="mallory")


async def test_an_approval_dies_with_the_next_push(chat: Chat) -> None:
    chat.platform.pull = FORK
    await chat.say(f"@gryph approve {FORK.head_sha}")
    chat.platform.pull = replace(FORK, head_sha="9" * 40)
    assert "waiting" in await chat.say("@gryph test src/a.py", by="mallory")


async def test_apply_writes_the_jobs_files(chat: Chat) -> None:
    chat.files["tests/test_a.py"] = b"def test_a(): ..."
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    assert "link your GitHub account" in await chat.say(f"@gryph apply {job.id}")
    await chat.link("ann", "ann-on-github")
    assert "no write access" in await chat.say(f"@gryph apply {job.id}")
    chat.platform.tiers["ann-on-github"] = Tier.WRITE
    assert "https://example.test/pull/1" in await chat.say(f"@gryph apply {job.id}")
    assert [one.requested_by.name for one in chat.platform.applied] == ["ann-on-github"]
    assert [dict(one.files) for one in chat.platform.applied] == [
        {"tests/test_a.py": b"def test_a(): ..."}
    ]


async def test_apply_without_a_file_says_so(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    assert "produced no file" in await chat.say(f"@gryph apply {job.id}")


async def test_a_reaction_is_a_vote_and_taking_it_off_removes_it(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = JobId((await chat.newest_job()).id)
    await chat.react("+1", f"{job}:result", by="bob")
    await chat.react("-1", f"{job}:result", by="ann")
    tally = await chat.database.read(lambda s: feedback.tally(s, job))
    assert (tally.up, tally.down) == (1, 1)
    await chat.react("+1", f"{job}:result", by="bob", added=False)
    tally = await chat.database.read(lambda s: feedback.tally(s, job))
    assert (tally.up, tally.down) == (0, 1)


async def test_feedback_in_words_replaces_the_earlier_vote(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = JobId((await chat.newest_job()).id)
    await chat.say(f"@gryph feedback {job} up")
    await chat.say(f"@gryph feedback {job} down the names say nothing")
    tally = await chat.database.read(lambda s: feedback.tally(s, job))
    assert (tally.up, tally.down) == (0, 1)


async def test_status_lists_my_jobs_and_explain_tells_one(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    job = await chat.newest_job()
    assert "test src/a.py" in await chat.say("@gryph status")
    assert await chat.say(f"@gryph status {job.id}") == snapshot("""\
Job J-ID
───────────

State    succeeded
Command  `test src/a.py`
Asked    0 s ago
Now      3 tests pass\
""")
    assert "a" * 40 in await chat.say(f"@gryph explain {job.id}")


async def test_config_keeps_a_persons_style(chat: Chat) -> None:
    await chat.say("@gryph config style=unittest", by="ann")
    await chat.say("@gryph test src/a.py")
    assert (await chat.newest_job()).request["style"] == "unittest"


async def test_a_channels_repository_is_an_administrators_choice(chat: Chat) -> None:
    assert "administrator" in await chat.say("@gryph config repository=o/other")
    chat.platform.tiers["root"] = Tier.ADMIN
    assert "link your GitHub account" in await chat.say(
        "@gryph config repository=o/other", by="root"
    )
    await chat.link("root", "root-on-github")
    assert "may not read" in await chat.say("@gryph config repository=o/other", by="root")
    chat.platform.tiers["root-on-github"] = Tier.READ
    assert "is now" in await chat.say("@gryph config repository=o/other", by="root")


async def test_link_codes_are_not_given_out_in_a_channel(chat: Chat) -> None:
    assert "yours alone" in await chat.say("@gryph link github:ann")
    assert "I know you as:" in await chat.say("@gryph link")


async def test_too_many_commands_are_told_when_to_come_back(chat: Chat) -> None:
    for _ in range(6):
        await chat.say("\n".join(["@gryph quota"] * 5))
    assert "come back in" in await chat.say("@gryph quota")


async def test_with_the_queue_down_the_command_is_kept_and_runs_later(chat: Chat) -> None:
    chat.queue.down = True
    await chat.send("@gryph test src/a.py")
    while not chat.platform.messages:
        await chat.tick()
    assert chat.read() == "[test queued]"
    chat.queue.down = False
    await chat.until_quiet()
    assert "3 tests for src/a.py" in chat.read()


async def test_a_busy_platform_gets_every_message_once_all_the_same(chat: Chat) -> None:
    chat.platform.busy = 2
    await chat.say("@gryph test src/a.py")
    assert [message.kind for message in chat.platform.messages] == ["status", "result"]


async def test_every_command_is_in_the_audit_chain(chat: Chat) -> None:
    await chat.say("@gryph test src/a.py")
    await chat.say("@gryph help")
    verdict = await chat.database.read(lambda s: audit.verify(s, b"k" * 32))
    assert (verdict.ok, verdict.rows) == (True, 2)


async def test_an_event_that_cannot_be_read_is_dropped_and_the_next_one_handled(chat: Chat) -> None:
    await chat.database.write(
        lambda s: inbox.claim(s, "slack", {"kind": "invocation"}, ["odd"], utc_now(), holder=None)
    )
    assert "3 tests for" in await chat.say("@gryph test src/a.py")


async def test_a_folder_is_one_job_and_a_function_of_it_is_none(chat: Chat) -> None:
    await chat.say("@gryph test src/")
    assert (await chat.newest_job()).request["path"] == "src"
    assert "name the one that holds" in await chat.say("@gryph test src::parse")
    assert "in no language" in await chat.say("@gryph test src/a.rs")


async def test_properties_are_asked_for_in_words_and_for_python(chat: Chat) -> None:
    for line, wanted in (("", None), (" properties=yes", True), (" --properties no", False)):
        await chat.say(f"@gryph test src/a.py{line}")
        assert (await chat.newest_job()).request["properties"] is wanted
    assert "is for Python" in await chat.say("@gryph test src/a.js properties=yes")


async def test_a_model_is_asked_for_by_name_for_python_and_only_then(chat: Chat) -> None:
    for line, wanted in (("", None), (" model=default", "default"), (" --model small", "small")):
        await chat.say(f"@gryph test src/a.py{line}")
        request = (await chat.newest_job()).request
        assert (request["model"], request["workspace"]) == (wanted, "slack:T1")
    assert "of Python only" in await chat.say("@gryph test src/a.js model=default")
    assert "a comparison writes none" in await chat.say("@gryph test base=main model=default")


async def test_a_comparison_needs_to_know_with_what(chat: Chat) -> None:
    assert "Which file?" in await chat.say("@gryph test")
    assert "Whole files are compared" in await chat.say("@gryph test src/a.py::f base=main")
    assert "a comparison writes none" in await chat.say("@gryph test base=main style=unittest")
    assert "a comparison writes none" in await chat.say("@gryph test base=main properties=yes")
    assert "GitHub is not connected" in await chat.say("@gryph test #12")
    assert "name a branch" in await chat.say("@gryph test base=refs/pull/12/head")
    assert await chat.jobs() == []
