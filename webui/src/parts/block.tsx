// The button that asks whether to block somebody, or to do so no longer.

import * as React from "react";
import { useTopic } from "./hooks";
import { Icon } from "./icons";
import type { Messenger } from "./messenger";

interface BlockButtonProps {
  app: Messenger;
  /** Who. */
  id: string;
  className?: string;
}

export function BlockButton({ app, id, className = "dm-link dm-block" }: BlockButtonProps) {
  const { blocks, store, texts } = app;
  const blocked = useTopic(store.topics, "blocks", () => blocks.has(id));
  return (
    <button type="button" className={blocked ? className : `${className} dm-danger`} onClick={() => app.showPeople({ kind: "block", user: id })}>
      {className.includes("dm-block") && <Icon name="block" />} {texts.t(blocked ? "unblock" : "block")}
    </button>
  );
}
