import * as React from "react";
import { type KeyboardEvent, type ReactElement, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Body } from "./body";
import { type ComposerOf, claimOf, type FormatOf } from "./composers";
import { keepDraft, readDraft } from "./drafts";
import { FormPanel } from "./form";
import { useOpened } from "./hooks";
import { Icon, IconButton } from "./icons";
import { type Messenger, useMessenger } from "./messenger";
import { PickerPanel } from "./picker";
import { isPhone } from "./route";
import { SlashList } from "./slash";
import { useTopic } from "./topics";
import { type Message, Refusal, type View } from "./wire";

const KEEP_DRAFT_AFTER_MS = 200;
const CHOSEN_KEY = "dm:writes";

/** The text box under the messages, and what else messages are written with. */
export interface ComposerProps {
  /** The component's id. */
  id?: string;
  /** How messages are written: as `composer_json` of the Python package makes it, a list. */
  composers?: ComposerOf[];
  /** The largest file that the server takes, in bytes. */
  max_upload_bytes?: number;
  /** The plugin that draws each message type, for its style sheet. */
  plugins?: Record<string, string>;
}

export function Composer(props: ComposerProps): ReactElement | null {
  const app = useMessenger();
  return app ? <Opened {...props} app={app} composers={props.composers ?? []} /> : null;
}

type Inside = ComposerProps & { app: Messenger; composers: ComposerOf[] };

function Opened(props: Inside) {
  const { app, composers } = props;
  useLayoutEffect(() => {
    app.composers = composers;
  }, [composers]);
  const id = useOpened(app);
  const known = useTopic(app.store.topics, `conversation:${id}`, () => !!id && !!app.store.conversation(id));
  if (!id || !known) return null;
  if (!composers.length) {
    return <div className="dm-composer"><p className="dm-composer-none">{app.texts.t("no_type")}</p></div>;
  }
  return <Conversation key={id} {...props} id={id} />;
}

interface Form {
  composer: ComposerOf;
  files: File[];
  editing?: Message;
}

