// Puts the parts together, once a page. The components find them here.

import { useSyncExternalStore } from "react";
import { Socket } from "../net/socket";
import type { Message, TypeInfo, User } from "../net/wire";
import { type Catalogue, Texts } from "../i18n/texts";
import { Times } from "../i18n/time";
import { Today } from "../i18n/today";
import { Actions } from "../state/actions";
import { Cache } from "../state/cache";
import type { ComposerOf } from "../state/composers";
import { Directory } from "../state/directory";
import { choose, chosen } from "../state/device";
import { dropDraft, recallComposing } from "../state/drafts";
import { UnsentFiles } from "../state/files";
import { MessageHistory } from "../state/history";
import { Kept } from "../state/kept";
import { Logs } from "../state/logs";
import { Outbox } from "../state/outbox";
import { Modules } from "../state/modules";
import { ReadPositions } from "../state/positions";
import { ReadingPlaces } from "../state/reading_places";
import { Route } from "../state/route";
import { Store } from "../state/store";
import { storedKeys } from "../state/stored";
import { Sync } from "../state/sync";

// Close codes and what the login page is told.
const WHY: Record<number, string> = { 4100: "expired", 4101: "closed", 4102: "deactivated" };

export interface Config {
  me: User;
  language?: string | undefined;
  texts?: Catalogue | undefined;
  labels?: Record<string, string> | undefined;
  modules?: Record<string, string> | undefined;
}

export class Messenger {
  readonly store: Store;
  readonly route: Route;
  readonly outbox: Outbox;
  readonly history: MessageHistory;
  readonly directory: Directory;
  readonly readPositions: ReadPositions;
  readonly places: ReadingPlaces;
  readonly texts: Texts;
  times: Times;
  /** Topic: "today". */
  readonly today: Today;
  readonly actions: Actions;
  /** What each message type lets people do. */
  types: Readonly<Record<string, TypeInfo>> = {};
  /** How messages are written: the Composer says it. Topic: "composers". */
  composers: readonly ComposerOf[] = [];
  /** What each type is called, for messages without words. */
  readonly labels: Readonly<Record<string, string>>;
  /** What plugins' own scripts do. */
  readonly modules: Modules;
  /** Closes the panel beside the conversation, while it is open. Topic: "panel". */
  closePanel: (() => void) | null = null;
  /** Opens the dialogs in which conversations are begun; the list knows how. */
  begin: { chat(): void; group(): void } | null = null;
  /** Whose card is shown. Topic: "person". */
  person: string | null = null;
  /** The long messages that the reader has wanted to see in full, by their ids. */
  readonly unfolded = new Set<string>();
  /** Set when the session has ended: nothing may keep the page any more. */
  ended = false;
  private readonly socket: Socket;
  private readonly cache: Cache;
  private readonly kept: Kept;
  private readonly sync: Sync;

  constructor({ me, language = "en", texts = {}, labels = {}, modules = {} }: Config) {
    this.labels = labels;
    this.modules = new Modules(modules);
    this.texts = new Texts(language, texts);
    this.times = new Times(language);
    this.store = new Store(me);
    this.today = new Today(() => {
      // The zone may be another too.
      this.times = new Times(language);
      this.store.topics.touch("today");
    });
    this.route = new Route(this.store.topics);
    this.cache = new Cache(me.id);
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    this.socket = new Socket(url, {
      onOpen: () => {
        void this.sync.begin().then(() => this.actions.flush());
        void this.learnTypes();
      },
      onDown: () => this.sync.down(),
      onNotification: (method, params) => this.sync.hear(method, params),
      onRefused: (code) => this.refused(code),
    });
    this.actions = new Actions(this.store, this.socket, this.texts);
    this.outbox = new Outbox(this.store, this.socket, new UnsentFiles(me.id, this.store.topics));
    const view = `dash:${language}`;
    this.kept = new Kept(this.store, this.cache);
    this.directory = new Directory(this.store, this.socket);
    this.readPositions = new ReadPositions(this.store, this.socket);
    const logs = new Logs(this.store, this.socket, this.directory, this.kept, {
      conversation: (id) => this.history.reload(id),
      own: () => this.sync.startOver(),
    });
    this.places = new ReadingPlaces(me.id);
    this.history = new MessageHistory(this.store, this.socket, logs, this.cache, this.kept, this.places, view);
    this.sync = new Sync(this.store, this.socket, logs, this.history, this.outbox, this.kept, view);
    this.store.onDropped = (id) => this.forgetConversation(id);
  }

  start(): void {
    this.outbox.load();
    this.actions.load();
    recallComposing(this.store);
    this.route.start();
    this.socket.start();
    void this.kept.recall();
    this.showUnreadInTitle();
    this.today.start();
    document.addEventListener("visibilitychange", () => this.today.look());
  }

