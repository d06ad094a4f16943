import * as React from "react";
import { useList } from "../parts/hooks";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { isArchived, isUnread } from "../state/preferences";

/** In place of a conversation while none is open: what is new, and how to begin one. */
export function NoneChosen({ app }: { app: Messenger }) {
  const { texts, store } = app;
  const list = useList(app);
  const fresh = list.filter((one) => isUnread(one) && !isArchived(one)).length;
  return (
    <div className="dm-timeline dm-timeline-empty">
      <h2>{texts.t("where_to", { name: store.me.display_name })}</h2>
      <p>{fresh ? texts.t("chats_unread", { n: fresh }) : texts.t(list.length ? "none_chosen" : "none_yet")}</p>
      <Begin icon="newChat" name={texts.t("begin_chat")} how={texts.t("begin_chat_how")} onClick={() => app.showPeople({ kind: "chat" })} />
      <Begin icon="newGroup" name={texts.t("begin_group")} how={texts.t("begin_group_how")} onClick={() => app.showPeople({ kind: "group" })} />
    </div>
  );
}

function Begin({ icon, name, how, onClick }: { icon: "newChat" | "newGroup"; name: string; how: string; onClick(): void }) {
  return (
    <button type="button" className="dm-begin" onClick={onClick}>
      <Icon name={icon} />
      <span>
        <b>{name}</b>
        {how}
      </span>
    </button>
  );
}
