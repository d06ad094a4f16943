import * as React from "react";
import { Body, isBare, Plain } from "./body";
import { Icon } from "./icons";
import type { Messenger } from "./messenger";
import { Avatar } from "./people";
import type { Row } from "./rows";
import type { Outgoing } from "./store";
import { hue } from "./ids";

interface MessageRowProps {
  row: Row;
  group: boolean;
  app: Messenger;
  plugins: Record<string, string> | undefined;
  /** It has just arrived at the end, and rises into its place. */
  fresh: boolean;
}

/** One message: bubble, author, time and ticks around the body that its type draws. */
export const MessageRow = React.memo(function MessageRow({ row, group, app, plugins, fresh }: MessageRowProps) {
  const { texts, times } = app;
  const { message, outgoing, own, author } = row;
  const name = own ? "" : author?.display_name ?? texts.t("somebody");
  const time = times.time(row.atMs);
  const space = own ? `${time}MM` : time;
  const bare = isBare(message?.view);
  const kind = [
    "dm-row",
    own ? "dm-own" : "dm-other",
    row.first ? "dm-first" : "",
    row.last ? "dm-last" : "",
    group && !own ? "dm-with-avatar" : "",
    bare ? "dm-bare" : "",
    fresh ? "dm-fresh" : "",
  ].join(" ");
  const meta = (
    <span className="dm-meta">
      <time dateTime={new Date(row.atMs).toISOString()} title={times.full(row.atMs)}>
        {time}
      </time>
      {own && <Ticks row={row} app={app} />}
    </span>
  );
  return (
    <>
      {row.day && (
        <div className="dm-day">
          <span>{times.day(row.atMs, texts.t("today"), texts.t("yesterday"))}</span>
        </div>
      )}
      {row.unread && (
        <div className="dm-unread-line">
          <span>{texts.t("unread_messages")}</span>
        </div>
      )}
      <div className={kind} data-number={message?.number} data-state={row.tick}>
        {group && !own && row.last && (
          <span className="dm-row-avatar" title={name}>
            <Avatar id={author?.id ?? message?.sender ?? ""} name={name} size={32} />
          </span>
        )}
        <div className="dm-bubble">
          {group && !own && row.first && !bare ? (
            <div className="dm-author" data-hue={hue(message?.sender ?? "")} dir="auto">
              {name}
            </div>
          ) : (
            <span className="dm-hidden">{own ? texts.t("you") : `${name}:`}</span>
          )}
          {message ? (
            <Body
              message={message}
              plugin={plugins?.[message.type]}
              deleted={texts.t("deleted")}
              empty={texts.t("empty_message")}
              space={space}
            />
          ) : (
            <Plain text={outgoing?.text ?? ""} space={space} />
          )}
          {meta}
        </div>
      </div>
      {outgoing?.state === "failed" && <Failed outgoing={outgoing} app={app} />}
    </>
  );
});

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

function Failed({ outgoing, app }: { outgoing: Outgoing; app: Messenger }) {
  const { texts, outbox } = app;
  const { key, params, sentence } = outgoing.reason ?? { key: "no_answer", params: {}, sentence: "" };
  const why = key === "no_answer" ? texts.t("no_answer") : texts.failure(key, params) ?? sentence;
  return (
    <div className="dm-failed" role="alert">
      <span>
        {texts.t("not_sent")}. {why}
      </span>
      <button type="button" className="dm-link" onClick={() => outbox.retry(outgoing)}>
        {texts.t("retry")}
      </button>
      <button type="button" className="dm-link" onClick={() => outbox.discard(outgoing)}>
        {texts.t("discard")}
      </button>
    </div>
  );
}
