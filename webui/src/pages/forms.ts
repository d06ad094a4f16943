// Forms of pages without a session: `<form data-command="account.register session.open">`. On submit
// each command is called with the fields meant for it, errors appear under their field, and all that
// was typed stays. Then the browser goes where ?next= says, if that is a page of ours.
//
// Fields: every named control; one with data-only="account.register" is for that command alone.
// Errors: the element with data-error-for="NAME", or "form" for what concerns no field.
// Words: the form's data-texts, JSON by the keys of texts.json, in the page's language.
// A log-in that needs more than the password goes on in the form of steps.ts.

import type { Params } from "../net/wire";
import { ENTRANCE } from "../i18n/entrance_texts";
import { type Catalogue, type Key, Texts } from "../i18n/texts";
import { answerOf, ask, giveUp, isStep } from "./steps";

interface Failure {
  key: string;
  message: string;
  params: Params;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

// Which field a failure is about, where its parameters do not say.
const FIELD: Record<string, string> = {
  username_taken: "username",
  username_invalid: "username",
  password_unacceptable: "password",
  unknown_user: "username",
};

export function enhanceForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.dataset["command"]) return;
    event.preventDefault();
    void submit(form);
  });
  // Our sentences stand under the field; the browser's bubbles would hide ours.
  document.addEventListener("focusin", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>("form[data-command]");
    if (form) form.noValidate = true;
  });
  document.addEventListener("input", (event) => {
    const control = event.target as Control;
    if (control.form?.dataset["command"] && control.name) show(control.form, control.name, "");
  });
}

async function submit(form: HTMLFormElement): Promise<void> {
  if (form.dataset["busy"]) return;
  const texts = new Texts(document.documentElement.lang || "en", wordsOf(form));
  texts.learn(ENTRANCE);
  for (const place of form.querySelectorAll<HTMLElement>("[data-error-for]")) place.textContent = "";
  for (const control of controls(form)) control.removeAttribute("aria-invalid");
  if (!check(form, texts)) return;
  busy(form, true);
  try {
    for (const command of form.dataset["command"]!.split(/\s+/)) {
      if (form.dataset["done"] === doneMark(form, command)) continue;
      const failure = await call(command, isStep(form) ? answerOf(form) : fields(form, command));
      if (failure) {
        busy(form, false);
        fail(form, failure, texts);
        return;
      }
      // A second attempt must not register the same name again.
      form.dataset["done"] = doneMark(form, command);
    }
    location.assign(next());
  } catch {
    busy(form, false);
    complain(form, { key: "no_connection", message: "", params: {} }, texts);
  }
}

function fail(form: HTMLFormElement, failure: Failure, texts: Texts): void {
  if (failure.key === "step_needed") {
    ask(failure.params, texts);
    return;
  }
  const over = failure.key === "login_ended" ? giveUp() : null;
  complain(over ?? form, failure, texts);
  // The name is there; it is the password that is wanted again.
  over?.querySelector<HTMLInputElement>("input[name=password]")?.select();
}

function check(form: HTMLFormElement, texts: Texts): boolean {
  let good = true;
  const wrong = (control: Control, key: Key, params: Params = {}) => {
    show(form, control.name, texts.t(key, params));
    if (good) control.focus();
    good = false;
  };
  for (const control of controls(form)) {
    const length = [...control.value].length;
    const least = "minLength" in control ? control.minLength : -1;
    const most = "maxLength" in control ? control.maxLength : -1;
    if (control.required && !control.value.trim()) wrong(control, "error_required");
    else if (least > 0 && length && length < least) wrong(control, "error_too_short", { n: least });
    else if (most > 0 && length > most) wrong(control, "error_too_long", { n: most });
  }
  return good;
}

async function call(command: string, body: unknown): Promise<Failure | null> {
  const response = await fetch(`/api/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return null;
  const answer = (await response.json()) as { error: Failure };
  return answer.error;
}

function complain(form: HTMLFormElement, { key, message, params }: Failure, texts: Texts): void {
  const named = { ...params, n: Number(params["min_length"] ?? params["retry_after_s"] ?? 0) };
  const visible = controls(form).filter((one) => one.type !== "hidden" && one.type !== "submit");
  // A wrong answer is about the only field that there is.
  const field = String(params["field"] ?? FIELD[key] ?? (key === "wrong_answer" ? visible[0]?.name : ""));
  const control = controls(form).find((one) => one.name === field);
  const tooShort = control && [...control.value].length < Number(params["min_length"] ?? 0);
  const known = tooShort ? texts.t("error_too_short", named) : texts.failure(key, named);
  show(form, control ? field : "form", known ?? message);
  const next = control ?? visible[0];
  next?.focus();
  if (key === "wrong_answer" && next instanceof HTMLInputElement) next.select();
}

/** Show `sentence` under a field, or clear what stands there. */
function show(form: HTMLFormElement, name: string, sentence: string): void {
  const place = form.querySelector<HTMLElement>(`[data-error-for="${CSS.escape(name)}"]`);
  if (place) place.textContent = sentence;
  const control = controls(form).find((one) => one.name === name);
  if (!control) return;
  // Several forms of a page may have a field of this name.
  if (place) place.id ||= `${control.id || name}-problem`;
  if (sentence) {
    control.setAttribute("aria-invalid", "true");
    if (place) control.setAttribute("aria-describedby", place.id);
  } else {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

function fields(form: HTMLFormElement, command: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const control of controls(form)) {
    const only = control.dataset["only"];
    // An optional field that was left empty is not sent.
    if (control.value && (!only || only === command)) found[control.name] = control.value;
  }
  return found;
}

function controls(form: HTMLFormElement): Control[] {
  return ([...form.elements] as Control[]).filter((control) => control.name);
}

function busy(form: HTMLFormElement, on: boolean): void {
  if (on) form.dataset["busy"] = "true";
  else delete form.dataset["busy"];
  for (const button of form.querySelectorAll<HTMLButtonElement>("[type=submit]")) button.disabled = on;
}

function doneMark(form: HTMLFormElement, command: string): string {
  return `${command} ${JSON.stringify(fields(form, command))}`;
}

function next(): string {
  const wish = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(c\/[0-9a-f]{32}|j\/[A-Za-z0-9-]{1,64}|p\/[a-z0-9_.-]+\/[a-z0-9-]+|plugins)$/.test(wish) ? wish : "/";
}

function wordsOf(form: HTMLFormElement): Catalogue {
  try {
    const given = form.dataset["texts"] ?? document.querySelector<HTMLElement>("[data-texts]")?.dataset["texts"];
    return JSON.parse(given ?? "{}") as Catalogue;
  } catch {
    return {};
  }
}
