# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# `./sluice test`: every level leaves TAP files (testanything.org) in one folder,
# and tally.py sums them into the last line.

test_levels=(unit model conformance verifier jit fuzz qtest guest pvsched lint)

# test_dir - results and the sanitized build of this checkout
test_dir() {
	echo "$cache/test/$(hash_text "$top")"
}

# tap_run NAME SECONDS COMMAND... - COMMAND's TAP into NAME.tap; an end that its
# TAP does not explain (a crash, a timeout) is a failure of its own
tap_run() {
	local name=$1 limit=$2 results rc=0 why
	shift 2
	results=$(test_dir)/results
	echo "== $name"
	timeout --kill-after=10 "$limit" "$@" >"$results/$name.tap" 2>"$results/$name.log" </dev/null || rc=$?
	cat "$results/$name.log" >&2
	why="ended with status $rc"
	((rc != 124)) || why="took longer than $limit s"
	if ((rc != 0)) && ! grep -q '^not ok' "$results/$name.tap"; then
		echo "not ok - $name $why" >>"$results/$name.tap"
	fi
}

# --- unit, model, conformance, verifier, jit, fuzz: meson ----------------

# test_meson LEVEL... - the libraries' tests with address and undefined-behaviour sanitizers
test_meson() {
	local build suites=("${@/#/--suite=}") results
	build=$(test_dir)/asan
	results=$(test_dir)/results
	echo "== building the libraries and their tests with sanitizers"
	if ! test_meson_build "$build" >"$results/build.log" 2>&1; then
		tail -n 30 "$results/build.log"
		echo "not ok - the libraries and their tests build" >"$results/build.tap"
		return 0
	fi
	for level in "$@"; do
		echo "== $level"
	done
	rm -f "$build/meson-logs/testlog.json"
	# The exit status says only what the log says test by test.
	ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C "$build" --no-rebuild --timeout-multiplier 10 "${suites[@]}" >"$results/meson.log" 2>&1 || true
	python3 "$lib/meson_tap.py" "$build/meson-logs/testlog.json" "$results"
	test_meson_complete "$build" "${suites[@]}" >"$results/meson.tap"
}

# test_meson_complete BUILD SUITE... - a case that fails if meson did not run each test to its end
test_meson_complete() {
	local build=$1 expected ran
	shift
	expected=$(meson test -C "$build" --no-rebuild --list "$@" 2>/dev/null | grep -c '^sluice:' || true)
	ran=$(grep -c . "$build/meson-logs/testlog.json" 2>/dev/null || true)
	if [[ -n $ran && $ran -ge $expected && $expected -gt 0 ]]; then
		echo "ok - every test was run"
	else
		echo "not ok - every test was run: ${ran:-0} of $expected, see meson.log"
	fi
}

test_meson_setup() {
	local build=$1
	if [[ ! -e $build/build.ninja ]]; then
		rm -rf "$build"
		meson setup "$build" "$top" -Db_sanitize=address,undefined -Db_lundef=false \
			-Dtests=enabled --buildtype=debugoptimized
	fi
}

test_meson_build() {
	local build=$1
	test_meson_setup "$build"
	ninja -C "$build" -j"$(jobs_count)"
}

# --- qtest, guest --------------------------------------------------------

