import * as React from "react";
import { useEffect } from "react";
import { useTopic } from "./hooks";
import type { Messenger } from "./messenger";

// Long enough to read a short sentence twice.
const SHOWN_MS = 3_500;

/** A sentence about what was done, for a moment, where nothing else shows that it was. */
export function Notice({ app }: { app: Messenger }) {
  const { store } = app;
  const notice = useTopic(store.topics, "notice", () => store.notice);
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(() => store.setNotice(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div className="dm-told" role="status">
      {notice && <span key={notice}>{notice}</span>}
    </div>
  );
}
