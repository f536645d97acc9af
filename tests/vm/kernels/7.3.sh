# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # here and cache are of tests/vm/kernel
#
# The 7.3 of trixie-backports.  Its headers come with programs that need trixie's
# C library, so modules are built in a small trixie of its own, in the cache.

# shellcheck source=tests/vm/archive.sh
. "$here/archive.sh"

# What linux-headers and linux-kbuild depend on; sparse is for make lint.
tools_packages=gcc-14,make,kmod,xz-utils,pahole,libelf1t64,libssl3t64,sparse

recipe_version()
{
	archive_version trixie-backports '7\.3\.[0-9]+\+deb13(\.[0-9]+)?'
}

recipe_kdir()
{
	archive_kdir "$1"
}

recipe_image()
{
	local version=$1 dir=$2

	archive_fetch trixie-backports "$version" "$dir" \
		"linux-base-$version" "linux-binary-$version" "linux-modules-$version"
	mkdir -p "$dir/boot"
	mv "$dir/usr/lib/modules/$version/vmlinuz" "$dir/boot/vmlinuz"
}

# What the modules' make may read or write: the checkout with its links, the
# build directory, the headers.
recipe_make()
{
	local root

	root=$(tools_root)
	exec "$here/chroot" "$root" "$here/../.." "${UMEM_BUILD:-$here/../../build}" \
		"$cache/kernels" -- make "$@"
}

# The name has the packages in it, so another list is another root.
tools_root()
{
	local key final temp lock log

	key=$(echo "$tools_packages" | sha256sum | cut -c 1-8)
	final=$cache/roots/trixie-$key temp=$cache/roots/.new-trixie-$key
	if [ ! -d "$final" ]; then
		mkdir -p "$cache/roots"
		exec {lock}>"$cache/roots/.lock-trixie"
		flock "$lock"
		[ -d "$final" ] || tools_make "$temp" "$final"
		exec {lock}>&-
	fi
	printf '%s\n' "$final"
}

tools_make()
{
	local temp=$1 final=$2 mirror proxy='' log=$cache/roots/trixie.log

	[ "$(id -u)" = 0 ] ||
		die "modules for 7.3 are built in a root directory of Debian trixie, which only root can make; run: sudo tests/vm/kernel 7.3"
	"$here/deps" root >&2 || die "no tools to make a root directory with"
	mirror=$(archive_mirror)
	# debootstrap does not read apt's configuration.
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	echo "umem: making a root directory of Debian trixie in $final" >&2
	rm -rf --one-file-system "$temp"
	# shellcheck disable=SC2064 # expand now: temp is local
	trap "rm -rf --one-file-system '$temp'" EXIT
	# What it mounts goes with the name space, however it ends.
	${proxy:+env http_proxy="$proxy"} unshare --mount --propagation private \
		--pid --fork --kill-child \
		debootstrap --variant=minbase --keyring="$keyring" \
		--include="$tools_packages" trixie "$temp" "$mirror" \
		</dev/null >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		die "debootstrap failed, see above and $log"
	}
	rm -f "$temp"/var/cache/apt/archives/*.deb "$temp"/var/lib/apt/lists/*_*
	mv -T "$temp" "$final" || die "cannot rename $temp to $final"
	trap - EXIT
}
