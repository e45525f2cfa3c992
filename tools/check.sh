#!/usr/bin/env bash
# Everything that must hold before a change lands; each step prints its seconds. CAIRN_CHECK="step ..." runs
# others: of those below, `tidy` takes minutes and runs only when it is named.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
steps=${CAIRN_CHECK:-format release faults asan fuzz}
failed=()

format() {
    git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]' 'bench/*.[ch]' | xargs -r clang-format --dry-run -Werror &&
        git ls-files '*.sh' '.ci/run' | xargs -r shellcheck
}

# gcc with hardening as it ships: unit, golden, process, HTTP and browser tests.
release() {
    cmake --preset release >/dev/null && cmake --build --preset release &&
        ctest --test-dir build/release -j"$jobs" --output-on-failure --no-tests=error -E '^process/'
}

# The broker and its workers, with a parser built in that crashes, spins and eats memory.
faults() {
    cmake --preset dev >/dev/null && cmake --build --preset dev --target cairn &&
        ctest --test-dir build/dev -j"$jobs" --output-on-failure --no-tests=error -R '^process/'
}

# gcc with ASan and UBSan: unit, golden and torture tests.
asan() {
    cmake --preset asan >/dev/null && cmake --build --preset asan &&
        ctest --test-dir build/asan -j"$jobs" --output-on-failure --no-tests=error -R '^(unit|golden|torture)/'
}

# clang with ASan, UBSan and libFuzzer: each target runs on its seeds for some seconds.
fuzz() {
    cmake --preset fuzz >/dev/null && cmake --build --preset fuzz &&
        ctest --test-dir build/fuzz -j"$jobs" --output-on-failure --no-tests=error
}

tidy() {
    git ls-files 'src/*.c' | xargs -r -n 4 -P "$jobs" clang-tidy -p build/fuzz --quiet 2>/dev/null
}

# A step is one chain of &&: set -e does not reach into a condition.
for step in $steps; do
    started=$SECONDS
    echo "== $step"
    if "$step"; then
        echo "== $step: passed in $((SECONDS - started)) s"
    else
        echo "== $step: FAILED after $((SECONDS - started)) s"
        failed+=("$step")
    fi
done
echo "check: $((SECONDS)) s; failed: ${failed[*]:-none}"
[ ${#failed[@]} -eq 0 ]
