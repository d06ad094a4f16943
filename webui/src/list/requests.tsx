// Above the chats: that somebody asks to be a contact, or has written without being allowed to, as long as it has
// no answer.

import * as React from "react";
import { useTopic } from "../parts/hooks";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";

export function RequestsRow({ app }: { app: Messenger }) {
  const { contacts, requests, store, texts } = app;
  const asking = useTopic(store.topics, "contacts", () => contacts.listed("received").length);
  const count = asking + useTopic(store.topics, "requests", () => requests.listed.length);
  if (!count) return null;
  return (
    <button type="button" className="dm-requests" onClick={() => app.showPeople({ kind: "requests" })}>
      <Icon name="inbox" />
      <span>{texts.t("requests")}</span>
      <span className="dm-badge" aria-hidden="true">{count}</span>
      <span className="dm-hidden">{texts.t("requests_in", { n: count })}</span>
    </button>
  );
}
