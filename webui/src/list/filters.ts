// Which chats of the list are shown. Pure.

import type { Conversation } from "../net/wire";
import { isArchived, isUnread } from "../state/preferences";

export const FILTERS = ["all", "unread", "people", "groups"] as const;

/** What is archived stands by itself. */
export type Filter = (typeof FILTERS)[number] | "archived";

/** Whether a chat is among those that are asked for. */
export function passes(conversation: Conversation, filter: Filter, nowMs: number): boolean {
  if (isArchived(conversation, nowMs) !== (filter === "archived")) return false;
  if (filter === "unread") return isUnread(conversation);
  if (filter === "people") return conversation.kind === "direct";
  return filter !== "groups" || conversation.kind === "group";
}
