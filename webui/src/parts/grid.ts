// Where an arrow leads among things that stand in rows, in several groups one below the other. Pure.

/** Which of the groups, and which in it. */
type Place = readonly [number, number];

/** The place that a key leads to; null where it leads nowhere. `counts` are the things of each group. */
export function stepIn(counts: readonly number[], columns: number, [group, at]: Place, key: string): Place | null {
  const count = counts[group]!;
  const column = at % columns;
  switch (key) {
    case "ArrowRight":
      return at + 1 < count ? [group, at + 1] : group + 1 < counts.length ? [group + 1, 0] : null;
    case "ArrowLeft":
      return at > 0 ? [group, at - 1] : group > 0 ? [group - 1, counts[group - 1]! - 1] : null;
    case "ArrowDown":
      if (at + columns < count) return [group, at + columns];
      // The last row is shorter.
      if (at - column + columns < count) return [group, count - 1];
      return group + 1 < counts.length ? [group + 1, Math.min(column, counts[group + 1]! - 1)] : null;
    case "ArrowUp":
      if (at >= columns) return [group, at - columns];
      if (group === 0) return null;
      return [group - 1, Math.min(lastRow(counts[group - 1]!, columns) + column, counts[group - 1]! - 1)];
    default:
      return null;
  }
}

function lastRow(count: number, columns: number): number {
  return count - 1 - ((count - 1) % columns);
}
