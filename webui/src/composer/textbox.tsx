// The text box: drafts, edits, answers, slash commands, formats and the preview of what is written.

import * as React from "react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Message, Refusal, type View } from "../net/wire";
import { type ComposerOf, type FormatOf, markedBy, pastedFiles } from "../state/composers";
import { choose, chosen as chosenHere } from "../state/device";
import { keepComposing, keepDraft, readDraft } from "../state/drafts";
import { nameOf } from "../state/people";
import { isPhone } from "../state/route";
import { inOneLine } from "../state/spoken";
import { useLayer, useTopic, useUsers } from "../parts/hooks";
import { Icon, IconButton } from "../parts/icons";
import type { Messenger } from "../parts/messenger";
import { Body } from "../timeline/body";
import { loadEmoji } from "../parts/emoji";
import { Completion, type Offer } from "./completion";
import { continueList, isTyped, nameBefore, put, wrap } from "./typing";

const KEEP_DRAFT_AFTER_MS = 200;
// Of a page, so much is another: the eye finds its line again.
const NEW_OF_A_PAGE = 0.85;

interface BoxProps {
  app: Messenger;
  /** The conversation. */
  id: string;
  /** The types that may own the box. */
  inline: readonly ComposerOf[];
  /** The plugin that draws each message type. */
  plugins: Record<string, string> | undefined;
  before: React.ReactNode;
  /** What stands in the box, at its end: a function of whether a message is edited. */
  inside(editing: boolean): React.ReactNode;
  /** Take over what was pasted; whether a type claims it. */
  take(files: File[]): boolean;
}

