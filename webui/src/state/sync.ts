// Keeps the store equal to the server: the snapshot, then each log's events by its cursor. A frame
// that does not continue what is known makes us pull what is missing; nothing is ever guessed.

import type { Socket } from "../net/socket";
import {
  type Conversation,
  type Drawn,
  type HistoryPage,
  type LogEvent,
  type LogPage,
  type Message,
  type MessagesFound,
  NoAnswer,
  Refusal,
  type SyncResult,
  type User,
} from "../net/wire";
import type { Cache } from "./cache";
import type { Outbox } from "./outbox";
import { find, type Store } from "./store";

const PAGE = 50;
const LOG_PAGE = 500;
// The server asks for at most one read position of a conversation in 2 s.
const READ_EVERY_MS = 2_000;
const KEEP_AFTER_MS = 1_000;
const RETRY_SYNC_MS = 3_000;
// As many as the server answers for at once.
const USERS_AT_ONCE = 100;

export class Sync {
  private epoch = "";
  private since: string | null = null;
  private round = 0;
  private userCursor = 0;
  private held: [string, unknown][] | null = null;
  /** What runs, and whether it was asked for again meanwhile. */
  private readonly pulling = new Map<string, boolean>();
  private readonly reading = new Map<string, { sentNo: number; timer: number }>();
  private readonly asked = new Set<string>();
  private readonly unknown = new Set<string>();
  private keepTimer = 0;
  private readonly toKeep = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly cache: Cache,
    private readonly view: string,
    private readonly outbox: () => Outbox,
  ) {}

  // Connection

  /** The connection is there: subscribe and take the snapshot. Frames that overtake it wait. */
  async begin(): Promise<void> {
    const round = ++this.round;
    this.held = [];
    try {
      const known = this.since;
      const listed = new Set<string>();
      let result = await this.ask(known);
      if (known !== null && result.epoch !== this.epoch) {
        for (const id of this.store.windowIds()) this.store.dropWindow(id);
        this.since = null;
        result = await this.ask(null);
      }
      const full = this.since === null;
      for (;;) {
        if (round !== this.round) return;
        this.snapshot(result);
        for (const conversation of result.conversations) listed.add(conversation.id);
        if (!result.more) break;
        result = await this.ask(result.since);
      }
      if (full) this.store.keepOnly(listed);
      this.epoch = result.epoch;
      this.since = result.since;
      this.store.markSynced();
      this.store.setOnline(true);
      const held = this.held ?? [];
      this.held = null;
      for (const [method, params] of held) this.hear(method, params);
      this.outbox().flush();
      for (const id of this.opened) void this.open(id);
    } catch (error) {
      if (round !== this.round || error instanceof NoAnswer) {
        if (round === this.round) this.socket.restart();
        return;
      }
      if (error instanceof Refusal && this.since !== null) this.since = null;
      setTimeout(() => round === this.round && this.socket.restart(), RETRY_SYNC_MS);
    }
  }

  down(): void {
    this.round++;
    this.held = null;
    this.pulling.clear();
    this.store.setOnline(false);
  }

  hear(method: string, params: unknown): void {
    if (this.held) {
      this.held.push([method, params]);
    } else if (method === "event") {
      this.event(params as LogEvent);
    } else if (method === "read") {
      const { conversation, read_no, unread } = params as { conversation: string; read_no: number; unread: number };
      this.store.read(conversation, read_no, unread);
    } else if (method === "user.updated") {
      const { user } = params as { user: User };
      this.store.learnUsers({ [user.id]: user });
    } else if (method === "message.drawn") {
      const { conversation, message, rev, view } = params as Drawn;
      this.store.putView(conversation, message, rev, view);
      this.keep(conversation);
    } else if (method === "receipt") {
      const { conversation, others_read_no } = params as { conversation: string; others_read_no: number };
      const known = this.store.conversation(conversation);
      if (known && others_read_no > known.others_read_no) this.store.changeConversation(conversation, { others_read_no });
    }
  }

  private ask(since: string | null): Promise<SyncResult> {
    return this.socket.call<SyncResult>("sync", { since, views: [this.view] });
  }

  private snapshot(result: SyncResult): void {
    // What happened to oneself while there was no connection is in one's own log.
    if (this.userCursor && result.me.seq > this.userCursor) void this.pullOwn();
    else this.userCursor = Math.max(this.userCursor, result.me.seq);
    this.store.learnUsers(result.users);
    const { id, username, display_name, photo = null } = result.me;
    this.store.setMe({ id, username, display_name, photo });
    this.store.rights = result.rights;
    for (const conversation of result.conversations) this.refresh(conversation);
    this.keep();
  }

  /** A conversation as it is now; what its loaded messages lack is pulled. */
  private refresh(conversation: Conversation): void {
    const { id, seq } = conversation;
    const known = this.store.conversation(id);
    const readNo = Math.max(conversation.read_no, known?.read_no ?? 0);
    this.store.putConversation({
      ...conversation,
      read_no: readNo,
      unread: readNo > conversation.read_no ? Math.min(conversation.unread, conversation.message_no - readNo) : conversation.unread,
    });
    if (this.store.hasWindow(id) && this.store.window(id).cursor < seq) void this.pull(id);
  }

  // Logs

  private event(event: LogEvent): void {
    const { log, after, seq } = event;
    if (log === this.store.me.id) {
      if (seq <= this.userCursor) return;
      if (after > this.userCursor) return void this.pullOwn();
      this.userCursor = seq;
      this.applyOwn(event);
      return;
    }
    const known = this.store.conversation(log);
    if (!known) return void this.fetch(log);
    if (this.store.hasWindow(log)) {
      const { cursor } = this.store.window(log);
      if (seq <= cursor) return;
      if (after > cursor) return void this.pull(log);
      this.apply(event);
      // Applied first: a reader of the window sees both or neither.
      this.store.changeWindow(log, { cursor: seq });
    } else {
      if (seq <= known.seq) return;
      if (after > known.seq) return void this.fetch(log);
      this.apply(event);
    }
    this.store.changeConversation(log, { seq: Math.max(seq, known.seq) });
  }

  private apply(event: LogEvent): void {
    const { log, kind, data } = event;
    if (data.message) {
      if (!this.store.users[data.message.sender]) this.learn(data.message.sender);
      this.store.putMessage(data.message);
      this.keep(log);
    } else if (kind === "reaction.changed") {
      const { message_id, emoji, count, on } = data as unknown as { message_id: string; emoji: string; count: number; on: boolean };
      this.store.putReaction(log, message_id, emoji, count, event.by === this.store.me.id ? on : null);
      this.keep(log);
    } else if (kind === "member.removed" && data.user === this.store.me.id) {
      this.store.dropConversation(log);
    } else if (kind === "conversation.updated") {
      // What was read later than this was written knows better.
      const { title, photo } = data as Partial<Conversation>;
      if (event.seq <= (this.store.conversation(log)?.seq ?? 0)) return;
      this.store.changeConversation(log, { ...(title !== undefined && { title }), ...(photo !== undefined && { photo }) });
      this.keep();
    } else if (kind.startsWith("member.") || kind.startsWith("conversation.")) {
      const user = data.user as User | undefined;
      if (kind === "member.joined" && user?.id) {
        const known = this.store.users[user.id];
        // The log says nothing of photos: they change.
        if (!known) this.learn(user.id);
        this.store.learnUsers({ [user.id]: { ...user, photo: known?.photo ?? null } });
      }
      void this.fetch(log);
    }
  }

  private applyOwn({ kind, data }: LogEvent): void {
    if (kind === "conversation.added" && data.conversation) void this.fetch(data.conversation);
    else if (kind === "conversation.removed" && data.conversation) this.store.dropConversation(data.conversation);
    else if (kind === "mark.changed" && data.conversation) this.store.putOwn(data.conversation, String(data["message_id"]), { mark: data["mark"] });
    else if (kind === "account.updated") this.learn(this.store.me.id);
  }

  /** Read a conversation's log from our cursor to its end. */
  private async pull(id: string): Promise<void> {
    await this.once(`log:${id}`, async () => {
      for (;;) {
        const { cursor } = this.store.window(id);
        if (cursor < 0) return;
        const page = await this.socket.call<LogPage>("log.read", {
          log: id,
          after: cursor,
          limit: LOG_PAGE,
          epoch: this.epoch,
        });
        for (const event of page.events) {
          if (event.seq > this.store.window(id).cursor) {
            this.apply(event);
            this.store.changeWindow(id, { cursor: event.seq });
          }
        }
        const now = Math.max(page.seq, this.store.window(id).cursor);
        this.store.changeWindow(id, { cursor: now });
        this.store.changeConversation(id, { seq: Math.max(now, this.store.conversation(id)?.seq ?? 0) });
        if (now >= page.newest || page.seq <= page.after) return;
      }
    }, async () => {
      this.store.dropWindow(id);
      await this.fetch(id);
      if (this.opened.has(id)) await this.load(id, "newest");
    });
  }

  private async pullOwn(): Promise<void> {
    await this.once("own", async () => {
      for (;;) {
        const page = await this.socket.call<LogPage>("log.read", {
          log: this.store.me.id,
          after: this.userCursor,
          limit: LOG_PAGE,
          epoch: this.epoch,
        });
        for (const event of page.events) {
          if (event.seq <= this.userCursor) continue;
          this.userCursor = event.seq;
          this.applyOwn(event);
        }
        this.userCursor = Math.max(this.userCursor, page.seq);
        if (page.seq >= page.newest || page.seq <= page.after) return;
      }
    }, async () => {
      this.since = null;
      this.socket.restart();
    });
  }

  /** Run `work`, once more if it was asked for while it ran; `resync` when the log no longer reaches back so far. */
  private async once(name: string, work: () => Promise<void>, resync: () => Promise<void>): Promise<void> {
    if (this.pulling.has(name)) {
      this.pulling.set(name, true);
      return;
    }
    try {
      do {
        this.pulling.set(name, false);
        await work();
      } while (this.pulling.get(name));
    } catch (error) {
      if (error instanceof Refusal && error.key === "resync") await resync().catch(() => undefined);
    } finally {
      this.pulling.delete(name);
    }
  }

  /** Ask for a conversation's own state: it is new to us, or something about it changed. */
  async fetch(id: string): Promise<void> {
    await this.once(`get:${id}`, async () => {
      try {
        const result = await this.socket.call<{ conversation?: Conversation; users?: Record<string, User> } & Conversation>(
          "conversation.get",
          { conversation: id },
        );
        if (result.users) this.store.learnUsers(result.users);
        const conversation = result.conversation ?? result;
        this.refresh(conversation);
        if (conversation.peer && !this.store.users[conversation.peer]) this.learn(conversation.peer);
        this.keep();
      } catch (error) {
        if (error instanceof Refusal && error.key === "not_found") {
          this.store.dropConversation(id);
          this.store.changeWindow(id, { loading: "", failed: "not_found", cursor: -1 });
        }
        throw error;
      }
    }, async () => undefined);
  }

  /** Ask who somebody is, once; those asked for in one turn are asked for together. */
  learn(id: string): void {
    if (this.asked.has(id) && id !== this.store.me.id) return;
    this.asked.add(id);
    if (!this.unknown.size) queueMicrotask(() => void this.learnUnknown());
    this.unknown.add(id);
  }

  private async learnUnknown(): Promise<void> {
    const ids = [...this.unknown];
    this.unknown.clear();
    for (let at = 0; at < ids.length; at += USERS_AT_ONCE) {
      const some = ids.slice(at, at + USERS_AT_ONCE);
      try {
        const { users } = await this.socket.call<{ users: User[] }>("user.get", { users: some });
        for (const user of users) {
          if (user.id === this.store.me.id) this.store.setMe(user);
          else this.store.learnUsers({ [user.id]: user });
        }
      } catch {
        for (const id of some) this.asked.delete(id);
      }
    }
  }

  // History

  private readonly opened = new Set<string>();

  /** Somebody looks at a conversation: have its messages. */
  async open(id: string): Promise<void> {
    this.opened.add(id);
    const window = this.store.window(id);
    if (window.cursor >= 0 || window.loading) return;
    if (!window.messages.length) {
      const kept = await this.cache.page(id);
      const now = this.store.window(id);
      if (kept?.length && now.cursor < 0 && !now.messages.length) this.store.changeWindow(id, { messages: kept });
    }
    if (!this.store.online) return;
    if (!this.store.conversation(id)) await this.fetch(id);
    const known = this.store.conversation(id);
    if (known) await this.load(id, known.unread > PAGE / 2 ? "unread" : "newest");
  }

  close(id: string): void {
    this.opened.delete(id);
  }

  async load(id: string, what: "newest" | "unread" | "before" | "after" | "around", number = 0): Promise<void> {
    const window = this.store.window(id);
    if (window.loading || !this.store.online) return;
    const first = window.messages[0]?.number;
    const last = window.messages[window.messages.length - 1]?.number;
    const place =
      what === "before" ? { before: first } :
      what === "after" ? { after: last } :
      what === "around" ? { around: number } :
      what === "unread" ? { around: (this.store.conversation(id)?.read_no ?? 0) + 1 } : {};
    this.store.changeWindow(id, { loading: what === "before" || what === "after" ? what : "open" });
    try {
      const page = await this.socket.call<HistoryPage>("message.history", {
        conversation: id,
        ...place,
        limit: PAGE,
        views: [this.view],
      });
      this.store.putPage(id, page, what === "before" || what === "after" ? what : "instead");
      if (what === "newest" || what === "unread") this.keep(id);
      const known = this.store.conversation(id);
      if (known && this.store.hasWindow(id) && known.seq > this.store.window(id).cursor) void this.pull(id);
    } catch (error) {
      const failed = error instanceof Refusal ? (error.key === "not_found" ? "not_found" : "error") : "";
      this.store.changeWindow(id, { loading: "", failed });
    }
  }

  /** A message that another one answers: from what is loaded, or asked for once; null until it is known. */
  quoted(id: string, { id: messageId, number }: { id: string; number: number }): Message | null {
    const { messages } = this.store.window(id);
    const there = messages[find(messages, number)];
    if (there?.id === messageId) return there;
    const known = this.quotes.get(messageId);
    if (known !== undefined || !this.store.online) return known ?? null;
    this.quotes.set(messageId, null);
    void this.socket
      .call<MessagesFound>("message.get", { messages: [messageId] })
      .then(({ messages: [message], users }) => {
        this.store.learnUsers(users);
        this.quotes.set(messageId, message ?? null);
        this.store.changeWindow(id, { messages: [...this.store.window(id).messages] });
      })
      .catch(() => this.quotes.delete(messageId));
    return null;
  }

  private readonly quotes = new Map<string, Message | null>();

  // Read positions

  /** Everything up to `number` was seen: at once for us, every two seconds for the server. */
  read(id: string, number: number): void {
    const known = this.store.conversation(id);
    if (!known || number <= known.read_no) return;
    this.store.read(id, number);
    const state = this.reading.get(id) ?? { sentNo: 0, timer: 0 };
    this.reading.set(id, state);
    if (!state.timer) this.tellRead(id, state);
  }

  private tellRead(id: string, state: { sentNo: number; timer: number }): void {
    const number = this.store.conversation(id)?.read_no ?? 0;
    if (number <= state.sentNo) return;
    state.sentNo = number;
    state.timer = window.setTimeout(() => {
      state.timer = 0;
      this.tellRead(id, state);
    }, READ_EVERY_MS);
    this.socket.call("read.advance", { conversation: id, message_no: number }).catch(() => {
      state.sentNo = 0;
    });
  }

  // The cache

  /** Show what was kept until the server has spoken. */
  async recall(): Promise<void> {
    const kept = await this.cache.list();
    if (!kept || this.store.synced) return;
    this.store.learnUsers(kept.users);
    this.store.rights = kept.rights ?? {};
    for (const conversation of kept.conversations) this.store.putConversation(conversation);
  }

  private keep(id?: string): void {
    if (id) this.toKeep.add(id);
    if (this.keepTimer) return;
    this.keepTimer = window.setTimeout(() => {
      this.keepTimer = 0;
      const { users, rights } = this.store;
      void this.cache.keepList({ conversations: [...this.store.list()], users: { ...users }, rights });
      for (const kept of this.toKeep) {
        const window = this.store.window(kept);
        if (window.cursor >= 0 && !window.moreAfter) void this.cache.keepPage(kept, window.messages);
      }
      this.toKeep.clear();
    }, KEEP_AFTER_MS);
  }
}
