# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # here is of tests/vm/kernel
#
# The 6.12 of bookworm-backports.  Built with Debian 12's own compiler.

# shellcheck source=tests/vm/archive.sh
. "$here/archive.sh"

recipe_version()
{
	archive_version bookworm-backports '6\.12\.[0-9]+\+deb12(\.[0-9]+)?'
}

recipe_kdir()
{
	archive_kdir "$1"
}

recipe_image()
{
	local version=$1 dir=$2

	archive_fetch bookworm-backports "$version" "$dir" \
		"linux-image-$version-unsigned"
	mv "$dir/boot/vmlinuz-$version" "$dir/boot/vmlinuz"
}
