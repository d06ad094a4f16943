// Puts the parts together, once a page. The components find them here.

import { useSyncExternalStore } from "react";
import { Socket } from "../net/socket";
import { type CodeOpened, type GroupShown, type Message, Refusal, type TypeInfo, type User } from "../net/wire";
import { type Catalogue, Texts } from "../i18n/texts";
import { Times } from "../i18n/time";
import { Today } from "../i18n/today";
import { Actions } from "../state/actions";
import { Blocks } from "../state/blocks";
import { Cache } from "../state/cache";
import type { ComposerOf } from "../state/composers";
import { Contacts } from "../state/contacts";
import { Directory } from "../state/directory";
import { choose, chosen } from "../state/device";
import { dropDraft, recallComposing } from "../state/drafts";
import { UnsentFiles } from "../state/files";
import { MessageHistory } from "../state/history";
import { Kept } from "../state/kept";
import { Logs } from "../state/logs";
import { MessageRequests } from "../state/message_requests";
import { Outbox } from "../state/outbox";
import { Modules } from "../state/modules";
import { ReadPositions } from "../state/positions";
import { Preferences } from "../state/preferences";
import { Presences } from "../state/presence";
import { ReadingPlaces } from "../state/reading_places";
import { isWide, Route } from "../state/route";
import { Store } from "../state/store";
import { inOneLine } from "../state/spoken";
import { storedKeys } from "../state/stored";
import { Sync } from "../state/sync";

// Another title costs the page 2 ms: what is read as it comes is not counted up and down again.
const TITLE_AFTER_MS = 300;
// Close codes and what the login page is told.
const WHY: Record<number, string> = { 4100: "expired", 4101: "closed", 4102: "deactivated" };

/**
 * A dialog about people: begin a chat or a group, answer requests, make codes, say who may do what, add
 * members to a conversation or invite them by links, join one by a code, block somebody or do so no longer.
 */
export type AboutPeople =
  | { kind: "chat" | "group" | "requests" | "codes" | "privacy" }
  | { kind: "add" | "invites"; conversation: string }
  | { kind: "join"; code: string; group: GroupShown }
  | { kind: "block"; user: string; from?: "requests" };

export interface Config {
  me: User;
  language?: string | undefined;
  texts?: Catalogue | undefined;
  labels?: Record<string, string> | undefined;
  modules?: Record<string, string> | undefined;
  people_files?: string[] | undefined;
  emoji_script?: string | undefined;
}

export class Messenger {
  readonly store: Store;
  readonly route: Route;
  readonly outbox: Outbox;
  readonly history: MessageHistory;
  readonly directory: Directory;
  readonly contacts: Contacts;
  readonly blocks: Blocks;
  readonly requests: MessageRequests;
  readonly preferences: Preferences;
  readonly presences: Presences;
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
  /** The address of the script that knows the emoji. */
  readonly emojiScript: string;
  /** Closes the panel beside the conversation, while it is open. Topic: "panel". */
  closePanel: (() => void) | null = null;
  /** Has the details that are shown beside the conversation drawn again, while they are there. */
  refreshDetails: (() => void) | null = null;
  /** Which dialog about people is open. Topic: "people". */
  people: AboutPeople | null = null;
  /** Where the script of these dialogs is, and its style sheet: they are loaded when one is first opened. */
  readonly peopleFiles: readonly string[];
  /** Has a text drawn as a QR code, which comes as `qr`; the list knows how. */
  drawQr: ((text: string) => void) | null = null;
  /** The newest QR code. Topic: "qr". */
  qr: { text: string; picture: string } | null = null;
  /** What lies over the page and has a place for the banner. Topic: "dialog". */
  dialog: HTMLElement | null = null;
  /** Whose card is shown. Topic: "person". */
  person: string | null = null;
  /** Why what was asked for cannot be shown. Topic: "person". */
  refused = "";
  /** The long messages that the reader has wanted to see in full, by their ids. */
  readonly unfolded = new Set<string>();
  /** Set when the session has ended: nothing may keep the page any more. */
  ended = false;
  /** The reader is logging out: that the session has ended is no news. */
  private leaving = false;
  private readonly socket: Socket;
  private readonly cache: Cache;
  private readonly kept: Kept;
  private readonly sync: Sync;

