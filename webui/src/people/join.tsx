// The group that an invitation is for: what it is, and the way into it.

import * as React from "react";
import { useEffect, useRef, useState } from "react";
import type { GroupShown, Joined } from "../net/wire";
import { Avatar } from "../parts/Avatar";
import type { Messenger } from "../parts/messenger";
import { isPhone, isWide } from "../state/route";
import { Dialog, useDoing } from "./dialog";

export function JoinGroup({ app, code, group }: { app: Messenger; code: string; group: GroupShown }) {
  const { texts } = app;
  const { title, member_count, description, approval, photo } = group;
  const [state, setState] = useState(group.state);
  const [gone, setGone] = useState(false);
  const { busy, failed, act } = useDoing(app);
  const way = useRef<HTMLButtonElement>(null);
  // A phone's dialog has the focus itself.
  useEffect(() => void (isPhone() || way.current?.focus()), []);
  const open = (conversation: string) => {
    app.showPeople(null);
    if (!isWide()) app.closePanel?.();
    app.route.open(conversation);
  };
  const join = async () => {
    try {
      const joined = await app.call<Joined>("conversation.join", { code });
      if (joined.conversation) open(joined.conversation);
      else setState(joined.state);
    } catch (error) {
      // No class is compared here: this script has its own copy of it.
      if ((error as { key?: string }).key !== "not_found") throw error;
      setGone(true);
    }
  };
  return (
    <Dialog app={app} title={texts.t("invitation")} small>
      <div className="dm-people-join">
        <Avatar of={group.conversation ?? ""} name={title} photo={photo ?? null} size={72} />
        <h3 dir="auto">{title}</h3>
        <p>{texts.t("members_count", { n: member_count })}</p>
        {description && <p className="dm-people-about" dir="auto">{description}</p>}
        {gone ? (
          <p role="alert">{texts.t("code_refused")}</p>
        ) : state === "waiting" ? (
          <p className="dm-people-said" role="status">{texts.t("join_waiting")}</p>
        ) : state === "member" ? (
          <button ref={way} type="button" className="dm-button" onClick={() => open(group.conversation ?? "")}>{texts.t("join_open")}</button>
        ) : (
          <>
            {approval && <p>{texts.t("join_approval")}</p>}
            <button ref={way} type="button" className="dm-button" disabled={busy} onClick={() => void act(join)}>{texts.t(approval ? "join_ask" : "join")}</button>
          </>
        )}
        {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
      </div>
    </Dialog>
  );
}
