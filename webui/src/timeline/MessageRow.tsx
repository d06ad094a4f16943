import * as React from "react";
import type { Message } from "../net/wire";
import { hue } from "../state/ids";
import { nameOf } from "../state/people";
import type { Note, Outgoing } from "../state/store";
import { refusalOf } from "../i18n/uploads";
import { Avatar } from "../parts/Avatar";
import { useOnline, useTopic } from "../parts/hooks";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Body, isBare, isEdge, isFoldable, Plain, Space, useDrawn } from "./body";
import { Fold } from "./fold";
import { Lines } from "./lines";
import { usePress } from "./press";
import type { Row } from "./rows";
import { Sending } from "./sending";
import { Reaction } from "./who";

const NOTHING: ReadonlySet<string> = new Set();

export interface MessageRowProps {
  row: Row;
  group: boolean;
  /** Times are told as of this day. */
  today: number;
  app: Messenger;
  plugins: Record<string, string> | undefined;
  /** The message that this one answers: null where it is not known, or gone. */
  quoted: Message | null;
  /** It has just arrived at the end, and rises into its place. */
  fresh: boolean;
}

/** One message: bubble, author, time and ticks around the body that its type draws. */
export const MessageRow = React.memo(function MessageRow({ row, group, app, plugins, quoted, fresh }: MessageRowProps) {
  const { texts, times } = app;
  const { message, outgoing, own, author } = row;
  const name = own ? "" : author?.display_name ?? texts.t("somebody");
  const time = times.time(row.atMs);
  const edited = message?.edited_at_ms && !message.deleted_at_ms ? `${texts.t("edited")}M` : "";
  const space = own ? `${edited}${time}MM` : `${edited}${time}`;
  const deleted = !!message?.deleted_at_ms;
  const hidden = useHidden(app, message, group) && !deleted;
  const [pressed, press] = usePress();
  const shown = useDrawn(message, pressed);
  const bare = shown ? !deleted && !hidden && isBare(shown.view) : !!outgoing?.picture;
  const sketch = React.useRef<readonly Node[]>();
  if (outgoing) sketch.current = app.outbox.files.drawn(row.key);
  const drawn = deleted ? undefined : sketch.current;
  const type = message?.type ?? outgoing?.type ?? "";
  const replyTo = hidden ? null : message?.reply_to ?? outgoing?.replyTo;
  const kind = [
    "dm-row",
    own ? "dm-own" : "dm-other",
    row.first ? "dm-first" : "",
    row.last ? "dm-last" : "",
    group && !own ? "dm-with-avatar" : "",
    bare ? "dm-bare" : "",
    !deleted && !hidden && (shown?.view ? isEdge(shown.view) : drawn) ? "dm-edge" : "",
    deleted ? "dm-deleted" : "",
    fresh ? "dm-fresh" : "",
  ].join(" ");
  const meta = (
    <span className="dm-meta">
      {message?.edited_at_ms && !deleted && <span>{texts.t("edited")}</span>}
      <time dateTime={new Date(row.atMs).toISOString()} title={times.full(row.atMs)}>
        {time}
      </time>
      {own && <Ticks row={row} app={app} />}
    </span>
  );
  const waiting = outgoing?.state === "pending" && outgoing.unsent && <Waiting outgoing={outgoing} app={app} />;
  const body = shown && (
    <Body
      message={shown}
      modules={app.modules}
      mark={row.mine?.mark}
      busy={row.note?.pressed ?? NOTHING}
      plugin={plugins?.[type]}
      deleted={texts.t("deleted")}
      empty={texts.t("empty_message")}
      space={space}
    />
  );
  return (
    <>
      {row.day && (
        <div className="dm-day">
          <span>{times.day(row.atMs, texts.t("today"), texts.t("yesterday"))}</span>
        </div>
      )}
      {row.above.length > 0 && <Lines app={app} lines={row.above} />}
      {row.unread && (
        <div className="dm-unread-line">
          <span>{texts.t("unread_messages")}</span>
        </div>
      )}
      <div className={kind} data-number={message?.number} data-id={message?.id} data-state={row.tick} onPointerDown={press} onClick={press}>
        {group && !own && row.last && (
          <span className="dm-row-avatar" title={name} data-user={message?.sender}>
            <Avatar of={author?.id ?? message?.sender ?? ""} name={name} photo={author?.photo ?? null} size={32} />
          </span>
        )}
        <div className="dm-bubble">
          {group && !own && row.first && !bare ? (
            <div className="dm-author" data-hue={hue(message?.sender ?? "")} dir="auto">
              <span data-user={message?.sender}>{name}</span>
              {row.alike && author && <span>@{author.username}</span>}
            </div>
          ) : (
            <span className="dm-hidden">{own ? texts.t("you") : `${name}:`}</span>
          )}
          {replyTo && !deleted && <Quote app={app} number={replyTo.number} quoted={quoted} />}
          {message && hidden ? (
            <Blocked app={app} id={message.id} space={space} />
          ) : drawn ? (
            <Sending drawn={drawn} plugin={plugins?.[type]} space={<Space time={space} />} state={waiting}>
              {shown?.view && body}
            </Sending>
          ) : shown ? (
            <Fold app={app} id={shown.id} text={isFoldable(shown) ? shown.text ?? "" : ""}>
              {body}
            </Fold>
          ) : outgoing?.picture ? (
            <img className="dm-picture-sent" {...outgoing.picture} alt={outgoing.text} />
          ) : (
            <>
              {outgoing?.files && <Unsent clientId={outgoing.clientId} app={app} />}
              <Fold app={app} id={outgoing?.clientId ?? ""} text={outgoing?.text ?? ""}>
                <Plain text={outgoing?.text ?? ""} space={space} />
              </Fold>
            </>
          )}
          {meta}
          {message?.reactions?.length && !hidden ? <Reactions row={row} message={message} app={app} space={space} /> : null}
        </div>
        {message && !deleted && !hidden && (
          <button type="button" className="dm-more" data-more aria-haspopup="menu" aria-label={texts.t("message_menu")}>
            <Icon name="more" size={18} />
          </button>
        )}
      </div>
      {message && row.note?.sentence && <Asked note={row.note} message={message.id} app={app} />}
      {row.below.length > 0 && <Lines app={app} lines={row.below} />}
      {!drawn && waiting}
      {outgoing?.state === "failed" && <Failed outgoing={outgoing} app={app} />}
    </>
  );
});

