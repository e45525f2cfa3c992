// How events and fields are named on the page.

import type { Event } from "../api/generated";

const fileTimes: Record<string, string> = {
  "Content Modification Time": "file modified",
  "Last Access Time": "file accessed",
  "Metadata Modification Time": "file metadata changed",
  "Creation Time": "file created",
  "Deletion Time": "file deleted",
};

const types: Record<string, string> = {
  "syslog:line": "syslog",
  "syslog:ssh:failed_connection": "ssh failed login",
  "syslog:pam:session_opened": "session opened",
  "syslog:pam:session_closed": "session closed",
  "systemd:journal": "journal",
  "text:line": "text log",
  "linux:utmp:event": "login record",
  "linux:lastlog": "last login",
  "bash:history:command": "shell command",
  "nginx:access": "http request",
  "apache:access": "http request",
  "nginx:error": "web server error",
  "apache:error": "web server error",
};

/** What happened, in two or three words, from the event's type. */
export function what(event: Event): string {
  if (event.data_type === "fs:stat") {
    return fileTimes[event.timestamp_desc] ?? `file ${event.timestamp_desc.toLowerCase()}`;
  }
  const known = types[event.data_type];
  if (known !== undefined) return known;
  const parts = event.data_type.split(":");
  const shown = parts.length > 1 && parts[0] === "syslog" ? parts.slice(1) : parts;
  return shown
    .join(" ")
    .replaceAll("_", " ")
    .replace(/ line$/, "");
}

const facetNames: Record<string, string> = {
  timeline: "Timeline",
  data_type: "Data type",
  hostname: "Host",
  username: "User",
  source_ip: "Source address",
  tag: "Tag",
  reporter: "Program",
  path: "Path",
  parser: "Parser",
};

export function fieldName(field: string): string {
  return facetNames[field] ?? field;
}

// Fields of the event that say where in the evidence it is, in this order.
export const provenance = [
  "image",
  "volume",
  "path",
  "inode",
  "stream",
  "offset",
  "length",
  "record_number",
  "parser",
  "event_id",
];

const head = new Set(["message", "datetime", "timestamp", "timestamp_desc", "data_type"]);

export function saidFields(event: Event): string[] {
  return Object.keys(event).filter((f) => !head.has(f) && !provenance.includes(f));
}

export function sourceFields(event: Event): string[] {
  return provenance.filter((f) => event[f] !== undefined);
}
