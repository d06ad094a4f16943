// How far the reader has read: known here at once, told to the server every two seconds.

import type { Socket } from "../net/socket";
import type { Store } from "./store";

// The server asks for at most one read position of a conversation in 2 s.
const READ_EVERY_MS = 2_000;

export class ReadPositions {
  private readonly told = new Map<string, { sentNo: number; timer: number }>();

  constructor(
    private readonly store: Store,
    private readonly socket: Socket,
  ) {}

  /** Everything up to `number` was seen: at once for us, every two seconds for the server. */
  advance(id: string, number: number): void {
    const known = this.store.conversation(id);
    if (!known || number <= known.read_no) return;
    this.store.read(id, number);
    const state = this.told.get(id) ?? { sentNo: 0, timer: 0 };
    this.told.set(id, state);
    if (!state.timer) this.tell(id, state);
  }

  private tell(id: string, state: { sentNo: number; timer: number }): void {
    const number = this.store.conversation(id)?.read_no ?? 0;
    if (number <= state.sentNo) return;
    state.sentNo = number;
    state.timer = window.setTimeout(() => {
      state.timer = 0;
      this.tell(id, state);
    }, READ_EVERY_MS);
    this.socket.call("read.advance", { conversation: id, message_no: number }).catch(() => {
      state.sentNo = 0;
    });
  }
}
