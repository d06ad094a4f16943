// What a screen reader is told of messages that come: each by itself where one reads, and how many
// where one does not. Pure.

import type { Texts } from "../i18n/texts";
import type { Conversation, Message } from "../net/wire";
import { titleOf } from "./people";
import type { Store } from "./store";

/** A line for a log: another key is another line, also where it has the same words. */
export interface Line {
  key: string;
  words: string;
}

/** The messages of others beyond number `heard`: who, and what they say or which kind it is. */
export function arrived(
  messages: readonly Message[], heard: number, store: Store, texts: Texts, labels: Readonly<Record<string, string>>,
): Line[] {
  const lines: Line[] = [];
  for (let at = messages.length - 1; at >= 0 && messages[at]!.number > heard; at--) {
    const { id, sender, deleted_at_ms: deleted, text, type } = messages[at]!;
    if (deleted || sender === store.me.id) continue;
    const name = store.users[sender]?.display_name ?? texts.t("somebody");
    lines.unshift({ key: id, words: `${name}: ${text || labels[type] || texts.t("empty_message")}` });
  }
  return lines;
}

/** Conversations with more messages than were `heard`, but for the one that is open. */
export function elsewhere(
  list: readonly Conversation[], heard: ReadonlyMap<string, number>, opened: string | null, store: Store, texts: Texts,
): Line[] {
  return list
    .filter(({ id, message_no, unread }) => id !== opened && unread > 0 && message_no > (heard.get(id) ?? 0))
    .map((one) => ({ key: `${one.id} ${one.message_no}`, words: `${titleOf(one, store.users, texts)}: ${texts.t("unread", { n: one.unread })}` }));
}
