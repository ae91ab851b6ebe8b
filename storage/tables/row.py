"""What all tables share."""

from typing import ClassVar

from sqlmodel import SQLModel


class Row(SQLModel):
    """A table's row. SQLModel declares `__tablename__` as a method; ours are plain strings."""

    __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride]
