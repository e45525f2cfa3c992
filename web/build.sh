#!/usr/bin/env bash
# Builds the page into a folder: build.sh OUT. Fetches what the lock file names when that changed.
set -euo pipefail
cd "$(dirname "$0")"
out=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Two builds side by side share node_modules.
exec 9>.build.lock
flock 9
fail() {
    cat "$log" >&2
    echo "web: $1" >&2
    exit 1
}
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1 ||
        fail "npm ci could not fetch the packages. Without network, build with -DCN_WEB=OFF: the program then has no page."
    touch node_modules/.package-lock.json
fi
node node_modules/vite/bin/vite.js build --outDir "$out" --emptyOutDir --logLevel warn >"$log" 2>&1 ||
    fail "the page does not build"
