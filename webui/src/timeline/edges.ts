// Which rows the virtual list is given next: those that come or go at both ends go to it one end at a
// time. It knows the sizes of rows by their places, and is told of a change of length only whether it
// is at the top. Pure.

import type { Row } from "./rows";

export interface Step {
  rows: readonly Row[];
  /** Rows came or went at the top: what is seen keeps its distance from the end. */
  shift: boolean;
}

/** The next rows on the way from those that were drawn to those that are to be. */
export function nextStep(drawn: readonly Row[], rows: readonly Row[]): Step {
  const first = drawn[0]?.key;
  if (drawn === rows || first === undefined || first === rows[0]?.key) return { rows, shift: false };
  const at = rows.findIndex(({ key }) => key === first);
  if (at > 0) return { rows: at + drawn.length < rows.length ? rows.slice(0, at + drawn.length) : rows, shift: true };
  const keys = new Set(rows.map(({ key }) => key));
  const from = drawn.findIndex(({ key }) => keys.has(key));
  return from > 0 ? { rows: drawn.slice(from), shift: true } : { rows, shift: false };
}
