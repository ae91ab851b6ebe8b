"""Ask, check, and ask for a repair: at most so often, and honest about what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.generation.answers import read_answer, without_thoughts
from engines.generation.applying import Applied, apply
from engines.generation.asking import Answered, Pace, added, nobody, read
from engines.generation.asking import Draft as OnDraft
from engines.generation.checks.stages import Inspected, Inspection
from engines.generation.drafts import Draft
from engines.generation.ground import Budget, OutOfBudget
from engines.generation.originals import NotText, Originals
from engines.generation.prompts import Prompt, complaint, repair
from engines.generation.tasks import Attempt, Check, CheckOutcome, Limits, Task
from engines.generation.types import (
    GREEDY,
    Backend,
    Message,
    ModelRequest,
    ModelUnavailable,
    RequestRefused,
    Sampling,
    Usage,
    Writing,
)
from engines.watch import Stopped

_ANSWER = "answer"
"""The name of the first check: that there are whole files in the answer."""
_SHORTER = "Write less: edits of what changes, and no more than the wish needs."
_TOP_P = 0.95


@dataclass(frozen=True)
class Tried:
    """One answer, and what its checks said."""

    answer: str
    files: Mapping[str, str]
    """As the model wrote them."""
    inspected: Inspected
    explanation: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Nothing failed, and tests show that it does what it should."""
        return not self.inspected.failed and not self.inspected.unproven

    @property
    def rank(self) -> tuple[int, int, bool]:
        """The greater the better."""
        inspected = self.inspected
        return inspected.stages, inspected.tests_passed, self.is_proven


