"""Write ``src/net/wire.generated.ts``: what the server says, as TypeScript, from its structs.

    python webui/tools/wire_types.py

With ``--check`` nothing is written and a difference fails. What one of `TYPES` refers to must be
there itself, or in `WORDS`.
"""

from __future__ import annotations

import inspect
import json
import sys
from enum import Enum
from pathlib import Path

import msgspec
from dash_messenger.accounts.blocks import Block, BlockedFound, BlockNow
from dash_messenger.accounts.code_maker import CodeCreated
from dash_messenger.accounts.contact_codes import CodeInfo, CodesFound
from dash_messenger.accounts.contacts import ContactNow, ContactsFound
from dash_messenger.accounts.directory import Name
from dash_messenger.accounts.people_search import PeopleFound, PersonFound
from dash_messenger.accounts.presence import PresenceNow
from dash_messenger.accounts.privacy import ExceptionsFound, ExceptionsNow, PrivacyNow
from dash_messenger.accounts.request_rows import MessageRequest
from dash_messenger.accounts.requests import RequestsFound
from dash_messenger.conversations.access import Right
from dash_messenger.conversations.invitations import InviteInfo, InvitesFound
from dash_messenger.conversations.join_requests import JoinRequest, JoinRequestsFound
from dash_messenger.conversations.joining import CodeOpened, GroupShown, Joined
from dash_messenger.conversations.preferences import PreferencesNow
from dash_messenger.conversations.summaries import LastMessage, Summary
from dash_messenger.conversations.sync import LogRange, Me, Synced
from dash_messenger.conversations.typing import TypingTold
from dash_messenger.messages.history import HistoryPage, MessagesFound, Own
from dash_messenger.messages.reactions import Reaction
from dash_messenger.plugins.listing import ActionInfo, TypeInfo
from dash_messenger.protocol.events import KINDS, LogEntry
from dash_messenger.protocol.models import (
    Contact,
    Exceptions,
    Message,
    Preferences,
    Presence,
    Privacy,
    Reply,
    User,
)
from dash_messenger.realtime.delivery import Drawn
from dash_messenger.store import Sent
from msgspec import inspect as types

TARGET = Path(__file__).parents[1] / "src/net/wire.generated.ts"
HEAD = """// Made from the server's structs by tools/wire_types.py: `python3 dev.py docs` runs it.
// Times are milliseconds UTC.

import type { View } from "./wire";
"""
# By the name that the browser's code has for it.
TYPES: dict[str, type] = {
    "User": User,
    "Name": Name,
    "Contact": Contact,
    "Privacy": Privacy,
    "Presence": Presence,
    "PresenceNow": PresenceNow,
    "TypingTold": TypingTold,
    "Exceptions": Exceptions,
    "Me": Me,
    "LastMessage": LastMessage,
    "Preferences": Preferences,
    "Conversation": Summary,
    "Reply": Reply,
    "Reaction": Reaction,
    "Message": Message,
    "Own": Own,
    **{struct.__name__: struct for struct in KINDS.values()},
    "Drawn": Drawn,
    "SyncResult": Synced,
    "HistoryPage": HistoryPage,
    "MessagesFound": MessagesFound,
    "LogPage": LogRange,
    "PreferencesNow": PreferencesNow,
    "ContactNow": ContactNow,
    "ContactsFound": ContactsFound,
    "CodeCreated": CodeCreated,
    "CodeInfo": CodeInfo,
    "CodesFound": CodesFound,
    "GroupShown": GroupShown,
    "CodeOpened": CodeOpened,
    "InviteInfo": InviteInfo,
    "InvitesFound": InvitesFound,
    "Joined": Joined,
    "JoinRequest": JoinRequest,
    "JoinRequestsFound": JoinRequestsFound,
    "PrivacyNow": PrivacyNow,
    "ExceptionsNow": ExceptionsNow,
    "ExceptionsFound": ExceptionsFound,
    "Block": Block,
    "BlockNow": BlockNow,
    "BlockedFound": BlockedFound,
    "MessageRequest": MessageRequest,
    "RequestsFound": RequestsFound,
    "PersonFound": PersonFound,
    "PeopleFound": PeopleFound,
    "ActionInfo": ActionInfo,
    "TypeInfo": TypeInfo,
    "Sent": Sent,
}
WORDS: dict[str, type[Enum]] = {"Right": Right}
NAMES = {kind: name for name, kind in (TYPES | WORDS).items()} | {LogEntry: "LogEvent"}
# JSON that is passed on as it is.
PASSED_ON = {
    (Message, "reactions"): "readonly Reaction[]",
    (Message, "view"): "View",
    (Drawn, "view"): "View",
}
PLAIN = {
    types.StrType: "string",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.NoneType: "null",
    types.RawType: "unknown",
    types.AnyType: "unknown",
}


