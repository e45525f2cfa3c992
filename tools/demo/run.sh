#!/usr/bin/env bash
# The demonstration: makes a disk image with an intrusion in it, processes it, asks it some questions, serves the page.
#   run.sh CAIRN      the image and the data folder are kept in build/demo
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cairn=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(dirname "$here")/../build/demo
mkdir -p "$folder" && cd "$folder" && folder=$PWD
export CAIRN_DATA=$folder/data
rm -rf "$CAIRN_DATA"

echo "== A disk image: a web server, six days of logs, an intrusion"
[ -f web01.raw ] || python3 "$here/make_image.py" web01.raw

echo "== cairn process web01.raw"
"$cairn" process web01.raw

ask() {
    echo
    echo "== cairn search '$*'"
    "$cairn" search "$@" | cut -c1-170
}
ask '203.0.113.77 AND data_type:"syslog:ssh:login"'
ask 'data_type:"bash:history:entry" AND username:deploy'
ask '"new user" OR shell.php' -n 12
ask 'path:/usr/local/bin/.*' -n 8
ask '203.0.113.77' --top data_type

echo
echo "== cairn serve"
"$cairn" serve --listen 127.0.0.1:0 >serve.out &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM
url=
for _ in $(seq 100); do
    url=$(grep -o 'http://[^ ]*' serve.out || true)
    [ -z "$url" ] || break
    sleep 0.1
done
[ -n "$url" ] || { echo "cairn serve printed no address" >&2; exit 1; }
echo "The page is at  $url"
if [ -t 1 ]; then
    [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || ! command -v xdg-open >/dev/null || xdg-open "$url" >/dev/null 2>&1 || true
    echo "Try:  203.0.113.77      data_type:syslog:ssh*      \"upload.php\"      Ctrl-C ends it."
    wait "$server"
else
    python3 "$here/page_answers.py" "$url"
fi
