// How messages are written, as the server's plugins say it.

export interface FieldOf {
  kind: "text" | "area" | "lines" | "switch" | "number" | "choice" | "files";
  name: string;
  label: string;
  required?: boolean;
  min?: number;
  max?: number;
  /** Characters of each line. */
  length?: number;
  step?: number | "any";
  placeholder?: string;
  options?: [string, string][];
  accept?: string[];
  item?: FieldOf[];
  /** The command that says whether an upload can be sent. */
  check?: string;
}

export interface FormatOf {
  label: string;
  icon: string;
  before: string;
  after: string;
  key?: string;
  line?: boolean;
}

/** How messages of a type are written. */
export interface ComposerOf {
  type: string;
  label: string;
  icon?: string;
  rank?: number;
  /** The field of its content that the text box fills. */
  field?: string | null;
  /** That field's limit, in characters. */
  max_length?: number | null;
  formats?: FormatOf[];
  /** What is typed elsewhere and holds one of these patterns is of this type. */
  marks?: string[];
  preview?: boolean;
  /** The address of a page that explains the marks. */
  guide?: string;
  fields?: FieldOf[];
  /** Kinds of files that are looked for here too, where another type takes them. */
  also?: { label: string; accept: string[] };
  /** The command that answers what there is to pick. */
  picker?: string;
}

/** The type whose marks this text holds, where another has the text box. */
export function markedBy(composers: readonly ComposerOf[], text: string): ComposerOf | undefined {
  return composers.find(({ marks }) => marks?.some((mark) => patternOf(mark).test(text)));
}

const patterns = new Map<string, RegExp>();

function patternOf(mark: string): RegExp {
  let pattern = patterns.get(mark);
  if (!pattern) {
    try {
      pattern = new RegExp(mark, "mu");
    } catch {
      // An old browser that does not know its syntax: what is typed there stays text.
      pattern = /(?!)/;
    }
    patterns.set(mark, pattern);
  }
  return pattern;
}

const UNKNOWN = "application/octet-stream";
// Most browsers do not know what these are.
const HEIC = /\.hei[cf]$/i;

/** What is known of a file before anybody has looked into it. */
export type Kind = Pick<File, "name" | "type">;

/** The field of files of a composer that has one. */
export function filesOf(composer: ComposerOf): FieldOf | undefined {
  return composer.fields?.find((field) => field.kind === "files");
}

/** The field for words that go with files. */
export function wordsOf(fields: readonly FieldOf[]): FieldOf | undefined {
  return fields.find(({ kind }) => kind === "text" || kind === "area");
}

/** Whether a field of files takes this one. */
export function accepts(field: FieldOf, file: Kind): boolean {
  return (field.accept ?? ["*/*"]).some((pattern) => Number.isFinite(width(pattern, typeOf(file))));
}

function typeOf(file: Kind): string {
  return file.type || (HEIC.test(file.name) ? "image/heic" : UNKNOWN);
}

/** Who takes these files: the type that claims all of them, the narrowest claim first. */
export function claimOf(composers: readonly ComposerOf[], files: readonly Kind[]): ComposerOf | undefined {
  const claims = composers.flatMap((composer) => {
    const accept = filesOf(composer)?.accept ?? [];
    const widths = files.map((file) => Math.min(...accept.map((pattern) => width(pattern, typeOf(file)))));
    const widest = Math.max(...widths);
    return Number.isFinite(widest) ? [{ composer, widest }] : [];
  });
  return claims.sort((a, b) => a.widest - b.widest)[0]?.composer;
}

/** What a form offers beside its own kinds of files, where one of the other types takes them. */
export function alsoOf({ also }: ComposerOf, others: readonly ComposerOf[]): ComposerOf["also"] {
  const kinds = also?.accept.map((type) => ({ name: "", type }));
  return kinds && claimOf(others, kinds) ? also : undefined;
}

/** 0 for the type itself, 1 for `image/*`, 2 for all, Infinity where it does not fit. */
function width(pattern: string, type: string): number {
  if (pattern === type) return 0;
  if (pattern === "*/*") return 2;
  return pattern.endsWith("/*") && type.startsWith(pattern.slice(0, -1)) ? 1 : Infinity;
}

/**
 * The files that are pasted. A file manager puts their names or places beside them as text; where
 * there is another text, a document has a picture of itself beside it.
 */
export function pastedFiles(data: DataTransfer): File[] {
  const files = [...data.files];
  const names = files.flatMap(({ name }) => [name, encodeURIComponent(name)]);
  const lines = data.getData("text/plain").split(/[\r\n]+/);
  return lines.every((line) => !line || names.includes(line.split(/[/\\]/).pop()!)) ? files : [];
}
