// What the reader does to messages: actions of their types, reactions, edits, deletions. Each wish has
// an id of its own and is sent until it is answered, so that it is done once, across reconnections,
// reloads and restarts of the server. Wishes of one message are done one after another, in the order
// they were made in; a second press of what is under way is none.

import type { Socket } from "../net/socket";
import { type Message, NoAnswer, Refusal } from "../net/wire";
import type { Texts } from "../i18n/texts";
import type { Store } from "./store";
import { Stored } from "./stored";

interface Wish {
  id: string;
  /** A later one of the same name replaces it, unless it is under way. */
  name: string;
  command: string;
  params: Record<string, unknown>;
  message: string;
  conversation: string;
  /** What was pressed for it, see `keyOf`. */
  pressed: string;
  /** What is told once it is done. */
  done: string;
  /** It has to wait for a connection. */
  waits: boolean;
  /** Why it was not done. */
  refused: string;
}

export const BUSY = "aria-busy";
// A limit that lasts longer is told instead of being waited for.
const LONGEST_WAIT_MS = 10_000;
const AGAIN_AFTER_MS = 1_000;
const SHOWN_CHARACTERS = 60;

export class Actions {
  private readonly wishes = new Map<string, Wish>();
  private readonly inFlight = new Set<string>();
  private readonly stored: Stored<Wish>;

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
    private readonly texts: Texts,
  ) {
    this.stored = new Stored("wish", store.me.id);
  }

  /** Take up what an earlier page left. */
  load(): void {
    for (const wish of this.stored.load()) this.put({ ...wish, waits: true });
  }

  /**
   * Ask for an action of the message's type; what was `pressed` for it shows that it is under way, `done` is told
   * when it is done.
   */
  act(message: Message, action: string, params: Record<string, unknown>, { pressed = "", done = "" } = {}): void {
    this.wish(`${action} ${JSON.stringify(params)}`, "message.act", message, { action, params }, pressed, done);
  }

  /** Of several presses of one emoji the last is what counts. */
  react(message: Message, emoji: string, on: boolean): void {
    this.wish(emoji, "message.react", message, { emoji, on });
  }

  edit(message: Message, content: Record<string, unknown>): void {
    this.wish("edit", "message.edit", message, { content });
  }

  remove(message: Message): void {
    this.wish("delete", "message.delete", message, {});
  }

  /** Call a plugin's command about the message; `done` is told when it is done. */
  call(message: Message, command: string, params: Record<string, unknown>, done = ""): void {
    this.wish(command, command, message, params, "", done);
  }

  /** Forget what waits for a message, and what was refused. */
  discard(message: string): void {
    for (const wish of this.wishes.values()) if (wish.message === message) this.drop(wish);
  }

  /** Forget what was asked for in a conversation that the reader is no longer in. */
  forget(conversation: string): void {
    for (const wish of this.wishes.values()) if (wish.conversation === conversation) this.drop(wish);
  }

  /** Send what waits, of each message what was asked for first. */
  flush(): void {
    if (!this.store.online) return;
    const busy = new Set<string>();
    for (const wish of this.wishes.values()) {
      if (wish.refused || busy.has(wish.message)) continue;
      busy.add(wish.message);
      if (!this.inFlight.has(wish.id)) void this.attempt(wish);
    }
  }

  private wish(what: string, command: string, message: Message, params: Wish["params"], pressed = "", done = ""): void {
    const name = `${message.id} ${what}`;
    for (const other of this.wishes.values()) if (other.refused && other.message === message.id) this.drop(other);
    const last = [...this.wishes.values()].filter((other) => other.name === name).pop();
    if (last && JSON.stringify(last.params) === JSON.stringify(params)) return;
    if (last && !this.inFlight.has(last.id)) this.drop(last);
    this.put({
      id: this.stored.newId(), name, command, params, message: message.id, conversation: message.conversation, pressed, done,
      waits: !this.store.online, refused: "",
    });
    this.flush();
  }

  private async attempt(wish: Wish): Promise<void> {
    const { id, command, message, conversation } = wish;
    // Another tab has done it, or it was taken back there.
    if (this.stored.isTaken(id)) return this.drop(wish);
    const ours = command.startsWith("message.");
    // Nobody knows whether a plugin's command was done, nor whether it may be done twice.
    if (!ours) this.stored.remove(id);
    this.inFlight.add(id);
    try {
      const named = command === "message.act" || command === "message.edit" ? { client_id: id } : {};
      const answer = await this.socket.call<{ mark?: unknown }>(command, { message, ...wish.params, ...named });
      if (command === "message.act") this.store.putOwn(conversation, message, { mark: answer.mark });
      this.drop(wish);
      if (wish.done) this.store.setNotice(wish.done);
    } catch (error) {
      const afterMs = error instanceof Refusal ? error.retryAfterMs : 0;
      const gone = ours && error instanceof Refusal && error.key === "not_found";
      const unknown = error instanceof NoAnswer || (error instanceof Refusal && error.retryable && error.key !== "rate_limited");
      if (!this.wishes.has(id) || (gone && command === "message.delete")) {
        this.drop(wish);
      } else if (afterMs > 0 && afterMs <= LONGEST_WAIT_MS) {
        setTimeout(() => this.flush(), afterMs);
      } else if (unknown && (ours || error instanceof Refusal)) {
        // It may have been done: ask again by the same id when there is a connection.
        if (this.store.online) setTimeout(() => this.flush(), AGAIN_AFTER_MS);
        else this.put({ ...wish, waits: true });
      } else {
        this.put({ ...wish, refused: gone ? this.texts.t("deleted") : this.texts.reason(error) });
      }
    } finally {
      this.inFlight.delete(id);
      const left = this.wishes.get(id);
      if (!left || left.refused) this.flush();
    }
  }

  private put(wish: Wish): void {
    this.wishes.set(wish.id, wish);
    this.stored.put(wish.id, wish);
    this.show(wish);
  }

  private drop(wish: Wish): void {
    this.wishes.delete(wish.id);
    this.stored.remove(wish.id);
    this.show(wish);
  }

  /** Say under a message what is to be done to it, or was not. */
  private show({ conversation, message }: Wish): void {
    const those = [...this.wishes.values()].filter((wish) => wish.message === message);
    const refused = those.filter((wish) => wish.refused);
    const told = refused.length ? refused : those.filter((wish) => wish.waits);
    const what = [...new Set(told.map((wish) => this.what(wish)).filter(Boolean))].join(", ");
    const sentence = refused[0]?.refused ?? (told.length ? this.texts.t("waiting_for_connection") : "");
    const pressed = new Set(those.filter((wish) => wish.pressed && !wish.refused).map((wish) => wish.pressed));
    const note = { sentence: what ? `${what}: ${sentence}` : sentence, pending: !refused.length, pressed };
    this.store.putNote(conversation, message, sentence || pressed.size ? note : undefined);
  }

  private what({ command, params, refused }: Wish): string {
    if (command === "message.delete") return this.texts.t("delete");
    if (command === "message.react") return String(params["emoji"]);
    if (command !== "message.edit") return "";
    const text = String((params["content"] as { text?: unknown }).text ?? "");
    const cut = !refused && text.length > SHOWN_CHARACTERS;
    return `${this.texts.t("edit")} “${cut ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}”`;
  }
}

/**
 * Do what the pressed element of a component body says by its `data-act`. Whether it is pressed is
 * the reader's own mark; the wish is the opposite of what is pressed now.
 */
export function press(actions: Actions, message: Message, element: HTMLElement, mark: unknown): void {
  const { act, params, confirm: question } = element.dataset;
  if (!act || element.getAttribute(BUSY) === "true") return;
  if (question && !window.confirm(question)) return;
  const given = JSON.parse(params ?? "{}") as Record<string, unknown>;
  if (element.dataset["mark"] !== undefined && !("on" in given)) {
    given["on"] = !isMarked(JSON.parse(element.dataset["mark"]), mark);
  }
  actions.act(message, act, given, { pressed: keyOf(act, params) });
}

/** What tells the pressed element from the others of its body, also when it is drawn again. */
export function keyOf(act: unknown, params: unknown): string {
  return `${String(act)} ${String(params ?? "{}")}`;
}

/** Whether the reader's mark is `wanted`, or contains it. */
export function isMarked(wanted: unknown, mark: unknown): boolean {
  if (mark === undefined || mark === null) return false;
  if (Array.isArray(mark) && !Array.isArray(wanted)) return mark.includes(wanted);
  return JSON.stringify(mark) === JSON.stringify(wanted);
}
