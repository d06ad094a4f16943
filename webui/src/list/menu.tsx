// The menu of a chat in the list, and what it does: also what a swipe does.

import * as React from "react";
import { useEffect, useState } from "react";
import type { Conversation } from "../net/wire";
import { useTopic } from "../parts/hooks";
import { Icon, type IconName } from "../parts/icons";
import { Menu, MenuItem } from "../parts/menu";
import type { Messenger } from "../parts/messenger";
import { ALWAYS_MS, isArchived, isMuted, isUnread, type Wish } from "../state/preferences";

const HOUR_MS = 3_600_000;

/** Do something with a chat; what fails is told. */
async function attempt(app: Messenger, work: Promise<unknown>): Promise<void> {
  await work.catch((error) => app.store.setNotice(app.texts.reason(error)));
}

export function wish(app: Messenger, id: string, wanted: Wish): void {
  void attempt(app, app.preferences.set(id, wanted));
}

export function toggleArchived(app: Messenger, conversation: Conversation): void {
  wish(app, conversation.id, { archived: !isArchived(conversation) });
}

export function toggleUnread(app: Messenger, conversation: Conversation): void {
  const { id, message_no, preferences } = conversation;
  if (!isUnread(conversation)) return wish(app, id, { marked_unread: true });
  app.readPositions.advance(id, message_no);
  if (preferences?.marked_unread) wish(app, id, { marked_unread: false });
}

/** Which chat's menu, where, and what gets the focus back. */
export interface Opening {
  id: string;
  x: number;
  y: number;
  from: HTMLElement;
}

interface ChatMenuProps {
  app: Messenger;
  opening: Opening;
  onClose(): void;
}

export function ChatMenu({ app, opening: { id, x, y, from }, onClose }: ChatMenuProps) {
  const { blocks, store, texts } = app;
  const peer = store.conversation(id)?.peer;
  const blocked = useTopic(store.topics, "blocks", () => !!peer && blocks.has(peer));
  useEffect(() => void (peer && blocks.learn()), []);
  const [step, setStep] = useState<"" | "mute" | "leave" | "delete">("");
  const conversation = store.conversation(id);
  if (!conversation) return null;
  const muted = isMuted(conversation);
  const archived = isArchived(conversation);
  const group = conversation.kind === "group";
  const pinned = store.list().filter(({ preferences }) => preferences?.pinned_no);
  const place = pinned.indexOf(conversation);
  const close = () => {
    onClose();
    from.focus({ preventScroll: true });
  };
  const item = (label: string, icon: IconName, go: () => void, danger = false) => (
    <MenuItem key={label} label={label} icon={<Icon name={icon} />} danger={danger}
      onClick={() => {
        close();
        go();
      }}
    />
  );
  const more = (label: string, icon: IconName, next: "mute" | "leave" | "delete") => (
    <MenuItem label={label} icon={<Icon name={icon} />} danger={next !== "mute"} onClick={() => setStep(next)} />
  );
  const want = (label: string, icon: IconName, wanted: Wish) => item(label, icon, () => wish(app, id, wanted));
  const until = (label: string, ms: number) => want(label, "muted", { muted_until_ms: ms, notify: "all" });
  const leave = () => void attempt(app, app.call("conversation.leave", { conversation: id }));
  const erase = (whose: "me" | "all") => () => {
    if (app.route.conversation === id) app.route.close();
    void attempt(app, app.preferences.delete(id, whose));
  };
  return (
    <Menu app={app} x={x} y={y} label={texts.t("chat_menu")} step={step} onClose={close}>
      {step === "mute" ? (
        <>
          <p>{texts.t("mute_how_long")}</p>
          {until(texts.t("mute_hour"), Date.now() + HOUR_MS)}
          {until(texts.t("mute_day"), Date.now() + 24 * HOUR_MS)}
          {until(texts.t("mute_always"), ALWAYS_MS)}
        </>
      ) : step === "leave" ? (
        <>
          <p>{texts.t("leave_question")}</p>
          {item(texts.t("leave"), "leave", leave, true)}
          {item(texts.t("cancel"), "close", () => undefined)}
        </>
      ) : step === "delete" ? (
        <>
          <p>{texts.t(group ? "delete_chat_question" : "delete_chat_whose")}</p>
          {item(texts.t(group || peer ? "delete_chat" : "delete"), "trash", erase("me"), true)}
          {peer && item(texts.t("delete_chat_both"), "trash", erase("all"), true)}
          {item(texts.t("cancel"), "close", () => undefined)}
        </>
      ) : (
        <>
          {place < 0 ? want(texts.t("pin"), "pin", { pinned: true }) : want(texts.t("unpin"), "pin", { pinned: false })}
          {place > 0 && want(texts.t("move_up"), "up", { above: pinned[place - 1]!.id })}
          {place >= 0 && place < pinned.length - 1 &&
            item(texts.t("move_down"), "down", () => wish(app, pinned[place + 1]!.id, { above: id }))}
          {item(texts.t(isUnread(conversation) ? "mark_read" : "mark_unread"), isUnread(conversation) ? "read" : "unread", () =>
            toggleUnread(app, conversation))}
          {muted ? want(texts.t("unmute"), "bell", { muted_until_ms: null, notify: "all" }) : more(texts.t("mute"), "muted", "mute")}
          {item(texts.t(archived ? "unarchive" : "archive"), "archive", () => toggleArchived(app, conversation))}
          {peer && item(texts.t(blocked ? "unblock" : "block"), "block", () => app.showPeople({ kind: "block", user: peer }), !blocked)}
          {more(texts.t(group ? "delete_chat" : "delete"), "trash", "delete")}
          {store.may(id, "leave") && more(texts.t("leave"), "leave", "leave")}
        </>
      )}
    </Menu>
  );
}