def main() -> None:
    """Write the file, or compare it."""
    made = draw()
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text() != made and f"{TARGET.name} is stale")
    TARGET.write_text(made)


def draw() -> str:
    """The file."""
    words = [_words(name, enum) for name, enum in WORDS.items()]
    shapes = [_interface(name, struct) for name, struct in TYPES.items()]
    return "\n".join([HEAD, *words, *shapes, _events()])


def _words(name: str, enum: type[Enum]) -> str:
    values = "".join(f"\n  | {json.dumps(one.value)}" for one in enum)
    return f"/** {_meaning(enum)} */\nexport type {name} ={values};\n"


def _interface(name: str, struct: type) -> str:
    fields = "".join(_field(struct, field) for field in _fields(struct))
    body = f"{{\n{fields}}}" if fields else "{}"
    return f"/** {_meaning(struct)} */\nexport interface {name} {body}\n"


def _events() -> str:
    """The entries of logs: each kind with its data."""
    common = [field for field in _fields(LogEntry) if field.name not in ("kind", "data")]
    fields = "".join(_field(LogEntry, field) for field in common)
    kinds = "".join(
        f"  | (Entry & {{ kind: {json.dumps(kind)}; data: {struct.__name__} }})\n"
        for kind, struct in KINDS.items()
    )
    entry = f"interface Entry {{\n{fields}}}\n"
    return f"{entry}\n/** {_meaning(LogEntry)} */\nexport type LogEvent =\n{kinds.rstrip()};\n"


def _fields(struct: type) -> tuple[types.Field, ...]:
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return info.fields


def _field(struct: type, field: types.Field) -> str:
    shown = PASSED_ON.get((struct, field.name)) or _type(field.type)
    return f"  {field.encode_name}{'?' if _may_be_left_out(struct, field) else ''}: {shown};\n"


def _may_be_left_out(struct: type, field: types.Field) -> bool:
    if field.required:
        return False
    # A default that is no value at all is `UNSET`.
    has_default = (field.default, field.default_factory) != (msgspec.NODEFAULT, msgspec.NODEFAULT)
    return not has_default or struct.__struct_config__.omit_defaults  # type: ignore[attr-defined]


def _type(kind: types.Type) -> str:
    if isinstance(kind, types.UnionType):
        named = [_type(one) for one in kind.types]
        return "unknown" if "unknown" in named else " | ".join(named)
    if isinstance(kind, types.StructType | types.EnumType):
        return NAMES[kind.cls]
    if isinstance(kind, types.ListType | types.VarTupleType):
        item = _type(kind.item_type)
        return f"({item})[]" if " " in item else f"{item}[]"
    if isinstance(kind, types.DictType):
        return f"Record<{_type(kind.key_type)}, {_type(kind.value_type)}>"
    if isinstance(kind, types.LiteralType):
        return " | ".join(json.dumps(value) for value in kind.values)
    return PLAIN[type(kind)]


def _meaning(struct: type) -> str:
    """What a struct's docstring begins with."""
    first = (inspect.getdoc(struct) or "").partition("\n\n")[0]
    return " ".join(first.replace("``", "`").split())


if __name__ == "__main__":
    main()
