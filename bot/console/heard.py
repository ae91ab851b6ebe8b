"""What has been heard so far about one message of ours, and whether that is all; pure."""

from bot.console.inbound import answers_due
from bot.console.thread import ThreadMessage
from bot.face import JobView
from storage.console import MessageKind
from storage.ids import JobId
from storage.states import JobState

SUCCEEDED = 0
FAILED = 1
MISUSED = 2


class Heard:
    """The thread as far as it is about one message.

    A command becomes one answer, or one job with a status and in the end a result.
    """

    def __init__(self, message: int, text: str) -> None:
        """`text` is what was posted as that message; its commands are counted."""
        self._message = message
        self._expected = answers_due(text)
        self.messages: dict[int, ThreadMessage] = {}
        """By id, in the order they were first heard of."""
        self.jobs: dict[JobId, JobView] = {}

    def take(self, message: ThreadMessage) -> bool:
        """Take a message in; False when it is not about ours or says nothing new."""
        if message.about != self._message:
            return False
        known = self.messages.get(message.id)
        if known is not None and known.version >= message.version:
            return False
        self.messages[message.id] = message
        if message.job is not None and not self._has_result(message.job.job, besides=message.id):
            self.jobs[message.job.job] = message.job
            return True
        return message.job is None

    @property
    def finals(self) -> list[ThreadMessage]:
        """Answers and results."""
        return [said for said in self.messages.values() if said.kind is not MessageKind.STATUS]

    @property
    def settled(self) -> bool:
        """Whether something final was said and no job is open; more answers may still come."""
        return bool(self.finals) and all(self._has_result(job) for job in self.jobs)

    @property
    def complete(self) -> bool:
        """Whether every command was answered."""
        return self.settled and len(self.finals) >= self._expected

    @property
    def exit_code(self) -> int:
        """0 when all went well, 1 when a job did not succeed, 2 when a command was refused."""
        if any(view.state is not JobState.SUCCEEDED for view in self.jobs.values()):
            return FAILED
        return MISUSED if any(said.refused for said in self.finals) else SUCCEEDED

    def _has_result(self, job: JobId, *, besides: int | None = None) -> bool:
        return any(
            said.kind is MessageKind.RESULT
            and said.id != besides
            and said.job is not None
            and said.job.job == job
            for said in self.messages.values()
        )
