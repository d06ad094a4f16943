// What a screen reader is told of messages that come: each by itself where one reads, and how many
// where one does not. Pure.

import type { Texts } from "../i18n/texts";
import type { Conversation, Message } from "../net/wire";
import { nameOf, titleOf } from "./people";
import { isMuted } from "./preferences";
import type { Store } from "./store";

type Labels = Readonly<Record<string, string>>;

/** A message in one line: its text, and for types that say so what it is; `{text}` in a label is the text. */
export function inOneLine({ text, type }: Pick<Message, "text" | "type">, labels: Labels, texts: Texts): string {
  const label = labels[type] ?? "";
  if (label.includes("{text}")) return label.replace("{text}", () => text ?? "").trim();
  return text || label || texts.t("empty_message");
}

/** A line for a log: another key is another line, also where it has the same words. */
export interface Line {
  key: string;
  words: string;
}

/** The messages of others beyond number `heard`: who, and what `say` tells of each. */
export function arrived(
  messages: readonly Message[], heard: number, store: Store, texts: Texts, say: (message: Message) => string,
): Line[] {
  const lines: Line[] = [];
  for (let at = messages.length - 1; at >= 0 && messages[at]!.number > heard; at--) {
    const { id, sender, deleted_at_ms: deleted } = messages[at]!;
    if (deleted || sender === store.me.id) continue;
    const name = nameOf(sender, store.users, texts);
    lines.unshift({ key: id, words: `${name}: ${say(messages[at]!)}` });
  }
  return lines;
}

/** Conversations with more messages than were `heard`, but for the one that is open and those that are muted. */
export function elsewhere(
  list: readonly Conversation[], heard: ReadonlyMap<string, number>, opened: string | null, store: Store, texts: Texts,
): Line[] {
  return list
    .filter((one) => one.id !== opened && one.unread > 0 && one.message_no > (heard.get(one.id) ?? 0) && !isMuted(one))
    .map((one) => ({ key: `${one.id} ${one.message_no}`, words: `${titleOf(one, store.users, texts)}: ${texts.t("unread", { n: one.unread })}` }));
}
