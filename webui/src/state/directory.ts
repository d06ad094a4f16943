// Who people are: asked for where somebody appears whom we do not know.

import type { Socket } from "../net/socket";
import type { User } from "../net/wire";
import type { Store } from "./store";

// As many as the server answers for at once.
const USERS_AT_ONCE = 100;

export class Directory {
  private readonly asked = new Set<string>();
  private readonly unknown = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {}

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
}
