// What is typed and not yet sent, one draft a conversation, in localStorage. Topic: "draft:ID".

import type { Store } from "./store";

const PREVIEW_CHARACTERS = 100;
// The list shows drafts; reading storage for each row that is drawn would be slow.
const known = new WeakMap<Store, Map<string, string>>();

export function readDraft(store: Store, conversation: string): string {
  const drafts = known.get(store) ?? new Map<string, string>();
  known.set(store, drafts);
  let draft = drafts.get(conversation);
  if (draft === undefined) {
    draft = stored(name(store, conversation));
    drafts.set(conversation, draft);
  }
  return draft;
}

export function draftOf(store: Store, conversation: string): string {
  return readDraft(store, conversation).slice(0, PREVIEW_CHARACTERS).trim();
}

export function keepDraft(store: Store, conversation: string, text: string): void {
  if (readDraft(store, conversation) === text) return;
  known.get(store)?.set(conversation, text);
  try {
    if (text) localStorage.setItem(name(store, conversation), text);
    else localStorage.removeItem(name(store, conversation));
  } catch {
    // It lives as long as this page.
  }
  store.topics.touch(`draft:${conversation}`);
}

function name(store: Store, conversation: string): string {
  return `dm:draft:${store.me.id}:${conversation}`;
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
