// The messages of an opened conversation: where one reads, what is followed, what is pressed. Sizes are
// guesses until they are measured; whatever is measured, loaded or resized, what is read stays in place.

import * as React from "react";
import type { ReactElement } from "react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Message } from "../net/wire";
import { press } from "../state/actions";
import type { Place } from "../state/reading_places";
import { arrived, type Line } from "../state/spoken";
import { useConversation, useOnline, useTopic } from "../parts/hooks";
import { Icon } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Spoken } from "../parts/Spoken";
import { nextStep, type Step } from "./edges";
import { type MenuEntry, MessageMenu, type Opening } from "./menu";
import { MessageRow, type MessageRowProps } from "./MessageRow";
import { fillerOf, keepPlace, lastAbove, lastStanding, leftBelow, PARTLY_SEEN_PX, placeRead, rowsAround } from "./places";
import type { Row } from "./rows";

// Within this much of the end one reads the newest messages: new ones are followed.
const AT_END_PX = 32;
// Pages are asked for well before their place is reached.
const LOAD_WITHIN_SCREENS = 2;
const ROW_PX = 46;
const UNREAD_LINE_PX = 96;
const MEASURED_AFTER_MS = 400;
// As long as its motion lasts.
const FRESH_MS = 250;
// So long, sizes that become known after going to the end must not look like scrolling up.
const PINNED_MS = 500;
const LONG_PRESS_MS = 450;
// Those that a screen reader may not have come to yet.
const LINES_KEPT = 20;
// So long after a wheel, a finger or a key a move is the reader's.
const TOUCHED_MS = 1_000;

interface MessagesProps {
  app: Messenger;
  id: string;
  rows: readonly Row[];
  group: boolean;
  /** Times are told as of this day. */
  today: number;
  plugins: Record<string, string> | undefined;
  menus: Record<string, MenuEntry[]> | undefined;
}

