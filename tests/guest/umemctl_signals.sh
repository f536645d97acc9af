#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl run passes signals on, stops and continues with its program, and dies
# of nothing but the program's end.
#
# timeout: 500
# needs: rxe umem umem_rdma

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider python3

serve_image "$TMP/image" 4
serve 7="$TMP/image"

cat >"$TMP/child.py" <<'END'
import signal
NAMES = "INT TERM HUP QUIT USR1 USR2 WINCH CONT TSTP".split()
SIGNALS = [getattr(signal, "SIG" + name) for name in NAMES]
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
print("ready", flush=True)
while True:
    got = signal.sigwait(SIGNALS)
    print(signal.Signals(got).name, flush=True)
    if got == signal.SIGTERM:
        raise SystemExit(9)
END

cat >"$TMP/passed.py" <<'END'
"""Each signal once, to umemctl alone; it is a session leader without terminal."""
import os, signal, subprocess, sys
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True,
                     start_new_session=True)
assert p.stdout.readline() == "ready\n"
for name in "INT HUP QUIT USR1 USR2 WINCH CONT TSTP TERM".split():
    os.kill(p.pid, getattr(signal, "SIG" + name))
    print(p.stdout.readline().strip(), end=" ")
print(p.wait())
END

cat >"$TMP/stopped.py" <<'END'
"""TSTP stops program and umemctl, CONT continues both, TERM ends both."""
import os, signal, subprocess, sys, time
def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]
def wait_for(wanted):
    for _ in range(300):
        states = state(p.pid) + state(child)
        if all(s in wanted for s in states):
            return states
        time.sleep(0.1)
    return states + "?"
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True,
                     process_group=0)
child = int(p.stdout.readline())
os.kill(p.pid, signal.SIGTSTP)
print(wait_for("T"), end=" ")
os.kill(p.pid, signal.SIGCONT)
print(wait_for("SR").replace("R", "S"), end=" ")
os.kill(p.pid, signal.SIGTERM)
print(p.wait())
END

cat >"$TMP/terminal.py" <<'END'
"""Ctrl-C at a terminal reaches the program once, not twice."""
import os, pty, sys, time
pid, master = pty.fork()
if not pid:
    os.execvp(sys.argv[1], sys.argv[1:])
def read_until(text):
    data = b""
    while text not in data:
        data += os.read(master, 1000)
    return data
read_until(b"ready")
os.write(master, b"\x03")
read_until(b"SIGINT")
time.sleep(2)
os.write(master, b"\x1c")
data = read_until(b"SIGQUIT")
os.kill(pid, 15)
read_until(b"SIGTERM")
print(data.count(b"SIGINT"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

for kind in "" --user; do
	name=${kind:-kernel}
	# shellcheck disable=SC2206 # $kind is empty or a word
	run=(umemctl run --size 16K --wait-policy hard $kind
	     --provider "$(serve_source 7)" --)
	is "$name: every signal arrives once" \
		"$(python3 "$TMP/passed.py" "${run[@]}" python3 "$TMP/child.py")" \
		"SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH SIGCONT SIGTSTP SIGTERM 9"
	# shellcheck disable=SC2016 # for the inner shell
	is "$name: stop, continue, end" \
		"$(python3 "$TMP/stopped.py" "${run[@]}" sh -c 'echo $$; exec sleep 100')" \
		"TT SS 143"
	is "$name: Ctrl-C reaches the program once" \
		"$(python3 "$TMP/terminal.py" "${run[@]}" python3 "$TMP/child.py")" "0 9"
done
