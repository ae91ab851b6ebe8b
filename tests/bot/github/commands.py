"""A small registry, so that the help shown here does not change with every new command."""

from handlers import help as help_command
from handlers import status, test

COMMANDS = {each.COMMAND.verb: each.COMMAND for each in (help_command, status, test)}
