#!/usr/bin/env bash
# Installs what is missing of tools/packages.txt for the purposes named (build, demo, check, bench).
#   setup.sh PURPOSE...          asks for root only when something is missing, and says for what
#   setup.sh --need PURPOSE...   installs nothing: says what is missing and fails
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
only_say=
[ "${1:-}" = --need ] && { only_say=1; shift; }

missing=()
for purpose in "$@"; do
    while read -r package; do
        # A tool that is there counts, wherever it came from: node may not be Debian's.
        case $package in
        nodejs) command -v node >/dev/null && continue ;;
        npm | cmake | git | python3 | clang) command -v "$package" >/dev/null && continue ;;
        gcc) command -v cc >/dev/null && continue ;;
        ninja-build) command -v ninja >/dev/null && continue ;;
        esac
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done < <(sed -n "s/^$purpose  *//p" "$here/packages.txt" | tr ' ' '\n' | sort -u)
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Missing for $*: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system: install what these packages hold by its own means, then run again." >&2
    exit 1
fi
if [ -n "$only_say" ]; then
    echo "Install them with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Root is needed to install them, and there is no sudo: run 'tools/setup.sh $*' as root." >&2; exit 1; }
    echo "Root is needed for one thing, to install these packages: apt-get is run by sudo."
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
"${as_root[@]}" apt-get update -q >/dev/null
# RUNLEVEL=1 keeps servers that come along from being started.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/cairn-setup.$$ 2>&1 || {
    tail -20 /tmp/cairn-setup.$$ >&2
    exit 1
}
rm -f /tmp/cairn-setup.$$
echo "Installed."
