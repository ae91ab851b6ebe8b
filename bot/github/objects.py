"""Git objects made through GitHub's API: one commit with a job's files.

https://docs.github.com/en/rest/git
"""

import base64
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from bot.github.client import GitHubClient, Reach
from bot.github.transport import Refused
from bot.github.wire import Commit, Sha
from handlers import UserError
from storage.blobs import blob_id

WORKFLOWS = (".github", "workflows")
_LISTING = b"["


class Objects:
    """Reads and makes git objects in one repository."""

    def __init__(self, client: GitHubClient, reach: Reach) -> None:
        """`reach` has to allow for writing contents."""
        self._client = client
        self._reach = reach
        self._root = f"/repos/{reach.repository}"

    async def tip(self, ref: str) -> Commit:
        """The commit a branch, tag or sha names. Raises Busy, Refused."""
        path = f"{self._root}/commits/{quote(ref, safe='')}"
        return (await self._client.get(self._reach, path)).one(Commit)

    async def missing(
        self, files: Mapping[str, bytes], replaces: Mapping[str, str], ref: str
    ) -> dict[str, bytes]:
        """The files that are not in `ref` yet. Those in `replaces` were made from other content.

        Raises:
            UserError: One is there and says something else, or was made from something else.
        """
        found: dict[str, bytes] = {}
        for path, content in files.items():
            there = await self._blob_at(path, ref)
            if there == replaces.get(path):
                found[path] = content
            elif path in replaces and there != blob_id(content):
                raise UserError(
                    f"`{path}` was changed in `{ref}` since the job read it; nothing was written. "
                    "Run the job again."
                )
            elif there != blob_id(content):
                raise UserError(
                    f"`{path}` is in `{ref}` already and says something else; nothing was "
                    "written. Move it away, or delete it, and apply again."
                )
        return found

    async def _blob_at(self, path: str, ref: str) -> str | None:
        """The id of the file's content; None where there is no file."""
        address = f"{self._root}/contents/{quote(path)}"
        try:
            answer = await self._client.get(self._reach, address, {"ref": ref})
        except Refused as refused:
            if refused.is_missing:
                return None
            raise
        if answer.content.lstrip().startswith(_LISTING):
            raise UserError(f"`{path}` is a folder in `{ref}`; nothing was written.")
        return answer.one(Sha).sha

    async def commit(self, files: Mapping[str, bytes], parent: Commit, message: str) -> str:
        """Make a commit that adds the files to `parent`; returns its id. Raises Busy, Refused."""
        tree = [
            {"path": path, "mode": "100644", "type": "blob", "sha": await self._blob(content)}
            for path, content in files.items()
        ]
        base = parent.commit.tree.sha if parent.commit else parent.sha
        made = await self._make("trees", {"base_tree": base, "tree": tree})
        values = {"message": message, "tree": made, "parents": [parent.sha]}
        return await self._make("commits", values)

    async def _blob(self, content: bytes) -> str:
        text = base64.b64encode(content).decode()
        return await self._make("blobs", {"content": text, "encoding": "base64"})

    async def _make(self, kind: str, values: Mapping[str, object]) -> str:
        path = f"{self._root}/git/{kind}"
        return (await self._client.write(self._reach, "POST", path, values)).one(Sha).sha

    async def start_branch(self, branch: str, sha: str) -> None:
        """Create a branch. Raises Busy, Refused."""
        body = {"ref": f"refs/heads/{branch}", "sha": sha}
        await self._client.write(self._reach, "POST", f"{self._root}/git/refs", body)

    async def has_branch(self, branch: str) -> bool:
        """Whether the branch exists. Raises Busy, Refused."""
        path = f"{self._root}/git/ref/heads/{quote(branch)}"
        try:
            await self._client.get(self._reach, path)
        except Refused as refused:
            if refused.is_missing:
                return False
            raise
        return True


def check_paths(paths: Mapping[str, bytes]) -> None:
    """Let only plain paths within the repository pass.

    Raises:
        UserError: One leads elsewhere, into `.git`, or into what GitHub runs.
    """
    for path in paths:
        parts = tuple(part.lower() for part in PurePosixPath(path).parts)
        plain = "/".join(PurePosixPath(path).parts)
        if not parts or path != plain or path.startswith("/") or not path.isprintable():
            raise UserError(f"`{path!r}` is not a path within the repository.")
        if ".." in parts or ".git" in parts or "\\" in path:
            raise UserError(f"`{path}` leads out of the repository or into `.git`.")
        if parts[:2] == WORKFLOWS:
            raise UserError(f"`{path}` is a workflow that GitHub would run; I write none.")
