"""Takes secrets out of what is said, logged, kept for download or written to a repository.

Three kinds are known: forms that no other text has (tokens, keys), values that stand where a
secret stands (`password=…`), and the installation's own secrets, in whatever spelling.
"""

from storage.redaction.own import own_secrets
from storage.redaction.redactor import HIDDEN, Redactor

__all__ = ["HIDDEN", "Redactor", "own_secrets"]
