"""Discord: messages, slash commands, buttons and reactions in; threads of messages out."""
