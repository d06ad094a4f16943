// Whether the body of a message is being pressed.

import { type SyntheticEvent, useCallback, useEffect, useRef, useState } from "react";

/** So long after a press Dash has read what it calls back with. */
const TAKEN_WITHIN_MS = 100;

/** Whether the body is being pressed, and what to call when a press or a click begins in its row. */
export function usePress(): [boolean, (event: SyntheticEvent) => void] {
  const [pressed, setPressed] = useState(false);
  const forget = useRef(() => {});
  const press = useCallback(({ type, target }: SyntheticEvent) => {
    if (!(target as Element).closest(".dm-body")) return;
    forget.current();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = () => {
      forget.current();
      setPressed(false);
    };
    const end = () => (timer ??= setTimeout(over, TAKEN_WITHIN_MS));
    const ends = ["pointerup", "pointercancel", "blur"];
    for (const name of ends) addEventListener(name, end);
    forget.current = () => {
      clearTimeout(timer);
      for (const name of ends) removeEventListener(name, end);
    };
    setPressed(true);
    // What is pressed by a key has no pointer that is let go.
    if (type === "click") end();
  }, []);
  useEffect(() => () => forget.current(), []);
  return [pressed, press];
}
