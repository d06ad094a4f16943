// A message's body: a string, safe HTML, or a Dash component that is created from its JSON. What
// cannot be drawn shows the message's text, and costs no other message anything. Another revision of
// it is put in place of the last: what is the same stays, with the focus that it has, and what the
// reader was typing goes on.

import * as React from "react";
import type { ComponentJson, Message, View } from "../net/wire";
import { BUSY, isMarked, keyOf } from "../state/actions";
import type { Modules } from "../state/modules";
import { giveBack, leftIn, type Writing } from "./writing";

interface DashApi {
  ExternalWrapper: React.ComponentType<{ component: ComponentJson; componentPath: Path; temp?: boolean }>;
  getLayout(path: Path): ComponentJson | undefined;
}

type Libraries = Record<string, Record<string, React.ComponentType<Record<string, unknown>>> | undefined>;

const global = window as unknown as Libraries & { dash_component_api?: DashApi };
/** Where Dash keeps a component. */
type Path = (string | number)[];

// How much of a path is the message and its revision.
const PREFIX = 3;
const EMPTY: ComponentJson = { namespace: "dash_html_components", type: "Div", props: { hidden: true } };
// Restored as they were, these would call their callbacks again each time the message is mounted.
const ONCE = /^(n_clicks|n_submit|n_blur)/;

interface BodyProps {
  message: Message;
  plugin: string | undefined;
  modules: Modules;
  deleted: string;
  empty: string;
  /** What the reader has put on the message: buttons that say so are shown as pressed. */
  mark: unknown;
  /** What the reader has pressed and is not done yet. */
  busy: ReadonlySet<string>;
  /** What the spacer that keeps room for the time has to be as wide as. */
  space: string;
}

// The server gives a drawing up a little earlier.
const LATE_WITHIN_MS = 11_000;

/**
 * The message as it is drawn: as it was, while the drawing of another revision is on its way, and
 * while `pressed`, since a button that is replaced under the finger is not pressed.
 */
export function useDrawn(message: Message | null, pressed: boolean): Message | null {
  const last = React.useRef(message);
  const [gaveUp, giveUp] = React.useState(0);
  const drawn = message && !message.deleted_at_ms && last.current?.id === message.id && last.current.view !== undefined;
  const late = drawn && message.view === undefined && gaveUp !== message.rev;
  if (!late && !(drawn && pressed)) last.current = message;
  React.useEffect(() => {
    if (!late) return;
    const timer = setTimeout(() => giveUp(message.rev), LATE_WITHIN_MS);
    return () => clearTimeout(timer);
  }, [late && message.rev]);
  return last.current;
}

export function Body(props: BodyProps) {
  const { message, deleted, empty, space } = props;
  const text = message.deleted_at_ms ? deleted : message.text || empty;
  const fallback = <Plain text={text} space={space} />;
  const view = message.deleted_at_ms ? undefined : message.view;
  React.useEffect(() => void (view && props.modules.load(message.type)), [!view]);
  return (
    <Boundary message={message} fallback={fallback} plugin={props.plugin}>
      <Drawn {...props} view={view} fallback={fallback} />
    </Boundary>
  );
}

const count = (pattern: RegExp, text: string): number => text.match(pattern)?.length ?? 0;

/** Ends the isolates and embeddings that a text has left open, or the time's room would be laid out in them. */
const closing = (text: string): string =>
  "\u2069".repeat(count(/[\u2066-\u2068]/g, text)) + "\u202c".repeat(count(/[\u202a\u202b\u202d\u202e]/g, text));

export function Plain({ text, space }: { text: string; space: string }) {
  return (
    <div className="dm-body dm-plain" dir="auto">
      <span>{text}</span>
      {closing(text)}
      <Space time={space} />
    </div>
  );
}

/** Room for the time that stands in the bubble's corner. */
export function Space({ time }: { time: string }) {
  return <i className="dm-space" data-time={time} aria-hidden="true" />;
}

export function isBare(view: View | undefined): boolean {
  return typeof view === "object" && "html" in view && view.bare === true;
}

/** Whether it fills the bubble to its edge, and the time stands upon it. */
export function isEdge(view: View | undefined): boolean {
  return typeof view === "object" && "html" in view && view.edge === true;
}

/** Whether it is words, of which the first lines can stand alone. */
export function isFoldable({ view, deleted_at_ms: deletedAtMs }: Message): boolean {
  const words = !view || typeof view === "string" || ("html" in view && !view.bare && !view.edge);
  return words && !deletedAtMs;
}

function Drawn(props: BodyProps & { view: View | undefined; fallback: React.ReactElement }) {
  const { message, view, space } = props;
  if (typeof view === "string") return <Plain text={view} space={space} />;
  if (!view) return props.fallback;
  if ("html" in view) {
    const room = view.bare ? "" : `${closing(message.text ?? "")}<i class="dm-space" data-time="${space}" aria-hidden="true"></i>`;
    return (
      <div
        key="html"
        className="dm-body dm-plain"
        dir="auto"
        data-plugin={props.plugin}
        dangerouslySetInnerHTML={{ __html: view.html + room }}
      />
    );
  }
  return (
    <div key="component" className="dm-body dm-component" dir="auto" data-plugin={props.plugin}>
      <React.Suspense fallback={props.fallback}>
        {forget(view, message)}
        {create(view, pathOf(message), props)}
      </React.Suspense>
    </div>
  );
}

