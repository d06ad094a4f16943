// A message of one's own as the browser has drawn it: it stands in the row until the server's drawing is
// there, and over that until its pictures are.

import * as React from "react";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

interface SendingProps {
  drawn: readonly Node[];
  plugin: string | undefined;
  /** What keeps room for the time. */
  space: ReactNode;
  /** How far it is. */
  state: ReactNode;
  /** The server's drawing, once there is one. */
  children: ReactNode;
}

export function Sending({ drawn, plugin, space, state, children }: SendingProps) {
  const all = useRef<HTMLDivElement>(null);
  const sketch = useRef<HTMLDivElement>(null);
  const [loaded, setLoaded] = useState(false);
  useLayoutEffect(() => {
    sketch.current?.prepend(...drawn);
    return () => drawn.forEach((node) => (node as Element).remove());
  }, [drawn]);
  useEffect(() => {
    if (!children) return;
    const pictures = [...all.current!.querySelectorAll<HTMLImageElement>(".dm-body:first-child img")];
    void Promise.allSettled(pictures.map((picture) => picture.decode())).then(() => setLoaded(true));
  }, [!children]);
  return (
    <div ref={all} className="dm-sending">
      {children}
      {!(loaded && children) && (
        <div ref={sketch} key="sketch" className="dm-body dm-plain" dir="auto" data-plugin={plugin} aria-hidden={!!children}>
          {space}
        </div>
      )}
      {state}
    </div>
  );
}
