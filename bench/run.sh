#!/usr/bin/env bash
# Prints the figures of docs/benchmarks.md on data made here: medians, processor seconds where a core's rate is meant, and
# the usual tools on the same input beside them where they are installed.   run.sh BUILD_FOLDER   (environment: SCALE)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$build/bench-data
export SCALE=${SCALE:-1}

cmake --build "$build" --target bench_programs fs_list >/dev/null
if [ ! -f "$work/truth.json" ] || ! grep -q "\"scale\": ${SCALE}[,}]" "$work/truth.json"; then
    echo "making the disk (SCALE=$SCALE) ..."
    python3 "$here/make_disk.py" "$work"
fi
disk=$work/disk.raw log=$work/root/var/log
python3 - "$build/cairn" "$disk" "$work/data" <<'PY'
import os, shutil, subprocess, sys, time
cairn, disk, data = sys.argv[1:]
env = dict(os.environ, CAIRN_DATA=data)
def median(f, n):
    return sorted(f() for _ in range(n))[n // 2]
def timed(*argv):
    t = time.monotonic()
    subprocess.run(argv, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - t
def process(*options):
    shutil.rmtree(data, ignore_errors=True)
    return timed(cairn, "process", disk, *options)
subprocess.run(["cat", disk], stdout=subprocess.DEVNULL, check=True)
seconds = median(process, 3)
events = int(subprocess.run([cairn, "search", "*", "--count"], env=env, check=True, capture_output=True).stdout)
size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(data) for f in fs)
print(f"disk to searchable        {seconds:6.1f} s    goal 8    {events:,} events, {events / seconds / 1e3:.0f} k/s, {size / events:.0f} B/event (goal 80)")
print(f"  with --hash sha256      {median(lambda: process('--hash', 'sha256'), 3):6.1f} s    goal 10")
for name, query, goal in (("frequent word", "sshd", 60), ("rare word", "203.0.113.77", 40), ("everything", "*", 60), ("regular expression", "message:/user=[0-9]+1/", 1000)):
    print(f"search --count, {name:18} {median(lambda: timed(cairn, 'search', query, '--count'), 7) * 1e3:6.0f} ms   goal {goal} (whole process)")
PY

echo "ext4 walk, in memory      $("$build/tests/fs_list" --seconds "$disk" 2>/dev/null | tail -1)    goal 3 M names/s"
peer() { # peer NAME COUNT COMMAND...: processor seconds of a tool on the same input
    local name=$1 count=$2
    shift 2
    command -v "$1" >/dev/null || { echo "  $name is not installed"; return; }
    local seconds
    seconds=$( { TIMEFORMAT='%U %S'; time "$@" >/dev/null 2>&1; } 2>&1 | awk '{print $1 + $2}')
    awk -v n="$name" -v c="$count" -v s="$seconds" 'BEGIN { printf "  beside it: %-30s %.3f s, %.0f k/s\n", n, s, c / (s + 1e-6) / 1000 }'
}
peer "fls -r -p" "$(python3 -c "import json; print(json.load(open('$work/truth.json'))['names'])")" fls -r -p "$disk"
parser() { echo "$1 $(basename "$2"): $("$build/bench/bench_parser" "$1" "$2")    goal $3"; }
parser syslog "$log/auth.log" "3 M lines/s"
parser syslog "$log/auth.log.3.gz" "2 M lines/s"
parser syslog "$log/remote/fw01.log" "3 M lines/s"
parser webaccess "$log/nginx/access.log" "3 M lines/s"
parser auditd "$log/audit/audit.log" "3 M lines/s"
parser utmp "$log/btmp" "10 M records/s"
peer "lastb" "$(($(stat -c %s "$log/btmp") / 384))" lastb -f "$log/btmp"
for f in "$log"/journal/*/system.journal; do
    [ -f "$f" ] || continue
    parser journal "$f" "1 M entries/s"
    peer "journalctl -o export" "$("$build/bench/bench_parser" journal "$f" | cut -d' ' -f1)" journalctl --file "$f" -o export
done
if [ -x "$build/bench/bench_store" ]; then
    "$build/bench/bench_store"
fi
