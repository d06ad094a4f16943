// Messages of people who may not write to the reader, which wait for an answer. Read at each start; events of the
// reader's own log have them read again, since those do not say what was written. Topic: "requests".

import type { Socket } from "../net/socket";
import type { MessageRequest, RequestsFound } from "../net/wire";
import type { Store } from "./store";

export class MessageRequests {
  /** Those that wait; the same list until they are read again. */
  listed: readonly MessageRequest[] = [];
  /** Whether they have been read. */
  complete = false;
  private reading: Promise<void> | null = null;
  private again = false;

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {}

  /** Read them, once more where that is under way; what fails is tried again at the next start or event. */
  learn(): Promise<void> {
    this.again = true;
    return (this.reading ??= this.readAll()
      .catch(() => {})
      .finally(() => (this.reading = null)));
  }

  private async readAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      const found: MessageRequest[] = [];
      for (let after: string | undefined; ; ) {
        const page: RequestsFound = await this.socket.call("request.list", after ? { after } : {});
        this.store.learnUsers(page.users);
        found.push(...page.requests);
        after = page.requests.at(-1)?.user;
        if (!page.more || !after) break;
      }
      this.listed = found;
      this.complete = true;
      this.store.topics.touch("requests");
    }
  }
}
