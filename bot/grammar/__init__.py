"""From what a person wrote, on whichever platform, to checked calls of commands.

    line   := ("/gryph" | "@gryph") verb { key=value | --flag | "quoted" | word | target }
    target := [owner/repo] [@ref] [:path] [::symbol] [#Ln[-m]] | PR or issue URL | #n | job id

Pure: it reads text and is given the commands. `find_lines` finds the command lines in the prose
of a message, `parse` reads one line or says what is wrong with it, `suggest` turns plain language
into a line that a person may confirm, and `snippets_of` finds the code that was pasted with it.
"""

from bot.grammar.faults import GrammarError
from bot.grammar.lines import Found, Lines, find_lines
from bot.grammar.reading import parse, read_target, suggest
from bot.grammar.snippets import snippets_of

__all__ = [
    "Found",
    "GrammarError",
    "Lines",
    "find_lines",
    "parse",
    "read_target",
    "snippets_of",
    "suggest",
]
