import * as React from "react";
import { type KeyboardEvent, type ReactElement, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../net/wire";
import { alsoOf, type ComposerOf, claimOf, filesOf, wordsOf } from "../state/composers";
import { isPhone } from "../state/route";
import type { Outgoing } from "../state/store";
import { useLayer, useOpened, useTopic } from "../parts/hooks";
import { BlockButton } from "../parts/block";
import { IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";
import { FormPanel } from "./form";
import { EmojiPicker } from "../parts/emoji";
import { PickerPanel } from "./picker";
import { TextBox } from "./textbox";
import { put } from "./typing";

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
    app.setComposers(composers);
  }, [composers]);
  const id = useOpened(app);
  const known = useTopic(app.store.topics, `conversation:${id}`, () => !!id && !!app.store.conversation(id));
  const peer = (id && app.store.conversation(id)?.peer) || "";
  const blocked = useTopic(app.store.topics, "blocks", () => app.blocks.has(peer));
  const request = useTopic(app.store.topics, `conversation:${id}`, () => {
    const conversation = id ? app.store.conversation(id) : undefined;
    return conversation?.request && (conversation.message_no ? "sent" : "first");
  });
  if (!id || !known) return null;
  if (blocked) {
    return (
      <div className="dm-composer dm-composer-blocked">
        <p className="dm-composer-none">{app.texts.t("blocked")}</p>
        <BlockButton app={app} id={peer} className="dm-button dm-button-quiet" />
      </div>
    );
  }
  if (request === "sent") {
    return <div className="dm-composer"><p className="dm-composer-none">{app.texts.t("request_sent")}</p></div>;
  }
  if (!composers.length) {
    return <div className="dm-composer"><p className="dm-composer-none">{app.texts.t("no_type")}</p></div>;
  }
  return (
    <>
      {request && <p className="dm-composer-request">{app.texts.t("request_first")}</p>}
      <Conversation key={id} {...props} id={id} />
    </>
  );
}

interface Form {
  composer: ComposerOf;
  files: File[];
  /** What stood in the text box, and stays there until it is sent. */
  draft?: string | undefined;
  editing?: Message;
  rewriting?: Outgoing;
}