  constructor({ me, language = "en", texts = {}, labels = {}, modules = {}, people_files = [], emoji_script = "" }: Config) {
    this.peopleFiles = people_files;
    this.labels = labels;
    this.modules = new Modules(modules);
    this.emojiScript = emoji_script;
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
        void this.sync.begin().then(() => {
          this.actions.flush();
          void this.contacts.learn(["received"]);
          void this.requests.learn();
        });
        void this.openCode();
        void this.learnTypes();
      },
      onDown: () => this.sync.down(),
      onNotification: (method, params) => this.sync.hear(method, params),
      onRefused: (code) => this.end(code),
    });
    this.actions = new Actions(this.store, this.socket, this.texts);
    this.outbox = new Outbox(this.store, this.socket, new UnsentFiles(me.id, this.store.topics));
    const view = `dash:${language}`;
    this.kept = new Kept(this.store, this.cache);
    this.directory = new Directory(this.store, this.socket);
    this.readPositions = new ReadPositions(this.store, this.socket);
    this.contacts = new Contacts(this.store, this.socket);
    this.blocks = new Blocks(this.store, this.socket);
    this.requests = new MessageRequests(this.store, this.socket);
    this.preferences = new Preferences(this.store, this.socket);
    this.presences = new Presences(this.store, this.socket, this.directory);
    const logs = new Logs(this.store, this.socket, this.directory, this.contacts, this.blocks, this.requests, this.kept, {
      conversation: (id) => this.history.reload(id),
      own: () => this.sync.startOver(),
    });
    this.places = new ReadingPlaces(me.id);
    this.history = new MessageHistory(this.store, this.socket, logs, this.cache, this.kept, this.places, view);
    this.sync = new Sync(this.store, this.socket, logs, this.history, this.outbox, this.kept, this.presences, view);
    this.store.onDropped = (id) => this.forgetConversation(id);
    this.store.onTrimmed = (id) => void this.cache.dropPage(id);
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
    this.refused = "";
    this.store.topics.touch("person");
  }

  /** Say on a card, in the place of the one that is open, why what was asked for cannot be shown. */
  refuse(why: string): void {
    this.person = null;
    this.refused = why;
    this.store.topics.touch("person");
  }

  showPeople(which: AboutPeople | null): void {
    this.people = which;
    this.store.topics.touch("people");
  }

  setQr(qr: { text: string; picture: string }): void {
    this.qr = qr;
    this.store.topics.touch("qr");
  }

  setDialog(element: HTMLElement | null): void {
    this.dialog = element;
    this.store.topics.touch("dialog");
  }

  /** Open the chat with somebody; the first time it is made. */
  async writeTo(user: string): Promise<void> {
    const known = this.store.list().find(({ peer }) => peer === user)?.id;
    const chat = known ?? (await this.call<{ id: string }>("conversation.create", { kind: "direct", members: [user] })).id;
    this.goTo(chat);
  }

  /** Open what one has written to oneself. */
  async openSaved(): Promise<void> {
    const known = this.store.list().find(({ kind }) => kind === "saved")?.id;
    this.goTo(known ?? (await this.call<{ id: string }>("conversation.create", { kind: "saved" })).id);
  }

  private goTo(chat: string): void {
    this.showPerson(null);
    this.showPeople(null);
    if (!isWide()) this.closePanel?.();
    this.route.open(chat);
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

  /** What somebody said, in one line; in a group nothing of those whom the reader has blocked. */
  lineOf(conversation: string, message: Pick<Message, "sender" | "text" | "type">): string {
    const folded = this.blocks.has(message.sender) && this.store.conversation(conversation)?.kind === "group";
    return folded ? this.texts.t("blocked_message") : inOneLine(message, this.labels, this.texts);
  }

  call<T>(command: string, params: unknown, timeoutMs?: number): Promise<T> {
    return this.socket.call<T>(command, params, timeoutMs);
  }

  /** Close the session, forget what this browser kept of it, show the landing page; or say why not. */
  async signOut(): Promise<string> {
    const { store, texts } = this;
    if (!store.online) return texts.t("log_out_offline");
    if (this.hasUnsent() && !confirm(texts.t("log_out_unsent"))) return "";
    this.leaving = true;
    const done = await fetch("/api/session.close", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    }).catch(() => null);
    // 401: it was closed already.
    if (!done?.ok && done?.status !== 401) {
      this.leaving = false;
      return texts.t(done ? "error_internal_error" : "log_out_offline");
    }
    this.socket.stop();
    await this.forget();
    location.assign("/");
    return "";
  }

  /** Whether something that was written would be lost with what this browser keeps. */
  private hasUnsent(): boolean {
    const own = (kind: string) => storedKeys(`dm:${kind}:${this.store.me.id}:`);
    const drafts = own("draft").filter((key) => !key.endsWith(":about"));
    return this.store.allOutgoing().length + own("wish").length + drafts.length > 0;
  }

  /** Forget what this browser kept of the user: messages, drafts, what was not sent, which emoji were used. */
  async forget(): Promise<void> {
    for (const kind of ["outbox", "wish", "draft", "place", "emoji", "blocked"]) {
      for (const key of storedKeys(`dm:${kind}:${this.store.me.id}:`)) localStorage.removeItem(key);
    }
    await Promise.all([this.cache.forget(), this.outbox.files.forget()]);
  }

  /** Show what the code in the address is for, once. */
  private async openCode(): Promise<void> {
    const code = this.route.takeCode();
    if (!code) return;
    try {
      const { user, group } = await this.call<CodeOpened>("contact.code_open", { code });
      if (group) this.showPeople({ kind: "join", code, group });
      if (!user) return;
      this.store.learnUsers({ [user.id]: user });
      this.showPerson(user.id);
    } catch (error) {
      const gone = error instanceof Refusal && error.key === "not_found";
      this.refuse(gone ? this.texts.t("code_refused") : this.texts.reason(error));
    }
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

  private end(code: number): void {
    const why = WHY[code];
    if (!why) return this.store.setBroken();
    if (this.leaving) return;
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
    let timer = 0;
    this.store.topics.subscribe("list", () => {
      timer ||= window.setTimeout(() => {
        timer = 0;
        show();
      }, TITLE_AFTER_MS);
    });
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
