// The messages of the conversations that somebody looks at, page by page, and what messages quote.

import type { Socket } from "../net/socket";
import { type HistoryPage, type Message, type MessagesFound, Refusal } from "../net/wire";
import type { Cache } from "./cache";
import type { Kept } from "./kept";
import { find } from "./loaded";
import type { Logs } from "./logs";
import type { ReadingPlaces } from "./reading_places";
import type { Store } from "./store";

const PAGE = 50;

export class MessageHistory {
  private readonly opened = new Set<string>();
  private readonly quotes = new Map<string, Message | null>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly logs: Logs,
    private readonly cache: Cache,
    private readonly kept: Kept,
    private readonly places: ReadingPlaces,
    private readonly view: string,
  ) {}

  /** Somebody looks at a conversation: have its messages. */
  async open(id: string): Promise<void> {
    this.opened.add(id);
    const window = this.store.window(id);
    if (window.cursor >= 0 || window.loading) return;
    const left = this.places.of(id)?.number;
    // A page without the place where one left off would have to be shown elsewhere first.
    await this.recall(id, left);
    if (!this.store.online) return;
    if (!this.store.conversation(id)) await this.logs.fetch(id);
    const { unread = 0, message_no = 0 } = this.store.conversation(id) ?? {};
    if (left && message_no - left > PAGE / 2) await this.load(id, "around", left);
    else await this.load(id, unread > PAGE / 2 ? "unread" : "newest");
  }

  /** There is no connection: what this browser has kept is all there is. */
  down(): void {
    for (const id of this.opened) void this.recall(id);
  }

  private async recall(id: string, withNumber = Infinity): Promise<void> {
    if (this.store.window(id).messages.length) return;
    const first = this.store.conversation(id)?.first_number ?? 1;
    const kept = (await this.cache.page(id))?.filter(({ number }) => number >= first);
    const now = this.store.window(id);
    if (!kept?.length || kept[0]!.number > withNumber || now.cursor >= 0 || now.messages.length) return;
    // What precedes a whole page is drawn no sooner than it would be of the server's page.
    this.store.changeWindow(id, { messages: kept, moreBefore: kept.length >= PAGE });
  }

  close(id: string): void {
    this.opened.delete(id);
  }

  /** There is a connection again: have what is looked at. */
  reopen(): void {
    for (const id of this.opened) void this.open(id);
  }

  /** Load a conversation instead of what is there: its log no longer reaches back so far. */
  async reload(id: string): Promise<void> {
    this.store.dropWindow(id);
    await this.logs.fetch(id);
    if (this.opened.has(id)) await this.load(id, "newest");
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
      if (what === "newest" || what === "unread") this.kept.keep(id);
      const known = this.store.conversation(id);
      if (known && this.store.hasWindow(id) && known.seq > this.store.window(id).cursor) void this.logs.pull(id);
    } catch (error) {
      const refused = error instanceof Refusal && error.key === "not_found" ? "not_found" : "error";
      // Without a connection it is no failure: it is asked for on the next one.
      const failed = this.store.online ? refused : "";
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
}