/** Whether a message is folded, since the reader has blocked who sent it: in a group everybody has the same log. */
function useHidden({ blocks, store, unfolded }: Messenger, message: Message | null, group: boolean): boolean {
  const blocked = useTopic(store.topics, "blocks", () => group && !!message && blocks.has(message.sender));
  const shown = useTopic(store.topics, `shown:${message?.id}`, () => !message || unfolded.has(message.id));
  return blocked && !shown;
}

/** In the place of a folded message; pressed, it is shown. */
function Blocked({ app, id, space }: { app: Messenger; id: string; space: string }) {
  const show = () => {
    app.unfolded.add(id);
    app.store.topics.touch(`shown:${id}`);
  };
  return (
    <div className="dm-body">
      <button type="button" className="dm-link dm-blocked" onClick={show}>{app.texts.t("blocked_message")}</button>
      <i className="dm-space" data-time={space} aria-hidden="true" />
    </div>
  );
}

/** What was asked of a message and waits, or was not done. */
function Asked({ note, message, app }: { note: Note; message: string; app: Messenger }) {
  return (
    <div className={note.pending ? "dm-note dm-note-pending" : "dm-note"} role={note.pending ? "status" : "alert"}>
      {note.pending && <Icon name="pending" size={15} />}
      <span dir="auto">{note.sentence}</span>
      <button type="button" className="dm-link" onClick={() => app.actions.discard(message)}>
        {app.texts.t("discard")}
      </button>
    </div>
  );
}

/** What a message answers; pressed, it is shown. */
function Quote({ app, number, quoted }: { app: Messenger; number: number; quoted: Message | null }) {
  useTopic(app.store.topics, "blocks", () => app.blocks.listed());
  const author = quoted && app.store.users[quoted.sender] ? nameOf(quoted.sender, app.store.users, app.texts) : undefined;
  const gone = !quoted || quoted.deleted_at_ms;
  return (
    <button type="button" className="dm-quote" data-jump={number}>
      <b data-hue={quoted ? hue(quoted.sender) : undefined} dir="auto">{author ?? app.texts.t("message")}</b>
      <span dir="auto">{gone ? app.texts.t(quoted ? "deleted" : "quoted_elsewhere") : app.lineOf(quoted.conversation, quoted)}</span>
    </button>
  );
}

