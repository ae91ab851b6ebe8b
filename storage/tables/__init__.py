"""Every table, so that whoever imports this package has the whole schema."""

from storage.tables.artifacts import ArtifactRow
from storage.tables.code_index import CodeRecordRow
from storage.tables.console import ConsoleClientRow, ConsoleConversationRow, ConsoleMessageRow
from storage.tables.deliveries import DeliveryRow, PostedMessageRow
from storage.tables.drafts import DraftRow
from storage.tables.feedback import FeedbackRow
from storage.tables.inbox import InboxKeyRow, InboxRow
from storage.tables.jobs import JobEventRow, JobRow, OutboxRow
from storage.tables.matching import AbsenceRow, MatchRow
from storage.tables.models import ModelDefaultRow, ModelRow, RemoteRuleRow
from storage.tables.people import AccountRow, LinkCodeRow, PersonRow, RoleRow
from storage.tables.processes import ProcessRow
from storage.tables.sessions import WebSessionRow
from storage.tables.trust import (
    ApprovalRow,
    AuditRow,
    CheckoutGrantRow,
    ConfigRow,
    LeaseRow,
    SecretRow,
)

__all__ = [
    "AbsenceRow",
    "AccountRow",
    "ApprovalRow",
    "ArtifactRow",
    "AuditRow",
    "CheckoutGrantRow",
    "CodeRecordRow",
    "ConfigRow",
    "ConsoleClientRow",
    "ConsoleConversationRow",
    "ConsoleMessageRow",
    "DeliveryRow",
    "DraftRow",
    "FeedbackRow",
    "InboxKeyRow",
    "InboxRow",
    "JobEventRow",
    "JobRow",
    "LeaseRow",
    "LinkCodeRow",
    "MatchRow",
    "ModelDefaultRow",
    "ModelRow",
    "OutboxRow",
    "PersonRow",
    "PostedMessageRow",
    "ProcessRow",
    "RemoteRuleRow",
    "RoleRow",
    "SecretRow",
    "WebSessionRow",
]