@dataclass
class Loop:
    """The rounds of one task. For one thread."""

    task: Task
    backend: Backend
    prompt: Prompt
    originals: Originals
    inspection: Inspection
    budget: Budget
    on_draft: OnDraft = nobody
    best: Tried | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    rounds: int = 0
    gave_up: str = ""
    """Why no further repair was tried, where it was not for their number."""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    notes: list[str] = field(default_factory=list[str])
    is_stopped: bool = False

    @property
    def limits(self) -> Limits:
        """The task's."""
        return self.budget.limits

    def run(self) -> None:
        """Ask and repair; what came of it is in the attributes.

        Raises:
            Stopped: The person cancelled, and there is nothing to show.
            ModelUnavailable: No first answer can be had.
            RequestRefused: The model does not take the task.
        """
        try:
            self._first_round()
            self._repairs()
            self._look_at_the_rest()
        except OutOfBudget as reason:
            self.gave_up = str(reason)
        except Stopped:
            if self.best is None or not self.best.inspected.draft.files:
                raise
            self.is_stopped = True

    def _first_round(self) -> None:
        """All candidates are asked at once, so that they share the model's batches."""
        self.budget.watch.phase("ask")
        self.budget.watch.report("the model writes")
        requests = [self._request((), number) for number in range(max(1, self.limits.candidates))]
        writings = self._submitted(requests)
        try:
            answers = self._answers(writings, requests)
        except BaseException:
            for writing in writings:
                writing.cancel()
            raise
        for number, answered in answers.items():
            self._try(answered, self.originals, {}, 0, number)
            if self.best and self.best.is_proven:
                return

    def _answers(
        self, writings: Sequence[Writing], requests: Sequence[ModelRequest]
    ) -> dict[int, Answered]:
        """By candidate; one that fails is told, unless none is left."""
        answers: dict[int, Answered] = {}
        failures: list[Exception] = []
        for number, writing in enumerate(writings):
            try:
                answers[number] = self._read(writing, requests[number], is_shown=number == 0)
            except (ModelUnavailable, RequestRefused) as reason:
                failures.append(reason)
            except OutOfBudget as reason:
                for late in writings[number:]:
                    late.cancel()
                if not answers:
                    raise
                failures += [reason] * (len(writings) - number)
                break
        if not answers:
            raise _all_of(failures)
        self.notes.extend(f"One of {len(requests)} answers was lost: {one}" for one in failures)
        return answers

    def _submitted(self, requests: Sequence[ModelRequest]) -> list[Writing]:
        writings = [self.backend.submit(requests[0])]
        for number, request in enumerate(requests[1:], start=1):
            try:
                writings.append(self.backend.submit(request))
            except (ModelUnavailable, RequestRefused) as reason:
                self.notes.append(f"Only {number} of {len(requests)} answers were had: {reason}")
                break
        return writings

    def _request(self, turns: tuple[Message, ...], candidate: int) -> ModelRequest:
        sampling = GREEDY
        if candidate:
            sampling = Sampling(self.limits.temperature, _TOP_P, seed=candidate)
        return ModelRequest(
            (*self.prompt.messages, *turns),
            self.prompt.answer_tokens,
            sampling,
            deadline_s=max(1.0, self.budget.left_s),
        )

    def _read(self, writing: Writing, request: ModelRequest, *, is_shown: bool) -> Answered:
        pace = Pace(self.on_draft if is_shown else nobody)
        answered = read(writing, request, self.backend, self.budget, pace)
        self.usage = added(self.usage, answered.usage)
        self.model = answered.model or self.backend.name
        self.notes.extend(answered.remarks)
        return answered

    def _repairs(self) -> None:
        """The conversation goes on from the last answer; what is kept is the best."""
        latest, turns = self.best, ()
        while latest and latest.inspected.failed and self.rounds < self.limits.repairs:
            told = complaint(latest.inspected.failed, latest.inspected.told)
            fitting = repair(self.prompt, turns, latest.answer, told, self.backend)
            if fitting is None:
                self.gave_up = "a repair does not fit into what the model can read"
                return
            turns = fitting
            self.rounds += 1
            self.budget.watch.phase("repair")
            self.budget.watch.report(f"repair {self.rounds}: {latest.inspected.failed} failed")
            request = self._request(turns, 0)
            try:
                answered = self._read(self.backend.submit(request), request, is_shown=True)
            except (ModelUnavailable, RequestRefused) as reason:
                self.gave_up = f"the repair could not be had: {reason}"
                return
            written = latest.inspected.draft.files
            seen = Originals(self.task.root, written, (latest.files, self.originals.earlier))
            latest = self._try(answered, seen, written, self.rounds, 0)

    def _try(
        self, answered: Answered, seen: Originals, written: Mapping[str, str],
        round_: int, candidate: int,
    ) -> Tried:  # fmt: skip
        """Make files of an answer and check them. `written` are those of the answer before it."""
        self.budget.watch.phase("check")
        answer = read_answer(answered.text)
        applied = apply(answer, self.task, seen)
        files = {**self.originals.earlier, **written, **applied.files}
        draft = Draft(self.originals, self._changed(files))
        text = without_thoughts(answered.text)
        tried = Tried(text, files, Inspected(draft), answer.explanation, applied.notes)
        if applied.problems:
            tried = replace(tried, inspected=_unusable(draft, applied, answered))
            self._keep(tried)
        else:
            self._keep(tried)
            tried = self._inspected(tried)
        inspected = tried.inspected
        self.attempts.append(
            Attempt(round_, candidate, inspected.failed, inspected.told, inspected.tests_passed)
        )
        return tried

    def _changed(self, files: Mapping[str, str]) -> dict[str, str]:
        """Without those that are what the repository has."""
        return {path: text for path, text in files.items() if self._original(path) != text}

    def _original(self, path: str) -> str | None:
        try:
            return self.originals.text(path)
        except NotText:
            return None

    def _inspected(self, tried: Tried) -> Tried:
        for one in self.inspection.inspect(tried.inspected.draft):
            tried = replace(tried, inspected=one)
            self._keep(tried)
            self._report(one)
        return tried

    def _report(self, inspected: Inspected) -> None:
        if inspected.checks:
            check = inspected.checks[-1]
            self.budget.watch.report(f"checked: {check.name} {check.outcome}")

    def _keep(self, tried: Tried) -> None:
        """As the best, if it is; a later one that is as good is better: it was asked to be."""
        is_same = self.best is not None and self.best.answer == tried.answer
        if self.best is None or is_same or tried.rank >= self.best.rank:
            self.best = tried

    def _look_at_the_rest(self) -> None:
        """What is left of the checks for an answer that failed one: a person decides with it."""
        best = self.best
        if best and best.inspected.failed not in {"", _ANSWER} and not best.inspected.is_whole:
            rest = list(self.inspection.inspect(best.inspected.draft, to_the_end=True))
            if rest:
                self.best = replace(best, inspected=rest[-1])


def _all_of(failures: Sequence[Exception]) -> Exception:
    """One for several; another model may serve where one of them says so."""
    reasons = dict.fromkeys(str(each) for each in failures)
    if len(reasons) == 1:
        return failures[0]
    is_refused = all(isinstance(each, RequestRefused) for each in failures)
    return (RequestRefused if is_refused else ModelUnavailable)("; ".join(reasons))


def _unusable(draft: Draft, applied: Applied, answered: Answered) -> Inspected:
    """An answer that does not make the files it should."""
    told = list(applied.problems)
    if answered.is_repetitive:
        told.insert(0, f"The answer repeats itself without end. {_SHORTER}")
    elif answered.is_cut:
        told.insert(0, f"The answer was cut off: it is too long. {_SHORTER}")
    check = Check(_ANSWER, CheckOutcome.FAILED, told[0])
    return Inspected(draft, (check,), _ANSWER, "\n".join(told))