function Conversation(props: Inside & { id: string }) {
  const { app, id, composers, max_upload_bytes: maxBytes = Infinity } = props;
  const { texts, store } = app;
  const [form, setForm] = useState<Form | null>(null);
  const formRef = useRef(form);
  formRef.current = form;
  const line = useRef<HTMLDivElement>(null);
  const [picker, setPicker] = useState<ComposerOf | "emoji" | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [dropping, setDropping] = useState(false);
  const inline = composers.filter((composer) => composer.field);
  const forms = composers.filter((composer) => composer.fields);
  const pickers = composers.filter((composer) => composer.picker);

  const box = () => line.current?.querySelector<HTMLTextAreaElement>(".dm-textbox");
  /** What is written already goes with the files that are chosen now, if there is room for it. */
  const open = (composer: ComposerOf, files: File[]) => {
    const written = store.composing(id).editing ? "" : box()?.value.trim() ?? "";
    const words = filesOf(composer) && wordsOf(composer.fields!);
    setForm({ composer, files, draft: words && written.length <= (words.max ?? Infinity) ? written : "" });
  };
  const sent = () => {
    const element = box();
    if (!element || !form?.draft) return;
    element.setSelectionRange(0, element.value.length);
    put(element, "", false);
  };

  /** Give files to the form that is open, or open that of the type which claims them. */
  const take = useCallback((files: File[]) => {
    const there = formRef.current;
    const composer = there?.composer ?? (files.length ? claimOf(composers, files) : undefined);
    if (there) setForm({ ...there, files: [...there.files, ...files] });
    else if (composer) open(composer, files);
    return !!composer;
  }, [composers]);

  // What opened a form or a picker is gone by then, or covered by a phone's keyboard at once.
  const giveFocusBack = (button: string) =>
    requestAnimationFrame(() => {
      const field = isPhone() ? null : box();
      (field ?? line.current?.querySelector<HTMLElement>(button))?.focus({ preventScroll: true });
    });
  const closeForm = () => {
    setForm(null);
    // A dialog gives it back to the message by itself.
    if (form?.editing || form?.rewriting) store.endEdit(id);
    else giveFocusBack(".dm-attach button");
  };
  const closePicker = (back: boolean) => {
    setPicker(null);
    if (back) giveFocusBack("[aria-expanded=true]");
  };
  const toggle = (which: ComposerOf | "emoji") => {
    setPicker(picker === which ? null : which);
    // The panel takes the place of a phone's keyboard.
    if (isPhone() && picker !== which) box()?.blur();
  };
  const write = (emoji: string) => {
    const phone = isPhone();
    put(box()!, emoji, !phone);
    // On a phone it stays, like a keyboard.
    if (!phone) setPicker(null);
  };

  const { editing, rewriting } = useTopic(store.topics, `composing:${id}`, () => store.composing(id));
  useLayoutEffect(() => {
    const type = (editing ?? rewriting)?.type;
    const composer = forms.find((one) => one.type === type);
    if (composer) setForm({ composer, files: [], editing, rewriting });
  }, [editing, rewriting]);
  // Whoever comes back finds the conversation, not a form.
  useEffect(() => () => void ((formRef.current?.editing || formRef.current?.rewriting) && store.endEdit(id)), []);

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
        <AttachMenu app={app} forms={forms} label={texts.t("attach")}
          onClose={(back) => {
            setChoosing(false);
            if (back) line.current?.querySelector<HTMLElement>(".dm-attach button")?.focus();
          }}
          onChoose={(composer) => open(composer, [])}
        />
      )}
    </div>
  );
  const opener = (which: ComposerOf | "emoji", label: string, icon: string, className = "") => (
    <button key={label} type="button" className={`dm-icon-button ${className}`} aria-label={label} title={label}
      aria-expanded={picker === which}
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => toggle(which)}
    >
      <span className={`icon icon-${icon}`} aria-hidden="true" />
    </button>
  );
  const pick = pickers.map((composer) => opener(composer, composer.label, composer.icon ?? "puzzle", "dm-opens-picker"));
  return (
    <>
      {dropping && !form && <div className="dm-drop" aria-hidden="true"><p>{texts.t("drop_here")}</p></div>}
      {form && (
        <FormPanel key={form.composer.type} app={app} conversation={id} composer={form.composer} others={forms.filter((one) => one !== form.composer)} files={form.files} draft={form.draft} editing={form.editing} rewriting={form.rewriting}
          maxBytes={maxBytes} dropping={dropping} onClose={closeForm}
          onSent={sent}
          onSwitch={open}
        />
      )}
      <div className="dm-composer" ref={line}>
        {picker === "emoji" ? <EmojiPicker app={app} onChoose={write} onClose={closePicker} />
          : picker && <PickerPanel key={picker.type} app={app} conversation={id} composer={picker} onClose={closePicker} />}
        {inline.length ? (
          <TextBox app={app} id={id} inline={inline} plugins={props.plugins} before={attach} take={take}
            inside={(editing) => <>{!editing && pick}{opener("emoji", texts.t("emoji"), "mood-smile")}</>}
          />
        ) : (
          <div className="dm-composer-line">{attach}<span className="dm-composer-fill" />{pick}</div>
        )}
      </div>
    </>
  );
}

interface AttachProps {
  app: Messenger;
  forms: readonly ComposerOf[];
  label: string;
  onChoose(composer: ComposerOf): void;
  onClose(back: boolean): void;
}

function AttachMenu({ app, forms, label, onChoose, onClose }: AttachProps) {
  const menu = useRef<HTMLDivElement>(null);
  useLayer(app, () => onClose(true));
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
          <span className={`icon icon-${composer.icon ?? "puzzle"}`} aria-hidden="true" /> {alsoOf(composer, forms.filter((one) => one !== composer))?.label ?? composer.label}
        </button>
      ))}
    </div>
  );
}
