import * as React from "react";
import { type ReactElement, useEffect, useMemo, useRef, useState } from "react";
import type { Conversation as About } from "../net/wire";
import { titleOf } from "../state/people";
import { Face } from "../parts/Face";
import { useConversation, useLasting, useNotes, useOnline, useOpened, useOutbox, useToday, useTopic, useUsers, useWindow } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";
import { Notice } from "../parts/Notice";
import { Status, TypingOr } from "../parts/presence";
import type { MenuEntry } from "./menu";
import { Lines } from "./lines";
import { Messages } from "./Messages";
import { NoneChosen } from "./NoneChosen";
import { PersonCard } from "./person";
import { buildRows, type Row } from "./rows";

/** The messages of the conversation in the address, with its header. */
export interface TimelineProps {
  /** The component's id. */
  id?: string;
  /** The plugin that draws each message type, for its style sheet. */
  plugins?: Record<string, string>;
  /** What the menu of each type's messages offers of its own: lists by the type's name. */
  menus?: Record<string, MenuEntry[]>;
  /** How often the conversation's title was pressed: a callback opens its details. */
  details_clicks?: number;
  /** The conversation in the address, told to callbacks. */
  conversation?: string | null;
  setProps?(props: Partial<TimelineProps>): void;
}

export function Timeline(props: TimelineProps): ReactElement | null {
  const app = useMessenger();
  return app && (
    <>
      <Opened {...props} app={app} />
      <PersonCard app={app} />
    </>
  );
}

type Inside = TimelineProps & { app: Messenger };

function Opened(props: Inside) {
  const { app, setProps } = props;
  const id = useOpened(app);
  useEffect(() => {
    // What stands in the panel beside it is the new one's.
    const asked = id && app.closePanel ? { details_clicks: (props.details_clicks ?? 0) + 1 } : {};
    setProps?.({ conversation: id, ...asked });
  }, [id]);
  app.refreshDetails = () => app.closePanel && setProps?.({ details_clicks: (props.details_clicks ?? 0) + 1 });
  if (!id) return <NoneChosen app={app} />;
  return <Conversation key={id} {...props} opened={id} />;
}

function Conversation(props: Inside & { opened: string }) {
  const { app, opened: id, plugins, menus } = props;
  const { texts, history } = app;
  // No more of it than is drawn here: it is another object with each message and each one read.
  const about = <T,>(read: (conversation: About | undefined) => T) =>
    useTopic(app.store.topics, `conversation:${id}`, () => read(app.store.conversation(id)));
  const group = about((conversation) => conversation?.kind === "group");
  const known = about((conversation) => !!conversation);
  const othersReadNo = about((conversation) => conversation?.others_read_no ?? 0);
  const window = useWindow(app, id);
  const outbox = useOutbox(app, id);
  const notes = useNotes(app, id);
  const users = useUsers(app);
  const online = useOnline(app);
  const today = useToday(app);
  const ready = window.messages.length > 0 || window.cursor >= 0 || outbox.length > 0;
  const waiting = useLasting(!ready && !window.failed);

  useEffect(() => {
    void history.open(id);
    void app.blocks.learn();
    return () => history.close(id);
    // Who is removed learns it, and who is added again has its messages.
  }, [id, known]);

  const unreadAfter = useUnreadLine(app, id, outbox.length);
  const drawn = useRef<readonly Row[]>([]);
  const rows = useMemo(
    () =>
      (drawn.current = buildRows(
        {
          messages: window.messages,
          lines: group ? window.lines : [],
          moreBefore: window.moreBefore,
          moreAfter: window.moreAfter,
          // Beyond a hole it has no place; without a connection nothing fills that, and it is shown.
          outbox: window.moreAfter && online ? [] : outbox,
          users,
          meId: app.store.me.id,
          othersReadNo,
          unreadAfter,
          own: window.own,
          notes,
        },
        drawn.current,
      )),
    [window.messages, window.lines, group, window.moreBefore, window.moreAfter, window.own, notes, outbox, online, users, othersReadNo, unreadAfter, today],
  );

  return (
    <section className="dm-timeline">
      <Header {...props} />
      {window.failed && !rows.length ? (
        <div className="dm-notice">
          <p>{texts.t(window.failed === "not_found" ? "not_a_member" : "load_failed")}</p>
          {window.failed === "not_found" ? (
            <button type="button" className="dm-button" onClick={() => app.route.close()}>{texts.t("to_chats")}</button>
          ) : (
            <button type="button" className="dm-button" onClick={() => void history.load(id, "newest")} disabled={!online}>
              {texts.t("retry")}
            </button>
          )}
        </div>
      ) : rows.length ? (
        <Messages app={app} id={id} rows={rows} group={group} today={today} plugins={plugins} menus={menus} />
      ) : ready ? (
        <div className="dm-notice">
          {group && window.lines.length > 0 && <div><Lines app={app} lines={window.lines} /></div>}
          <p>{texts.t("no_messages")}</p>
        </div>
      ) : (
        <div className="dm-scroll">{waiting && <Skeleton />}</div>
      )}
      <Notice app={app} />
    </section>
  );
}

/** Where unread messages began when the conversation was opened; gone once one answers. */
function useUnreadLine(app: Messenger, id: string, sending: number): number {
  const [line, setLine] = useState(-2);
  const conversation = app.store.conversation(id);
  const known = conversation !== undefined && app.store.hasWindow(id);
  // Until the messages are there, others may still be read in another tab.
  if (line === -2 && known) setLine(conversation.unread > 0 ? conversation.read_no : -1);
  useEffect(() => {
    if (sending) setLine((now) => (now === -2 ? now : -1));
  }, [sending]);
  return Math.max(line, -1);
}

function Header({ app, opened, details_clicks = 0, setProps }: Inside & { opened: string }) {
  const { texts } = app;
  const conversation = useConversation(app, opened);
  const users = useUsers(app);
  const details = useTopic(app.store.topics, "panel", () => !!app.closePanel);
  const toggle = () => (app.closePanel ? app.closePanel() : setProps?.({ details_clicks: details_clicks + 1 }));
  const title = conversation ? titleOf(conversation, users, texts) : "";
  const peer = conversation?.peer ? users[conversation.peer] : undefined;
  const below = !conversation
    ? ""
    : conversation.kind === "group"
      ? texts.t("members", { n: conversation.member_count })
      : peer
        ? `@${peer.username}`
        : conversation.kind === "saved"
          ? texts.t("saved_below")
          : "";
  return (
    <header className="dm-header">
      <IconButton icon="back" label={texts.t("back")} className="dm-back" onClick={() => app.route.close()} />
      {conversation && (
        <button type="button" className="dm-header-chat" onClick={toggle}>
          <Face conversation={conversation} users={users} title={title} size={40} />
          <span className="dm-header-words">
            <span className="dm-header-title" role="heading" aria-level={2} dir="auto">
              {title}
            </span>
            <span className="dm-header-below">
              <TypingOr app={app} id={opened} instead={
                conversation.peer ? <Status key={conversation.peer} app={app} id={conversation.peer} instead={below} /> : below
              } />
            </span>
          </span>
        </button>
      )}
      {conversation && (
        <IconButton icon="panel" label={texts.t("details")} className="dm-details" aria-expanded={details} onClick={toggle} />
      )}
    </header>
  );
}

function Skeleton() {
  return (
    <div className="dm-skeleton" aria-hidden="true">
      {[38, 62, 45, 70, 30, 55].map((width, index) => (
        <i key={index} style={{ width: `${width}%` }} className={index % 3 === 2 ? "dm-skeleton-own" : ""} />
      ))}
    </div>
  );
}