export function TextBox({ app, id, inline, before, inside, take, plugins }: BoxProps) {
  const { texts, store } = app;
  const box = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const [chosen, setChosen] = useState(() => chosenHere("writes"));
  const [empty, setEmpty] = useState(true);
  const [excess, setExcess] = useState(0);
  // What completions are offered for, and where that begins which somebody wanted none for.
  const [offered, setOffered] = useState("");
  const closed = useRef(-1);
  const keys = useRef<((event: KeyboardEvent) => boolean) | null>(null);
  const [problem, setProblem] = useState("");
  const [unformatted, setUnformatted] = useState(false);
  const [preview, setPreview] = useState<Message | null>(null);
  useLayer(app, preview && (() => setPreview(null)));
  const composing = useTopic(store.topics, `composing:${id}`, () => store.composing(id));
  const { replyTo } = composing;
  // What is edited is written as it was; what was written in a form is edited in that.
  const editor = inline.find((composer) => composer.type === composing.editing?.type);
  const editing = editor && composing.editing;
  const owner = editor ?? inline.find((composer) => composer.type === chosen) ?? inline[0]!;
  const about = editing ?? replyTo;
  const users = useUsers(app);
  const enterSends = useTopic(store.topics, "enter", () => app.enterSends);
  const knowsMarks = useTopic(store.topics, "marks", () => app.knowsMarks);
  // Who may take what is typed here, by the marks in it.
  const markers = knowsMarks ? inline.filter((composer) => composer !== owner && composer.marks) : [];
  const formats = owner.formats?.length ? owner.formats : markers[0]?.formats;
  // What is not the ordinary type says which it is: marks in it will be applied.
  const asWhat = owner === inline[0] ? texts.t("editing") : `${texts.t("editing")}: ${owner.label}`;
  const errorId = `dm-composer-error-${id}`;

  /** Bring what depends on the text up to date; React hears only of what changes. */
  const typed = () => {
    const text = box.current?.value ?? "";
    setEmpty(!/\S/.test(text));
    setExcess(excessOf(text, owner.max_length));
    offer();
    setProblem("");
    // A message keeps its type, so marks that come in later stay as they are typed.
    setUnformatted(!!editing && !!markedBy(markers, text));
    grow(box.current);
  };

  /** Offer what may be meant by what stands before the caret. */
  const offer = () => {
    const { value, selectionStart: caret, selectionEnd: end } = box.current!;
    const slash = !editing && caret === value.length && /^\/[a-z0-9-]*$/i.test(value) ? value.toLowerCase() : "";
    const typing = caret === end && document.activeElement === box.current;
    const begun = slash || (typing ? nameBefore(value, caret) : "");
    if (!begun) closed.current = -1;
    setOffered(begun.endsWith(":") || closed.current === caret - begun.length ? "" : begun);
  };

  const takeOffer = ({ id, put: text }: Offer) => {
    const caret = box.current!.selectionStart;
    box.current!.setSelectionRange(caret - offered.length, caret);
    put(box.current!, text, true);
    if (offered.startsWith(":")) void loadEmoji(app).then((emoji) => emoji.use(store.me.id, id));
  };

  /** A name that was typed whole becomes its emoji. */
  const replaceName = async () => {
    const whole = nameBefore(box.current!.value, box.current!.selectionStart);
    if (!whole.endsWith(":")) return;
    const emoji = await loadEmoji(app);
    const found = emoji.named(store.me.id, whole.slice(1, -1));
    const element = box.current;
    if (!found || !element || nameBefore(element.value, element.selectionStart) !== whole) return;
    element.setSelectionRange(element.selectionStart - whole.length, element.selectionStart);
    put(element, found.text, document.activeElement === element);
    emoji.use(store.me.id, found.id);
  };

  // The message whose edit fills the box.
  const shown = useRef<Message | undefined>();
  const begun = useRef(false);
  const keep = () => {
    clearTimeout(timer.current);
    timer.current = 0;
    if (box.current) keepDraft(store, id, box.current.value, shown.current ? "edit" : "");
  };

  const setText = (text: string) => {
    box.current!.value = text;
    typed();
  };

  useLayoutEffect(() => setText(readDraft(app.store, id)), []);

  const saidIn = ({ content, text }: Message) => String((content as Record<string, unknown> | null)?.[owner.field!] ?? text ?? "");
  /** The message as it is now: it may have changed since its edit began. */
  const latest = (edited: Message) => store.message(id, edited.id) ?? edited;

  // An edit fills the box; the draft is there again after it.
  useLayoutEffect(() => {
    if (shown.current && shown.current.id !== editing?.id) keepDraft(store, id, "", "edit");
    if (editing) setText(readDraft(store, id, "edit") || saidIn(latest(editing)));
    else if (shown.current) setText(readDraft(store, id));
    shown.current = editing;
    setPreview(null);
    // Whoever only opens the chat takes nothing from what another tab has kept.
    if (begun.current) {
      keepComposing(store, id, !editing);
      if (about) box.current?.focus();
    }
    begun.current = true;
  }, [editing, replyTo]);

  // What was deleted can be neither edited nor answered; what was written is left.
  const gone = useTopic(store.topics, `window:${id}`, () => (about && app.history.quoted(id, about)?.deleted_at_ms ? about.id : ""));
  useLayoutEffect(() => {
    if (!gone) return;
    const text = box.current!.value;
    const changed = text && !(editing && text === saidIn(editing));
    if (editing && changed) keepDraft(store, id, [readDraft(store, id), text].filter(Boolean).join("\n"));
    store.setNotice(texts.t(changed ? "deleted_meanwhile" : "deleted"));
    if (editing) store.endEdit(id);
    else store.compose(id, {});
  }, [gone]);

  useEffect(() => {
    const element = box.current!;
    // A phone's keyboard would cover the messages one came to read.
    if (!isPhone() && !matchMedia("(pointer: coarse)").matches) focusUnlessTaken(element);
    const leave = () => {
      if (timer.current) keep();
      app.presences.type(id, false);
    };
    const type = (event: globalThis.KeyboardEvent) => {
      const free = document.activeElement === document.body && !document.querySelector("[role=menu], [aria-modal=true], dialog[open]");
      if (free && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) element.focus();
    };
    addEventListener("pagehide", leave);
    document.addEventListener("keydown", type);
    return () => {
      leave();
      removeEventListener("pagehide", leave);
      document.removeEventListener("keydown", type);
    };
  }, []);

  const send = () => {
    const element = box.current!;
    // What the server would leave out may take six times its length on the way.
    const typedText = element.value.replace(/[\0-\x08\x0b-\x1f\x7f]/g, "");
    const text = typedText.replace(/^(?:[^\S\n]*\n)+|\s+$/g, "");
    if (!text || excessOf(text, owner.max_length)) return;
    if (!editing && /^\/[a-z][a-z0-9-]*(\s|$)/i.test(text)) return void runSlash(text);
    const content = { [owner.field!]: text };
    if (editing) {
      if (text !== saidIn(latest(editing))) app.actions.edit(editing, content);
      store.endEdit(id);
      return;
    }
    element.value = "";
    keep();
    typed();
    app.presences.type(id, false);
    setPreview(null);
    const marked = markedBy(markers, text);
    const fits = marked?.field && !excessOf(text, marked.max_length);
    app.outbox.send(id, fits ? { type: marked.type, content: { [marked.field!]: text }, text } : { type: owner.type, content, text });
    // On a phone the keyboard stays away where the emoji are chosen.
    if (!isPhone() || !document.querySelector(".dm-composer > .dm-picker")) element.focus();
  };

  const runSlash = async (text: string) => {
    try {
      await app.call("message.slash", { conversation: id, text, language: app.texts.language });
      if (box.current?.value.trim() === text) setText("");
      keep();
    } catch (error) {
      setProblem(texts.reason(error));
    }
  };

  const cancel = () => (editing ? store.endEdit(id) : store.compose(id, {}));

  const onKeyDown = (event: KeyboardEvent) => {
    if (keys.current?.(event)) return;
    const format = (event.ctrlKey || event.metaKey) && !event.altKey && formats?.find((one) => one.key === event.key.toLowerCase());
    if (format) {
      event.preventDefault();
      return wrap(box.current!, format);
    }
    if (event.key === "Escape" && (editing || replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      return cancel();
    }
    if (turnPage(event, box.current!)) return event.preventDefault();
    if (event.key === "ArrowUp" && !box.current!.value && !editing) {
      const last = [...store.window(id).messages].reverse().find((message) => message.sender === store.me.id && !message.deleted_at_ms);
      if (last && app.canEdit(last)) {
        event.preventDefault();
        store.compose(id, { editing: last });
      }
      return;
    }
    // An input method's Enter chooses a word; Safari sends it with keyCode 229 after composing ended.
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.shiftKey) {
      if (continueList(box.current!)) event.preventDefault();
      return;
    }
    if (!enterSends && !event.ctrlKey && !event.metaKey) {
      if (continueList(box.current!)) event.preventDefault();
      return;
    }
    event.preventDefault();
    send();
  };

  const showPreview = async () => {
    if (preview) return setPreview(null);
    const text = box.current!.value;
    if (!/\S/.test(text)) return;
    try {
      const drawn = await app.call<{ text: string; view?: View }>("message.preview", {
        type: owner.type,
        content: { [owner.field!]: text },
        views: [`dash:${texts.language}`],
      });
      setPreview({ ...BLANK, type: owner.type, ...drawn });
    } catch (error) {
      // Another tab asked later: its preview is the one that somebody looks at.
      if (!(error instanceof Refusal && error.key === "superseded")) setProblem(texts.reason(error));
    }
  };

  // The text box is hidden meanwhile: whoever pressed the button has the focus nowhere.
  useEffect(() => {
    if (!preview) return;
    const leave = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("[role=menu], [aria-modal=true], dialog[open]")) return;
      event.preventDefault();
      setPreview(null);
      requestAnimationFrame(() => box.current?.focus());
    };
    document.addEventListener("keydown", leave);
    return () => document.removeEventListener("keydown", leave);
  }, [preview]);

  const next = inline[(inline.indexOf(owner) + 1) % inline.length]!;
  // Of two, the button is the second: pressed while it is on. Of more, it leads to the next.
  const switchTo = inline.length === 2 ? inline[1]! : next;
  return (
    <>
      {about && (
        <div className="dm-composing">
          <Icon name={editing ? "edit" : "reply"} />
          <div className="dm-composing-words">
            <b>{editing ? asWhat : texts.t("replying_to", { name: nameOf(about.sender, users, texts) })}</b>
            <span dir="auto">{inOneLine(about, app.labels, texts)}</span>
          </div>
          <IconButton icon="close" label={texts.t("cancel")} onClick={cancel} />
        </div>
      )}
      {(excess > 0 || problem) && (
        <p className="dm-composer-error" id={errorId} role="alert">
          {excess > 0 ? texts.t("too_long", { n: excess }) : problem}
        </p>
      )}
      {unformatted && <p className="dm-composer-hint" role="status">{texts.t("stays_text")}</p>}
      {offered && (
        <Completion key={offered[0]} app={app} box={box} typed={offered} keys={keys} onTake={takeOffer}
          onClose={() => {
            closed.current = box.current!.selectionStart - offered.length;
            setOffered("");
          }}
        />
      )}
      {owner.formats && owner.formats.length > 0 && (
        <div className="dm-formats" role="toolbar" aria-label={owner.label}>
          {owner.formats.map((format) => (
            <button key={format.label} type="button" aria-label={format.label} title={titleOf(format)}
              onPointerDown={(event) => event.preventDefault()} onClick={() => wrap(box.current!, format)}
            >
              <span className={`icon icon-${format.icon}`} aria-hidden="true" />
            </button>
          ))}
          {owner.guide && (
            <a href={owner.guide} aria-label={texts.t("guide")} title={texts.t("guide")}>
              <span className="icon icon-help" aria-hidden="true" />
            </a>
          )}
          {owner.preview && (
            <button type="button" className="dm-formats-preview" aria-label={texts.t("preview")} title={texts.t("preview")} aria-pressed={!!preview} disabled={empty}
              onPointerDown={(event) => event.preventDefault()} onClick={() => void showPreview()}
            >
              <span className="icon icon-eye" aria-hidden="true" />
            </button>
          )}
        </div>
      )}
      {preview && (
        <div className="dm-preview">
          <Body message={preview} plugin={plugins?.[preview.type]} modules={app.modules} mark={undefined} busy={NOTHING} deleted="" empty="" space="" />
        </div>
      )}
      <div className="dm-composer-line">
        {!editing && before}
        <div className="dm-textbox-frame" hidden={!!preview}>
          <textarea
            ref={box}
            className="dm-textbox"
            rows={1}
            dir="auto"
            placeholder={owner.label || texts.t("message")}
            aria-label={owner.label || texts.t("message")}
            aria-invalid={excess > 0 || undefined}
            aria-describedby={excess > 0 || problem ? errorId : undefined}
            enterKeyHint={enterSends ? "send" : "enter"}
            onKeyDown={onKeyDown}
            onPaste={(event) => {
              const files = pastedFiles(event.clipboardData);
              if (files.length && take(files)) event.preventDefault();
            }}
            onSelect={offer}
            onChange={(event) => {
              typed();
              if (!editing) app.presences.type(id, /\S/.test(event.currentTarget.value));
              // Nothing is replaced twice: what is taken back stays as it was typed.
              // Where the script cannot be loaded, the name stays too.
              if (isTyped(event.nativeEvent as InputEvent)) replaceName().catch(() => undefined);
              if (!timer.current) timer.current = window.setTimeout(keep, KEEP_DRAFT_AFTER_MS);
            }}
            onBlur={() => {
              keep();
              setOffered("");
            }}
          />
          <span className="dm-textbox-buttons">{inside(!!editing)}</span>
        </div>
        {inline.length > 1 && !editing && (
          <button type="button" className="dm-icon-button" aria-label={texts.t("write_as", { type: next.label })} title={texts.t("write_as", { type: next.label })}
            data-on={switchTo === owner || undefined}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => {
              setChosen(next.type);
              choose("writes", next.type);
              setPreview(null);
              box.current?.focus();
            }}
          >
            <span className={`icon icon-${switchTo.icon ?? "message"}`} aria-hidden="true" />
          </button>
        )}
        <button
          type="button"
          className="dm-send"
          aria-label={texts.t("send")}
          title={texts.t("send")}
          disabled={empty || excess > 0}
          // A tap must not take the focus, and with it the keyboard, from the text box.
          onPointerDown={(event) => event.preventDefault()}
          onClick={send}
        >
          <Icon name="send" />
        </button>
      </div>
    </>
  );
}

