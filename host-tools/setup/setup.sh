# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# The set-up: which stages a goal needs, and running those not yet done.

# name | lock | minutes on two cores | MB of disk | title
stage_table='
packages|packages|1.5|900|Install packages
test-packages|packages|0.5|300|Install packages of the tests
bench-packages|packages|0.1|20|Install packages of the bench
libs|build|0.3|20|Build the libraries and host tools
qemu-source|build|0.3|700|Fetch the source of QEMU
qemu|build|3.5|700|Build QEMU with the NIC
qtest|build|0.5|60|Build the NIC tests of QEMU
selftests|selftests|0.6|250|Compile the verifier tests of Linux
root|root|0.8|400|Make the guest image
buildroot|buildroot|0.7|800|Make the root that guest modules and tools are built in
kernel-7.2|buildroot|0.4|900|Fetch Linux 7.2
kernel-6.12|buildroot|0.4|700|Fetch Linux 6.12
module-7.2|buildroot|0.3|20|Build the drivers for Linux 7.2
module-6.12|buildroot|0.3|20|Build the drivers for Linux 6.12
tools-7.2|buildroot|0.3|20|Build the guest tools for Linux 7.2
tools-6.12|buildroot|0.3|20|Build the guest tools for Linux 6.12
'

# stage_key NAME
stage_key() {
	case $1 in
	kernel-*) echo "${key[kernel]}" ;;
	module-* | tools-*) echo "${key[module]}" ;;
	*) echo "${key[$1]}" ;;
	esac
}

# stages_for GOAL KERNEL... - the stages of a goal: run, bench, vm, or of tests: lint
# (packages alone; the unit tests have a build of their own), verifier or test
stages_for() {
	local goal=$1 series
	shift
	echo packages
	case $goal in test | verifier | lint) echo test-packages ;; esac
	[[ $goal != bench ]] || echo bench-packages
	case $goal in test | verifier) echo selftests ;; esac
	case $goal in verifier | lint) return 0 ;; esac
	echo libs
	case $goal in run | bench) return 0 ;; esac
	printf '%s\n' qemu-source qemu
	[[ $goal != test ]] || echo qtest
	printf '%s\n' root buildroot
	for series in "$@"; do
		printf '%s\n' "kernel-$series" "module-$series" "tools-$series"
	done
}

# packages_current NAME LIST - nothing was removed since the stamp was set
packages_current() {
	local stamp=$cache/stamps/$1.${key[$1]}
	[[ -e $stamp ]] || return 0
	if [[ /var/lib/dpkg/status -nt $stamp ]]; then
		if [[ -z $(packages_missing "$top/host-tools/setup/$2") ]]; then
			touch "$stamp"
		else
			rm -f "$stamp"
		fi
	fi
}

# stages_missing NAME... - those that are still to do
stages_missing() {
	local name
	for name in "$@"; do
		stage_done "$name" "$(stage_key "$name")" || echo "$name"
	done
}

# stage_facts FIELD NAME... - one field of the table for each stage
stage_facts() {
	local field=$1
	shift
	printf '%s\n' "$@" | awk -F'|' -v field="$field" -v table="$stage_table" '
		BEGIN { n = split(table, rows, "\n"); for (i = 1; i <= n; i++) { split(rows[i], c, "|"); value[c[1]] = c[field] } }
		{ print value[$1] }'
}

# setup_announce NAME... - what is ahead
setup_announce() {
	local minutes
	minutes=$(stage_facts 3 "$@" | awk '{ s += $1 } END { printf "%.0f", s < 1 ? 1 : s }')
	echo "Set-up: $# $( (($# == 1)) && echo stage || echo stages) to do, about $minutes min on two cores; cache: $cache"
}

# setup_confirm - ask before the first packages are installed
setup_confirm() {
	local missing answer
	mapfile -t missing < <(packages_missing "$top/host-tools/setup/packages-demo.list")
	[[ ${SLUICE_YES-} != 1 && -t 0 && ${#missing[@]} -gt 0 ]] || return 0
	echo "It installs with apt: ${missing[*]}"
	read -r -p "Go on? [Y/n] " answer
	[[ ${answer,,} != n* ]] || fail "nothing was installed" "./sluice setup --yes"
}

# setup_begin - the cache's folders and the keys of this checkout
setup_begin() {
	mkdir -p "$cache"/{stamps,lock,log,tmp,products,share}
	compute_keys
	packages_current packages packages-demo.list
	packages_current test-packages packages-test.list
	packages_current bench-packages packages-bench.list
	# What is in use is the last that prune takes.
	touch -c "$cache"/{products,share}/{"${key[libs]}","${key[qemu]}","${key[qtest]}","${key[module]}"}
}

# setup GOAL KERNEL... - bring everything the goal needs up to date
setup() {
	local names
	setup_begin
	mapfile -t names < <(stages_for "$@")
	setup_stages "${names[@]}"
}

# stages_before STAGE - what the stage builds on
stages_before() {
	case $1 in
	module-* | tools-*) printf '%s\n' buildroot "kernel-${1#*-}" ;;
	kernel-*) echo buildroot ;;
	qemu | qtest) echo qemu-source ;;
	esac
}

# setup_only STAGE - one stage with what it builds on, for whoever changes its
# sources all day
setup_only() {
	local names
	[[ $'\n'$stage_table == *$'\n'"$1|"* ]] ||
		fail "there is no stage '$1'; the stages are:$(awk -F'|' 'NF > 1 { printf " %s", $1 }' <<<"$stage_table")"
	setup_begin
	mapfile -t names < <(stages_before "$1")
	setup_stages "${names[@]}" "$1"
}

# setup_stages NAME... - run those that are still to do
setup_stages() {
	local missing number=0 name size
	mapfile -t missing < <(stages_missing "$@")
	((${#missing[@]})) || return 0
	platform_distribution
	size=$(stage_facts 4 "${missing[@]}" | awk '{ s += $1 } END { print s }')
	platform_disk "$size"
	platform_root
	setup_announce "${missing[@]}"
	setup_confirm
	for name in "${missing[@]}"; do
		number=$((number + 1))
		setup_stage "$number/${#missing[@]}" "$name"
	done
	prune
}

# setup_stage NUMBER NAME
setup_stage() {
	local command
	case $2 in
	packages) command=(packages_run "$top/host-tools/setup/packages-demo.list") ;;
	test-packages) command=(packages_run "$top/host-tools/setup/packages-test.list") ;;
	bench-packages) command=(packages_run "$top/host-tools/setup/packages-bench.list") ;;
	kernel-* | module-* | tools-*) command=("${2%%-*}_run" "${2#*-}") ;;
	*) command=("${2//-/_}_run") ;;
	esac
	stage_run "$1" "$2" "$(stage_key "$2")" "$(stage_facts 2 "$2")" "$(stage_facts 5 "$2")" "${command[@]}"
}

# prune - keep the twelve newest results of builds that change often
prune() {
	local kind old
	for kind in products share; do
		while IFS= read -r old; do
			rm -rf "${cache:?}/$kind/$old"
			rm -f "$cache"/stamps/*."$old"
		done < <(cd "$cache/$kind" 2>/dev/null && find . -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' |
			sort -rn | tail -n +13 | cut -d' ' -f2)
	done
}
