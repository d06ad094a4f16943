"""Which languages are coloured, by grammars that no text can hold up.

A grammar of Pygments is some hundred regular expressions; of 601 grammars 25 are exponential, more
are cubic. Invariant: each in `LANGUAGES` was tried with near misses, and
`tests/test_markdown_growth.py` tries them again with the Pygments that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ["COMMON", "LANGUAGES", "MENDED", "language_names", "make_lexer"]

# By Pygments' short names. Not among them, as they are exponential or cubic in Pygments 2.20:
# dockerfile, make (both by way of its bash), objective-c, ocaml, matlab, scala, terraform, and
# hundreds that nobody has tried.
LANGUAGES = frozenset(
    (
        *("bash", "c", "cmake", "cpp", "csharp", "css", "dart", "diff", "elixir", "go", "graphql"),
        *("groovy", "haskell", "html", "ini", "java", "javascript", "json", "julia", "kotlin"),
        *("less", "lua", "nginx", "perl", "php", "powershell", "protobuf", "python", "ruby"),
        *("rust", "scss", "splus", "sql", "swift", "tex", "toml", "typescript", "xml", "yaml"),
        *("zig",),
    )
)
# Set up before children are made, 0.3 s in all; each of the others takes a child up to 0.1 s once.
COMMON = ("bash", "css", "html", "javascript", "json", "python", "sql", "typescript", "yaml")

_C_FUNCTION = "(?:[&*\\s])+)("
# A language's rules that take too long: the beginning of a pattern or a piece of it, and what
# stands for the pattern; None: the rule is left out, and those behind it read what it read.
MENDED: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "bash": (
        # Two ways to read each backslash.
        (r"(?s)\$'(\\\\|\\[0-7]+|\\.|[^'\\])*'", r"(?s)\$'(?:\\.|[^'\\])*+'"),
        (r'(?s)(\\\\|\\[0-7]+|\\.|[^"\\$])+', r'(?s)(?:\\.|[^"\\$])++'),
        # A here-document's name, any part of it, and the rest of the text.
        (r"<<-?\s*(\'?)\\?(\w+)[\w\W]+?\2", r"<<-?\s*('?)\\?(\w++)[\w\W]+?\n\s*+\2\b"),
    ),
    # Where a function begins: blanks after blanks after blanks.
    "c": ((_C_FUNCTION, None),),
    "cpp": ((_C_FUNCTION, None),),
    # The blanks before a sign belong to what stands before them, too.
    "ini": (
        (r"""(.*?)([ \t]*)([=:])([ \t]*)(["'])""", r"""([^=:\n]*+)()([=:])([ \t]*)(["'])"""),
        (
            r"(.*?)([ \t]*)([=:])([ \t]*)([^;#\n]*)(\\)(\s+)",
            r"([^=:\n]*+)()([=:])([ \t]*+)([^;#\n]*)(\\)(\s+)",
        ),
        (
            r"(.*?)([ \t]*)([=:])([ \t]*)([^ ;#\n]*(?: +[^ ;#\n]+)*)",
            r"([^=:\n]*+)()([=:])([ \t]*+)([^ ;#\n]*(?: +[^ ;#\n]+)*)",
        ),
    ),
}


def language_names() -> dict[str, str]:
    """Each name of a language that is coloured, and its short name."""
    from pygments.lexers import LEXERS

    return {
        alias: aliases[0]
        for _, _, aliases, _, _ in LEXERS.values()
        if aliases and aliases[0] in LANGUAGES
        for alias in aliases
    }


def make_lexer(name: str) -> Lexer:
    """The grammar of a language of `LANGUAGES`, ready: its first use would take up to 100 ms.

    Raises:
        ValueError: a rule that is to be mended is not in it.
    """
    from pygments.lexers import find_lexer_class_by_name

    found = find_lexer_class_by_name(name)
    if name in MENDED:
        found = type(found.__name__, (found,), {"tokens": _mend(found, MENDED[name])})
    # The code is shown to its last line break, neither more nor less.
    lexer: Lexer = found(stripnl=False, ensurenl=False)
    list(lexer.get_tokens(" "))
    return lexer


def _mend(lexer: Any, changes: tuple[tuple[str, str | None], ...]) -> dict[str, list[Any]]:
    """The rules of a grammar, by state, with some replaced or left out."""
    done: set[str] = set()

    def mended(rule: Any) -> Any:
        pattern = rule[0] if type(rule) is tuple else None
        if not isinstance(pattern, str):
            return rule
        for piece, instead in changes:
            if piece in pattern:
                done.add(piece)
                return None if instead is None else (instead, *rule[1:])
        return rule

    states = {
        state: [kept for rule in rules if (kept := mended(rule)) is not None]
        for state, rules in lexer.get_tokendefs().items()
    }
    missing = {piece for piece, _ in changes} - done
    if missing:
        raise ValueError(f"{lexer.name} has no rule {sorted(missing)}")
    return states
