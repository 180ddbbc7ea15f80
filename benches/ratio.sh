#!/usr/bin/env bash
# Prints plimsoll's CPU seconds and peak memory on a tree, and the ratio to ripgrep's on the same tree.
# usage: benches/ratio.sh TREE [RUNS]      needs rg, /usr/bin/time or python3
set -euo pipefail
tree=${1:?usage: $0 TREE [RUNS]}
runs=${2:-5}
here=$(cd "$(dirname "$0")/.." && pwd)
cargo build --release --locked --quiet --manifest-path "$here/Cargo.toml"
exec python3 - "$here/target/release/plimsoll" "$tree" "$runs" <<'P'
import os, resource, statistics, subprocess, sys
plimsoll, tree, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
def measure(command):
    cpu, peak = [], 0
    for _ in range(runs + 1):
        pid = os.fork()
        if pid == 0:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1); os.dup2(null, 2)
            os.execvp(command[0], command)
        _, _, usage = os.wait4(pid, 0)
        cpu.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss)
    return statistics.median(cpu[1:]), peak / 1024
floor, _ = measure(["rg", "-c", "--no-ignore", "--hidden", "zzzqqq", tree])
everything, peak = measure([plimsoll, "check", "--isolated", "--manual", "all", "--exit-zero", "-q", tree])
core, core_peak = measure([plimsoll, "check", "--isolated", "--exit-zero", "-q", tree])
print(f"rg          {floor:8.3f} s CPU")
print(f"core set    {core:8.3f} s CPU  {core / floor:5.2f} x rg  peak {core_peak:6.1f} MiB")
print(f"all manuals {everything:8.3f} s CPU  {everything / floor:5.2f} x rg  peak {peak:6.1f} MiB")
P
