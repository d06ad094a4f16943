// Which rows stand where in the time line.

import type { VirtualizerHandle } from "virtua";
import type { Place } from "../state/reading_places";
import type { Row } from "./rows";

const ROWS_AROUND = 30;
// A message is seen although so much of its lower edge is not.
export const PARTLY_SEEN_PX = 4;

/** How much is below what is in view, in pixels. */
export const leftBelow = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number => scrollHeight - scrollTop - clientHeight;

/** The rows within about a screen of where the time line opens: `index`, or the end. */
export function rowsAround(rows: readonly Row[], index: number): number[] {
  const place = index < 0 ? rows.length : index;
  const first = Math.max(0, place - ROWS_AROUND);
  return Array.from({ length: Math.min(rows.length, place + ROWS_AROUND) - first }, (_, index) => first + index);
}

/** The number of the last message that ends above `bottom`, or 0. */
export function lastAbove(bottom: number, rows: readonly Row[], place: VirtualizerHandle): number {
  let index = Math.min(place.findItemIndex(bottom), rows.length - 1);
  if (index >= 0 && place.getItemOffset(index) + place.getItemSize(index) > bottom) index--;
  while (index >= 0 && !rows[index]!.message) index--;
  return rows[index]?.message?.number ?? 0;
}

/** The highest number up to `guess` whose row stands in view; -1 while none is mounted there. */
export function lastStanding(scroller: HTMLElement, guess: number): number {
  const edge = scroller.getBoundingClientRect().bottom + PARTLY_SEEN_PX;
  for (let number = guess; number > 0; number--) {
    const row = scroller.querySelector(`.dm-row[data-number="${number}"]`);
    if (!row) return -1;
    if (row.getBoundingClientRect().bottom <= edge) return number;
  }
  return 0;
}

/** How much stands above the rows. */
export const fillerOf = (scroller: HTMLElement): number => (scroller.firstElementChild as HTMLElement).offsetHeight;

/** How far below the upper edge of what is in view a row begins. */
const belowEdge = (index: number, scroller: HTMLElement, list: VirtualizerHandle): number =>
  list.getItemOffset(index) + fillerOf(scroller) - scroller.scrollTop;

/** What is read: the first message that begins in the upper half, else the one that covers it. */
export function placeRead(scroller: HTMLElement, rows: readonly Row[], list: VirtualizerHandle): Place | null {
  const covering = list.findItemIndex(scroller.scrollTop - fillerOf(scroller));
  const begins = belowEdge(covering, scroller, list) < 0 && belowEdge(covering + 1, scroller, list) < scroller.clientHeight / 2;
  const index = Math.min(begins ? covering + 1 : covering, rows.length - 1);
  const number = rows[index]?.message?.number;
  return number ? { number, px: belowEdge(index, scroller, list) } : null;
}

/** Scroll a message back to where it was read, after the sizes of rows have changed. */
export function keepPlace({ number, px }: Place, scroller: HTMLElement, rows: readonly Row[], list: VirtualizerHandle): void {
  const index = rows.findIndex((row) => row.message?.number === number);
  const moved = index < 0 ? 0 : belowEdge(index, scroller, list) - px;
  if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
}
