import * as React from "react";
import { createPortal } from "react-dom";
import { useOffline } from "./hooks";
import type { Messenger } from "./messenger";

/** Says that there is no connection, or that there can be none. */
export function Banner({ app }: { app: Messenger }) {
  const offline = useOffline(app);
  if (!offline) return null;
  return createPortal(
    <div className="dm-banner" role="status">
      {app.texts.t(app.store.broken ? "broken" : "offline")}
    </div>,
    document.body,
  );
}
