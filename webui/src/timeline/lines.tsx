import * as React from "react";
import type { LogEvent } from "../net/wire";
import type { Texts } from "../i18n/texts";
import { nameOf } from "../state/people";
import { useUsers } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";

/** What happened to the group between two messages: who came and went, new names. */
export function Lines({ app, lines }: { app: Messenger; lines: readonly LogEvent[] }) {
  const users = useUsers(app);
  const name = (id: string | undefined) => nameOf(id, users, app.texts);
  // Whom a group began with is told by its beginning.
  const beganAtMs = lines.find(({ kind }) => kind === "conversation.created")?.at_ms;
  return (
    <>
      {lines.map((line) => {
        const said = isTold(line, lines) || (line.kind === "member.joined" && line.at_ms === beganAtMs) ? "" : sentence(line, name, app.texts);
        return said && <div key={line.seq} className="dm-event"><span dir="auto">{said}</span></div>;
      })}
    </>
  );
}

/** Who is banned is removed first: the ban says both. */
function isTold({ kind, data, at_ms }: LogEvent, lines: readonly LogEvent[]): boolean {
  return kind === "member.removed" && lines.some((other) => other.kind === "member.banned" && other.data.user === data.user && other.at_ms === at_ms);
}

function sentence({ kind, by, data }: LogEvent, name: (id: string | undefined) => string, texts: Texts): string {
  if (kind === "conversation.created") return texts.t("line_created", { by: name(by) });
  if (kind === "member.joined") {
    const how = data.via === "link" ? "line_joined" : data.via === "request" ? "line_let_in" : "line_added";
    return texts.t(how, { by: name(by), name: name(data.user.id) });
  }
  if (kind === "member.removed") return texts.t(by === data.user ? "line_left" : "line_removed", { by: name(by), name: name(data.user) });
  if (kind === "member.banned") return texts.t(data.on ? "line_banned" : "line_unbanned", { by: name(by), name: name(data.user) });
  if (kind === "member.updated") {
    const given = by && by !== data.user;
    return texts.t(`line_${given ? "made" : "is"}_${data.role}`, { by: name(by), name: name(data.user) });
  }
  if (kind !== "conversation.updated") return "";
  if (data.title) return texts.t("line_renamed", { by: name(by), title: data.title });
  return texts.t(data.photo !== undefined ? "line_photo" : data.rules !== undefined ? "line_rules" : "line_description", { by: name(by) });
}
