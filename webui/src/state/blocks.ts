// Whom the reader has blocked. Read when somebody first looks into a chat or at a person; the events of the
// reader's own log keep it. A copy in localStorage has what they say folded from the first moment, without a
// connection too. Topic: "blocks".

import type { Socket } from "../net/socket";
import type { BlockedFound, BlockNow } from "../net/wire";
import type { Store } from "./store";

/** Since when somebody is blocked, or null, as of an event of the reader's own log. */
interface Entry {
  sinceMs: number | null;
  asOf: number;
}

export class Blocks {
  /** Why they could not be read; null where they could. */
  failed: unknown = null;
  /** Whether all of them are known. */
  complete = false;
  private entries = new Map<string, Entry>();
  private reading: Promise<void> | null = null;
  private list: readonly string[] | null = null;
  private readonly key: string;

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {
    this.key = `dm:blocked:${store.me.id}:`;
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "[]") as string[];
      for (const user of kept) this.entries.set(user, { sinceMs: 0, asOf: 0 });
    } catch {
      // What cannot be read is asked for.
    }
  }

  has(user: string): boolean {
    return !!this.entries.size && (this.entries.get(user)?.sinceMs ?? null) !== null;
  }

  /** Those who are blocked, the latest first; the same list until something changes. */
  listed(): readonly string[] {
    const since = (user: string) => this.entries.get(user)!.sinceMs ?? 0;
    return (this.list ??= [...this.entries.keys()].filter((user) => this.has(user)).sort((one, other) => since(other) - since(one)));
  }

  /** Read them, unless they are known; what fails is tried again when they are next wanted. */
  learn(): Promise<void> {
    if (this.complete) return Promise.resolve();
    this.failed = null;
    return (this.reading ??= this.readAll()
      .catch((error: unknown) => void (this.failed = error))
      .finally(() => {
        this.reading = null;
        this.touch();
      }));
  }

  /** An event of the reader's own log says so. */
  hear(user: string, sinceMs: number | null, seq: number): void {
    if (seq < (this.entries.get(user)?.asOf ?? 0)) return;
    this.entries.set(user, { sinceMs, asOf: seq });
    this.touch();
  }

  /** Block somebody, or do so no longer. */
  async ask(command: "block" | "unblock", user: string): Promise<void> {
    const { since_ms: sinceMs } = await this.socket.call<BlockNow>(`user.${command}`, { user });
    this.hear(user, sinceMs, this.entries.get(user)?.asOf ?? 0);
  }

  /** Ask again when they are next wanted: the log does not reach back to what was read. */
  forget(): void {
    this.complete = false;
    for (const entry of this.entries.values()) entry.asOf = 0;
    this.touch();
  }

  private async readAll(): Promise<void> {
    const found = new Map<string, Entry>();
    let asOf = Infinity;
    for (let after: string | undefined; ; ) {
      const page: BlockedFound = await this.socket.call("user.blocked", after ? { after } : {});
      this.store.learnUsers(page.users);
      asOf = Math.min(asOf, page.seq);
      for (const { user, since_ms: sinceMs } of page.blocked) found.set(user, { sinceMs, asOf: page.seq });
      after = page.blocked.at(-1)?.user;
      if (!page.more || !after) break;
    }
    // What was heard meanwhile is newer.
    for (const [user, entry] of this.entries) if (entry.asOf > (found.get(user)?.asOf ?? asOf)) found.set(user, entry);
    this.entries = found;
    this.complete = true;
  }

  private touch(): void {
    this.list = null;
    this.store.topics.touch("blocks");
    try {
      localStorage.setItem(this.key, JSON.stringify(this.listed()));
    } catch {
      // Without storage they are known once they are read.
    }
  }
}
