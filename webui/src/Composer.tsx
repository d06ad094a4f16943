import * as React from "react";
import { type KeyboardEvent, type ReactElement, useEffect, useLayoutEffect, useRef, useState } from "react";
import { keepDraft, readDraft } from "./drafts";
import { useOpened } from "./hooks";
import { Icon } from "./icons";
import { type Messenger, useMessenger } from "./messenger";
import { isPhone } from "./route";
import { useTopic } from "./topics";

const KEEP_DRAFT_AFTER_MS = 200;

/** How messages of a type are written. */
export interface ComposerOf {
  type: string;
  label: string;
  icon?: string;
  /** The field of its content that the text box fills. */
  field?: string | null;
  /** That field's limit, in characters. */
  max_length?: number | null;
  rank?: number;
}

/** The text box under the messages; the message type with the lowest rank owns it. */
export interface ComposerProps {
  /** The component's id. */
  id?: string;
  /** How messages are written: `type`, `label`, `icon`, `field`, `max_length`, `rank` of each type. */
  composers?: ComposerOf[];
}

export function Composer(props: ComposerProps): ReactElement | null {
  const app = useMessenger();
  return app ? <Opened app={app} composers={props.composers ?? []} /> : null;
}

function Opened({ app, composers }: { app: Messenger; composers: ComposerOf[] }) {
  const id = useOpened(app);
  const known = useTopic(app.store.topics, `conversation:${id}`, () => !!id && !!app.store.conversation(id));
  if (!id || !known) return null;
  const owner = composers
    .filter((composer) => composer.field)
    .sort((a, b) => (a.rank ?? 100) - (b.rank ?? 100))[0];
  if (!owner) {
    return <div className="dm-composer"><p className="dm-composer-none">{app.texts.t("no_type")}</p></div>;
  }
  return <TextBox key={id} app={app} id={id} owner={owner} />;
}

function TextBox({ app, id, owner }: { app: Messenger; id: string; owner: ComposerOf }) {
  const { texts } = app;
  const box = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const [empty, setEmpty] = useState(true);
  const [excess, setExcess] = useState(0);
  const errorId = `dm-composer-error-${id}`;

  /** Bring what depends on the text up to date; React hears only of what changes. */
  const typed = () => {
    const text = box.current?.value ?? "";
    setEmpty(!/\S/.test(text));
    setExcess(excessOf(text, owner.max_length));
    grow(box.current);
  };

  const keep = () => {
    clearTimeout(timer.current);
    timer.current = 0;
    if (box.current) keepDraft(app, id, box.current.value);
  };

  useLayoutEffect(() => {
    box.current!.value = readDraft(app, id);
    typed();
  }, []);

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
    element.value = "";
    keep();
    typed();
    app.outbox.send(id, owner.type, { [owner.field!]: text }, text);
    element.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // An input method's Enter chooses a word; Safari sends it with keyCode 229 after composing ended.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };

  return (
    <div className="dm-composer">
      {excess > 0 && (
        <p className="dm-composer-error" id={errorId} role="alert">
          {texts.t("too_long", { n: excess })}
        </p>
      )}
      <div className="dm-composer-line">
        <textarea
          ref={box}
          className="dm-textbox"
          rows={1}
          dir="auto"
          placeholder={owner.label || texts.t("message")}
          aria-label={owner.label || texts.t("message")}
          aria-invalid={excess > 0 || undefined}
          aria-describedby={excess > 0 ? errorId : undefined}
          enterKeyHint="send"
          onKeyDown={onKeyDown}
          onChange={() => {
            typed();
            if (!timer.current) timer.current = window.setTimeout(keep, KEEP_DRAFT_AFTER_MS);
          }}
          onBlur={keep}
        />
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
    </div>
  );
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
