// What lies over the page (viewer, panel, dialog, form, menu), so that the browser's Back closes the
// top-most instead of leaving the page. Each layer has a history entry with the page's own address;
// what is closed otherwise takes its entry along. Invariant: at rest there are as many as layers.

/** Closes what it is about; true where that stays for now, because it asks first. */
type Close = () => boolean | void;

export class Layers {
  private readonly open: Close[] = [];
  private readonly waiting: (() => void)[] = [];
  /** The entry under the layers. */
  private under = { state: null as unknown, address: "" };
  private going = false;
  private timer = 0;

  start(): void {
    addEventListener("popstate", () => this.popped());
    // A reload leaves the entry of something that is no longer there.
    this.soon();
  }

  /** Something was opened; the answer tells that it was closed, by whatever. */
  add(close: Close): () => void {
    if (!this.open.length) this.under = { state: { ...history.state, layer: 0 }, address: location.href };
    this.open.push(close);
    this.settle();
    return () => {
      const at = this.open.indexOf(close);
      if (at < 0) return;
      this.open.splice(at, 1);
      // What opens in its place takes over its entry.
      this.soon();
    };
  }

  /** Change the history when no layer's entry is on top. */
  below(change: () => void): void {
    this.waiting.push(change);
    this.settle();
  }

  private get entries(): number {
    return history.state?.layer ?? 0;
  }

  private popped(): void {
    const own = this.going;
    this.going = false;
    while (!own && this.open.length > this.entries) {
      const close = this.open.pop()!;
      if (!close()) continue;
      this.open.push(close);
      const { state, address } = this.under;
      if (location.href !== address) history.pushState(state, "", address);
      break;
    }
    this.settle();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.settle(), 0);
  }

  private settle(): void {
    if (this.going) return;
    const wanted = this.waiting.length ? 0 : this.open.length;
    if (wanted < this.entries) {
      this.going = true;
      history.go(wanted - this.entries);
      return;
    }
    while (this.entries < wanted) history.pushState({ ...history.state, dm: true, layer: this.entries + 1 }, "", location.href);
    if (!this.waiting.length) return;
    for (const change of this.waiting.splice(0)) change();
    this.soon();
  }
}
