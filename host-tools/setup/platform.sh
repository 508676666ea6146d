# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# What must hold before set-up begins, each refusal with what mends it.

platform_distribution() {
	local ID=unknown VERSION_ID=0 PRETTY_NAME=unknown
	[[ $(uname -m) == x86_64 ]] ||
		fail "set-up is for x86-64 machines; this one is $(uname -m)" "run it on an x86-64 machine"
	[[ ! -r /etc/os-release ]] || . /etc/os-release
	if ! have apt-get || ! have dpkg; then
		fail "$PRETTY_NAME has no apt; set-up is for Debian 12 and 13" "run it in a Debian 13 machine or container"
	fi
	case $ID:${VERSION_ID%%.*} in
	debian:12 | debian:13) ;;
	ubuntu:2[4-9]) echo "sluice: $PRETTY_NAME: set-up is tried on Debian 12 and 13; this may need your help" >&2 ;;
	debian:[0-9]* | ubuntu:[0-9]*)
		fail "$PRETTY_NAME is not supported; set-up is for Debian 12 and 13" "run it in a Debian 13 machine or container" ;;
	*) echo "sluice: $PRETTY_NAME is unknown here; trying as if it were Debian" >&2 ;;
	esac
}

# platform_disk MEGABYTES - room for what is still to be built
platform_disk() {
	local free
	free=$(df --output=avail -BM "$cache" | tail -n1 | tr -dc 0-9)
	((free >= $1)) ||
		fail "$cache has $free MB free, set-up needs $1 MB" "SLUICE_CACHE=/a/larger/disk ./sluice setup"
}

# platform_root - installing packages and making the guest's root need root once
platform_root() {
	((EUID != 0)) || return 0
	have sudo || fail "set-up installs packages, which needs root, and there is no sudo" "su -c './sluice setup'"
	if ! sudo -n true 2>/dev/null; then
		[[ -t 0 ]] || fail "sudo asks for a password and there is no terminal to ask on" "sudo ./sluice setup, or allow sudo without a password"
		echo "Set-up installs packages and makes a Debian root with sudo:"
		sudo -v || fail "sudo refused" "su -c './sluice setup'"
	fi
}