function Conversation(props: Inside & { id: string }) {
  const { app, id, composers, max_upload_bytes: maxBytes = Infinity } = props;
  const { texts, store } = app;
  const [form, setForm] = useState<Form | null>(null);
  const formRef = useRef(form);
  formRef.current = form;
  const line = useRef<HTMLDivElement>(null);
  const [picker, setPicker] = useState<ComposerOf | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [dropping, setDropping] = useState(false);
  const inline = composers.filter((composer) => composer.field);
  const forms = composers.filter((composer) => composer.fields);
  const pickers = composers.filter((composer) => composer.picker);

  /** Give files to the form that is open, or open that of the type which claims them. */
  const take = useCallback((files: File[]) => {
    const open = formRef.current;
    const composer = open?.composer ?? (files.length ? claimOf(composers, files) : undefined);
    if (composer) setForm({ ...open, composer, files: [...(open?.files ?? []), ...files] });
    return !!composer;
  }, [composers]);

  // What opened a form or a picker is gone by then, or covered by a phone's keyboard at once.
  const giveFocusBack = (button: string) =>
    requestAnimationFrame(() => {
      const box = isPhone() ? null : line.current?.querySelector<HTMLElement>(".dm-textbox");
      (box ?? line.current?.querySelector<HTMLElement>(button))?.focus({ preventScroll: true });
    });
  const closeForm = () => {
    setForm(null);
    // A dialog gives it back to the message by itself.
    if (form?.editing) store.compose(id, {});
    else giveFocusBack(".dm-attach button");
  };
  const closePicker = (back: boolean) => {
    setPicker(null);
    if (back) giveFocusBack("[aria-expanded=true]");
  };

  const { editing } = useTopic(store.topics, `composing:${id}`, () => store.composing(id));
  useLayoutEffect(() => {
    const composer = editing && forms.find((one) => one.type === editing.type);
    if (composer) setForm({ composer, files: [], editing });
  }, [editing]);
  // Whoever comes back finds the conversation, not a form.
  useEffect(() => () => void (formRef.current?.editing && store.compose(id, {})), []);

  useEffect(() => {
    const carries = (event: DragEvent) => !!event.dataTransfer?.types.includes("Files");
    const over = (event: DragEvent) => {
      if (!carries(event)) return;
      event.preventDefault();
      setDropping(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setDropping(false);
    const drop = (event: DragEvent) => {
      if (!carries(event)) return;
      event.preventDefault();
      setDropping(false);
      take([...(event.dataTransfer?.files ?? [])]);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [take]);

  const attach = forms.length > 0 && (
    <div className="dm-attach">
      <IconButton icon="plus" label={texts.t("attach")} aria-haspopup="menu" aria-expanded={choosing} onClick={() => setChoosing(!choosing)} />
      {choosing && (
        <AttachMenu forms={forms} label={texts.t("attach")}
          onClose={(back) => {
            setChoosing(false);
            if (back) line.current?.querySelector<HTMLElement>(".dm-attach button")?.focus();
          }}
          onChoose={(composer) => setForm({ composer, files: [] })}
        />
      )}
    </div>
  );
  const pick = pickers.map((composer) => (
    <button key={composer.type} type="button" className="dm-icon-button" aria-label={composer.label} title={composer.label}
      aria-expanded={picker === composer}
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => setPicker(picker === composer ? null : composer)}
    >
      <span className={`icon icon-${composer.icon ?? "puzzle"}`} aria-hidden="true" />
    </button>
  ));
  return (
    <>
      {dropping && !form && <div className="dm-drop" aria-hidden="true"><p>{texts.t("drop_here")}</p></div>}
      {form && (
        <FormPanel key={form.composer.type} app={app} conversation={id} composer={form.composer} files={form.files} editing={form.editing}
          maxBytes={maxBytes} dropping={dropping} onClose={closeForm}
        />
      )}
      <div className="dm-composer" ref={line}>
        {picker && <PickerPanel app={app} conversation={id} composer={picker} onClose={closePicker} />}
        {inline.length ? (
          <TextBox {...props} inline={inline} before={attach} after={pick} take={take} />
        ) : (
          <div className="dm-composer-line">{attach}<span className="dm-composer-fill" />{pick}</div>
        )}
      </div>
    </>
  );
}

interface AttachProps {
  forms: readonly ComposerOf[];
  label: string;
  onChoose(composer: ComposerOf): void;
  onClose(back: boolean): void;
}

function AttachMenu({ forms, label, onChoose, onClose }: AttachProps) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    menu.current?.querySelector("button")?.focus();
    const outside = (event: Event) => menu.current?.parentElement?.contains(event.target as Node) || onClose(false);
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...menu.current!.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(items.indexOf(document.activeElement as HTMLButtonElement) + step + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") onClose(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={menu} className="dm-menu dm-attach-menu" role="menu" aria-label={label} onKeyDown={onKeyDown}>
      {forms.map((composer) => (
        <button key={composer.type} type="button" role="menuitem" onClick={() => { onClose(false); onChoose(composer); }}>
          <span className={`icon icon-${composer.icon ?? "puzzle"}`} aria-hidden="true" /> {composer.label}
        </button>
      ))}
    </div>
  );
}

type BoxProps = Inside & {
  id: string;
  inline: ComposerOf[];
  before: React.ReactNode;
  after: React.ReactNode;
  take(files: File[]): boolean;
};

function TextBox({ app, id, inline, before, after, take, plugins }: BoxProps) {
  const { texts, store } = app;
  const box = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const [chosen, setChosen] = useState(() => storedChoice());
  const [empty, setEmpty] = useState(true);
  const [excess, setExcess] = useState(0);
  const [slash, setSlash] = useState("");
  const [problem, setProblem] = useState("");
  const [preview, setPreview] = useState<Message | null>(null);
  const composing = useTopic(store.topics, `composing:${id}`, () => store.composing(id));
  const { replyTo } = composing;
  // What is edited is written as it was; what was written in a form is edited in that.
  const editor = inline.find((composer) => composer.type === composing.editing?.type);
  const editing = editor && composing.editing;
  const owner = editor ?? inline.find((composer) => composer.type === chosen) ?? inline[0]!;
  const errorId = `dm-composer-error-${id}`;

  /** Bring what depends on the text up to date; React hears only of what changes. */
  const typed = () => {
    const text = box.current?.value ?? "";
    setEmpty(!/\S/.test(text));
    setExcess(excessOf(text, owner.max_length));
    setSlash(!editing && /^\/[a-z0-9-]*$/i.test(text) ? text.slice(1).toLowerCase() : "\0");
    setProblem("");
    grow(box.current);
  };

  const keep = () => {
    clearTimeout(timer.current);
    timer.current = 0;
    if (box.current && !store.composing(id).editing) keepDraft(app, id, box.current.value);
  };

  const setText = (text: string) => {
    box.current!.value = text;
    typed();
  };

  useLayoutEffect(() => setText(readDraft(app, id)), []);

  // An edit fills the box; the draft is there again after it.
  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    const content = editing?.content as Record<string, unknown> | undefined;
    if (editing) setText(String(content?.[owner.field!] ?? editing.text ?? ""));
    else if (wasEditing.current) setText(readDraft(app, id));
    wasEditing.current = !!editing;
    setPreview(null);
    if (editing || replyTo) box.current?.focus();
  }, [editing, replyTo]);

  useEffect(() => {
    const element = box.current!;
    // A phone's keyboard would cover the messages one came to read.
    if (!isPhone() && !matchMedia("(pointer: coarse)").matches) focusUnlessTaken(element);
    const leave = () => timer.current && keep();
    const type = (event: globalThis.KeyboardEvent) => {
      const free = document.activeElement === document.body;
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
    const text = element.value.replace(/^(?:[^\S\n]*\n)+|\s+$/g, "");
    if (!text || excessOf(text, owner.max_length)) return;
    if (!editing && /^\/[a-z][a-z0-9-]*(\s|$)/i.test(text)) return void runSlash(text);
    const content = { [owner.field!]: text };
    if (editing) {
      if (text !== (editing.content as Record<string, unknown> | null)?.[owner.field!]) app.acts.edit(editing, content);
      store.compose(id, {});
      return;
    }
    element.value = "";
    keep();
    typed();
    setPreview(null);
    app.outbox.send(id, owner.type, content, text, replyTo && { id: replyTo.id, number: replyTo.number });
    if (replyTo) store.compose(id, {});
    element.focus();
  };

  const runSlash = async (text: string) => {
    try {
      await app.call("message.slash", { conversation: id, text, language: app.texts.language });
      if (box.current?.value.trim() === text) setText("");
      keep();
    } catch (error) {
      const refused = error instanceof Refusal ? texts.failure(error.key, error.params as Record<string, string>) ?? error.message : texts.t("no_answer");
      setProblem(refused);
    }
  };

  const cancel = () => store.compose(id, {});

  const onKeyDown = (event: KeyboardEvent) => {
    const format = (event.ctrlKey || event.metaKey) && !event.altKey && owner.formats?.find((one) => one.key === event.key.toLowerCase());
    if (format) {
      event.preventDefault();
      return wrap(box.current!, format);
    }
    if (event.key === "Escape" && (editing || replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      return cancel();
    }
    if (event.key === "ArrowUp" && !box.current!.value && !editing) {
      const last = [...store.window(id).messages].reverse().find((message) => message.sender === store.me.id && !message.deleted_at_ms);
      if (last && app.canEdit(last)) {
        event.preventDefault();
        store.compose(id, { editing: last });
      }
      return;
    }
    // An input method's Enter chooses a word; Safari sends it with keyCode 229 after composing ended.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
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
      setProblem(error instanceof Refusal ? error.message : texts.t("no_answer"));
    }
  };

  const next = inline[(inline.indexOf(owner) + 1) % inline.length]!;
  // Of two, the button is the second: pressed while it is on. Of more, it leads to the next.
  const switchTo = inline.length === 2 ? inline[1]! : next;
  const about = editing ?? replyTo;
  return (
    <>
      {about && (
        <div className="dm-composing">
          <Icon name={editing ? "edit" : "reply"} />
          <div className="dm-composing-words">
            <b>{editing ? texts.t("editing") : texts.t("replying_to", { name: store.users[about.sender]?.display_name ?? texts.t("somebody") })}</b>
            <span dir="auto">{about.text || app.labels[about.type] || texts.t("empty_message")}</span>
          </div>
          <IconButton icon="close" label={texts.t("cancel")} onClick={cancel} />
        </div>
      )}
      {(excess > 0 || problem) && (
        <p className="dm-composer-error" id={errorId} role="alert">
          {excess > 0 ? texts.t("too_long", { n: excess }) : problem}
        </p>
      )}
      {slash !== "\0" && <SlashList app={app} typed={slash} onChoose={(name) => { setText(`/${name} `); box.current?.focus(); }} />}
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
          <Body message={preview} plugin={plugins?.[preview.type]} mark={undefined} busy={NOTHING} deleted="" empty="" space="" />
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
            enterKeyHint="send"
            onKeyDown={onKeyDown}
            onPaste={(event) => {
              const files = [...event.clipboardData.files];
              // What was copied from a document has a picture of itself beside its text.
              if (files.length && !event.clipboardData.getData("text/plain") && take(files)) event.preventDefault();
            }}
            onChange={() => {
              typed();
              if (!timer.current) timer.current = window.setTimeout(keep, KEEP_DRAFT_AFTER_MS);
            }}
            onBlur={keep}
          />
        </div>
        {inline.length > 1 && !editing && (
          <button type="button" className="dm-icon-button" aria-label={texts.t("write_as", { type: next.label })} title={texts.t("write_as", { type: next.label })}
            data-on={switchTo === owner || undefined}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => {
              setChosen(next.type);
              keepChoice(next.type);
              setPreview(null);
              box.current?.focus();
            }}
          >
            <span className={`icon icon-${switchTo.icon ?? "message"}`} aria-hidden="true" />
          </button>
        )}
        {!editing && after}
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

function titleOf(format: FormatOf): string {
  return format.key ? `${format.label} (Ctrl+${format.key.toUpperCase()})` : format.label;
}

/** Put a format's marks around what is selected, so that Ctrl+Z takes them away again. */
function wrap(box: HTMLTextAreaElement, { before, after, line }: FormatOf): void {
  box.focus();
  let { selectionStart: start, selectionEnd: end } = box;
  if (line) {
    start = box.value.lastIndexOf("\n", start - 1) + 1;
    box.setSelectionRange(start, end);
  }
  const inside = box.value.slice(start, end);
  const text = line ? inside.split("\n").map((one) => before + one).join("\n") : before + inside + after;
  // The old way is the only one that the browser's own undo knows.
  if (!document.execCommand("insertText", false, text)) {
    box.setRangeText(text, start, end, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (!line) box.setSelectionRange(start + before.length, start + before.length + inside.length);
}

function storedChoice(): string {
  try {
    return localStorage.getItem(CHOSEN_KEY) ?? "";
  } catch {
    return "";
  }
}

function keepChoice(type: string): void {
  try {
    localStorage.setItem(CHOSEN_KEY, type);
  } catch {
    // It lives as long as this page.
  }
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

/** Take the focus, also from what opened the conversation; never from another text field. */
function focusUnlessTaken(element: HTMLTextAreaElement): void {
  const active = document.activeElement;
  if (active?.matches("input, textarea, [contenteditable]") && !active.closest("[role=dialog]")) return;
  element.focus({ preventScroll: true });
  // A dialog that closes gives the focus back to its button a moment later.
  setTimeout(() => {
    const now = document.activeElement;
    if (element.isConnected && (!now || now === document.body || now.matches(".dm-icon-button, .dm-button"))) element.focus({ preventScroll: true });
  }, 300);
}