const NOTHING: ReadonlySet<string> = new Set();
const BLANK: Message = {
  id: "preview", conversation: "", seq: 0, rev: 0, number: 0, sender: "", client_id: "",
  type: "", content: null, text: "", sent_at_ms: 0,
};

/** Scroll the messages by keys that a short text has no use for; whether it was one. */
function turnPage({ key, shiftKey, ctrlKey, altKey, metaKey }: KeyboardEvent, box: HTMLTextAreaElement): boolean {
  if (shiftKey || ctrlKey || altKey || metaKey) return false;
  if (key === "End" && !box.value) {
    document.querySelector<HTMLElement>(".dm-down")?.click();
    return true;
  }
  const pages = { PageUp: -1, PageDown: 1 }[key];
  const messages = document.querySelector(".dm-scroll");
  if (!pages || !messages || box.scrollHeight > box.clientHeight) return false;
  messages.scrollBy({ top: pages * messages.clientHeight * NEW_OF_A_PAGE });
  return true;
}

function titleOf(format: FormatOf): string {
  return format.key ? `${format.label} (Ctrl+${format.key.toUpperCase()})` : format.label;
}

/** How many characters are too many. The server counts code points, JavaScript halves of some. */
function excessOf(text: string, limit: number | null | undefined): number {
  if (!limit || text.length <= limit) return 0;
  return Math.max(0, [...text].length - limit);
}

