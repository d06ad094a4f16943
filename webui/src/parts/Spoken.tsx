import * as React from "react";
import type { Line } from "../state/spoken";

/** Lines that a screen reader says as they come: each is an element of its own, or the same words twice would be one. */
export function Spoken({ lines }: { lines: readonly Line[] }) {
  return (
    <div className="dm-hidden" role="log" aria-live="polite">
      {lines.map(({ key, words }) => (
        <p key={key}>{words}</p>
      ))}
    </div>
  );
}
