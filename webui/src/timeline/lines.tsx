import * as React from "react";
import type { LogEvent } from "../net/wire";
import type { Texts } from "../i18n/texts";
import { useUsers } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";

/** What happened to the group between two messages: who came and went, new names. */
export function Lines({ app, lines }: { app: Messenger; lines: readonly LogEvent[] }) {
  const users = useUsers(app);
  const name = (id: string | undefined) => users[id ?? ""]?.display_name ?? app.texts.t("somebody");
  // Whom a group began with is told by its beginning.
  const beganAtMs = lines.find(({ kind }) => kind === "conversation.created")?.at_ms;
  return (
    <>
      {lines.map((line) => {
        const said = line.kind === "member.joined" && line.at_ms === beganAtMs ? "" : sentence(line, name, app.texts);
        return said && <div key={line.seq} className="dm-event"><span dir="auto">{said}</span></div>;
      })}
    </>
  );
}

function sentence({ kind, by, data }: LogEvent, name: (id: string | undefined) => string, texts: Texts): string {
  if (kind === "conversation.created") return texts.t("line_created", { by: name(by) });
  if (kind === "member.joined") return texts.t("line_added", { by: name(by), name: name(data.user.id) });
  if (kind === "member.removed") return texts.t(by === data.user ? "line_left" : "line_removed", { by: name(by), name: name(data.user) });
  if (kind !== "conversation.updated") return "";
  return data.title ? texts.t("line_renamed", { by: name(by), title: data.title }) : texts.t("line_photo", { by: name(by) });
}
