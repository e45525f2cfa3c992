import { ApiError, type Problem } from "../api/generated";

/** What to tell about something thrown; undefined for a call that was given up on purpose. */
export function problemOf(thrown: unknown): Problem | undefined {
  if (thrown instanceof ApiError) return thrown.problem;
  if (thrown instanceof DOMException && thrown.name === "AbortError") return undefined;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return { type: "about:blank", title: "Failed", status: 0, code: "failed", detail };
}
