"""Parameters that clients send: decoding them, and saying what is wrong with them.

Must not know any command. Does no I/O.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from dash_messenger.characters import NothingVisible
from dash_messenger.errors import InvalidParams, ParseError

__all__ = ["decode_params", "explain"]

# As msgspec says it: "Expected `str` of length <= 100", "Expected `int` >= 1".
_LIMIT = re.compile(r"Expected `(\w+)` (of length )?(<=|>=|<|>) (-?\d+)")

# As msgspec says of white space where something has to be read.
_BLANK = r"Expected `str` matching regex '\\S'"
# A control character as JSON writes it, or as UTF-8; but for tabs and the ends of lines.
_CONTROL = re.compile(
    rb"\\(?:u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])|[bf])|\x7f|\xc2[\x80-\x9f]"
)
# No UTF-8 holds it.
_PAIR = b"\xff"
# What `_CONTROL` begins with. As numbers they are found in a fifth of the time that bytes take, and
# every request comes by here.
_BACKSLASH, _DELETE, _HIGH_CONTROL = 0x5C, 0x7F, 0xC2

T = TypeVar("T")


def decode_params(decoder: msgspec.json.Decoder[T], params: Raw | bytes) -> T:
    """The parameters of a command, validated. No text in them holds control characters.

    Raises:
        InvalidParams: with the field and what is wrong with it.
    """
    try:
        return decoder.decode(_without_controls(bytes(params)))
    except msgspec.ValidationError as error:
        raise InvalidParams(**explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ParseError from None
    except RecursionError:
        raise InvalidParams(field="", reason="nested too deeply") from None


def _without_controls(params: bytes) -> bytes:
    if _BACKSLASH in params:
        if _PAIR in params:
            return params
        # Of two backslashes the second begins nothing.
        paired = params.replace(b"\\\\", _PAIR)
        return _CONTROL.sub(b"", paired).replace(_PAIR, b"\\\\")
    if _DELETE in params or _HIGH_CONTROL in params:
        return _CONTROL.sub(b"", params)
    return params


def explain(error: msgspec.ValidationError) -> dict[str, str | int]:
    """``field`` and ``reason`` of a validation error, for `InvalidParams` and `ContentInvalid`.

    Where the reason is the library's, ``rule`` names it for translations (``required``,
    ``too_short`` and ``too_long`` of text, ``at_least`` and ``at_most`` of what is counted,
    ``invisible``, ``invalid``), with the limit as ``n``.
    """
    sentence, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    if not field and "field `" in sentence:
        field = sentence.split("field `", 1)[1].partition("`")[0]
    cause = error.__cause__
    if sentence == _BLANK:
        cause = NothingVisible("")
    if isinstance(cause, NothingVisible):
        field = f"{field}.{cause.field}".strip(".")
        return {"field": field, "reason": str(cause), "rule": "invisible"}
    return {"field": field, "reason": sentence, **_rule_of(sentence)}


def _rule_of(sentence: str) -> dict[str, str | int]:
    limit = _LIMIT.fullmatch(sentence)
    if limit is not None:
        kind, length, relation, number = limit.groups()
        least, n = relation[0] == ">", int(number)
        if kind == "str" and length:
            rule = "too_short" if least else "too_long"
            return {"rule": "required"} if (least and n == 1) else {"rule": rule, "n": n}
        # "< 5" of whole numbers is "at most 4".
        n += (least - (not least)) * (relation in "<>")
        return {"rule": "at_least" if least else "at_most", "n": n}
    if sentence.startswith("Object missing required field"):
        return {"rule": "required"}
    return {"rule": "invalid"} if sentence.startswith(("Expected `", "Object ", "Invalid ")) else {}
