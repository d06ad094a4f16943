// What a log-in asks for besides the password: a code of a second factor, rules to accept. One form,
// <form data-steps>, is filled for the step that the server asks for: from what plugins say of their
// steps (data-steps, JSON by the step's name), else from the JSON Schema of the answer.
//
// What a step shows comes from a plugin and from people: it is written as text, never as markup.

import type { Texts } from "../i18n/texts";

/** A step as the server asks for it: StepAsked in docs/protocol.md. */
interface Asked {
  step: string;
  kind: "factor" | "step";
  answer: Schema;
  shown: Record<string, unknown>;
}

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  maxLength?: number;
}

interface FieldOf {
  kind: string;
  name: string;
  label: string;
  required?: boolean;
  min?: number;
  max?: number;
  options?: [string, string][];
  // A code's other form: what offers it, and what it is called.
  instead?: [string, string];
}

interface View {
  title: string;
  text?: string;
  button?: string;
  fields?: FieldOf[];
  shows?: string[];
  sends?: string[];
}

interface Waiting {
  login: string;
  steps: Asked[];
  at: number;
}

let waiting: Waiting | null = null;

export function isStep(form: HTMLFormElement): boolean {
  return form.dataset["steps"] !== undefined;
}

/** Show what `step_needed` asks for, with the focus where something is to be done. */
export function ask(params: Record<string, unknown>, texts: Texts): void {
  waiting = { login: String(params["login"]), steps: params["steps"] as Asked[], at: 0 };
  show(texts);
  document.documentElement.dataset["page"] = "step";
  focus();
}

/** Forget the log-in. The page of the password is shown with what was typed there. */
export function giveUp(): HTMLFormElement | null {
  waiting = null;
  history.replaceState(null, "", `/login${location.search}`);
  document.documentElement.dataset["page"] = "login";
  return document.querySelector<HTMLFormElement>(".page-login form");
}

/** The parameters of `session.continue`. */
export function answerOf(form: HTMLFormElement): unknown {
  const asked = waiting!.steps[waiting!.at]!;
  const answer: Record<string, unknown> = {};
  for (const name of viewOf(asked)?.sends ?? []) answer[name] = asked.shown[name];
  for (const control of form.querySelectorAll<HTMLInputElement>("[data-step-fields] [name]")) {
    if (control.type === "checkbox") answer[control.name] = control.checked;
    else if (control.type === "number") answer[control.name] = Number(control.value);
    else if (control.value || control.required) answer[control.name] = control.value;
  }
  return { login: waiting!.login, step: asked.step, answer };
}

function stepForm(): HTMLFormElement {
  return document.querySelector<HTMLFormElement>("form[data-steps]")!;
}

function viewOf(asked: Asked): View | undefined {
  return (JSON.parse(stepForm().dataset["steps"]!) as Record<string, View>)[asked.step];
}

function show(texts: Texts): void {
  const form = stepForm();
  const { steps, at } = waiting!;
  const asked = steps[at]!;
  const view = viewOf(asked) ?? viewBySchema(asked, texts);
  const part = (name: string) => form.querySelector<HTMLElement>(`[data-step-${name}]`)!;
  part("title").textContent = view.title;
  part("text").textContent = view.text ?? "";
  part("shown").replaceChildren(...(view.shows ?? []).map((name) => shownAs(asked.shown[name])));
  part("fields").replaceChildren(...(view.fields ?? []).map((field) => drawField(field)));
  const button = form.querySelector<HTMLButtonElement>("[type=submit]")!;
  button.textContent = view.button ?? texts.t("step_continue");
  button.hidden = view.fields === undefined;
  // Of several second factors any one will do.
  const other = part("other");
  other.hidden = asked.kind !== "factor" || steps.length < 2;
  other.onclick = () => {
    waiting!.at = (waiting!.at + 1) % steps.length;
    show(texts);
    focus();
  };
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  document.title = view.title;
}

