// What the reader does to messages: actions of their types, reactions, edits, deletions. Each wish has
// a name of its own and is sent until it is answered, so that it is done once, across reconnections
// and restarts of the server; a second press of what is under way is none.

import type { Socket } from "../net/socket";
import { type Message, NoAnswer, Refusal } from "../net/wire";
import type { Texts } from "../i18n/texts";
import { newId } from "./ids";
import type { Store } from "./store";

interface Wish {
  command: string;
  params: Record<string, unknown>;
  message: Message;
  /** What was pressed for it, see `keyOf`. */
  pressed: string;
  /** What is told once it is done. */
  done: string;
}

export const BUSY = "aria-busy";
// A limit that lasts longer is told instead of being waited for.
const LONGEST_WAIT_MS = 10_000;

export class Actions {
  private readonly wishes = new Map<string, Wish>();
  private readonly inFlight = new Set<string>();
  private readonly store: Store;
  private readonly socket: Socket;
  private readonly texts: Texts;

  constructor(store: Store, socket: Socket, texts: Texts) {
    this.store = store;
    this.socket = socket;
    this.texts = texts;
  }

  /**
   * Ask for an action of the message's type; what was `pressed` for it shows that it is under way, `done` is told
   * when it is done.
   */
  act(message: Message, action: string, params: Record<string, unknown>, { pressed = "", done = "" } = {}): void {
    const wish = { message: message.id, action, params, client_id: newId(Date.now()) };
    this.wish(`${message.id} ${action} ${JSON.stringify(params)}`, "message.act", wish, message, pressed, done);
  }

  /** What was pressed on a message and is not done yet. */
  pressedOn(messageId: string): ReadonlySet<string> {
    const found = new Set<string>();
    for (const { message, pressed } of this.wishes.values()) if (message.id === messageId && pressed) found.add(pressed);
    return found;
  }

  react(message: Message, emoji: string, on: boolean): void {
    // One wish an emoji: of two quick presses the second is what counts, once the first is answered.
    this.wish(`${message.id} ${emoji} ${on}`, "message.react", { message: message.id, emoji, on }, message);
  }

  edit(message: Message, content: Record<string, unknown>): void {
    const wish = { message: message.id, content, client_id: newId(Date.now()) };
    this.wish(`${message.id} edit ${JSON.stringify(content)}`, "message.edit", wish, message);
  }

  remove(message: Message): void {
    this.wish(`${message.id} delete`, "message.delete", { message: message.id }, message);
  }

  /** Call a plugin's command about the message; `done` is told when it is done. */
  call(message: Message, command: string, params: Record<string, unknown>, done = ""): void {
    this.wish(`${message.id} ${command}`, command, { message: message.id, ...params }, message, "", done);
  }

  /** Send what waits. */
  flush(): void {
    if (!this.store.online) return;
    for (const [name, wish] of this.wishes) if (!this.inFlight.has(name)) void this.attempt(name, wish);
  }

  private wish(name: string, command: string, params: Record<string, unknown>, message: Message, pressed = "", done = ""): void {
    if (this.wishes.has(name)) return;
    this.store.putNote(message.conversation, message.id, "");
    this.wishes.set(name, { command, params, message, pressed, done });
    if (pressed) this.redraw(message);
    if (!this.store.online) this.note(message, this.texts.t("waiting_for_connection"));
    this.flush();
  }

  private async attempt(name: string, wish: Wish): Promise<void> {
    const { command, params, message } = wish;
    this.inFlight.add(name);
    try {
      const answer = await this.socket.call<{ mark?: unknown }>(command, params);
      if (command === "message.act") this.store.putOwn(message.conversation, message.id, { mark: answer.mark });
      this.done(name, wish, "");
      if (wish.done) this.store.setNotice(wish.done);
    } catch (error) {
      if (error instanceof NoAnswer && !command.startsWith("message.")) {
        // Nobody knows whether a plugin's command was done, nor whether it may be done twice.
        this.done(name, wish, this.texts.t("no_answer"));
      } else if (error instanceof Refusal && error.retryAfterMs > 0 && error.retryAfterMs <= LONGEST_WAIT_MS) {
        setTimeout(() => this.flush(), error.retryAfterMs);
      } else if (error instanceof NoAnswer || (error instanceof Refusal && error.retryable && error.key !== "rate_limited")) {
        // It may have been done: ask again by the same name when there is a connection.
        if (this.store.online) setTimeout(() => this.flush(), 1_000);
        else this.note(message, this.texts.t("waiting_for_connection"));
      } else if (error instanceof Refusal) {
        this.done(name, wish, this.texts.reason(error));
      }
    } finally {
      this.inFlight.delete(name);
    }
  }

  private done(name: string, { message, pressed }: Wish, sentence: string): void {
    this.wishes.delete(name);
    if (pressed) this.redraw(message);
    this.note(message, sentence);
  }

  private redraw(message: Message): void {
    this.store.putOwn(message.conversation, message.id, {});
  }

  private note(message: Message, sentence: string): void {
    this.store.putNote(message.conversation, message.id, sentence);
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
