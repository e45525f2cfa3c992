// What one person prefers on one machine: theme, zone, what is open. Everything else is in the URL.

export type Theme = "system" | "light" | "dark";

interface Stored {
  theme: Theme;
  zone: string;
  facetsOpen: boolean;
  inspectorOpen: boolean;
  bytesOpen: boolean;
  history: string[];
}

const key = "cairn";
export const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

function known(zone: unknown): zone is string {
  if (typeof zone !== "string") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function load(): Stored {
  const usual: Stored = {
    theme: "system",
    zone: "UTC",
    facetsOpen: true,
    inspectorOpen: true,
    bytesOpen: false,
    history: [],
  };
  let found: Partial<Record<keyof Stored, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    if (typeof parsed === "object" && parsed !== null) found = parsed;
  } catch {
    return usual;
  }
  const asked = new URLSearchParams(location.search).get("theme");
  const theme = asked ?? found.theme;
  if (theme === "light" || theme === "dark") usual.theme = theme;
  if (known(found.zone)) usual.zone = found.zone;
  if (typeof found.facetsOpen === "boolean") usual.facetsOpen = found.facetsOpen;
  if (typeof found.inspectorOpen === "boolean") usual.inspectorOpen = found.inspectorOpen;
  if (typeof found.bytesOpen === "boolean") usual.bytesOpen = found.bytesOpen;
  if (Array.isArray(found.history)) {
    usual.history = found.history.filter((q): q is string => typeof q === "string").slice(0, 100);
  }
  return usual;
}

class Prefs {
  #stored = $state<Stored>(load());

  #keep(): void {
    try {
      localStorage.setItem(key, JSON.stringify(this.#stored));
    } catch {
      // A browser that keeps nothing still shows everything.
    }
  }

  get theme(): Theme {
    return this.#stored.theme;
  }
  set theme(theme: Theme) {
    this.#stored.theme = theme;
    this.#keep();
  }
  get zone(): string {
    return this.#stored.zone;
  }
  set zone(zone: string) {
    this.#stored.zone = zone;
    this.#keep();
  }
  get facetsOpen(): boolean {
    return this.#stored.facetsOpen;
  }
  set facetsOpen(open: boolean) {
    this.#stored.facetsOpen = open;
    this.#keep();
  }
  get inspectorOpen(): boolean {
    return this.#stored.inspectorOpen;
  }
  set inspectorOpen(open: boolean) {
    this.#stored.inspectorOpen = open;
    this.#keep();
  }
  get bytesOpen(): boolean {
    return this.#stored.bytesOpen;
  }
  set bytesOpen(open: boolean) {
    this.#stored.bytesOpen = open;
    this.#keep();
  }
  get history(): string[] {
    return this.#stored.history;
  }

  remember(query: string): void {
    if (query.trim() === "") return;
    this.#stored.history = [query, ...this.#stored.history.filter((q) => q !== query)].slice(
      0,
      100,
    );
    this.#keep();
  }

  /** The theme that is shown, whatever it follows from. */
  get dark(): boolean {
    return this.theme === "dark" || (this.theme === "system" && systemDark.matches);
  }
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");

export const prefs = new Prefs();

/** Calls back when the colours on the page may have changed. */
export function onSystemTheme(changed: () => void): () => void {
  systemDark.addEventListener("change", changed);
  return () => {
    systemDark.removeEventListener("change", changed);
  };
}
