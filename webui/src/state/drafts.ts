// What is typed and not yet sent, in localStorage: of each conversation the text, what it is about (a
// message that is answered or edited) and the text of that edit. Topic: "draft:ID".

import type { Composing, Store } from "./store";
import { storedKeys } from "./stored";

type Part = "" | "about" | "edit";

const PREVIEW_CHARACTERS = 100;
// The list shows drafts; reading storage for each row that is drawn would be slow.
const known = new WeakMap<Store, Map<string, string>>();

export function readDraft(store: Store, conversation: string, part: Part = ""): string {
  const drafts = known.get(store) ?? new Map<string, string>();
  known.set(store, drafts);
  const key = name(store, conversation, part);
  let draft = drafts.get(key);
  if (draft === undefined) {
    draft = stored(key);
    drafts.set(key, draft);
  }
  return draft;
}

export function draftOf(store: Store, conversation: string): string {
  const text = readDraft(store, conversation, "edit") || readDraft(store, conversation);
  return text.slice(0, PREVIEW_CHARACTERS).trim();
}

export function keepDraft(store: Store, conversation: string, text: string, part: Part = ""): void {
  if (readDraft(store, conversation, part) === text) return;
  const key = name(store, conversation, part);
  known.get(store)?.set(key, text);
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // It lives as long as this page.
  }
  store.topics.touch(`draft:${conversation}`);
}

/** Keep what the text box is about now. What is edited in a form is not: its files could not be. */
export function keepComposing(store: Store, conversation: string, inForm = false): void {
  const { replyTo, editing } = store.composing(conversation);
  const about: Composing = { ...(replyTo && { replyTo }), ...(editing && !inForm && { editing }) };
  const drawn = (key: string, value: unknown) => (key === "view" ? undefined : value);
  keepDraft(store, conversation, Object.keys(about).length ? JSON.stringify(about, drawn) : "", "about");
}

/** Take up what the text boxes of an earlier page were about. */
export function recallComposing(store: Store): void {
  for (const key of storedKeys(`dm:draft:${store.me.id}:`)) {
    const [, , , conversation, part] = key.split(":");
    if (part !== "about") continue;
    try {
      store.compose(conversation!, JSON.parse(stored(key)) as Composing);
    } catch {
      localStorage.removeItem(key);
    }
  }
}

export function dropDraft(store: Store, conversation: string): void {
  for (const part of ["", "about", "edit"] as const) keepDraft(store, conversation, "", part);
  store.compose(conversation, {});
}

function name(store: Store, conversation: string, part: Part): string {
  return `dm:draft:${store.me.id}:${conversation}${part && `:${part}`}`;
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
