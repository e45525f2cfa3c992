#!/usr/bin/env python3
"""Makes from src/http/openapi.yaml: the C routes and decoders (src/http/api_generated.h and .c) and the TypeScript client
(web/src/api/generated.ts). `--check` writes nothing and says which file is stale. Needs python3-yaml."""
import json
import re
import sys
from pathlib import Path

try:
    import yaml
except ImportError:
    print("gen_api.py needs python3-yaml")
    sys.exit(77)

ROOT = Path(__file__).resolve().parent.parent
API = yaml.safe_load((ROOT / "src/http/openapi.yaml").read_text())
SCHEMAS = API["components"]["schemas"]
NOTE = "Made by tools/gen_api.py from src/http/openapi.yaml: change that, then run it."
RESERVED = {"default", "case", "class", "switch", "return", "new", "delete", "for", "if", "in"}


def resolve(node):
    while "$ref" in node:
        target = API
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def ref_name(node):
    return node["$ref"].rsplit("/", 1)[1] if "$ref" in node else None


def members(schema):
    """(name, schema, required) of an object, what it takes over by allOf first."""
    out = []
    for base in schema.get("allOf", []):
        out += members(resolve(base))
    required = schema.get("required", [])
    return out + [(n, s, n in required) for n, s in schema.get("properties", {}).items()]


def snake(name):
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()).strip("_")


def camel(name):
    head, *rest = snake(name).split("_")
    return head + "".join(w.capitalize() for w in rest)


class Operation:
    def __init__(self, method, path, spec):
        self.method, self.path, self.name = method.upper(), path, spec["operationId"]
        self.summary = spec["summary"]
        self.parameters = [resolve(p) for p in spec.get("parameters", [])]
        for p in self.parameters:
            p.setdefault("json", "content" in p)
            if p["json"]:
                p["schema"] = p["content"]["application/json"]["schema"]
        body = spec.get("requestBody")
        self.body = ref_name(body["content"]["application/json"]["schema"]) if body else None
        content = spec["responses"]["200"]["content"]
        self.result = ref_name(content.get("application/json", {}).get("schema", {}))
        self.json = "application/json" in content

    def inside(self, place):
        return [p for p in self.parameters if p["in"] == place]


OPERATIONS = [Operation(m, path, spec) for path, item in API["paths"].items() for m, spec in item.items()]

# ---- C ----


class Shapes:
    """The structs and decoding tables of everything that a request can hold."""

    def __init__(self):
        self.structs, self.tables, self.done = [], [], set()

    def kind(self, owner, name, schema):
        """(C kind, C declaration, table's initialisers) of one member."""
        item = resolve(schema)
        types = item["type"] if isinstance(item["type"], list) else [item["type"]]
        c = snake(name) + ("_" if snake(name) in RESERVED else "")
        extra = []
        if "minimum" in item or "minLength" in item or "minItems" in item:
            extra.append(f".min = {item.get('minimum', item.get('minLength', item.get('minItems')))}")
        for key in ("maximum", "maxLength", "maxItems"):
            if key in item:
                extra.append(f".max = {item[key]}")
        if "pattern" in item:
            if item["pattern"] != "^[0-9a-f]{40}$":
                sys.exit(f"{owner}.{name}: the decoder does not know the pattern {item['pattern']}")
            extra.append(".hex = true")
        if len(types) > 1:
            return "VALUE", f"cn_api_value {c};", extra, c
        if "enum" in item:
            prefix = f"CN_API_{snake(owner).upper()}_{snake(name).upper()}"
            words = ", ".join(f"{prefix}_{snake(w).upper()}" for w in item["enum"])
            self.structs.append(f"enum {{ {words} }};")
            choices = ", ".join(json.dumps(w) for w in item["enum"])
            extra.append(f".choices = (const char *const[]){{{choices}, NULL}}")
            if "default" in item:
                extra.append(f".fallback = {prefix}_{snake(item['default']).upper()}")
            return "CHOICE", f"int {c};", extra, c
        if types[0] == "array":
            inner = resolve(item["items"])
            if inner["type"] == "object":
                shape = self.shape(ref_name(item["items"]), inner)
                return "OBJECTS", f"struct {{ const cn_api_{shape} *p; size_t n; }} {c};", extra + [
                    f".shape = &cn_api_shape_{shape}"], c
            if inner["type"] == "string":
                element = [f".item_min = {inner.get('minLength', 0)}", f".item_max = {inner.get('maxLength', 0)}"]
                if "pattern" in inner:
                    element.append(".hex = true")
                return "TEXTS", f"struct {{ const cn_span *p; size_t n; }} {c};", extra + element, c
            element = [f".item_min = {inner.get('minimum', 0)}", f".item_max = {inner['maximum']}"]
            return "INTS", f"struct {{ const int64_t *p; size_t n; }} {c};", extra + element, c
        if types[0] == "integer":
            if "default" in item:
                extra.append(f".fallback = {item['default']}")
            return "INT", f"int64_t {c};", extra, c
        if types[0] == "boolean":
            if item.get("default"):
                extra.append(".fallback = 1")
            return "BOOL", f"bool {c};", extra, c
        if types[0] == "string":
            if "default" in item:
                extra.append(f".text = {json.dumps(item['default'])}")
            return "TEXT", f"cn_span {c};", extra, c
        sys.exit(f"{owner}.{name}: the generator does not know {types}")

    def add(self, name, rows, base=None):
        """rows: (name, schema, required, table's extra, belongs to base). What comes from an allOf is a struct within."""
        declarations, table = [], []
        if base:
            declarations.append(f"    cn_api_{snake(base)} {snake(base)};")
        for member, schema, required, more, inherited in rows:
            kind, declaration, extra, c = self.kind(name, member, schema)
            struct = f"cn_api_{snake(name)}"
            optional = not required and "default" not in resolve(schema)
            about = resolve(schema).get("description") or schema.get("description")
            declarations.append(f"    {declaration}" + (f" /* {' '.join(about.split())} */" if about else ""))
            inside = f"{snake(base)}.{c}" if inherited else c
            if inherited:
                declarations.pop()
            cells = [f'.name = "{member}"', f".kind = CN_API_{kind}", f".at = offsetof({struct}, {inside})"]
            if optional and kind in ("INT", "BOOL", "CHOICE", "TEXTS", "INTS", "OBJECTS"):
                if not inherited:
                    declarations.append(f"    bool has_{c};")
                cells.append(f".has_at = offsetof({struct}, {inside.replace(c, 'has_' + c)})")
            else:
                cells.append(".has_at = SIZE_MAX")
            if required:
                cells.append(".required = true")
            table.append("    {" + ", ".join(cells + extra + more) + "},")
        s = snake(name)
        self.structs.append(f"typedef struct cn_api_{s} {{\n" + "\n".join(declarations) + f"\n}} cn_api_{s};")
        self.structs.append(f"extern const cn_api_shape cn_api_shape_{s};")
        self.tables.append(f"static const cn_api_member {s}_members[] = {{\n" + "\n".join(table) + "\n};\n"
                           f"const cn_api_shape cn_api_shape_{s} = {{\n    \"{name}\", sizeof(cn_api_{s}), {s}_members, "
                           f"CN_LEN({s}_members)}};")
        return s

    def shape(self, name, schema):
        if name not in self.done:
            self.done.add(name)
            base = ref_name(schema["allOf"][0]) if "allOf" in schema else None
            inherited = {n for n, _, _ in members(SCHEMAS[base])} if base else set()
            if base:
                self.shape(base, SCHEMAS[base])
            self.add(name, [(n, s, r, [], n in inherited) for n, s, r in members(schema)], base)
        return snake(name)


