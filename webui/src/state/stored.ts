// What outlives the page until the server has taken it, in localStorage: one entry a key, so that it is
// safe at any moment and two tabs do not overwrite each other. Entries keep the order they were made in.

import { newId } from "./ids";

export class Stored<T> {
  private readonly prefix: string;
  private readonly kept = new Set<string>();
  private lastMs = 0;

  constructor(kind: string, userId: string) {
    this.prefix = `dm:${kind}:${userId}:`;
  }

  /** An id that sorts after all others of this kind, whatever the clock says. */
  newId(): string {
    return newId((this.lastMs = Math.max(Date.now(), this.lastMs + 1)));
  }

  /** What an earlier page left; what cannot be read is thrown away. */
  load(): T[] {
    const entries: T[] = [];
    for (const key of storedKeys(this.prefix).sort()) {
      const id = key.slice(this.prefix.length);
      try {
        entries.push(JSON.parse(localStorage.getItem(key) ?? "") as T);
        this.kept.add(id);
        this.lastMs = Math.max(this.lastMs, parseInt(id.slice(0, 12), 16));
      } catch {
        this.remove(id);
      }
    }
    return entries;
  }

  put(id: string, entry: T): void {
    try {
      localStorage.setItem(this.prefix + id, JSON.stringify(entry));
      this.kept.add(id);
    } catch {
      // Full or forbidden storage costs the entry its life beyond this page, nothing else.
    }
  }

  remove(id: string): void {
    this.kept.delete(id);
    try {
      localStorage.removeItem(this.prefix + id);
    } catch {
      // Without storage there was nothing to remove.
    }
  }

  /** Whether another tab has taken an entry out: what it stood for is done there. */
  isTaken(id: string): boolean {
    return this.kept.has(id) && !storedKeys(this.prefix + id).length;
  }
}

export function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}
