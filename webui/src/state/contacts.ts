// What others are to the reader: contacts, who was asked, who asks. Who asks is read at each start, the others
// when they are first wanted; the events of the reader's own log keep all of it. Topic: "contacts".

import type { Socket } from "../net/socket";
import type { Contact, ContactNow, ContactsFound } from "../net/wire";
import type { Store } from "./store";

const STATES = ["contact", "sent", "received"] as const;
const NONE: readonly Contact[] = [];

/** What somebody is as of an event of the reader's own log. */
interface Entry {
  contact: Contact | null;
  asOf: number;
}

export class Contacts {
  /** Why they could not be read; null where they could. */
  failed: unknown = null;
  private readonly entries = new Map<string, Entry>();
  private read = new Set<Contact["state"]>();
  private reading: Promise<void> | null = null;
  private lists: Partial<Record<Contact["state"], readonly Contact[]>> = {};

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {}

  /** What somebody is to the reader: null for nothing, undefined while it is not known. */
  of(user: string): Contact | null | undefined {
    const entry = this.entries.get(user);
    return entry ? entry.contact : this.complete ? null : undefined;
  }

  /** Those of one state who are known, in no order; the same list until something changes. */
  listed(state: Contact["state"]): readonly Contact[] {
    const found = () => [...this.entries.values()].flatMap(({ contact }) => (contact?.state === state ? contact : NONE));
    return (this.lists[state] ??= found());
  }

  /** Whether all of them are known. */
  get complete(): boolean {
    return STATES.every((state) => this.read.has(state));
  }

  /** Read those of these states, unless they are known; what fails is tried again when they are next wanted. */
  async learn(states: readonly Contact["state"][] = STATES): Promise<void> {
    await this.reading;
    if (states.every((state) => this.read.has(state))) return;
    // Others may have begun while this waited.
    if (this.reading) return this.learn(states);
    this.failed = null;
    this.reading = this.readAll(states)
      .catch((error: unknown) => void (this.failed = error))
      .finally(() => {
        this.reading = null;
        this.touch();
      });
    return this.reading;
  }

  /** An event of the reader's own log says so. */
  hear(user: string, contact: Contact | null, seq: number): void {
    this.put(user, contact, seq);
  }

  /** Do something about somebody: what they are then. */
  async ask(command: "request" | "accept" | "decline" | "remove" | "label", user: string, more: object = {}): Promise<void> {
    const now = await this.socket.call<ContactNow>(`contact.${command}`, { user, ...more });
    this.put(now.user.id, now.contact, this.entries.get(now.user.id)?.asOf ?? 0);
  }

  /** Forget all: the log does not reach back to what was read. */
  forget(): void {
    this.entries.clear();
    // What is being read is of before.
    this.read = new Set();
    this.touch();
  }

  private async readAll(states: readonly Contact["state"][]): Promise<void> {
    const { read } = this;
    for (const state of states) {
      if (read.has(state)) continue;
      for (let after: string | undefined; ; ) {
        const page: ContactsFound = await this.socket.call("contact.list", { state, ...(after && { after }) });
        if (read !== this.read) return;
        this.store.learnUsers(page.users);
        for (const contact of page.contacts) this.put(contact.user, contact, page.seq);
        after = page.contacts.at(-1)?.user;
        if (!page.more || !after) break;
      }
      read.add(state);
    }
  }

  private put(user: string, contact: Contact | null, seq: number): void {
    if (seq < (this.entries.get(user)?.asOf ?? 0)) return;
    this.entries.set(user, { contact, asOf: seq });
    this.touch();
  }

  private touch(): void {
    this.lists = {};
    this.store.topics.touch("contacts");
  }
}
