// The fields of a form, one for each kind, with what is said of it and what is wrong with it.

import * as React from "react";
import { useRef } from "react";
import type { FieldOf } from "../state/composers";
import { IconButton } from "./icons";
import type { Messenger } from "./messenger";

interface FieldProps {
  /** What tells its id from those of other forms of the page. */
  scope?: string;
  help?: string;
  app: Messenger;
  field: FieldOf;
  value: unknown;
  problem: string | undefined;
  onChange(value: unknown): void;
}

export function FieldInput({ app, field, value, problem, onChange, scope = "", help }: FieldProps) {
  const id = `dm-field-${scope}${field.name}`;
  const about = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(" ");
  const shared = { id, "aria-invalid": problem ? true : undefined, "aria-describedby": about || undefined };
  const text = String(value ?? "");
  const limit = field.kind === "lines" || field.kind === "number" ? undefined : field.max;
  return (
    <div className={`dm-field dm-field-${field.kind}`}>
      <label htmlFor={field.kind === "lines" ? `${id}-0` : id}>{field.label}</label>
      {field.kind === "text" && (
        <input {...shared} type="text" dir="auto" value={text} maxLength={limit} placeholder={field.placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "area" && (
        <textarea {...shared} dir="auto" rows={3} value={text} maxLength={limit} placeholder={field.placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "number" && (
        <input {...shared} type="number" value={text} min={field.min} max={field.max} step={field.step ?? 1} placeholder={field.placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
      {field.kind === "switch" && (
        <input {...shared} type="checkbox" role="switch" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
      )}
      {field.kind === "choice" && (
        <select {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
          {field.options?.map(([option, label]) => <option key={option} value={option}>{label}</option>)}
        </select>
      )}
      {field.kind === "lines" && <Lines app={app} field={field} id={id} value={value as string[]} onChange={onChange} />}
      {help && <p className="dm-field-help" id={`${id}-help`}>{help}</p>}
      {problem && <p className="dm-form-problem" id={`${id}-problem`} role="alert">{problem}</p>}
    </div>
  );
}

function Lines({ app, field, id, value, onChange }: { app: Messenger; field: FieldOf; id: string; value: string[]; onChange(value: string[]): void }) {
  const { texts } = app;
  const list = useRef<HTMLDivElement>(null);
  const most = field.max ?? 20;
  const focus = (at: number) => requestAnimationFrame(() => list.current?.querySelectorAll("input")[at]?.focus());
  const insert = (at: number) => {
    if (value.length >= most) return;
    onChange([...value.slice(0, at), "", ...value.slice(at)]);
    focus(at);
  };
  const drop = (at: number) => {
    onChange(value.filter((_, index) => index !== at));
    focus(Math.max(0, at - 1));
  };
  return (
    <div ref={list} className="dm-lines">
      {value.map((line, at) => (
        <div key={at} className="dm-line">
          <input id={`${id}-${at}`} type="text" dir="auto" value={line} aria-label={`${field.label} ${at + 1}`} placeholder={field.placeholder}
            maxLength={field.length}
            onChange={(event) => onChange(value.map((other, index) => (index === at ? event.target.value : other)))}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.nativeEvent.isComposing) {
                event.preventDefault();
                if (at + 1 < value.length) focus(at + 1);
                else insert(at + 1);
              } else if (event.key === "Backspace" && !line && value.length > Math.max(1, field.min ?? 0)) {
                event.preventDefault();
                drop(at);
              }
            }}
          />
          {value.length > Math.max(1, field.min ?? 0) && <IconButton icon="close" label={texts.t("remove")} onClick={() => drop(at)} />}
        </div>
      ))}
      {value.length < most && (
        <button type="button" className="dm-link" onClick={() => insert(value.length)}>{texts.t("add_line")}</button>
      )}
    </div>
  );
}
