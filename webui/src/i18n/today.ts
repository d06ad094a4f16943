// Notices that the reader's day is another: at their midnight, or as clock or time zone are changed.

import { dayNumber } from "./time";

// A sleeping machine's timers stand still, and a clock or a zone is changed without a sign.
const LOOK_EVERY_MS = 60_000;

export class Today {
  /** Another number on another day or with another difference to UTC. */
  stamp = 0;

  constructor(
    private readonly changed: () => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** Look from now on. */
  start(): void {
    this.stamp = stampOf(this.now());
    this.wait();
  }

  look(): void {
    const stamp = stampOf(this.now());
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.changed();
  }

  private wait(): void {
    const nowMs = this.now();
    const left = new Date(nowMs).setHours(24, 0, 0, 0) - nowMs;
    setTimeout(() => {
      this.look();
      this.wait();
    }, Math.min(left, LOOK_EVERY_MS));
  }
}

function stampOf(nowMs: number): number {
  return dayNumber(nowMs) * 10_000 + new Date(nowMs).getTimezoneOffset();
}
