// Where in a conversation one was reading when one left it, away from its end: one entry a
// conversation in localStorage, so that a reload comes back there too.

import { storedKeys } from "./stored";

/** A message, and how far below the upper edge its row began. */
export interface Place {
  number: number;
  px: number;
}

export class ReadingPlaces {
  private readonly prefix: string;
  private readonly known = new Map<string, Place>();

  constructor(userId: string) {
    this.prefix = `dm:place:${userId}:`;
    for (const key of storedKeys(this.prefix)) {
      const [number, px] = (localStorage.getItem(key) ?? "").split(" ").map(Number);
      if (number && Number.isFinite(px)) this.known.set(key.slice(this.prefix.length), { number, px: px! });
    }
  }

  of(conversation: string): Place | null {
    return this.known.get(conversation) ?? null;
  }

  /** Keep a place; without one the conversation opens at its end again. */
  keep(conversation: string, place: Place | null): void {
    if (place) this.known.set(conversation, place);
    else if (!this.known.delete(conversation)) return;
    try {
      if (place) localStorage.setItem(this.prefix + conversation, `${place.number} ${Math.round(place.px)}`);
      else localStorage.removeItem(this.prefix + conversation);
    } catch {
      // It lives as long as this page.
    }
  }
}
