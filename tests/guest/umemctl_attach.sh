#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# status, list, detach-provider, attach-provider of a region in use, in both
# kinds, each after each.
#
# timeout: 500
# needs: rxe umem umem_rdma

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider python3

PAGES=64
SIZE=$((PAGES * 4096))
serve_image "$TMP/image" $PAGES
serve 7="$TMP/image"
S=$(serve_source 7)

# Reads page N of the region for every line "N", and says its digest.
cat >"$TMP/reader.py" <<'END'
import hashlib, mmap, sys
region = mmap.mmap(3, 0)
print("ready", flush=True)
for line in sys.stdin:
    n = int(line) * 4096
    print(hashlib.sha256(region[n:n + 4096]).hexdigest(), flush=True)
END

# json EXPRESSION: of the JSON on standard input, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

status()
{
	umemctl status -j "$T" | json "$1"
}

# read_page N DESCRIPTION: through the reader, against the image.
read_page()
{
	echo "$1" >&6
	read -r digest <&7
	is "$2" "$digest" "$(dd if="$TMP/image" bs=4096 skip="$1" count=1 \
		2>/dev/null | sha256sum | cut -d' ' -f1)"
}

mkfifo "$TMP/to" "$TMP/from"
umemctl run --size $SIZE --wait-policy hard --provider "$S" -- \
	python3 "$TMP/reader.py" <"$TMP/to" >"$TMP/from" &
exec 6>"$TMP/to" 7<"$TMP/from"
read -r ready <&7
is "the reader runs" "$ready" ready
T=$(pgrep -P $! python3):3

read_page 0 "page 0 by the kernel's provider"
is "status -j: sizes" "$(status 'd["size"], d["granules"], d["granule"]')" \
	"($SIZE, $PAGES, 4096)"
is "status -j: provider" "$(status 'd["provider_kind"], d["provider"]')" \
	"('kernel', '$S')"
is "status -j: wait policy" "$(status 'd["wait_policy"], d["timeout_ms"]')" "('hard', 0)"
is "status -j: limits" "$(status 'd["max_inflight"], d["max_data"]')" "(256, 65536)"
is "status -j: nothing copied" "$(status 'd["bytes_copied"]')" 0
is "status -j: bytes direct" \
	"$(status 'd["bytes_direct"] == d["granules_provided"] * 4096 > 0')" True
is "status by path" "$(umemctl status -j "/proc/${T%:3}/fd/3" | json 'd["size"]')" $SIZE
ln -s "/proc/${T%:3}/fd/3" "$TMP/link"
is "status by symbolic link" "$(umemctl status -j "$TMP/link" | json 'd["size"]')" $SIZE
like "status for people: size" "$(umemctl status "$T")" \
	'^size +256 KiB \(262144 bytes\), 64 granules of 4 KiB$'
like "status for people: provider" "$(umemctl status "$T")" "^provider +kernel $S$"
like "status for people: provided" "$(umemctl status "$T")" '^provided +[0-9.]+%'

like "list shows it" "$(umemctl list)" "^$T +python3 +[0-9]+ +256 KiB +[0-9.]+% +hard +kernel $S$"
is "list -j" "$(umemctl list -j | json \
	'[(r["pid"], r["fd"], r["comm"], r["size"], r["mapped_only"]) for r in d["regions"] if r["fd"] == 3]')" \
	"[(${T%:3}, 3, 'python3', $SIZE, False)]"

# Each kind after each, by detach and by replacement.
page=1
for kind in "" --user --user "" ""; do
	what=${kind:-kernel}
	wanted=$(echo "${kind:---kernel}" | sed 's/^--//')
	check "detach before $what" umemctl detach-provider "$T"
	is "detached" "$(status 'd["provider_kind"]')" none
	# shellcheck disable=SC2086 # $kind is empty or a word
	check "attach $what" umemctl attach-provider $kind "$T" "$S"
	is "attached: $what" "$(status 'd["provider_kind"]')" "$wanted"
	read_page $page "page $page by $what"
	page=$((page + 1))
done
for kind in --user --user "" "" --user; do
	what=${kind:-kernel}
	wanted=$(echo "${kind:---kernel}" | sed 's/^--//')
	# shellcheck disable=SC2086
	check "replace by $what" umemctl attach-provider --replace $kind "$T" "$S"
	is "replaced: $what" "$(status 'd["provider_kind"]')" "$wanted"
	read_page $page "page $page by $what"
	page=$((page + 1))
done

# A fault that waits while nobody provides.
check "detach" umemctl detach-provider "$T"
echo $((PAGES - 1)) >&6
queued()
{
	[ "$(status 'd["requests_queued"]')" -gt 0 ]
}
check "a touch waits" wait_until 30 queued
check "attach to a waiting touch" umemctl attach-provider "$T" "$S"
read -r digest <&7
is "the touch is answered" "$digest" \
	"$(tail -c 4096 "$TMP/image" | sha256sum | cut -d' ' -f1)"

# A region that lives by a mapping only.
python3 - "$T" <<'END' >"$TMP/mapper" &
import mmap, os, sys, time
pid, fd = sys.argv[1].split(":")
f = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap(None, ctypes.c_size_t(4096), 1, 1, f, ctypes.c_long(0))
os.close(f)
print("mapped", flush=True)
time.sleep(1000)
END
mapper=$!
wait_until 30 grep -q mapped "$TMP/mapper" || die "nothing is mapped"
like "list shows who has it only mapped" "$(umemctl list)" "^$mapper +python3 +- mapped"
kill $mapper

# The daemon keeps nothing of ours; what it says later is for the system's log.
python3 - >"$TMP/syslog" <<'END' &
import os, socket, sys
try:
    os.unlink("/dev/log")
except FileNotFoundError:
    pass
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
print("bound", flush=True)
while True:
    print(log.recv(1000).decode().strip(), flush=True)
END
syslog=$!
wait_until 30 grep -q bound "$TMP/syslog" || die "no /dev/log"
check "replace by user" umemctl attach-provider --replace --user "$T" "$S"
is "the daemon has no file of ours open" \
	"$(find "/proc/$(pgrep -x umem-provider)/fd" -lname "$TMP*" -o -lname '/umem*')" ""
is "the daemon has a session of its own" \
	"$(ps -o sid= -C umem-provider | tr -d ' ')" "$(pgrep -x umem-provider)"
kill "$serve_pid"
check "that the server is lost goes to the system's log" \
	wait_until 30 grep -q '^umem-provider: .*rdma://' "$TMP/syslog" ||
	diag "$(cat "$TMP/syslog")"
no_provider()
{
	[ "$(status 'd["provider_kind"]')" = none ]
}
check "and leaves the region without a provider" wait_until 30 no_provider
kill $syslog
rm -f /dev/log

exec 6>&-
none()
{
	[ -z "$(umemctl list)" ] && ! pgrep -x umem-provider
}
check "everything ends with the region" wait_until 30 none