def make_c():
    shapes, prototypes, thunks, routes = Shapes(), [], [], []
    for op in OPERATIONS:
        s, arguments, passed, params, body = snake(op.name), ["cn_call *call"], ["call"], "NULL", "NULL"
        if op.parameters:
            name = op.name + "Params"
            shapes.add(name, [(p["name"], p["schema"], p.get("required", False),
                               [f".in = CN_API_{p['in'].upper()}"] + ([".json = true"] if p["json"] else []), False)
                              for p in op.parameters])
            arguments.append(f"const cn_api_{snake(name)} *params")
            passed.append("params")
            params = f"&cn_api_shape_{snake(name)}"
        if op.body:
            body = "&cn_api_shape_" + shapes.shape(op.body, SCHEMAS[op.body])
            arguments.append(f"const cn_api_{snake(op.body)} *body")
            passed.append("body")
        prototypes.append(f"/* {op.method} {op.path}: {op.summary} */\nint cn_http_{s}({', '.join(arguments)});")
        unused = [f"    (void) {n};" for n in ("params", "body") if n not in passed]
        thunks.append(f"static int run_{s}(cn_call *call, const void *params, const void *body)\n{{\n"
                      + "\n".join(unused + [f"    return cn_http_{s}({', '.join(passed)});"]) + "\n}")
        routes.append(f'    {{"{op.name}", "{op.method}", "{op.path}", {params}, {body}, run_{s}}},')
    # Literal path segments are tried before parameters.
    routes.sort(key=lambda r: re.sub(r"\{[^}]*\}", "~", r.split('"')[5]))
    header = (f"/* {NOTE} */\n/* clang-format off */\n#pragma once\n\n#include \"http/api.h\"\n\n" + "\n".join(shapes.structs)
              + "\n\n/* The handlers: each decodes nothing, does its work, and answers on the call. */\n"
              + "\n".join(prototypes) + "\n")
    text = json.dumps(API_PLAIN, ensure_ascii=True, separators=(",", ":"))
    lines = "\n".join(f"    {json.dumps(text[i:i + 100])}" for i in range(0, len(text), 100))
    source = (f"/* {NOTE} */\n/* clang-format off */\n#include \"http/api_generated.h\"\n\n" + "\n".join(shapes.tables) + "\n\n"
              + "\n".join(thunks) + "\n\nconst cn_api_route cn_api_routes[] = {\n" + "\n".join(routes)
              + "\n};\nconst size_t cn_api_routes_count = CN_LEN(cn_api_routes);\n\nconst char cn_api_openapi[] =\n" + lines
              + ";\n")
    return header, source