  setComposers(composers: readonly ComposerOf[]): void {
    this.composers = composers;
    this.store.topics.touch("composers");
  }

  setPanel(close: (() => void) | null): void {
    this.closePanel = close;
    this.store.topics.touch("panel");
  }

  showPerson(id: string | null): void {
    if (id) this.directory.learn(id);
    this.person = id;
    this.store.topics.touch("person");
  }

  /** Whether Enter sends what is written; otherwise it begins a line, and Ctrl+Enter sends. Topic: "enter". */
  get enterSends(): boolean {
    // A phone's keyboard has no Shift+Enter.
    return (chosen("enter") || (matchMedia("(pointer: coarse)").matches ? "line" : "send")) === "send";
  }

  set enterSends(sends: boolean) {
    choose("enter", sends ? "send" : "line");
    this.store.topics.touch("enter");
  }

  /** Whether marks in what is typed make it a message of the type that has them. Topic: "marks". */
  get knowsMarks(): boolean {
    return chosen("marks") !== "text";
  }

  set knowsMarks(known: boolean) {
    choose("marks", known ? "" : "text");
    this.store.topics.touch("marks");
  }

  /** Whether the reader may edit a message, and there is something to edit it in. */
  canEdit({ sender, type, deleted_at_ms }: Message): boolean {
    if (sender !== this.store.me.id || deleted_at_ms || !this.types[type]?.editable) return false;
    return this.composers.some((composer) => composer.type === type && (composer.field || composer.fields));
  }

  call<T>(command: string, params: unknown, timeoutMs?: number): Promise<T> {
    return this.socket.call<T>(command, params, timeoutMs);
  }

  /** Close the session, forget what this browser kept of it, and show the landing page. */
  async signOut(): Promise<void> {
    await this.forget();
    this.socket.stop();
    await fetch("/api/session.close", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    }).catch(() => undefined);
    location.assign("/");
  }

  /** Forget what this browser kept of the user: messages, drafts, what was not sent. */
  async forget(): Promise<void> {
    for (const kind of ["outbox", "wish", "draft", "place"]) {
      for (const key of storedKeys(`dm:${kind}:${this.store.me.id}:`)) localStorage.removeItem(key);
    }
    await Promise.all([this.cache.forget(), this.outbox.files.forget()]);
  }

  private async learnTypes(): Promise<void> {
    const listed = await this.socket.call<{ types: TypeInfo[]; portraits: boolean }>("plugin.list", {}).catch(() => null);
    if (!listed) return;
    const { types, portraits } = listed;
    this.store.setPortraits(portraits);
    if (types.length) this.types = Object.fromEntries(types.map((type) => [type.type, type]));
  }

  /** Forget what this browser kept of a conversation that the reader is no longer in. */
  private forgetConversation(id: string): void {
    this.outbox.drop(id);
    this.actions.forget(id);
    dropDraft(this.store, id);
    this.places.keep(id, null);
    void this.cache.dropPage(id);
  }

  private refused(code: number): void {
    const why = WHY[code];
    if (!why) return this.store.setBroken();
    this.ended = true;
    // Somebody else may sit here next. What the reader wrote is kept where nobody ended the session: it
    // is theirs, and goes on when they log in again.
    const forgotten = why === "expired" ? this.cache.forget() : this.forget();
    void forgotten.finally(() => {
      location.assign(`/login?why=${why}&next=${encodeURIComponent(location.pathname)}`);
    });
  }

  private showUnreadInTitle(): void {
    const title = document.title.replace(/^\(\d+\) /, "");
    const show = () => {
      const unread = this.store.unreadTotal();
      const wanted = unread ? `(${unread}) ${title}` : title;
      if (document.title !== wanted) document.title = wanted;
    };
    this.store.topics.subscribe("list", show);
    show();
  }
}

declare global {
  interface Window {
    dashMessenger?: Messenger;
  }
}

/** The event that tells the page that its messenger was started. */
export const STARTED = "dm:started";

/** The page's messenger, started by the component that knows who is signed in; null before. */
export function useMessenger(config: Partial<Config> = {}): Messenger | null {
  if (!window.dashMessenger && config.me) {
    window.dashMessenger = new Messenger(config as Config);
    window.dashMessenger.start();
    // Others are drawn already, or in the midst of being drawn.
    queueMicrotask(() => dispatchEvent(new Event(STARTED)));
  }
  return useSyncExternalStore(onStarted, () => window.dashMessenger ?? null);
}

function onStarted(listener: () => void): () => void {
  addEventListener(STARTED, listener);
  return () => removeEventListener(STARTED, listener);
}