/** As high as its text; the style sheet says how high at most. New browsers do it by themselves. */
function grow(element: HTMLTextAreaElement | null): void {
  if (!element || CSS.supports("field-sizing", "content")) return;
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight}px`;
}

const FIELDS = "input, textarea, [contenteditable]";

/** Take the focus, also from what opened the conversation; never from another text field. */
function focusUnlessTaken(element: HTMLTextAreaElement): void {
  const active = document.activeElement;
  if (active?.matches(FIELDS) && !active.closest("[role=dialog]")) return;
  element.focus({ preventScroll: true });
  // The reader may go elsewhere meanwhile: to another field, which may be drawn again, or to a button.
  let left = false;
  const note = ({ target }: FocusEvent) => (left ||= target !== element && (target as Element).matches(FIELDS));
  const act = (event: Event) => (left ||= !(event instanceof KeyboardEvent) || event.key.length > 1);
  document.addEventListener("focusin", note);
  document.addEventListener("keydown", act, true);
  document.addEventListener("pointerdown", act, true);
  // A dialog that closes gives the focus back to its button a moment later.
  setTimeout(() => {
    document.removeEventListener("focusin", note);
    document.removeEventListener("keydown", act, true);
    document.removeEventListener("pointerdown", act, true);
    const now = document.activeElement;
    if (!left && element.isConnected && (!now || now === document.body || now.matches(".dm-icon-button, .dm-button"))) element.focus({ preventScroll: true });
  }, 300);
}
