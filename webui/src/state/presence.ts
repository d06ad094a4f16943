// Who is there, as far as the page shows them, and who types. Owns whom the server is asked about: those who are in
// view, told it a moment after that changed and again at each connection. All of it is lost with the connection.

import type { Socket } from "../net/socket";
import type { LogEvent, Presence, PresenceNow, TypingTold } from "../net/wire";
import type { Directory } from "./directory";
import type { Store } from "./store";

// A list that is scrolled comes to rest.
const WATCH_AFTER_MS = 300;
const MAX_WATCHED = 200;
const TELL_EVERY_MS = 3_000;
const LIVES_MS = 6_000;
const NOBODY: readonly string[] = [];

/** Topics: "presence:ID" of a person, "typing:ID" of a conversation. */
export class Presences {
  private known = new Map<string, Presence>();
  /** Who is shown, and in how many places; the newest last. */
  private readonly shown = new Map<string, number>();
  private watched = "";
  private timer = 0;
  private online = false;
  private readonly typists = new Map<string, readonly string[]>();
  private readonly ends = new Map<string, number>();
  /** When it was told that the reader types, by conversation. */
  private readonly told = new Map<string, number>();
  private observer: IntersectionObserver | null = null;
  private readonly seen = new WeakMap<Element, (inView: boolean) => void>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly directory: Directory,
  ) {}

  /** How somebody is; undefined where it is not known, or not shown to the reader. */
  of(id: string): Presence | undefined {
    return this.known.get(id);
  }

  /** Who types in a conversation, those who began first first. */
  typing(id: string): readonly string[] {
    return this.typists.get(id) ?? NOBODY;
  }

  /** Somebody is shown, until what is returned is called. */
  show(id: string): () => void {
    const times = this.shown.get(id) ?? 0;
    this.shown.delete(id);
    this.shown.set(id, times + 1);
    this.watch();
    return () => {
      const left = this.shown.get(id)! - 1;
      if (left) this.shown.set(id, left);
      else this.shown.delete(id);
      this.watch();
    };
  }

  /** Somebody is shown by an element while that is in view. */
  shownBy(element: Element, id: string): () => void {
    this.observer ??= new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.seen.get(target)?.(isIntersecting);
    });
    const { observer, seen } = this;
    let hide: (() => void) | null = null;
    seen.set(element, (inView) => {
      if (inView) hide ??= this.show(id);
      else {
        hide?.();
        hide = null;
      }
    });
    observer.observe(element);
    return () => {
      observer.unobserve(element);
      seen.delete(element);
      hide?.();
    };
  }

  /** There is a connection, which watches nobody yet. */
  up(): void {
    this.online = true;
    this.watched = "";
    this.watch();
  }

  down(): void {
    this.online = false;
    clearTimeout(this.timer);
    this.timer = 0;
    this.told.clear();
    const before = this.known;
    this.known = new Map();
    for (const id of before.keys()) this.store.topics.touch(`presence:${id}`);
    for (const id of [...this.typists.keys()]) for (const user of this.typing(id)) this.stopped(id, user);
  }

  private watch(): void {
    if (this.online) this.timer ||= window.setTimeout(() => void this.ask(), WATCH_AFTER_MS);
  }

  private async ask(): Promise<void> {
    this.timer = 0;
    const users = [...this.shown.keys()].slice(-MAX_WATCHED).sort();
    const asked = users.join();
    if (asked === this.watched) return;
    this.watched = asked;
    try {
      const now = (await this.socket.call<PresenceNow>("presence.watch", { users })).users;
      // Another list is under way, or the connection is another.
      if (this.watched !== asked) return;
      for (const id of this.known.keys()) if (!now[id]) this.put(id, null);
      for (const [id, presence] of Object.entries(now)) this.put(id, presence);
    } catch {
      // It is shown without until the next is asked for: nobody waits for it.
      if (this.watched === asked) this.watched = "";
    }
  }

  private put(id: string, presence: Presence | null): void {
    if (presence) this.known.set(id, presence);
    else this.known.delete(id);
    this.store.topics.touch(`presence:${id}`);
  }

  /** Notifications: `presence` and `typing`. */
  hear(users: Record<string, Presence | null>): void {
    for (const [id, presence] of Object.entries(users)) this.put(id, presence);
  }

  hearTyping({ conversation, user, on }: TypingTold): void {
    const key = `${conversation} ${user}`;
    if (!on) return this.stopped(conversation, user);
    if (!this.store.users[user]) this.directory.learn(user);
    clearTimeout(this.ends.get(key));
    this.ends.set(key, window.setTimeout(() => this.stopped(conversation, user), LIVES_MS));
    if (!this.typing(conversation).includes(user)) this.putTyping(conversation, [...this.typing(conversation), user]);
  }

  /** Whoever has sent a message types no longer. */
  hearEvent({ kind, log, by }: LogEvent): void {
    if (kind === "message.created" && by) this.stopped(log, by);
  }

  private stopped(conversation: string, user: string): void {
    const key = `${conversation} ${user}`;
    if (!this.ends.has(key)) return;
    clearTimeout(this.ends.get(key));
    this.ends.delete(key);
    this.putTyping(conversation, this.typing(conversation).filter((one) => one !== user));
  }

  private putTyping(conversation: string, users: readonly string[]): void {
    if (users.length) this.typists.set(conversation, users);
    else this.typists.delete(conversation);
    this.store.topics.touch(`typing:${conversation}`);
  }

  /** The reader types in a conversation, or does no longer. */
  type(conversation: string, on: boolean): void {
    const toldMs = this.told.get(conversation);
    const sinceMs = toldMs === undefined ? Infinity : Date.now() - toldMs;
    // A clock that was set back says nothing.
    if (on ? sinceMs >= 0 && sinceMs < TELL_EVERY_MS : sinceMs >= LIVES_MS) return;
    if (on) this.told.set(conversation, Date.now());
    else this.told.delete(conversation);
    // Whoever may not say it may not write either, and is told so then.
    this.socket.call("typing.set", { conversation, on }).catch(() => undefined);
  }
}
