"""What can be said without a model: why there is none, and the closest code that is there."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from engines.generation.tasks import Excerpt
from jobs.messages import Actions, Block, Code, Heading, Reply, Text
from jobs.requests import GenerateCode
from jobs.wording import code, notes_of, retry_button
from storage.ids import JobId

LINES = 30
"""Of one place that are shown."""


def closest_told(
    request: GenerateCode, why: str, found: Sequence[Excerpt], host_url: str, job: JobId
) -> Reply:
    """The reply to a wish that no model was asked; `why` is Markdown and has the remedy."""
    blocks: list[Block] = [
        Text(markdown=f"Nothing was generated. {why}"),
        *_closest(request, found, host_url),
        *notes_of(request.notes),
        Actions(actions=(retry_button(job),)),
    ]
    return Reply(summary="Nothing was generated: no model", blocks=tuple(blocks))


def _closest(request: GenerateCode, found: Sequence[Excerpt], host_url: str) -> Iterator[Block]:
    if not found:
        yield Text(markdown="No code here comes close to it either.")
        return
    yield Heading(text="The closest code that is there")
    yield Text(
        markdown="Found by search in this repository and the packages it uses; whether it does "
        "what you want, nobody has checked."
    )
    for each in found:
        yield Text(markdown=_place(request, each, host_url))
        yield Code(text=_head(each.text), language=_language(each.path))


def _place(request: GenerateCode, excerpt: Excerpt, host_url: str) -> str:
    """Where it stands, with a link where there is one."""
    shown = code(f"{excerpt.path}:{excerpt.first_line}-{excerpt.last_line}")
    if excerpt.origin:
        return f"{shown} of {excerpt.origin}"
    source = request.source
    if source.repository.startswith("local:") or source.sha is None:
        return shown
    repository = source.fork or source.repository
    lines = f"#L{excerpt.first_line}-L{excerpt.last_line}"
    return f"[{shown}]({host_url}/{repository}/blob/{source.sha}/{excerpt.path}{lines})"


def _head(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= LINES:
        return text
    return "\n".join((*lines[:LINES], f"… {len(lines) - LINES} more lines"))


def _language(path: str) -> str:
    return "python" if PurePosixPath(path).suffix == ".py" else ""
