#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl finalize, and run --user-only.
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

# Has the region mapped; says its digest for every line that comes.
cat >"$TMP/reader.py" <<'END'
import hashlib, mmap, sys
region = mmap.mmap(3, 0)
other = mmap.mmap(3, 0, prot=mmap.PROT_READ)
print("ready", flush=True)
for line in sys.stdin:
    print(hashlib.sha256(region[:]).hexdigest(), flush=True)
END

# json EXPRESSION: of the JSON on standard input, as d.
json()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# fails SENTENCE ARGS...: umemctl ARGS says so on one line, with status 1.
fails()
{
	sentence=$1 status=0
	shift
	out=$(umemctl "$@" 2>&1 >/dev/null) || status=$?
	is "umemctl $*: exit status" "$status" 1
	like "umemctl $*: says why" "$out" "^umemctl: finalizing .*: $sentence"
}

run()
{
	umemctl run --size $SIZE --wait-policy hard \
		--provider "$(serve_source 7)" "$@"
}

mkfifo "$TMP/to" "$TMP/from"
umemctl run --size $SIZE --wait-policy hard --provider "$(serve_source 7)" -- \
	python3 "$TMP/reader.py" <"$TMP/to" >"$TMP/from" &
runner=$!
exec 6>"$TMP/to" 7<"$TMP/from"
read -r ready <&7
is "the reader runs" "$ready" ready
PID=$(pgrep -P $runner python3)
T=$PID:3

fails "some of it is missing yet; .* \(Device or resource busy\)$" finalize "$T"
is "its provider is there" "$(umemctl status -j "$T" | json 'd["provider_kind"]')" kernel
is "all of it is read" "$(sha256sum <"/proc/$PID/fd/3" | cut -d' ' -f1)" \
	"$(sha256sum <"$TMP/image" | cut -d' ' -f1)"
fails "there is no such process \(No such process\)$" finalize --pid 4194303 "$T"
fails "a thread of the kernel has no mappings" finalize --pid 2 "$T"
like "a process without it" "$(umemctl finalize --pid $$ "$T")" \
	"^$$ +[a-z_.0-9]+ +0 mappings$"
is "finalize -j" "$(umemctl finalize -j "$T" |
	json 'd["mappings"], [(p["pid"], p["comm"], p["mappings"]) for p in d["processes"]], d["processes_skipped"]')" \
	"(2, [($PID, 'python3', 2)], 0)"
is "nothing is left to do" "$(umemctl finalize "$T")" ""
is "-j of nothing" "$(umemctl finalize -j "$T" | json 'd["mappings"], d["processes"]')" "(0, [])"
like "a named one that is done" "$(umemctl finalize --pid "$PID" "$T")" \
	"^$PID +python3 +0 mappings$"
is "its provider is gone" "$(umemctl status -j "$T" | json 'd["provider_kind"]')" none
echo >&6
read -r digest <&7
is "the memory is what it was" "$digest" "$(sha256sum <"$TMP/image" | cut -d' ' -f1)"
like "list still finds it" "$(umemctl list)" "^$T +python3"
exec 6>&-
wait $runner

# A missing page of a mapping, for the kernel and for the program.
cat >"$TMP/touch.py" <<'END'
import mmap, os
region = mmap.mmap(3, 0)
try:
    os.write(1, memoryview(region)[8192:8200])
    print("served")
except OSError as e:
    print(e.strerror)
print(region[8192] == open(os.environ["IMAGE"], "rb").read()[8192])
END
export IMAGE="$TMP/image"
is "run --user-only" "$(run --user-only -- python3 "$TMP/touch.py" | tr '\n' ' ')" \
	"Bad address True "
is "status -j tells" "$(run --user-only -- umemctl status -j /proc/self/fd/3 |
	json 'd["flags"]')" "['user-only']"
like "status tells" "$(run --user-only -- umemctl status /proc/self/fd/3)" \
	'^flags +user-only$'
is "without it" "$(run -- umemctl status -j /proc/self/fd/3 | json 'd["flags"]')" "[]"