function focus(): void {
  const form = stepForm();
  const field = form.querySelector<HTMLElement>("[data-step-fields] [name]");
  // Without a field the heading: what is shown is read first, then the button.
  (field ?? form.querySelector<HTMLElement>("[data-step-title]"))?.focus();
  scrollTo(0, 0);
}

function shownAs(value: unknown): HTMLElement {
  if (Array.isArray(value)) {
    const list = document.createElement("ol");
    list.append(
      ...value.map((one) => {
        const item = document.createElement("li");
        item.textContent = String(one);
        return item;
      }),
    );
    return list;
  }
  const paragraph = document.createElement("p");
  paragraph.textContent = typeof value === "string" ? value : "";
  return paragraph;
}

function viewBySchema(asked: Asked, texts: Texts): View {
  const title = texts.t("step_title");
  const schema = resolved(asked.answer, asked.answer);
  const fields: FieldOf[] = [];
  for (const [name, given] of Object.entries(schema.properties ?? {})) {
    const property = resolved(given, asked.answer);
    const kind = { string: "text", boolean: "switch", integer: "number" }[property.type ?? ""];
    const required = schema.required?.includes(name) ?? false;
    if (kind) fields.push({ kind, name, label: name, required, ...(property.maxLength ? { max: property.maxLength } : {}) });
    else if (required) return { title, text: texts.t("step_impossible", { step: asked.step }) };
  }
  const shows = Object.keys(asked.shown).filter((name) => typeof asked.shown[name] === "string");
  return { title, text: texts.t("step_asks", { step: asked.step }), fields, shows };
}

function resolved(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.split("/").pop();
  return name ? (root.$defs?.[name] ?? schema) : schema;
}

function drawField(field: FieldOf): HTMLElement {
  const box = document.createElement("div");
  const label = document.createElement("label");
  const control = field.kind === "choice" ? document.createElement("select") : document.createElement("input");
  const name = document.createElement("span");
  name.textContent = field.label;
  control.name = field.name;
  control.id = `step-${field.name}`;
  control.required = field.required ?? false;
  label.htmlFor = control.id;
  const error = document.createElement("p");
  error.className = "form-error";
  error.setAttribute("role", "alert");
  error.dataset["errorFor"] = field.name;
  if (field.kind === "switch") {
    label.className = "step-switch";
    (control as HTMLInputElement).type = "checkbox";
    label.append(control, name);
    box.append(label, error);
    return box;
  }
  label.className = "field-label step-label";
  control.className = "step-input";
  label.append(name);
  box.append(label, control, error);
  if (control instanceof HTMLSelectElement) {
    for (const [value, words] of field.options ?? []) control.append(new Option(words, value));
    return box;
  }
  control.type = field.kind === "number" ? "number" : "text";
  control.autocomplete = field.kind === "code" ? "one-time-code" : "off";
  if (field.max !== undefined && field.kind !== "number") control.maxLength = field.max;
  if (field.kind === "number") {
    if (field.min !== undefined) control.min = String(field.min);
    if (field.max !== undefined) control.max = String(field.max);
  }
  if (field.kind === "code") box.append(...codeOf(control, name, field));
  return box;
}

/** Digits from an app, typed on a keyboard of digits; or, where there is one, a code of another form. */
function codeOf(control: HTMLInputElement, name: HTMLElement, field: FieldOf): HTMLElement[] {
  const digits = () => {
    control.inputMode = "numeric";
    control.classList.add("step-code");
    name.textContent = field.label;
  };
  control.spellcheck = false;
  control.autocapitalize = "characters";
  digits();
  if (!field.instead) return [];
  const [offer, label] = field.instead;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link-button";
  button.textContent = offer;
  button.onclick = () => {
    if (control.inputMode === "numeric") {
      control.inputMode = "text";
      control.classList.remove("step-code");
      name.textContent = label;
      button.textContent = field.label;
    } else {
      digits();
      button.textContent = offer;
    }
    control.value = "";
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.focus();
  };
  return [button];
}
