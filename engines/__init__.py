"""Pure computation: the engines know no chat, web, queue, database or environment."""
