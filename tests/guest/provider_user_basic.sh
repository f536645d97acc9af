#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-provider: every byte, by pread and by mmap, from one thread and from many;
# what it copies is counted; how it begins and ends.
#
# timeout: 300
# needs: rxe umem

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider region_exec python3

serve_image "$TMP/image" 2048
serve 7="$TMP/image"
S=$(serve_source 7)
SIZE=$((2048 * 4096))
WANTED=$(sha256sum <"$TMP/image" | cut -d' ' -f1)

# Digest of the region by mmap: eight threads, each granule by two of them.
cat >"$TMP/threads.py" <<'END'
import hashlib, mmap, random, threading
region = mmap.mmap(3, 0)
def touch(seed):
    order = list(range(0, len(region), 4096))
    random.Random(seed).shuffle(order)
    for at in order[:len(order) // 4 * (1 + seed % 4)]:
        region[at]
threads = [threading.Thread(target=touch, args=(n // 2,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(hashlib.sha256(region).hexdigest())
END

# region CMD...: in a region of its own, descriptor 3, with $T as its target.
region()
{
	region_exec "$SIZE" hard sh -c 'T=$$:3; export T; eval "$1"' sh "$1"
}

# ready_provider ARG...: starts umem-provider and waits; provider=pid, or fails.
cat >"$TMP/start" <<'END'
rm -f "$TMP/ready.$$"
mkfifo "$TMP/ready.$$"
ready_provider()
{
	# Without descriptor 3: a copy of the region would keep it alive.
	umem-provider --ready-fd 9 "$@" 9>"$TMP/ready.$$" >>"$TMP/provider.log" 2>&1 3<&- &
	provider=$!
	[ "$(head -c 1 "$TMP/ready.$$")" = 1 ]
}
END
export TMP S SERVE_ADDR

is "by pread" "$(region '. $TMP/start; ready_provider $T $S && sha256sum <&3; kill $provider' |
	cut -d' ' -f1)" "$WANTED"
is "by mmap, 8 threads" "$(region ". \$TMP/start
	ready_provider \$T \$S && python3 $TMP/threads.py; kill \$provider")" "$WANTED"
is "with --poll" "$(region '. $TMP/start; ready_provider --poll $T $S && sha256sum <&3; kill $provider' |
	cut -d' ' -f1)" "$WANTED"
is "one READ at a time" "$(region '. $TMP/start
	ready_provider --reads-inflight 1 $T $S && head -c 1048576 <&3; kill $provider' | sha256sum)" \
	"$(head -c 1048576 "$TMP/image" | sha256sum)"
is "through a channel that it inherits" "$(region_exec -c $SIZE hard sh -c '. $TMP/start
	ready_provider fd:4 $S && exec 4>&- && sha256sum <&3; kill $provider' | cut -d' ' -f1)" "$WANTED"
is "by a path" "$(region '. $TMP/start; ready_provider /proc/$$/fd/3 $S && sha256sum <&3; kill $provider' |
	cut -d' ' -f1)" "$WANTED"

status=$(region '. $TMP/start; ready_provider $T $S && head -c 1048576 <&3 >/dev/null
	umemctl status -j $T; kill $provider')
is "what it copies is counted" "$(echo "$status" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["bytes_copied"] >= 1048576, d["bytes_copied"] == 4096 * d["granules_provided"],
      d["bytes_direct"], d["provider_kind"])')" "True True 0 user"

is "SIGTERM: exit status 0" "$(region '. $TMP/start; ready_provider $T $S
	kill $provider; wait $provider; echo $?')" 0
is "SIGTERM: the region is without provider" "$(region '. $TMP/start; ready_provider $T $S
	kill $provider; wait $provider; umemctl status $T' | sed -n 's/^provider  *//p')" none
is "detached: exit status 0" "$(region '. $TMP/start; ready_provider $T $S
	umemctl detach-provider $T; wait $provider; echo $?')" 0
is "replaced: the old one exits with 0" "$(region '. $TMP/start; ready_provider $T $S
	old=$provider; ready_provider --replace $T $S; wait $old; echo $?; kill $provider')" 0
is "replaced: the new one provides" "$(region '. $TMP/start; ready_provider $T $S
	ready_provider --replace $T $S; sha256sum <&3; kill $provider' | cut -d' ' -f1)" "$WANTED"
is "a second one is refused" "$(region '. $TMP/start; ready_provider $T $S; first=$provider
	ready_provider $T $S || echo refused; wait $provider; echo $?; kill $first' | tr '\n' ' ')" "refused 1 "
like "and says why" "$(tail -n 1 "$TMP/provider.log")" 'opening a channel to .* \(Device or resource busy\)$'
like "the log tells of no key" "$(cat "$TMP/provider.log")" 'not authenticated \(no pre-shared key\)'

# The region goes with its program.
region '. $TMP/start; ready_provider $T $S; echo $provider' >"$TMP/pid"
check "the region is gone: it ends" wait_until 20 test ! -e "/proc/$(cat "$TMP/pid")"

SIZE=$((SIZE + 4096))
is "a region larger than the export is refused" "$(region '. $TMP/start
	ready_provider $T $S || echo refused; wait $provider; echo $?' | tr '\n' ' ')" "refused 1 "
like "and says by how much" "$(tail -n 1 "$TMP/provider.log")" \
	'the region has 8392704 bytes, the export only 8388608'
is "no server: refused" "$(region '. $TMP/start
	ready_provider $T rdma://$SERVE_ADDR:7479/7 || echo refused; wait $provider; echo $?' |
	tr '\n' ' ')" "refused 1 "
kill "$serve_pid"
[ $umem_failed = 0 ] || diag "$(cat "$TMP/provider.log")"
