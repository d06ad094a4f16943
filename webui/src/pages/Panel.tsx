import * as React from "react";
import { type ReactElement, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { useLayer, useOpened, useTopic } from "../parts/hooks";
import { IconButton } from "../parts/icons";
import { type Messenger, useMessenger } from "../parts/messenger";
import { isWide, WIDE } from "../state/route";

// Of people who come and go in numbers, a panel asks so often.
const CHANGES_EVERY_MS = 1_000;

/** What belongs to the open conversation: a column beside it on wide screens, a layer over it on others. */
export interface PanelProps {
  /** The component's id. */
  id?: string;
  /** Whether it is open. */
  opened?: boolean;
  /** What it is called. */
  title?: string;
  /** Another number whenever who is in the conversation or asks to be, or what it is called, has changed. */
  changes?: number;
  /** What is in it. */
  children?: React.ReactNode;
  setProps?(props: Partial<PanelProps>): void;
}

export function Panel(props: PanelProps): ReactElement | null {
  const app = useMessenger();
  return app ? <Inside {...props} app={app} /> : null;
}

function Inside({ app, opened, title = "", children, setProps }: PanelProps & { app: Messenger }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const wide = useSyncExternalStore(onWide, isWide);
  const chat = useOpened(app);
  const close = () => {
    // While what has the focus is still in it: the browser gives it back.
    dialog.current?.close();
    // The next press opens it again, though the page has not heard of this one.
    app.setPanel(null);
    setProps?.({ opened: false });
  };
  useLayer(app, opened && !wide ? close : null);

  useLayoutEffect(() => {
    const element = dialog.current!;
    if (!opened) return;
    if (wide) element.show();
    else element.showModal();
    app.setPanel(close);
    return () => {
      element.close();
      app.setPanel(null);
    };
  }, [opened, wide]);
  // Read as a number: messages that come draw nothing again.
  const lines = useTopic(app.store.topics, `window:${chat}`, () => (chat && app.store.window(chat).lines.at(-1)?.seq) || 0);
  // Both only grow: their sum changes as either does.
  const changed = lines + useTopic(app.store.topics, "joins", () => app.store.joins);
  const known = useRef({ chat, changed, timer: 0 }).current;
  useEffect(() => {
    if (opened && known.chat === chat && known.changed !== changed) {
      known.timer ||= window.setTimeout(() => {
        known.timer = 0;
        if (known.chat) setProps?.({ changes: known.changed });
      }, CHANGES_EVERY_MS);
    }
    Object.assign(known, { chat, changed });
  }, [chat, changed]);
  // Of another conversation nothing is shown while its own is asked for.
  const shown = useRef(chat);
  useEffect(() => {
    if (opened && shown.current !== chat) {
      for (const part of ["body", "form", "invites", "members", "rest"]) window.dash_clientside?.set_props(`details-${part}`, { children: null });
    }
    shown.current = chat;
  }, [chat]);

  return (
    <dialog ref={dialog} className="pane-details" aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !wide) return;
        event.stopPropagation();
        close();
      }}
      onClick={(event) => event.target === dialog.current && !wide && close()}
    >
      {opened && (
        <div>
          <header className="dm-header">
            <h2>{title}</h2>
            <IconButton icon="close" label={app.texts.t("close")} onClick={close} />
          </header>
          <div className="details">{children}</div>
        </div>
      )}
    </dialog>
  );
}

function onWide(listener: () => void): () => void {
  const query = matchMedia(WIDE);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

declare global {
  interface Window {
    dash_clientside?: { set_props(id: string, props: object): void };
  }
}
