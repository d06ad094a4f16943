// Plugins' settings as forms: from the JSON Schema of each to a field, and back to what is sent. Pure.

import type { FieldOf } from "../state/composers";

/** A setting as `plugin.settings` tells it. */
export interface SettingInfo {
  name: string;
  label: string;
  help: string;
  schema: Schema;
  value: unknown;
}

export interface Schema {
  type?: string;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
}

export interface Setting extends SettingInfo {
  field: FieldOf;
  /** Whether it may be left empty, which means nothing. */
  optional: boolean;
}

// Longer texts get several lines.
const LONG = 120;
const MOST_LINES = 100;

/** The setting with its field; null for what no form can ask for. */
export function withField(info: SettingInfo): Setting | null {
  const some = info.schema.anyOf?.filter((each) => each.type !== "null");
  const optional = !!some && some.length < info.schema.anyOf!.length;
  const schema = some?.length === 1 ? some[0]! : info.schema;
  const field = fieldOf(info, schema, optional);
  return field && { ...info, field, optional };
}

function fieldOf({ name, label }: SettingInfo, schema: Schema, optional: boolean): FieldOf | null {
  const { type, minimum: min, maximum: max, maxLength } = schema;
  if (schema.enum && !optional && schema.enum.every((one) => typeof one === "string")) {
    return { kind: "choice", name, label, options: (schema.enum as string[]).map((one) => [one, one]) };
  }
  if (schema.enum || schema.anyOf) return null;
  if (type === "boolean" && !optional) return { kind: "switch", name, label };
  if (type === "integer" || type === "number") {
    return { kind: "number", name, label, required: !optional, ...given({ min, max }), step: type === "number" ? "any" : 1 };
  }
  if (type === "string") {
    const kind = maxLength === undefined || maxLength > LONG ? "area" : "text";
    return { kind, name, label, required: (schema.minLength ?? 0) > 0, ...given({ max: maxLength }) };
  }
  if (type === "array" && schema.items?.type === "string" && !schema.items.enum && !optional) {
    return { kind: "lines", name, label, min: schema.minItems ?? 0, max: schema.maxItems ?? MOST_LINES };
  }
  return null;
}

function given(limits: { min?: number | undefined; max?: number | undefined }): { min?: number; max?: number } {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}

/** A value as its field holds it. */
export function shown({ field }: Setting, value: unknown): unknown {
  if (field.kind === "switch") return value === true;
  if (field.kind === "lines") return value as string[];
  return value === null ? "" : String(value);
}

/** What the field holds as the server takes it. */
export function taken({ field, optional }: Setting, value: unknown): unknown {
  if (field.kind === "lines") return (value as string[]).map((line) => line.trim()).filter(Boolean);
  if (optional && value === "") return null;
  return field.kind === "number" ? Number(value) : value;
}
