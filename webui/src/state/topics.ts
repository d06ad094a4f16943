// Who wants to know of what: a topic names a part of the store. Changes are told together, once before
// the next frame is drawn, so that a burst of messages is drawn once.

// Where nothing is drawn (a hidden tab) frames do not come; the title still has to change.
const LATEST_MS = 60;

export class Topics {
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly changed = new Set<string>();
  private frame = 0;
  private timer = 0;

  subscribe(topic: string, listener: () => void): () => void {
    const those = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, those.add(listener));
    return () => {
      those.delete(listener);
      if (!those.size && this.listeners.get(topic) === those) this.listeners.delete(topic);
    };
  }

  touch(topic: string): void {
    this.changed.add(topic);
    if (this.timer) return;
    this.frame = requestAnimationFrame(() => this.tell());
    this.timer = window.setTimeout(() => this.tell(), LATEST_MS);
  }

  /** Tell what has changed now, without waiting for the next frame. */
  tell(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.timer = 0;
    const changed = [...this.changed];
    this.changed.clear();
    for (const topic of changed) for (const listener of this.listeners.get(topic) ?? []) listener();
  }
}
