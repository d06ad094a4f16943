// Fingers on the rows of the list: a long press opens the menu, a swipe to either side does something with the chat.
// Moves the row itself while a finger drags it; nothing is drawn again for that.

import type { PointerEvent, TouchEvent } from "react";

const LONG_PRESS_MS = 450;
// Before this nobody knows whether the list is scrolled or a row is swiped.
const BEGINS_PX = 12;
/** So far a row must be dragged for anything to happen. */
export const SWIPED_PX = 88;

export type Side = "left" | "right";

interface Does {
  menu(row: HTMLElement, x: number, y: number): void;
  swiped(row: HTMLElement, side: Side): void;
}

/** Handlers for the list of rows, its `li` elements. */
export class Fingers {
  private row: HTMLElement | null = null;
  private timer = 0;
  private x = 0;
  private y = 0;
  private by = 0;
  private swiping = false;
  /** What was pressed long or swiped was not tapped. */
  private handled = false;

  constructor(private readonly does: Does) {}

  readonly down = (event: PointerEvent) => {
    this.handled = false;
    const row = (event.target as Element).closest("li");
    if (event.pointerType !== "touch" || !event.isPrimary || !row?.dataset["id"]) return;
    [this.row, this.x, this.y, this.by, this.swiping] = [row, event.clientX, event.clientY, 0, false];
    this.timer = window.setTimeout(() => {
      this.row = null;
      this.handled = true;
      this.does.menu(row, event.clientX, event.clientY);
    }, LONG_PRESS_MS);
  };

  readonly move = (event: PointerEvent) => {
    if (!this.row) return;
    const by = event.clientX - this.x;
    if (!this.swiping) {
      if (Math.hypot(by, event.clientY - this.y) < BEGINS_PX) return;
      clearTimeout(this.timer);
      if (Math.abs(by) < Math.abs(event.clientY - this.y)) return this.cancel();
      this.swiping = this.handled = true;
      this.row.setPointerCapture(event.pointerId);
    }
    this.by = by;
    this.row.dataset["swipe"] = by < 0 ? "left" : "right";
    this.row.toggleAttribute("data-far", Math.abs(by) >= SWIPED_PX);
    this.row.style.setProperty("--swipe", `${by}px`);
  };

  readonly up = () => {
    const { row, by } = this;
    this.cancel();
    if (row && Math.abs(by) >= SWIPED_PX) this.does.swiped(row, by < 0 ? "left" : "right");
  };

  readonly cancel = () => {
    clearTimeout(this.timer);
    const { row } = this;
    this.row = null;
    if (!row || !this.swiping) return;
    row.style.removeProperty("--swipe");
    row.removeAttribute("data-far");
    // Its words stay until it lies over them again.
    const done = () => row.removeAttribute("data-swipe");
    row.firstElementChild?.getAnimations().length ? void Promise.allSettled(row.firstElementChild.getAnimations().map(({ finished }) => finished)).then(done) : done();
  };

  readonly ended = (event: TouchEvent) => {
    if (this.handled && event.cancelable) event.preventDefault();
  };
}
