// What is typed and not yet sent, one draft a conversation, in localStorage. Topic: "draft:ID".

import type { Messenger } from "./messenger";

const PREVIEW_CHARACTERS = 100;
// The list shows drafts; reading storage for each row that is drawn would be slow.
const known = new WeakMap<Messenger, Map<string, string>>();

export function readDraft(app: Messenger, conversation: string): string {
  const drafts = known.get(app) ?? new Map<string, string>();
  known.set(app, drafts);
  let draft = drafts.get(conversation);
  if (draft === undefined) {
    draft = stored(name(app, conversation));
    drafts.set(conversation, draft);
  }
  return draft;
}

export function draftOf(app: Messenger, conversation: string): string {
  return readDraft(app, conversation).slice(0, PREVIEW_CHARACTERS).trim();
}

export function keepDraft(app: Messenger, conversation: string, text: string): void {
  if (readDraft(app, conversation) === text) return;
  known.get(app)?.set(conversation, text);
  try {
    if (text) localStorage.setItem(name(app, conversation), text);
    else localStorage.removeItem(name(app, conversation));
  } catch {
    // It lives as long as this page.
  }
  app.store.topics.touch(`draft:${conversation}`);
}

function name(app: Messenger, conversation: string): string {
  return `dm:draft:${app.store.me.id}:${conversation}`;
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
