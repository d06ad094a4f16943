// A long message, folded until somebody wants all of it. Whether it is long is known before it is
// painted, so nothing moves afterwards.

import * as React from "react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import type { Messenger } from "../parts/messenger";

const LINES = 30;
// Less has no more lines in the narrowest bubble: most messages are not measured.
const LEAST_CHARACTERS = 600;

interface FoldProps {
  app: Messenger;
  /** The message's id. */
  id: string;
  text: string;
  children: ReactNode;
}

export function Fold(props: FoldProps) {
  const { text, children } = props;
  const long = text.length >= LEAST_CHARACTERS || text.split("\n", LINES + 1).length > LINES;
  return long ? <Measured {...props} /> : <>{children}</>;
}

function Measured({ app, id, text, children }: FoldProps) {
  const box = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(() => app.unfolded.has(id));
  const [folds, setFolds] = useState(true);
  useLayoutEffect(() => {
    const element = box.current!;
    const look = () => open || setFolds(element.scrollHeight > element.clientHeight + 1);
    look();
    // A narrower bubble has more lines.
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [open, text]);
  return (
    <>
      <div ref={box} className={open ? "dm-long" : "dm-long dm-fold"}>{children}</div>
      {folds && !open && (
        <button type="button" className="dm-link dm-unfold" onClick={() => { app.unfolded.add(id); setOpen(true); }}>
          {app.texts.t("more_people")}
        </button>
      )}
    </>
  );
}
