#!/usr/bin/env bash
# Prints plimsoll's CPU seconds (user and system) and peak memory on a tree, and the ratio to ripgrep's.
#
# usage: benches/ratio.sh TREE                  measures a tree as it is
#        benches/ratio.sh --corpus DIR REPO...  puts together what git tracks in each REPO, once, and measures that
#        RUNS=9 benches/ratio.sh ...            medians of so many runs, by turns; 5 by default
#
# A corpus is one repository whose `.git` is a file, so that ripgrep, which reads hidden files too, is not
# given packs to read. Needs cargo, git, rg and python3.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
if [ "${1:?usage: $0 TREE, or --corpus DIR REPO...}" = --corpus ]; then
    corpus=${2:?a folder for the corpus}
    shift 2
    tree=$corpus/tree
    if [ ! -d "$tree" ]; then
        for repo in "$@"; do
            name=$(basename "$(cd "$repo" && pwd)")
            mkdir -p "$tree/$name"
            # Files of partial clones may be missing, and links may lead nowhere.
            (cd "$repo" && git ls-files -z | while IFS= read -r -d '' file; do
                [ ! -f "$file" ] || printf '%s\0' "$file"
            done | tar --null -T - -c) | tar -x -C "$tree/$name"
        done
        git init -q --separate-git-dir="$corpus/git" "$tree"
        git -C "$tree" -c core.autocrlf=false add -A -f . 2>/dev/null
        git -C "$tree" -c user.name=corpus -c user.email=corpus@localhost commit -q -m corpus
        git -C "$tree" gc -q
    fi
else
    tree=$1
fi
cargo build --release --locked --quiet --manifest-path "$here/Cargo.toml"
exec python3 - "$here/target/release/plimsoll" "$tree" "${RUNS:-5}" <<'P'
import os, statistics, subprocess, sys, tempfile
plimsoll, tree, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
empty = tempfile.TemporaryDirectory()
subprocess.run(["git", "init", "-q", empty.name], check=True)
check = [plimsoll, "check", "--isolated", "--exit-zero", "-q"]
commands = {
    "rg": ["rg", "-c", "--no-ignore", "--hidden", "zzzqqq", tree],
    "core set": [*check, tree],
    "all manuals": [*check, "--manual", "all", tree],
    "empty repository": [*check, "--manual", "all", empty.name],
}
cpu, peak = {name: [] for name in commands}, dict.fromkeys(commands, 0)
# By turns, so that what else the machine does falls on all alike; the first turn fills the caches.
for turn in range(runs + 1):
    for name, command in commands.items():
        pid = os.fork()
        if pid == 0:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os.execvp(command[0], command)
        _, _, usage = os.wait4(pid, 0)
        if turn:
            cpu[name].append(usage.ru_utime + usage.ru_stime)
            peak[name] = max(peak[name], usage.ru_maxrss / 1024)
text = files = 0
for folder, inner, names in os.walk(tree):
    inner[:] = [name for name in inner if name != ".git"]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                if b"\0" not in file.read(8192):
                    text += os.path.getsize(path)
                    files += 1
floor = statistics.median(cpu["rg"])
print(f"{text / 1e6:.0f} MB of text in {files} files; medians of {runs} runs, user and system")
for name in commands:
    seconds = statistics.median(cpu[name])
    print(f"{name:17} {seconds:8.3f} s CPU  {seconds / floor:5.2f} x rg  peak {peak[name]:6.1f} MiB")
P
