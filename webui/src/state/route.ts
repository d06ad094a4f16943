// Which address is shown: "/" is the list, "/c/ID" a conversation, "/j/CODE" what a code is for. Owns the browser's history.

import { Layers } from "./layers";
import type { Topics } from "./topics";

const CODE = /^\/j\/([^/]+)\/?$/;
const CHAT = /^\/c\/([0-9a-f]{32})\/?$/;
const PHONE = "(max-width: 767px)";
/** The list, a chat that can be read, and a panel beside it have room. */
export const WIDE = "(min-width: 1100px)";

export class Route {
  readonly layers = new Layers();
  private readonly topics: Topics;

  constructor(topics: Topics) {
    this.topics = topics;
  }

  start(): void {
    // Somebody who came straight to a conversation finds the list behind it: Back leads there.
    if (this.conversation && history.state?.dm !== true && isPhone()) {
      const address = location.href;
      history.replaceState({ dm: true }, "", "/");
      history.pushState({ dm: true, fromList: true }, "", address);
    }
    // Before anything hears of another address: what lies over the page may have to stay there.
    this.layers.start();
    addEventListener("popstate", () => this.changed());
    this.changed();
  }

  get path(): string {
    return location.pathname;
  }

  get conversation(): string | null {
    return CHAT.exec(location.pathname)?.[1] ?? null;
  }

  /** The code in the address, which is the list's from then on; null where there is none. */
  takeCode(): string | null {
    const code = CODE.exec(location.pathname)?.[1];
    if (!code) return null;
    history.replaceState(history.state, "", "/");
    return decodeURIComponent(code);
  }

  open(conversation: string): void {
    this.layers.below(() => {
      if (conversation === this.conversation) return;
      const fromList = this.conversation === null;
      history.pushState({ dm: true, fromList }, "", `/c/${conversation}`);
      this.changed();
    });
  }

  /** To the list, by going back where the list is what lies behind. */
  close(): void {
    this.layers.below(() => {
      if (history.state?.fromList) return history.back();
      history.pushState({ dm: true }, "", "/");
      this.changed();
    });
  }

  private changed(): void {
    document.documentElement.dataset["dmPane"] = this.conversation ? "chat" : "list";
    this.topics.touch("route");
    this.topics.tell();
  }
}

export function isPhone(): boolean {
  return matchMedia(PHONE).matches;
}

export function isWide(): boolean {
  return matchMedia(WIDE).matches;
}
