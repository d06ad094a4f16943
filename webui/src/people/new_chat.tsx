// Whom to write to: contacts, and whoever the search finds. The ways to a new group, to what one
// saved, to one's own codes and to requests too.

import * as React from "react";
import { useTopic } from "../parts/hooks";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";
import { Picker } from "./picker";

export function NewChat({ app }: { app: Messenger }) {
  const { contacts, store, texts } = app;
  const { busy, failed, act } = useDoing(app);
  const received = useTopic(store.topics, "contacts", () => contacts.listed("received").length);
  const sent = useTopic(store.topics, "contacts", () => contacts.listed("sent").length);
  return (
    <Dialog app={app} title={texts.t("new_chat")}>
      <Picker app={app} busy={busy} cards onChoose={({ id }) => void act(() => app.writeTo(id))}>
        <button type="button" className="dm-people-row dm-people-way" data-row onClick={() => app.showPeople({ kind: "group" })}>
          <Icon name="newGroup" />
          {texts.t("new_group")}
        </button>
        <button type="button" className="dm-people-row dm-people-way" data-row disabled={busy} onClick={() => void act(() => app.openSaved())}>
          <Icon name="bookmark" />
          {texts.t("saved_messages")}
        </button>
        <button type="button" className="dm-people-row dm-people-way" data-row onClick={() => app.showPeople({ kind: "codes" })}>
          <Icon name="link" />
          <span>{texts.t("codes")}</span>
        </button>
        {(received > 0 || sent > 0) && (
          <button type="button" className="dm-people-row dm-people-way" data-row onClick={() => app.showPeople({ kind: "requests" })}>
            <Icon name="inbox" />
            <span>{texts.t("requests")}</span>
            {received > 0 && <span className="dm-badge">{received}</span>}
          </button>
        )}
      </Picker>
      {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
    </Dialog>
  );
}
