"""/roll throws dice: "/roll 2d20" two with twenty sides."""

import re
import secrets

from dash_messenger import Context, Refused, SlashCall, SlashCommand, hookimpl


@hookimpl
def register_slash_commands(context: Context) -> list[SlashCommand]:
    async def roll(call: SlashCall) -> None:
        asked = re.fullmatch(r"(\d{0,2})d?(\d{1,3})", call.arguments or "1d6")
        n, sides = (int(asked[1] or 1), int(asked[2])) if asked else (0, 0)
        if not (n and sides):
            raise Refused(reason="Write /roll, or /roll 2d20 for two dice with twenty sides.")
        thrown = [1 + secrets.randbelow(sides) for _ in range(n)]
        (name,) = (
            user.display_name
            for user in await context.members(conversation=call.conversation)
            if user.id == call.user
        )
        text = f"🎲 {name}: {' + '.join(map(str, thrown))}" + (f" = {sum(thrown)}" * (n > 1))
        await context.send(conversation=call.conversation, type="text", content={"text": text})

    return [SlashCommand("roll", "Throw dice, such as 2d6", roll)]
