// How the reader wants conversations in their list: what the server keeps of it means this here, and is changed so.

import type { Socket } from "../net/socket";
import type { Conversation, PreferencesNow } from "../net/wire";
import type { Store } from "./store";

/** Mutes until it is taken back. */
export const ALWAYS_MS = Number.MAX_SAFE_INTEGER;

/** What is wished of a conversation; the rest stays as it is. */
export interface Wish {
  muted_until_ms?: number | null;
  notify?: "all" | "mentions";
  pinned?: boolean;
  /** The pinned one that it is to stand above. */
  above?: string;
  archived?: boolean;
  marked_unread?: boolean;
}

export function isMuted({ preferences: wanted }: Conversation, nowMs = Date.now()): boolean {
  return !!wanted && (wanted.notify === "mentions" || (wanted.muted_until_ms ?? 0) > nowMs);
}

/** Away from the list: what is said brings it back, unless it is muted. */
export function isArchived(conversation: Conversation, nowMs = Date.now()): boolean {
  const number = conversation.preferences?.archived_no;
  return number !== undefined && (conversation.message_no <= number || isMuted(conversation, nowMs));
}

/** Deleted for oneself, with all that was said: the next message brings it back. */
export function isDeleted({ preferences, message_no }: Conversation): boolean {
  return message_no <= (preferences?.cleared_no ?? -1);
}

/** Whether something in it waits for the reader. */
export function isUnread({ unread, preferences }: Conversation): boolean {
  return unread > 0 || !!preferences?.marked_unread;
}

export class Preferences {
  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {}

  async set(conversation: string, wish: Wish): Promise<void> {
    await this.ask("conversation.set", conversation, wish);
  }

  /** Delete it for oneself or, a chat of two, for both, up to what is known of it here. */
  async delete(conversation: string, whose: "me" | "all"): Promise<void> {
    const message_no = this.store.conversation(conversation)?.message_no;
    await this.ask("conversation.delete", conversation, { message_no, for: whose });
  }

  private async ask(command: string, conversation: string, params: object): Promise<void> {
    const now = await this.socket.call<PreferencesNow>(command, { conversation, ...params });
    this.store.prefer(conversation, now.preferences);
  }
}
