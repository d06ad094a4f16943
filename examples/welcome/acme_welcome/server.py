"""Greets who joins a group, and answers whoever asks for help, in words that admins choose."""

from typing import Annotated

from dash_messenger import Context, MemberChange, Message, hookimpl, setting
from msgspec import Meta, Struct

Words = Annotated[str, Meta(max_length=2_000)]


class Settings(Struct, frozen=True):
    greeting: Annotated[
        Words, setting("Greeting", help="{name} is who joined. Empty: nobody is greeted.")
    ] = "Welcome, {name}! Write “help” to see what to do here."
    help: Annotated[Words, setting("Answer to “help”", help="Empty: nobody is answered.")] = (
        "Just write: everybody in this conversation reads it."
    )


@hookimpl
def register_settings() -> type[Settings]:
    return Settings


@hookimpl
async def on_member(change: MemberChange, context: Context) -> None:
    # Who is there from the start is not new to anybody.
    if change.kind != "joined" or change.founding:
        return
    for user in await context.members(conversation=change.conversation):
        if user.id == change.user:
            text = context.settings.greeting.replace("{name}", user.display_name)
            await say(context, change.conversation, text)


@hookimpl
async def on_message(message: Message, context: Context) -> None:
    if (message.text or "").strip().lower() == "help":
        await say(context, message.conversation, context.settings.help, reply_to=message.id)


async def say(
    context: Context, conversation: str, text: str, *, reply_to: str | None = None
) -> None:
    if text.strip():
        content = {"text": text}
        await context.send(
            conversation=conversation, type="text", content=content, reply_to=reply_to
        )
