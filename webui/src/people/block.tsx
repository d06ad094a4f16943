// The question whether to block somebody, or to do so no longer.

import * as React from "react";
import { useEffect, useRef } from "react";
import { useTopic, useUsers } from "../parts/hooks";
import type { Messenger } from "../parts/messenger";
import { Dialog, useDoing } from "./dialog";

interface BlockQuestionProps {
  app: Messenger;
  user: string;
  /** Where one came from, and goes back to. */
  from: "requests" | undefined;
}

export function BlockQuestion({ app, user, from }: BlockQuestionProps) {
  const { blocks, store, texts } = app;
  const name = useUsers(app)[user]?.display_name ?? texts.t("somebody");
  // As it was when it was asked: what changes elsewhere must not turn round what is pressed.
  const blocked = useRef(blocks.has(user)).current;
  const now = useTopic(store.topics, "blocks", () => blocks.has(user));
  const cancel = useRef<HTMLButtonElement>(null);
  const { busy, failed, act } = useDoing(app);
  const leave = () => app.showPeople(from ? { kind: from } : null);
  useEffect(() => cancel.current?.focus(), []);
  useEffect(() => {
    if (now !== blocked) leave();
  }, [now]);
  const go = () => act(() => blocks.ask(blocked ? "unblock" : "block", user));
  return (
    <Dialog app={app} title={texts.t(blocked ? "unblock_question" : "block_question", { name })} small>
      <div className="dm-people-question">
        <p>{texts.t(blocked ? "unblock_what" : "block_what")}</p>
        {!blocked && <p>{texts.t("block_groups")}</p>}
        {failed && <p className="dm-form-problem" role="alert">{failed}</p>}
        <div>
          <button ref={cancel} type="button" className="dm-button dm-button-quiet" onClick={leave}>{texts.t("cancel")}</button>
          <button type="button" className={blocked ? "dm-button" : "dm-button dm-button-danger"} disabled={busy} onClick={() => void go()}>
            {texts.t(blocked ? "unblock" : "block")}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