/** A component from its JSON. What has an id answers callbacks: Dash itself has to mount that. */
function create(json: ComponentJson, path: Path, reader: Reader): React.ReactElement {
  if (hasId(json)) return external(json, path, reader.message);
  const component = global[json.namespace]?.[json.type];
  if (!component) throw new Error(`There is no component ${json.namespace}.${json.type}.`);
  const { children, ...rest } = createIn(json.props, path, reader) as Record<string, unknown> & { children?: unknown };
  const list = children === undefined ? [] : Array.isArray(children) ? children : [children];
  return React.createElement(
    component,
    { ...rest, ...pressed(rest, reader), setProps: ignore, key: placeOf(rest, path) },
    ...(list as React.ReactNode[]),
  );
}

/** The message, what the reader has put on it, and has pressed. */
type Reader = Pick<BodyProps, "message" | "mark" | "busy">;

/**
 * What tells a component from its neighbours, the same in each revision. Who or when is filled in
 * from outside (filling.ts): for another one it is another element.
 */
function placeOf({ "data-person": person, "data-moment": moment }: Record<string, unknown>, path: Path): string {
  return [...path.slice(PREFIX), person, moment].join(".");
}

function pressed(props: Record<string, unknown>, { mark, busy }: Reader): Record<string, unknown> {
  const { "data-mark": wanted, "data-act": act, "data-params": params } = props;
  return {
    ...(typeof wanted === "string" ? { "aria-pressed": isMarked(JSON.parse(wanted), mark) } : {}),
    ...(act !== undefined && busy.has(keyOf(act, params)) ? { [BUSY]: true } : {}),
  };
}

function createIn(value: unknown, path: Path, reader: Reader): unknown {
  if (Array.isArray(value)) return value.map((item, index) => createIn(item, [...path, index], reader));
  if (isComponent(value)) return create(value, path, reader);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, createIn(inner, [...path, key], reader)]));
  }
  return value;
}

function external(json: ComponentJson, path: Path, message: Message): React.ReactElement {
  return <Mounted key={path.join(".")} json={json} path={path} message={message} />;
}

/** What Dash mounts. It is given once: given again, it would undo what was typed since. */
function Mounted({ json, path, message }: { json: ComponentJson; path: Path; message: Message }) {
  const api = global.dash_component_api;
  if (!api) throw new Error("Dash is not there.");
  const [component] = React.useState(
    () => withoutOnce(api.getLayout(path) ?? withTyped(json, api.getLayout(["message", message.id]))) as ComponentJson,
  );
  return <api.ExternalWrapper component={component} componentPath={path} />;
}

/** Where Dash keeps what it mounts of a message. */
function pathOf({ id, rev }: Message): string[] {
  return ["message", id, `rev ${rev}`];
}

/** Fields hold what the reader had typed into them before, where this revision does not say what they hold. */
function withTyped(value: unknown, before: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withTyped(item, before));
  if (!isComponent(value)) return value;
  const props = Object.fromEntries(Object.entries(value.props).map(([name, inner]) => [name, withTyped(inner, before)]));
  const typed = hasId(value) && !("value" in props) ? find(before, JSON.stringify(props["id"]))?.props["value"] : undefined;
  return { ...value, props: typeof typed === "string" && typed ? { ...props, value: typed } : props };
}

function find(value: unknown, id: string): ComponentJson | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isComponent(value) && JSON.stringify(value.props["id"]) === id) return value;
  for (const inner of Object.values(value)) {
    const found = find(inner, id);
    if (found) return found;
  }
  return undefined;
}

/**
 * Have Dash forget the components of earlier revisions, by putting an empty one in their place: two
 * with one id answer no callback. It goes before the first of this revision, and is not needed after.
 */
function forget(view: ComponentJson, message: Message): React.ReactElement | null {
  const api = global.dash_component_api;
  if (!api || !hasIds(view) || api.getLayout(pathOf(message))) return null;
  return <api.ExternalWrapper key={message.rev} component={EMPTY} componentPath={["message", message.id]} />;
}

function hasIds(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasIds);
  return isComponent(value) && (hasId(value) || Object.values(value.props).some(hasIds));
}

function withoutOnce(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOnce);
  if (!isComponent(value)) return value;
  const props = Object.entries(value.props).filter(([name]) => !ONCE.test(name));
  return { ...value, props: Object.fromEntries(props.map(([name, inner]) => [name, withoutOnce(inner)])) };
}

function hasId(json: ComponentJson): boolean {
  return json.props["id"] !== undefined;
}

function isComponent(value: unknown): value is ComponentJson {
  return (
    typeof value === "object" && value !== null && "namespace" in value && "type" in value && "props" in value
  );
}

function ignore(): void {
  // Without an id nobody listens to what the component reports.
}

interface BoundaryProps {
  message: Message;
  fallback: React.ReactElement;
  plugin: string | undefined;
  children: React.ReactNode;
}

interface BoundaryState {
  failed: boolean;
  rev: number;
}

class Boundary extends React.Component<BoundaryProps, BoundaryState> {
  override state = { failed: false, rev: this.props.message.rev };

  static getDerivedStateFromError(): Partial<BoundaryState> {
    return { failed: true };
  }

  /** Another revision may be one that can be drawn. */
  static getDerivedStateFromProps({ message: { rev } }: BoundaryProps, state: BoundaryState): BoundaryState | null {
    return rev === state.rev ? null : { failed: false, rev };
  }

  override getSnapshotBeforeUpdate({ message: { rev } }: BoundaryProps): Writing | null {
    const { message } = this.props;
    return rev === message.rev ? null : leftIn(message.id);
  }

  override componentDidUpdate(_props: BoundaryProps, _state: BoundaryState, writing: Writing | null): void {
    if (writing) giveBack(writing);
  }

  override componentDidCatch(error: Error): void {
    console.error(`A body of plugin ${this.props.plugin} cannot be drawn: ${error.message}`);
  }

  override render() {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
