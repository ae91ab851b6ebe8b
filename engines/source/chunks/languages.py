"""Which language a file is in, by its name."""

from pathlib import PurePosixPath

_BY_SUFFIX = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "java": "java",
    "go": "go",
    "rust": "rs",
    "markdown": "md markdown mdx",
    "rst": "rst",
    "text": "txt adoc",
    "toml": "toml",
    "yaml": "yaml yml",
    "ini": "ini cfg conf properties",
    "json": "json jsonc",
    "c": "c h",
    "cpp": "cc cpp cxx hpp hh hxx",
    "csharp": "cs",
    "ruby": "rb",
    "php": "php",
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala",
    "lua": "lua",
    "shell": "sh bash zsh",
    "sql": "sql",
    "proto": "proto",
    "graphql": "graphql gql",
    "html": "html htm vue svelte j2 jinja",
    "css": "css scss less",
    "hcl": "tf hcl",
    "elixir": "ex exs",
    "haskell": "hs",
    "r": "r",
    "julia": "jl",
    "dart": "dart",
    "zig": "zig",
    "perl": "pl pm",
    "xml": "xml",
    "cmake": "cmake",
    "nix": "nix",
}
_LANGUAGES = {suffix: name for name, some in _BY_SUFFIX.items() for suffix in some.split()}
_BY_NAME = {
    "dockerfile": "dockerfile",
    "makefile": "makefile",
    "readme": "text",
    "jenkinsfile": "groovy",
    "cmakelists.txt": "cmake",
    "gemfile": "ruby",
    "rakefile": "ruby",
}
PROSE = frozenset({"markdown", "rst", "text"})


def language_of(path: str) -> str | None:
    """The language of a file, None for one that is not searched."""
    pure = PurePosixPath(path)
    named = _BY_NAME.get(pure.name.lower())
    return named or _LANGUAGES.get(pure.suffix.lower().removeprefix("."))
