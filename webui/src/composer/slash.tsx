// What may be typed after a slash, offered while it is typed.

import * as React from "react";
import { useEffect, useState } from "react";
import type { Messenger } from "../parts/messenger";

interface SlashCommand {
  name: string;
  summary: string;
}

export function SlashList({ app, typed, onChoose }: { app: Messenger; typed: string; onChoose(name: string): void }) {
  const [commands, setCommands] = useState<SlashCommand[]>([]);
  useEffect(() => {
    app
      .call<{ commands: SlashCommand[] }>("command.slash_list", { language: app.texts.language })
      .then((answer) => setCommands(answer.commands))
      .catch(() => undefined);
  }, []);
  const fitting = commands.filter(({ name }) => name.startsWith(typed));
  if (!fitting.length) return null;
  return (
    <ul className="dm-slash" aria-label={app.texts.t("slash_commands")}>
      {fitting.map(({ name, summary }) => (
        <li key={name}>
          <button type="button" onPointerDown={(event) => event.preventDefault()} onClick={() => onChoose(name)}>
            <b>/{name}</b> <span>{summary}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
