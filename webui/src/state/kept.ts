// What the cache is given and shows: the list and the last page of each conversation that was read.

import type { Cache } from "./cache";
import type { Store } from "./store";

const KEEP_AFTER_MS = 1_000;

export class Kept {
  private timer = 0;
  private readonly pages = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly cache: Cache,
  ) {}

  /** Show what was kept until the server has spoken. */
  async recall(): Promise<void> {
    const kept = await this.cache.list();
    if (!kept || this.store.synced) return;
    this.store.learnUsers(kept.users);
    this.store.rights = kept.rights ?? {};
    // Kept by an earlier version, it has no place yet.
    for (const conversation of kept.conversations) this.store.putConversation({ ...conversation, order_no: conversation.order_no ?? 0 });
  }

  /** Keep the list as it is in a moment, and the messages of a conversation. */
  keep(id?: string): void {
    if (id) this.pages.add(id);
    if (this.timer) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      const { users, rights } = this.store;
      void this.cache.keepList({ conversations: [...this.store.list()], users: { ...users }, rights });
      for (const kept of this.pages) {
        const window = this.store.window(kept);
        if (window.cursor >= 0 && !window.moreAfter) void this.cache.keepPage(kept, window.messages);
      }
      this.pages.clear();
    }, KEEP_AFTER_MS);
  }
}
