// The scripts that plugins bring for their message types: each is loaded when it is first needed.

/** What a plugin's module may export. */
interface Module {
  describe?(file: File): unknown;
  draw?(content: unknown, pictures: readonly Picture[]): Node[];
}

/** A picture that is on its way, as the browser itself has it. */
export interface Picture {
  src: string;
  width: number;
  height: number;
}

/** What a module says of a file: values, and what is uploaded beside it. */
export interface Described {
  values: Readonly<Record<string, unknown>>;
  blobs: Readonly<Record<string, Blob>>;
}

const DESCRIBE_WITHIN_MS = 10_000;
const NOTHING: Described = { values: {}, blobs: {} };

export class Modules {
  private readonly loaded = new Map<string, Promise<Module | null>>();
  private readonly there = new Map<string, Module>();

  constructor(
    /** By message type. */
    private readonly addresses: Readonly<Record<string, string>>,
    private readonly read: (address: string) => Promise<unknown> = (address) => import(address),
  ) {}

  /** The module of a message type; null where it has none, or it cannot be loaded now. */
  load(type: string): Promise<Module | null> {
    const address = this.addresses[type];
    if (!address) return Promise.resolve(null);
    const known = this.loaded.get(address);
    if (known) return known;
    const loading = (this.read(address) as Promise<Module>).then(
      (module) => {
        this.there.set(address, module);
        return module;
      },
      (error: unknown) => {
        console.warn(`The script of ${type} cannot be loaded: ${String(error)}`);
        this.loaded.delete(address);
        return null;
      },
    );
    this.loaded.set(address, loading);
    return loading;
  }

  /** What the type's module says of a file that was chosen; nothing where it fails or takes too long. */
  async describe(type: string, file: File, withinMs = DESCRIBE_WITHIN_MS): Promise<Described> {
    if (!this.addresses[type]) return NOTHING;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), withinMs)));
    try {
      const said = await Promise.race([late, this.load(type).then((module) => module?.describe?.(file))]);
      const all = Object.entries((said ?? {}) as Record<string, unknown>);
      const blobs = all.filter((entry): entry is [string, Blob] => entry[1] instanceof Blob);
      const values = all.filter(([, value]) => !(value instanceof Blob) && value !== undefined);
      return { values: Object.fromEntries(values), blobs: Object.fromEntries(blobs) };
    } catch (error) {
      console.warn(`The script of ${type} failed on a file: ${String(error)}`);
      return NOTHING;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the type's module draws of a message that is on its way; null where it is not there, or draws none. */
  draw(type: string, content: unknown, pictures: () => readonly Picture[]): readonly Node[] | null {
    try {
      return this.there.get(this.addresses[type] ?? "")?.draw?.(content, pictures()) ?? null;
    } catch (error) {
      console.warn(`The script of ${type} failed to draw: ${String(error)}`);
      return null;
    }
  }
}
