// Which rows stand where in the time line.

import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows";

const ROWS_AROUND = 30;
// A message is seen although so much of its lower edge is not.
export const PARTLY_SEEN_PX = 4;

/** How much is below what is in view, in pixels. */
export const leftBelow = ({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number => scrollHeight - scrollTop - clientHeight;

/** The rows within about a screen of where the time line opens. */
export function rowsAround(rows: readonly Row[]): number[] {
  const line = rows.findIndex((row) => row.unread);
  const place = line < 0 ? rows.length : line;
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
