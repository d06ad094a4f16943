// The skin tone in which emoji are drawn and written.

import * as React from "react";
import { useState } from "react";
import { tones } from "../state/emoji";

interface TonesProps {
  language: string;
  chosen: number;
  onChoose(tone: number): void;
}

/** A button that is the chosen skin tone; pressed, it shows all of them. */
export function Tones({ language, chosen, onChoose }: TonesProps) {
  const [open, setOpen] = useState(false);
  return (
    <div className="dm-tones">
      {tones(language).map(({ label, text }, at) => (open || at === chosen) && (
        <button key={at} type="button" className="dm-pick" aria-label={label} title={label} aria-expanded={open ? undefined : false} aria-pressed={open ? at === chosen : undefined}
          onClick={() => {
            if (open) onChoose(at);
            setOpen(!open);
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
