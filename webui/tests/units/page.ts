// What the sources want of a page, and messages to try them with. Imported before the sources.

import type { Conversation, Message } from "../../src/net/wire";

/** The browser's storage, in memory. */
class Storage {
  clear(): void {
    for (const key of Object.keys(this)) delete (this as Record<string, unknown>)[key];
  }

  getItem(key: string): string | null {
    return (this as unknown as Record<string, string>)[key] ?? null;
  }

  setItem(key: string, value: string): void {
    (this as unknown as Record<string, string>)[key] = value;
  }

  removeItem(key: string): void {
    delete (this as Record<string, unknown>)[key];
  }
}

export const storage = new Storage();
Object.assign(globalThis, {
  window: globalThis,
  localStorage: storage,
  requestAnimationFrame: () => 0,
  cancelAnimationFrame: () => undefined,
});
Object.defineProperty(globalThis, "navigator", { value: { language: "en-GB" }, configurable: true });

export const ME = { id: "0".repeat(31) + "1", username: "ann", display_name: "Ann" };
export const BEN = { id: "0".repeat(31) + "2", username: "ben", display_name: "Ben" };
export const CHAT = "c".repeat(32);

/** Noon of a day in the time zone of the machine. */
export const NOON_MS = new Date(2026, 4, 20, 12).getTime();

export function conversation(change: Partial<Conversation> = {}): Conversation {
  return {
    id: CHAT, kind: "direct", title: null, photo: null, peer: BEN.id, seq: 0, message_no: 0, read_no: 0, unread: 0,
    others_read_no: 0, last: null, created_at_ms: NOON_MS, created_by: ME.id, member_count: 2, first_number: 1,
    order_no: 1,
    ...change,
  } as Conversation;
}

/** Ben's message of this number, a second after the one before. */
export function message(number: number, change: Partial<Message> = {}): Message {
  return {
    id: `m${number}`, conversation: CHAT, seq: number, rev: number, number, sender: BEN.id, client_id: `k${number}`,
    type: "text", content: { text: `Words ${number}` }, text: `Words ${number}`, sent_at_ms: NOON_MS + number * 1_000,
    ...change,
  };
}

/** Let what waits for promises go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