test_qtest() {
	local program
	for program in "$SLUICE_QTEST"/*; do
		QTEST_QEMU_BINARY=$SLUICE_QEMU tap_run "qtest-$(basename "$program")" 900 "$program" --tap -k
	done
}

test_guest() {
	local series
	for series in "${all_series[@]}"; do
		tap_run "guest-$series" 1800 python3 "$top/tests/guest/run.py" --kernel "$series" ${long:+--long}
	done
}

# test_pvsched - the channel from end to end in a guest of Linux 7.2, and a short experiment
test_pvsched() {
	local build
	build=$(test_dir)/asan
	# What the guest runs of the unit tests, where these were not asked for. One that is not built is
	# missed there.
	test_meson_setup "$build" >/dev/null
	rm -f "$build/tests/unit/pvs/test_pvs_scx"
	ninja -C "$build" -j"$(jobs_count)" tests/unit/pvs/test_pvs_scx tests/unit/pvs/live.bpf.o \
		tests/unit/pvs/live_hint_only.bpf.o >/dev/null || true
	export SLUICE_PVS_TESTS=$build/tests/unit/pvs
	tap_run pvsched 500 python3 "$top/tests/guest/run_pvsched.py"
}

# --- lint ----------------------------------------------------------------

# lint TITLE COMMAND... - one result line
lint() {
	local title=$1 results output
	shift
	results=$(test_dir)/results
	if output=$("$@" 2>&1); then
		echo "ok - $title"
	else
		echo "not ok - $title"
		sed 's/^/# /' <<<"$output" | tee "$results/lint.log"
	fi
}

# lint_files PATTERN... - sources of ours with these names, NUL-separated
lint_files() {
	git -C "$top" ls-files -z --cached --others --exclude-standard -- "$@"
}

lint_format() {
	(cd "$top" && lint_files '*.c' '*.h' | xargs -0r clang-format-19 --dry-run -Werror)
}

lint_cppcheck() {
	(cd "$top" && cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=checkersReport \
		-j "$(jobs_count)" -I include -I bpf-engine/include -I nic-model/include -I firmware/include \
		-I paravirt-sched/include -I paravirt-sched bpf-engine nic-model firmware paravirt-sched host-tools)
}

lint_shell() {
	(cd "$top" && shellcheck -x sluice guest-tools/image/files/usr/sbin/* && shellcheck -s dash guest-tools/image/initramfs-init)
}

lint_python() {
	local file
	(cd "$top" && lint_files '*.py' | while IFS= read -r -d '' file; do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file"
	done)
}

# lint_spdx - a licence line in every source file
lint_spdx() {
	local without
	without=$(cd "$top" && lint_files '*.c' '*.h' '*.sh' '*.py' '*.mak' '*meson.build' '*Kconfig' sluice |
		xargs -0r grep -L SPDX-License-Identifier || true)
	[[ -z $without ]] || {
		printf 'without SPDX-License-Identifier: %s\n' "$without"
		return 1
	}
}

test_lint() {
	echo "== lint"
	{
		echo "TAP version 13"
		lint "C is formatted as .clang-format says" lint_format
		lint "cppcheck finds nothing" lint_cppcheck
		lint "shellcheck finds nothing" lint_shell
		lint "Python parses" lint_python
		lint "every source names its licence" lint_spdx
		echo "1..5"
	} >"$(test_dir)/results/lint.tap"
}

# --- all -----------------------------------------------------------------

# test_setup LEVEL... - the set-up that these levels need
test_setup() {
	local goal=lint
	if [[ " $* " == *" qtest "* || " $* " == *" guest "* || " $* " == *" pvsched "* ]]; then
		goal=test
	elif [[ " $* " == *" verifier "* ]]; then
		goal=verifier
	fi
	setup "$goal" "${all_series[@]}"
}

# test_wanted LEVEL... - is any of these among $levels
test_wanted() {
	local level
	wanted=()
	for level in "$@"; do
		if [[ " ${levels[*]} " == *" $level "* ]]; then
			wanted+=("$level")
		fi
	done
	((${#wanted[@]}))
}

# test_main [LEVEL...] [--long] - tests find SLUICE_LONG=1 in their environment for campaigns
test_main() {
	local levels=() wanted=() long='' results word fd
	for word in "$@"; do
		case " --long ${test_levels[*]} " in
		*" $word "*) if [[ $word == --long ]]; then long=1; else levels+=("$word"); fi ;;
		*) usage_error "test does not know '$word'; the levels are: ${test_levels[*]}" ;;
		esac
	done
	((${#levels[@]})) || levels=("${test_levels[@]}")
	test_setup "${levels[@]}"
	export_keys
	eval "$(env_shell 7.2)"
	export SLUICE_LONG=$long
	results=$(test_dir)/results
	mkdir -p "$results"
	exec {fd}>"$(test_dir)/lock"
	flock -n "$fd" || fail "another ./sluice test of this checkout is running" "wait for it, or test another clone"
	rm -rf "$results"
	mkdir -p "$results"
	if test_wanted unit model conformance verifier jit fuzz; then test_meson "${wanted[@]}"; fi
	if test_wanted qtest; then test_qtest; fi
	if test_wanted guest; then test_guest; fi
	if test_wanted pvsched; then test_pvsched; fi
	if test_wanted lint; then test_lint; fi
	exec python3 "$lib/tally.py" "$results"
}
