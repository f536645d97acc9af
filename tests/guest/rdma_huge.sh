#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Granules of 2 MiB over RDMA, with the provider in the kernel and with the one
# in userspace: every byte, of huge pages and of scattered small ones, where a
# granule takes many READs; and what is left of them when the server dies.
#
# timeout: 600
# needs: rxe umem_rdma swap=256M mem=2G

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider region_verify python3

SHMEM=/sys/kernel/mm/transparent_hugepage/shmem_enabled
MB=8
[ -z "${UMEM_DEBUG_KERNEL-}" ] || MB=4
PAGES=$((MB * 256))
SIZE=$((MB << 20))
serve_image "$TMP/image" $PAGES
serve 7="$TMP/image"
S=$(serve_source 7)

# run [umemctl's options] -- CMD...
run()
{
	umemctl run --size $SIZE --huge --wait-policy hard --provider "$S" "$@"
}

# verify DESCRIPTION WAY [OPTIONS]
verify()
{
	verify_what=$1 verify_way=$2
	shift 2
	check "$verify_what: $verify_way" \
		run "$@" -- region_verify "$verify_way" {} "$TMP/image"
}

# counts [OPTIONS]: granules provided, bytes copied, bytes direct, requests,
# kilobytes mapped as huge pages, after every byte was read.
counts()
{
	run "$@" -- python3 -c 'import json, mmap, os, re, subprocess
m = mmap.mmap(3, os.fstat(3).st_size)
sum(m[i] for i in range(0, len(m), 4096))
d = json.loads(subprocess.run(["umemctl", "status", "-j", "/proc/self/fd/3"],
    pass_fds=[3], capture_output=True).stdout)
huge = sum(int(n) for n in re.findall(r"ShmemPmdMapped: *(\d+)",
    open("/proc/self/smaps").read()))
print(d["granules_provided"], d["bytes_copied"], d["bytes_direct"],
      d["requests"], huge)'
}

# ---- Every byte, of whatever pages

[ -e $SHMEM ] || skip_all "no huge pages for shmem"
ways="mmap pread apart fork write swap"
[ -z "${UMEM_DEBUG_KERNEL-}" ] || ways="mmap same write"
for way in $ways; do
	verify kernel "$way"
done
for way in mmap write; do
	verify user "$way" --user
done

is "kernel: huge pages, nothing copied" "$(counts)" \
	"$((MB / 2)) 0 $SIZE $((MB / 2)) $((MB * 1024))"
is "user: huge pages" "$(counts --user)" \
	"$((MB / 2)) $SIZE 0 $((MB / 2)) $((MB * 1024))"

was=$(sed 's/.*\[\(.*\)\].*/\1/' $SHMEM)
echo deny >$SHMEM
verify "kernel, small pages" mmap
verify "kernel, small pages, one READ at a time" same --reads-inflight 1
verify "user, small pages" mmap --user
is "kernel: small pages, nothing copied" "$(counts)" \
	"$((MB / 2)) 0 $SIZE $((MB / 2)) 0"

# ---- The server dies while many READs of a granule are open

# Touches half of the granules at once, kills the server when some have come, touches
# the others, which therefore wait for another server, then reads all.
cat >"$TMP/reader.py" <<'END'
import hashlib, os, sys, threading, time
some, server, new, pid = sys.argv[1:]
size = os.fstat(3).st_size
come = []
def touch(at):
    os.pread(3, 1, at)
    come.append(at)
threads = [threading.Thread(target=touch, args=(at,))
           for at in range(0, size, 2 << 20)]
half = len(threads) // 2
for t in threads[:half]: t.start()
while len(come) < int(some): time.sleep(0.0001)
os.kill(int(server), 9)
for t in threads[half:]: t.start()
with open(new, "w") as f:
    f.write(str(os.getpid()))
os.rename(new, pid)
for t in threads: t.join()
print(hashlib.sha256(os.pread(3, size, 0)).hexdigest())
END

# field NAME: of the reader's region.
field()
{
	umemctl status -j "$target" | python3 -c 'import json, sys
print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

has_no_provider()
{
	[ "$(field provider_kind)" = none ] && [ "$(field requests_issued)" = 0 ]
}

LARGE_PAGES=$((4 * PAGES))
serve_image "$TMP/large" $LARGE_PAGES
wanted=$(sha256sum <"$TMP/large")
for some in 0 1 4; do
	kill -9 "$serve_pid"
	wait "$serve_pid" 2>/dev/null
	serve 8="$TMP/large"
	rm -f "$TMP/pid"
	umemctl run --size $((4 * SIZE)) --huge --wait-policy hard \
		--provider "$(serve_source 8)" -- \
		python3 "$TMP/reader.py" $some "$serve_pid" "$TMP/new" \
		"$TMP/pid" >"$TMP/digest" &
	reader=$!
	wait_until 60 test -e "$TMP/pid" || die "the reader gets nothing"
	target=$(cat "$TMP/pid"):3
	check "after $some granules: the server is missed" wait_until 60 has_no_provider
	diag "$(field granules_provided) granules had come," \
		"$(field requests_queued) requests wait"
	wait "$serve_pid" 2>/dev/null
	serve 8="$TMP/large"
	check "another server" umemctl attach-provider "$target" \
		"$(serve_source 8)"
	wait $reader
	is "every byte" "$(cat "$TMP/digest")" "${wanted%% *}"
done
echo "$was" >$SHMEM
