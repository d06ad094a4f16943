import * as React from "react";
import { useLayoutEffect } from "react";
import { createPortal } from "react-dom";
import { useOffline, useTopic } from "./hooks";
import type { Messenger } from "./messenger";

/** Says that there is no connection, or that there can be none. */
export function Banner({ app }: { app: Messenger }) {
  const offline = useOffline(app);
  // The browser shows nothing above a dialog but what is in it.
  const over = useTopic(app.store.topics, "dialog", () => app.dialog);
  // What makes room for it asks the root: `:root:has(.dm-banner)` would have the browser look at the
  // style of every message again whenever an element comes or goes.
  useLayoutEffect(() => {
    document.documentElement.toggleAttribute("data-dm-offline", offline);
    return () => document.documentElement.removeAttribute("data-dm-offline");
  }, [offline]);
  if (!offline) return null;
  return createPortal(
    <div className="dm-banner" role="status">
      {app.texts.t(app.store.broken ? "broken" : "offline")}
    </div>,
    over ?? document.body,
  );
}