export function Messages({ app, id, rows: wanted, group, today, plugins, menus }: MessagesProps) {
  const { history, readPositions, store, texts } = app;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  // Where it opens: where one left off, else at the unread line; at the end without either.
  const [opens] = useState(() => {
    const left = app.places.of(id);
    const index = left ? wanted.findIndex((row) => row.message?.number === left.number) : -1;
    return index < 0 ? { index: wanted.findIndex((row) => row.unread), px: UNREAD_LINE_PX } : { index, px: left!.px };
  });
  // Sizes that become known at first must not carry it from there to the end.
  const atEnd = useRef(!store.window(id).moreAfter && opens.index < 0);
  // What is read where it is not the end: it stays in its place.
  const read = useRef<Place | null>(null);
  // Where it stood, and how high it was, when that was last found out.
  const stood = useRef({ at: 0, height: 0 });
  const touchedAtMs = useRef(-Infinity);
  // Until then only what `look` finds says so: the end was gone to on purpose, and rows get their sizes.
  const pinnedUntilMs = useRef(0);
  const settled = useRef(false);
  const [away, setAway] = useState(false);
  const [shown, setShown] = useState(false);
  // The list measures what it is scrolled towards: what lies around where it opens is measured too,
  // or the first scrolling up would push about what is seen.
  const [around, setAround] = useState<readonly number[] | undefined>(() => rowsAround(wanted, opens.index));

  const { rows, shift } = useSteps(wanted);
  // While it moves the list drops what lies behind, and draws it again when it stands: whoever
  // is at the end would pay for that with each message that comes.
  const kept = useMemo(() => around ?? (away ? undefined : rowsAround(rows, -1)), [around, away, rows.length]);
  const before = useRef(rows);
  const newLast = rows[rows.length - 1];
  const lastChanged = newLast?.key !== before.current[before.current.length - 1]?.key;

  const fresh = useRef({ key: "", atMs: 0 });
  if (settled.current && lastChanged && !shift && newLast) fresh.current = { key: newLast.key, atMs: Date.now() };

  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    stood.current = { at: element.scrollTop, height: element.scrollHeight };
  }, []);

  /** Go to the end and stay there while what is there gets its sizes. */
  const pinToEnd = useCallback(() => {
    atEnd.current = true;
    pinnedUntilMs.current = Date.now() + PINNED_MS;
    touchedAtMs.current = -Infinity;
    toEnd();
  }, [toEnd]);
  /** Whether it was the reader who scrolled up from the end: rows that come, go or get their sizes do too. */
  const hasLeft = useCallback((element: HTMLElement) => {
    if (leftBelow(element) <= AT_END_PX || element.scrollTop >= stood.current.at) return false;
    if (Date.now() - touchedAtMs.current < TOUCHED_MS) return true;
    // Sizes move the place by no more than they change; what moves it further is the reader's search or focus.
    const changed = Math.abs(element.scrollHeight - stood.current.height);
    return Date.now() >= pinnedUntilMs.current && (!changed || stood.current.at - element.scrollTop > changed + AT_END_PX);
  }, []);
  /** Go to the end, unless the reader is not there any more. */
  const follow = useCallback(() => {
    const element = scroller.current;
    if (!element || !atEnd.current) return;
    if (hasLeft(element)) atEnd.current = false;
    else toEnd();
  }, [toEnd]);

  const drawn = useRef(rows);
  drawn.current = rows;

  /** Tell what has come into view, and load what will. */
  const look = useCallback(() => {
    const element = scroller.current;
    const place = list.current;
    if (!element || !place || !settled.current) return;
    follow();
    const left = leftBelow(element);
    const window = store.window(id);
    atEnd.current = left <= AT_END_PX && !window.moreAfter;
    stood.current = { at: element.scrollTop, height: element.scrollHeight };
    read.current = placeRead(element, drawn.current, place);
    setAway(left > AT_END_PX * 3 || window.moreAfter);
    const within = element.clientHeight * LOAD_WITHIN_SCREENS;
    if (element.scrollTop < within && window.moreBefore) void history.load(id, "before");
    else if (left < within && window.moreAfter) void history.load(id, "after");
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    const filler = (element.firstElementChild as HTMLElement).offsetHeight;
    const bottom = element.scrollTop + element.clientHeight - filler + PARTLY_SEEN_PX;
    const guess = lastAbove(bottom, drawn.current, place);
    const seen = lastStanding(element, guess);
    // Sizes that were guessed put it elsewhere: look again when it is there.
    if (seen < 0) lookAgain.current();
    else if (seen) readPositions.advance(id, seen);
  }, [id]);

  const frame = useRef(0);
  const lookAgain = useRef(() => {});
  /** Look once before the next frame, however much has moved until then. A look is never put off: rows that
      get their sizes before it would be kept in the place that was read before. */
  const lookSoon = useCallback(() => {
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      look();
    });
  }, [look]);
  lookAgain.current = lookSoon;

  useLayoutEffect(() => {
    before.current = rows;
    if (!settled.current) return;
    const own = newLast?.outgoing?.state === "pending" || (newLast?.own && newLast.tick === "pending");
    // A change at the top moves the place that one scrolled to; it says nothing of the reader.
    if (shift) return void (atEnd.current && toEnd());
    if (!lastChanged) return;
    if (own) pinToEnd();
    else follow();
  }, [rows]);

  useEffect(lookSoon, [rows]);

  useLayoutEffect(() => {
    const { index, px } = opens;
    const place = () => {
      if (index >= 0) list.current?.scrollToIndex(index, { align: "start", offset: fillerOf(scroller.current!) - px });
      else toEnd();
    };
    place();
    // Sizes are known a frame later.
    const frame = requestAnimationFrame(() => {
      place();
      setShown(true);
      settled.current = true;
      requestAnimationFrame(() => {
        place();
        look();
      });
    });
    const timer = setTimeout(() => setAround(undefined), MEASURED_AFTER_MS);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);

  useEffect(() => {
    const element = scroller.current!;
    let top = element.getBoundingClientRect().top;
    // The keyboard opens, the text box grows, a banner comes: whoever was at the end stays there,
    // and what others read stays where it was on the screen.
    const resized = new ResizeObserver(() => {
      const before = top;
      top = element.getBoundingClientRect().top;
      if (!atEnd.current) element.scrollTop += top - before;
      if (settled.current) follow();
      if (!atEnd.current || !settled.current) look();
    });
    resized.observe(element);
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      resized.disconnect();
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [look]);

  useEffect(() => {
    const leave = () => settled.current && app.places.keep(id, atEnd.current ? null : read.current);
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);

  const toNewest = async () => {
    if (store.window(id).moreAfter) await history.load(id, "newest");
    requestAnimationFrame(() => {
      pinToEnd();
      requestAnimationFrame(toEnd);
    });
  };

  // What one sends stands at the end, however far up one reads.
  const sending = useTopic(store.topics, `outbox:${id}`, () => store.outbox(id).at(-1)?.clientId);
  const wentFor = useRef(sending);
  const online = useOnline(app);
  const loading = useTopic(store.topics, `window:${id}`, () => store.window(id).loading);
  useEffect(() => {
    if (!sending || sending === wentFor.current || !online || loading) return;
    wentFor.current = sending;
    if (store.window(id).moreAfter) void toNewest();
  }, [sending, online, loading]);

  const [menu, setMenu] = useState<Opening | null>(null);
  const held = useRef(0);
  // Whether the finger that is lifted now has opened a menu: it presses nothing, not even in the menu.
  const wasLong = useRef(false);
  const messageAt = (target: EventTarget) => {
    const messageId = (target as Element).closest<HTMLElement>(".dm-row")?.dataset["id"];
    return messageId ? store.message(id, messageId) : undefined;
  };
  const openMenu = (target: EventTarget, x: number, y: number) => {
    const message = messageAt(target);
    // Our own reactions stand beside the body: markup in it may claim to be one.
    const reaction = (target as Element).closest<HTMLElement>(".dm-bubble > .dm-reactions > [data-react]");
    if (message && !message.deleted_at_ms) setMenu({ message, x, y, from: target as HTMLElement, emoji: reaction?.dataset["react"] });
    return !!message;
  };

  /** Show a message, loading what is around it if need be. */
  const jump = async (number: number) => {
    const place = () => drawn.current.findIndex((row) => row.message?.number === number);
    if (place() < 0) {
      await history.load(id, "around", number);
      // What was loaded is drawn a frame later.
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }
    const index = place();
    if (index < 0) return;
    atEnd.current = false;
    list.current?.scrollToIndex(index, { align: "center" });
    setTimeout(() => {
      const row = scroller.current?.querySelector(`.dm-row[data-number="${number}"]`);
      row?.classList.add("dm-shown");
      setTimeout(() => row?.classList.remove("dm-shown"), 1_600);
    }, 80);
  };

  const onClick = (event: React.MouseEvent) => {
    const target = event.target as Element;
    const pressed = target.closest<HTMLElement>("[data-more], [data-jump], [data-react], [data-act]");
    const message = pressed && messageAt(pressed);
    if (!pressed || !message) return;
    // Inside a body only components act. What is asked is the body itself: markup may claim any class.
    const body = pressed.closest(".dm-row")!.querySelector(":is(.dm-bubble, .dm-long, .dm-sending) > .dm-body");
    const isOurs = !body?.contains(pressed);
    if (isOurs === (pressed.dataset["act"] !== undefined) || (!isOurs && !body?.classList.contains("dm-component"))) return;
    const { more, jump: to, react } = pressed.dataset;
    if (more !== undefined) {
      const box = pressed.getBoundingClientRect();
      openMenu(pressed, box.left, box.bottom);
    } else if (to !== undefined) {
      void jump(Number(to));
    } else if (react !== undefined) {
      app.actions.react(message, react, pressed.getAttribute("aria-pressed") !== "true");
    } else {
      press(app.actions, message, pressed, store.window(id).own[message.id]?.mark);
    }
  };
  const touch = () => {
    touchedAtMs.current = Date.now();
  };
  // A phone that tells no context menu of a long press.
  const onPointerDown = (event: React.PointerEvent) => {
    wasLong.current = false;
    touch();
    if (event.pointerType !== "touch") return;
    const { target, clientX, clientY } = event;
    held.current = setTimeout(() => (wasLong.current = openMenu(target, clientX, clientY)), LONG_PRESS_MS);
  };
  const letGo = () => clearTimeout(held.current);

  const draw = useMemo(() => {
    // The list draws its rows again whenever it moves: those that are as before are left alone.
    const drawn = new WeakMap<Row, ReactElement<MessageRowProps>>();
    return (row: Row) => {
      const quoted = quotedBy(app, id, row);
      const isFresh = row.key === fresh.current.key && Date.now() - fresh.current.atMs < FRESH_MS;
      const there = drawn.get(row);
      if (there && there.props.quoted === quoted && there.props.fresh === isFresh) return there;
      const now = (
        <MessageRow key={row.key} row={row} group={group} today={today} app={app} plugins={plugins} quoted={quoted} fresh={isFresh} />
      );
      drawn.set(row, now);
      return now;
    };
  }, [group, plugins, today]);

  return (
    <>
      <div
        ref={scroller}
        className="dm-scroll"
        data-settled={shown || undefined}
        role="region"
        aria-label={texts.t("messages")}
        tabIndex={0}
        onScroll={() => {
          letGo();
          lookSoon();
        }}
        onClick={onClick}
        onWheel={touch}
        onTouchMove={touch}
        onKeyDown={touch}
        onPointerDown={onPointerDown}
        onPointerUp={letGo}
        onTouchEnd={(event) => wasLong.current && event.preventDefault()}
        onPointerCancel={letGo}
        onPointerMove={(event) => event.pointerType === "touch" && (event.movementX || event.movementY) && letGo()}
        onContextMenu={(event) => {
          // A link, a selection or a photo keeps the browser's own menu; a sticker is all there is to press.
          const target = event.target as Element;
          if (target.closest("a, .dm-row:not(.dm-bare) img, video, audio, input, textarea") || !getSelection()?.isCollapsed) return;
          if (openMenu(target, event.clientX, event.clientY)) event.preventDefault();
        }}
      >
        <div className="dm-scroll-filler" />
        <Virtualizer
          ref={list}
          data={rows as Row[]}
          shift={shift}
          itemSize={ROW_PX}
          bufferSize={400}
          keepMounted={kept}
          scrollRef={scroller}
          onResize={() => {
            if (!settled.current) return;
            follow();
            if (!atEnd.current && read.current) keepPlace(read.current, scroller.current!, drawn.current, list.current!);
            // The list is as high as its rows only when it has been drawn again.
            requestAnimationFrame(follow);
          }}
        >
          {draw}
        </Virtualizer>
      </div>
      {menu && <MessageMenu app={app} opening={menu} entries={menus?.[menu.message.type] ?? []} onClose={() => setMenu(null)} />}
      <DownButton app={app} id={id} away={away} onClick={() => void toNewest()} />
      <Announcer app={app} id={id} rows={rows} />
    </>
  );
}

/** The rows to draw now; the steps that are left are drawn a frame later each. */
function useSteps(rows: readonly Row[]): Step {
  const drawn = useRef(rows);
  const [, again] = useReducer((steps: number) => steps + 1, 0);
  const step = nextStep(drawn.current, rows);
  useLayoutEffect(() => {
    drawn.current = step.rows;
    if (step.rows === rows) return;
    const frame = requestAnimationFrame(again);
    return () => cancelAnimationFrame(frame);
  });
  return step;
}

/** The message that a row's answers, as far as it is known here; what is missing is asked for. */
function quotedBy(app: Messenger, id: string, row: Row): Message | null {
  const answered = row.message?.reply_to ?? row.outgoing?.replyTo;
  return answered ? app.history.quoted(id, answered) : null;
}

function DownButton({ app, id, away, onClick }: { app: Messenger; id: string; away: boolean; onClick(): void }) {
  const unread = useConversation(app, id)?.unread ?? 0;
  const { texts } = app;
  if (!away) return null;
  const label = unread ? texts.t("new_below", { n: unread }) : texts.t("to_newest");
  return (
    <button type="button" className="dm-down" aria-label={label} title={label} onClick={onClick}>
      <Icon name="down" size={24} />
      {unread > 0 && <span className="dm-badge">{unread}</span>}
    </button>
  );
}

/** Says incoming messages to screen readers; the rows themselves come and go while scrolling. */
function Announcer({ app, id, rows }: { app: Messenger; id: string; rows: readonly Row[] }) {
  const { store } = app;
  const [said, setSaid] = useState<readonly Line[]>([]);
  // What is loaded later, but was there before, is read where it stands.
  const heard = useRef(store.conversation(id)?.message_no ?? Infinity);
  useEffect(() => {
    const { messages } = store.window(id);
    const last = messages[messages.length - 1]?.number ?? 0;
    if (heard.current === Infinity) heard.current = store.conversation(id)?.message_no ?? Infinity;
    if (last <= heard.current) return;
    const lines = arrived(messages, heard.current, store, app.texts, (message) => app.lineOf(id, message));
    heard.current = last;
    if (lines.length) setSaid((before) => [...before, ...lines].slice(-LINES_KEPT));
  }, [rows]);
  return <Spoken lines={said} />;
}
