"""Identifiers as people and programs see them."""

import re
import secrets
from typing import NewType

JobId = NewType("JobId", str)
"""`J` and six Crockford base32 digits, short enough to type in a thread."""
ArtifactId = NewType("ArtifactId", str)
PersonId = NewType("PersonId", int)
InboxId = NewType("InboxId", int)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_JOB_ID = re.compile(rf"J[{CROCKFORD}]{{6}}")


def new_job_id() -> JobId:
    """A fresh job id; the ledger's primary key makes it unique, so a clash is drawn again."""
    return JobId("J" + "".join(secrets.choice(CROCKFORD) for _ in range(6)))


def as_job_id(text: str) -> JobId | None:
    """The job id that `text` spells, as a person would type it, or None if it is none.

    Crockford's rules: case does not matter, O reads as 0, I and L as 1.
    """
    digits = text[1:].upper().translate(str.maketrans("OIL", "011"))
    spelled = text[:1].upper() + digits
    return JobId(spelled) if _JOB_ID.fullmatch(spelled) else None


def new_artifact_id() -> ArtifactId:
    """A fresh artifact id; unguessable (128 bits), since it is part of a download link."""
    return ArtifactId("A" + secrets.token_urlsafe(16))
