#!/usr/bin/env python3
"""What is checked of the page without a browser: types, lint, format, and the tests of its pure parts."""
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WEB = ROOT / "web"


def main():
    if not shutil.which("node"):
        print("skipped: node is not installed")
        return 77
    if not (WEB / "node_modules/.package-lock.json").is_file():
        print("skipped: the page was not built here: web/node_modules is not there")
        return 77
    modules = WEB / "node_modules"
    checks = {
        "types": [modules / "svelte-check/bin/svelte-check", "--tsconfig", "tsconfig.json", "--fail-on-warnings"],
        "lint": [modules / "eslint/bin/eslint.js", "."],
        "format": [modules / "prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "--config", ".prettierrc", ".", "../tests/e2e/*.mjs"],
        "unit tests": ["test/run.mjs"],
    }
    failed = []
    for name, command in checks.items():
        done = subprocess.run(["node", *command], cwd=WEB, capture_output=True, text=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout, done.stderr)
    # The lock file names packages only; where they are fetched from is the registry's own affair.
    if '"resolved"' in (WEB / "package-lock.json").read_text():
        failed.append("package-lock.json names hosts: install with the .npmrc that stands beside it")
    print("failed: " + ", ".join(failed) if failed else "types, lint, format and unit tests: well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
