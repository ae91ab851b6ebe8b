"""A stateful Slack on loopback that enforces Slack's limits; `workspace.Slack` is the entry."""
