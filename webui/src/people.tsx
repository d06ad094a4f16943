// How people and conversations are named and pictured, the same everywhere.

import * as React from "react";
import { hue, initials } from "./ids";
import type { Texts } from "./texts";
import type { Conversation, User } from "./wire";

export function titleOf(conversation: Conversation, users: Readonly<Record<string, User>>, texts: Texts): string {
  if (conversation.kind === "group") return conversation.title ?? "";
  return (conversation.peer && users[conversation.peer]?.display_name) || texts.t("somebody");
}

/** Whose colour a conversation has: the other one's, or its own. */
export function faceOf(conversation: Conversation): string {
  return conversation.peer ?? conversation.id;
}

export const Avatar = React.memo(function Avatar({ id, name, size }: { id: string; name: string; size: number }) {
  return (
    <span className={`dm-avatar dm-avatar-${size}`} data-hue={hue(id)} aria-hidden="true">
      {initials(name)}
    </span>
  );
});