function Reactions({ row, message, app, space }: { row: Row; message: Message; app: Messenger; space: string }) {
  const own = row.mine?.reactions ?? [];
  return (
    <div className="dm-reactions">
      {message.reactions!.map(({ emoji, count }) => (
        <Reaction key={emoji} app={app} message={message} emoji={emoji} count={count} own={own.includes(emoji)} />
      ))}
      <Space time={space} />
    </div>
  );
}

function Ticks({ row, app }: { row: Row; app: Messenger }) {
  if (row.tick === "none") return null;
  const words = { pending: "sending", sent: "sent", read: "read", failed: "not_sent" } as const;
  const word = app.texts.t(words[row.tick]);
  return (
    <span className={`dm-tick dm-tick-${row.tick}`} role="img" aria-label={word} title={word}>
      <Icon name={row.tick} size={15} />
    </span>
  );
}

const SHOWN_FILES = 4;

/** Files that were chosen without a connection: pictures, and the names of others. */
function Unsent({ clientId, app }: { clientId: string; app: Messenger }) {
  const files = useTopic(app.store.topics, `files:${clientId}`, () => app.outbox.files.of(clientId));
  const all = Object.values(files ?? {});
  const [addresses, setAddresses] = React.useState<readonly string[]>([]);
  React.useEffect(() => {
    const made = all.slice(0, SHOWN_FILES).map((file) => (file.type.startsWith("image/") ? URL.createObjectURL(file) : ""));
    setAddresses(made);
    return () => made.forEach((address) => URL.revokeObjectURL(address));
  }, [files]);
  if (!all.length) return null;
  return (
    <ul className="dm-unsent">
      {all.slice(0, SHOWN_FILES).map(({ name }, at) => (
        <li key={at}>{addresses[at] ? <img src={addresses[at]} alt={name} /> : <span dir="auto">{name}</span>}</li>
      ))}
      {all.length > SHOWN_FILES && <li>+{all.length - SHOWN_FILES}</li>}
    </ul>
  );
}

/** A message whose files are on their way, or wait for a connection. */
function Waiting({ outgoing: { clientId }, outgoing, app }: { outgoing: Outgoing; app: Messenger }) {
  const { texts, outbox, store } = app;
  const online = useOnline(app);
  const progress = useTopic(store.topics, `files:${clientId}`, () => outbox.files.progress(clientId));
  const unkept = useTopic(store.topics, `files:${clientId}`, () => outbox.files.isUnkept(clientId));
  return (
    <div className="dm-note dm-note-pending" role="status">
      <Icon name="pending" size={15} />
      <span>
        {online ? texts.t("uploading", { n: Math.floor(progress * 100) }) : texts.t("sent_on_return")}
        {unkept && ` ${texts.t("files_unkept")}`}
      </span>
      <button type="button" className="dm-link" onClick={() => outbox.discard(outgoing)}>
        {texts.t("discard")}
      </button>
    </div>
  );
}

function Failed({ outgoing, app }: { outgoing: Outgoing; app: Messenger }) {
  const { texts, outbox, store } = app;
  const { conversation, reason, type } = outgoing;
  const hasForm = useTopic(store.topics, "composers", () => app.composers.some((one) => one.type === type && one.fields));
  const why = reason ? refusalOf(texts, reason) : texts.t("no_answer");
  return (
    <div className="dm-failed" role="alert">
      <span>
        {texts.t("not_sent")}. {why}
      </span>
      {hasForm && reason && (
        <button type="button" className="dm-link" onClick={() => store.compose(conversation, { rewriting: outgoing })}>
          {texts.t("edit")}
        </button>
      )}
      <button type="button" className="dm-link" onClick={() => outbox.retry(outgoing)}>
        {texts.t("retry")}
      </button>
      <button type="button" className="dm-link" onClick={() => outbox.discard(outgoing)}>
        {texts.t("discard")}
      </button>
    </div>
  );
}
