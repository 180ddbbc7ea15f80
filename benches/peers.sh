#!/usr/bin/env bash
# Runs plimsoll and other secret scanners over one tree, each with its own defaults and without network, and
# prints CPU seconds (user and system), seconds by the clock, peak memory and the number of findings.
#
# usage: benches/peers.sh TREE
#        RUNS=3 benches/peers.sh TREE          medians of so many runs, by turns; 3 by default
#
# Needs cargo, rg and python3, and on the PATH what is to be compared: `kingfisher` (PyPI `kingfisher-bin`),
# `detect-secrets` (PyPI), `ripsecrets` (crates.io). What is not there is left out.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=${1:?usage: $0 TREE}
cargo build --release --locked --quiet --manifest-path "$here/Cargo.toml"
exec python3 - "$here/target/release/plimsoll" "$tree" "${RUNS:-3}" <<'P'
import json, os, shutil, statistics, sys, tempfile, time
plimsoll, tree, runs = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3])
check = [plimsoll, "check", "--isolated", "--exit-zero"]
secrets = ["--select", "secrets,env-files"]
commands = {
    "rg": ["rg", "-c", "--no-ignore", "--hidden", "zzzqqq", tree],
    "plimsoll, all manuals": [*check, "--manual", "all", "-f", "json", tree],
    "plimsoll, secrets": [*check, *secrets, "-f", "json", tree],
    "kingfisher": ["kingfisher", "scan", tree, "--no-validate", "--git-history", "none", "--format", "json", "-q",
                   "--no-update-check"],
    "detect-secrets": ["detect-secrets", "scan", "--no-verify", "--all-files", tree],
    "ripsecrets": ["ripsecrets", tree],
}
commands = {name: c for name, c in commands.items() if shutil.which(c[0])}


def count(name, text):
    """How many findings an output holds."""
    try:
        if name.startswith("plimsoll"):
            return sum(1 for f in json.loads(text)["findings"] if f.get("kind", "fail") == "fail")
        if name == "kingfisher":
            found = json.loads(text)
            return len(found["findings"] if isinstance(found, dict) else found)
        if name == "detect-secrets":
            return sum(len(found) for found in json.loads(text)["results"].values())
        return len(text.splitlines())
    except (ValueError, KeyError):
        return -1


cpu, clock = {n: [] for n in commands}, {n: [] for n in commands}
peak, found = dict.fromkeys(commands, 0), dict.fromkeys(commands, 0)
for turn in range(runs):
    for name, command in commands.items():
        with tempfile.TemporaryFile() as out:
            begin = time.monotonic()
            pid = os.fork()
            if pid == 0:
                os.chdir(tree)
                os.dup2(out.fileno(), 1)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                os.execvp(command[0], command)
            _, _, usage = os.wait4(pid, 0)
            clock[name].append(time.monotonic() - begin)
            cpu[name].append(usage.ru_utime + usage.ru_stime)
            peak[name] = max(peak[name], usage.ru_maxrss / 1024)
            out.seek(0)
            found[name] = count(name, out.read().decode("utf-8", "replace"))
print(f"{'':22} {'CPU s':>8} {'clock s':>8} {'peak MiB':>9} {'findings':>9}")
for name in commands:
    median = statistics.median
    number = "" if name == "rg" else found[name]
    print(f"{name:22} {median(cpu[name]):8.2f} {median(clock[name]):8.2f} {peak[name]:9.0f} {number:>9}")
P
