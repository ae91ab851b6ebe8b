"""Projects that people do: who does which task, and in which order each does theirs."""
