// How people and conversations are named and pictured, the same everywhere.

import type { Conversation, User } from "../net/wire";
import type { Texts } from "../i18n/texts";

export function titleOf(conversation: Conversation, users: Readonly<Record<string, User>>, texts: Texts): string {
  if (conversation.kind === "group") return conversation.title ?? "";
  return (conversation.peer && users[conversation.peer]?.display_name) || texts.t("somebody");
}

/** Whose colour a conversation has: the other one's, or its own. */
export function faceOf(conversation: Conversation): string {
  return conversation.peer ?? conversation.id;
}

/** The blob that pictures a conversation: the other one's, or its own. */
export function photoOf(conversation: Conversation, users: Readonly<Record<string, User>>): string | null {
  return (conversation.peer ? users[conversation.peer]?.photo : conversation.photo) ?? null;
}