# ---- TypeScript ----


def ts_type(schema):
    if "$ref" in schema:
        return ref_name(schema)
    if "enum" in schema:
        return " | ".join(json.dumps(w) for w in schema["enum"])
    types = schema.get("type", "object")
    if isinstance(types, list):
        return " | ".join(ts_type({"type": t}) for t in types)
    if types == "array":
        inner = ts_type(schema["items"])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    return {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null",
            "object": "Record<string, unknown>"}[types]


def ts_doc(text, indent=""):
    if not text:
        return ""
    lines = text.strip().splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {l}".rstrip() + "\n" for l in lines) + f"{indent} */\n"


def ts_key(name):
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name)


def ts_schema(name, schema):
    out = ts_doc(schema.get("description"))
    if schema.get("type") != "object":
        return out + f"export type {name} = {ts_type(schema)};\n"
    bases = [ref_name(b) for b in schema.get("allOf", [])]
    out += f"export interface {name}" + (f" extends {', '.join(bases)}" if bases else "") + " {\n"
    required = schema.get("required", [])
    for key, member in schema.get("properties", {}).items():
        out += ts_doc(member.get("description"), "  ")
        out += f"  {ts_key(key)}{'' if key in required else '?'}: {ts_type(member)};\n"
    if isinstance(schema.get("additionalProperties"), dict):
        out += f"  [field: string]: {ts_type(schema['additionalProperties'])} | undefined;\n"
    return out + "}\n"


TS_HEAD = """/** The server said no; `problem` says why and what to do. Status 0: it could not be reached. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
  }
}

export interface CallOptions {
  signal?: AbortSignal;
}

export const API_BASE = "/api/v1";

type QueryValue = string | number | boolean | object | undefined;

function withQuery(path: string, query: Record<string, QueryValue>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    search.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  const text = search.toString();
  return API_BASE + path + (text ? `?${text}` : "");
}

function unreachable(detail: string): Problem {
  return { type: "about:blank", title: "No answer", status: 0, code: "unreachable", detail };
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return {
      type: "about:blank",
      title: response.statusText,
      status: response.status,
      code: "failed",
      detail: `The server answered ${response.status} ${response.statusText}.`,
    };
  }
}

async function call<T>(
  method: string,
  url: string,
  body: object | undefined,
  options: CallOptions,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      ...(options.signal ? { signal: options.signal } : {}),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(unreachable("The server does not answer. Is cairn serve still running?"));
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (await response.json()) as T;
}
"""


def ts_operation(op):
    path = re.sub(r"\{(\w+)\}", lambda m: "${encodeURIComponent(" + camel(m.group(1)) + ")}", op.path)
    quoted = f"`{path}`" if "${" in path else f'"{path}"'
    arguments = [f"{camel(p['name'])}: {ts_type(p['schema'])}" for p in op.inside("path")]
    query = op.inside("query")
    if query:
        inner = "; ".join(f"{ts_key(p['name'])}{'' if p.get('required') else '?'}: {ts_type(p['schema'])}" for p in query)
        arguments.append(f"query: {{ {inner} }} = {{}}" if not any(p.get("required") for p in query) else f"query: {{ {inner} }}")
    url = f"withQuery({quoted}, {'query' if query else '{}'})"
    out = ts_doc(op.summary)
    if not op.json:
        return out + f"export function {op.name}Url({', '.join(arguments)}): string {{\n  return {url};\n}}\n"
    if op.body:
        arguments.append(f"body: {op.body}")
    arguments.append("options: CallOptions = {}")
    result = op.result or "Record<string, unknown>"
    return out + (f"export function {op.name}(\n" + "".join(f"  {a},\n" for a in arguments) + f"): Promise<{result}> {{\n"
                  f"  return call<{result}>(\"{op.method}\", {url}, {'body' if op.body else 'undefined'}, options);\n}}\n")


def make_ts():
    parts = [f"// {NOTE}\n"]
    parts += [ts_schema(name, schema) for name, schema in SCHEMAS.items()]
    parts.append(TS_HEAD)
    parts += [ts_operation(op) for op in OPERATIONS]
    return "\n".join(parts)


API_PLAIN = yaml.safe_load((ROOT / "src/http/openapi.yaml").read_text())
c_header, c_source = make_c()
files = {"src/http/api_generated.h": c_header, "src/http/api_generated.c": c_source, "web/src/api/generated.ts": make_ts()}
if sys.argv[1:] == ["--check"]:
    stale = [n for n, text in files.items() if not (ROOT / n).exists() or (ROOT / n).read_text() != text]
    print("\n".join(f"{n}: stale, run tools/gen_api.py" for n in stale) or f"api: {len(OPERATIONS)} operations, all files fresh")
    sys.exit(bool(stale))
for name, text in files.items():
    (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / name).write_text(text)
