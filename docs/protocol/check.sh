#!/usr/bin/env bash
# Checks the model of the protocol with Spin: as it is it must hold, and with any rule left out it must fail, by the promise named here.
#
#   check.sh           everything
#   check.sh --quick   without the largest worlds
#   check.sh --trace FLAGS...   one variant; prints the steps that lead to the broken promise
#
# Needs spin and gcc (Debian: apt-get install spin gcc); where they are missing nothing is checked, which is said. Works in a
# directory of its own, and leaves nothing behind. At most 4 GB of memory, two processes at a time.
set -u
model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/invoice-lock.pml
missing=""
for tool in spin gcc; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
if [ -n "$missing" ]; then
    echo "not checked: the model needs$missing (Debian: apt-get install spin gcc)"
    exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 2

# build OPTIMISE FLAGS...: the verifier of one variant, with the memory that it may take
build() {
    local optimise=$1
    shift
    spin -a "$@" "$model" >spin.log 2>&1 && gcc -w "$optimise" -DSAFETY -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c >gcc.log 2>&1
}

# verdict WHAT EXPECTED FLAGS...: one line of the table. EXPECTED is "holds", or the name of the promise that breaks.
verdict() {
    local what=$1 expected=$2 optimise=-O0 observed states
    shift 2
    mkdir "$$" && cd "$$" || exit 2
    [ "$expected" != holds ] || optimise=-O1
    if ! build "$optimise" "$@"; then
        observed="not built"
        cat spin.log gcc.log
    else
        timeout 280 ./pan -m1000000 -w20 >pan.log 2>&1
        if grep -q 'assertion violated' pan.log; then
            observed=$(sed -n 's/.*assertion violated *!(*\([a-z_]*\).*/\1/p' pan.log | head -1)
        elif grep -q 'pan:1: invalid end state' pan.log; then
            observed="stuck"
        elif grep -q 'errors: 0' pan.log && ! grep -q 'not completed\|max search depth' pan.log; then
            observed="holds"
        else
            observed="not finished"
        fi
        states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
    fi
    [ "$observed" = "$expected" ] || expected="$expected, BUT $observed"
    printf '%-15s %-24s %10s  %s\n' "$what" "$expected" "${states:--}" "$*"
    cd .. && rm -rf "$$"
}

if [ "${1:-}" = "--trace" ]; then
    shift
    build -O0 "$@" || { cat spin.log gcc.log; exit 2; }
    ./pan -m5000 -i -w22 >pan.log 2>&1
    grep -q 'errors: 0' pan.log && { echo "holds: there is nothing to trace"; exit 0; }
    cp "$model" . && spin -t -p -g -l -k invoice-lock.pml.trail "$@" invoice-lock.pml
    exit 0
fi

table() {
    # ---- nothing is left out: all must hold
    for scope in "" -DCLAIM_ONLY; do
        cat <<END
nothing         holds                    $scope -DOWNERS=4
nothing         holds                    $scope -DREMEMBERS
nothing         holds                    $scope -DCAN_BE_ASKED
nothing         holds                    $scope -DSTALL -DLATE -DCRASHES=2 -DHOLDS -DREOPENS
nothing         holds                    $scope -DSTALL -DLATE -DACCEPTS -DREPORTS -DWITHDRAWS
nothing         holds                    $scope -DCAN_BE_ASKED -DCRASHES=2 -DHOLDS -DLAGS -DREOPENS
nothing         holds                    $scope -DREVERSES -DHOLDS
nothing         holds                    $scope -DREVERSES -DREOPENS -DWITHDRAWS
nothing         holds                    $scope -DWITHDRAWS -DOLD_SNAPSHOT
END
        [ "$1" = --quick ] || cat <<END
nothing         holds                    $scope -DREMEMBERS -DCAN_BE_ASKED -DWITHDRAWS
nothing         holds                    $scope -DREMEMBERS -DCAN_BE_ASKED -DFORGETS
nothing         holds                    $scope -DREMEMBERS -DCAN_BE_ASKED -DSTALL -DLATE -DCRASHES=2
nothing         holds                    $scope -DCAN_BE_ASKED -DACCEPTS -DREPORTS -DWITHDRAWS
nothing         holds                    $scope -DREMEMBERS -DFORGETS -DCRASHES=2 -DHOLDS
nothing         holds                    $scope -DREMEMBERS -DSTALL -DLATE -DFORGETS -DWITHDRAWS
END
    done
    cat <<END
nothing         holds                    -DREMEMBERS -DFORGETS
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DFORGETS
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DCAN_BE_ASKED -DDIFFER
END
    [ "$1" = --quick ] || cat <<END
nothing         holds                    -DREMEMBERS -DRESTORES -DOWNERS=2 -DCRASHES=0
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DRESTORES -DOWNERS=2
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DREVERSES -DHOLDS
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DFAILS_OVER -DWITHDRAWS
nothing         holds                    -DCLAIM_ONLY -DREMEMBERS -DWITHDRAWS -DOLD_SNAPSHOT
END

    # ---- one rule left out: the promise that breaks
    cat <<END
NO_R1           charged_twice            -DNO_R1
NO_R2           charged_twice            -DNO_R2 -DREMEMBERS
NO_R2_REFUSED   charged_twice            -DNO_R2_REFUSED -DREMEMBERS -DCAN_BE_ASKED -DSTALL -DCLAIM_ONLY
NO_R3           charged_twice            -DNO_R3 -DREMEMBERS -DRESTORES
NO_R5_FENCE     charged_twice            -DNO_R5_FENCE -DREMEMBERS -DSTALL -DFORGETS -DONLY_CHARGES
NO_R5_FENCE     charge_unknown           -DNO_R5_FENCE -DREMEMBERS -DSTALL -DCLAIM_ONLY
NO_R5_FINAL     billed_overwritten       -DNO_R5_FINAL -DCLAIM_ONLY -DACCEPTS -DREPORTS
NO_OWNER        charge_unknown           -DNO_OWNER -DREMEMBERS -DFAILS_OVER -DCLAIM_ONLY
NO_R6           charged_twice            -DNO_R6
NO_R6           charged_twice            -DNO_R6 -DREMEMBERS -DFORGETS
NO_DOUBT_KEPT   charged_twice            -DNO_DOUBT_KEPT -DREMEMBERS -DFORGETS -DONLY_CHARGES
NO_DOUBT_KEPT   charge_unknown           -DNO_DOUBT_KEPT -DREMEMBERS
NO_R7           charged_twice            -DNO_R7 -DCAN_BE_ASKED -DONLY_CHARGES
NO_LEASE_CHECK  charged_twice            -DNO_LEASE_CHECK -DCAN_BE_ASKED -DCLAIM_ONLY -DONLY_CHARGES
NO_LEASE_CHECK  two_calls_at_once        -DNO_LEASE_CHECK -DREMEMBERS -DCLAIM_ONLY
NO_R8           charged_twice            -DNO_R8 -DCAN_BE_ASKED -DCLAIM_ONLY -DONLY_CHARGES
NO_R8           two_calls_at_once        -DNO_R8 -DREMEMBERS -DCLAIM_ONLY
NO_R9           row_locked_by_the_dead   -DNO_R9 -DREMEMBERS
NO_R10          charged_twice            -DNO_R10
NO_R10          charged_twice            -DNO_R10 -DCLAIM_ONLY
NO_R12          answer_lost              -DNO_R12 -DCLAIM_ONLY -DHOLDS
NO_R14          charged_twice            -DNO_R14 -DREOPENS
NO_R15          charged_twice            -DNO_R15 -DCAN_BE_ASKED -DACCEPTS -DONLY_CHARGES
NO_R16          withdrawn_but_charged    -DNO_R16 -DWITHDRAWS
NO_R16          withdrawn_but_charged    -DNO_R16 -DWITHDRAWS -DCLAIM_ONLY
NO_R16_LOCK     withdrawn_but_charged    -DNO_R16_LOCK -DWITHDRAWS
NO_PIN          withdrawn_but_charged    -DNO_PIN -DWITHDRAWS -DOLD_SNAPSHOT
NO_PIN          withdrawn_but_charged    -DNO_PIN -DWITHDRAWS -DOLD_SNAPSHOT -DCLAIM_ONLY
NO_R18          charged_twice            -DNO_R18 -DREVERSES -DHOLDS
NO_R18          charged_twice            -DNO_R18 -DREVERSES -DREOPENS -DCLAIM_ONLY
NO_R18          withdrawn_but_charged    -DNO_R18 -DREVERSES -DWITHDRAWS
NO_R18_CALL     charged_twice            -DNO_R18_CALL -DREVERSES -DHOLDS
NO_R19          charged_twice            -DNO_R19 -DREMEMBERS -DFORGETS -DCLAIM_ONLY
NO_R19          two_calls_at_once        -DNO_R19 -DREMEMBERS
NO_GROWS        charge_unknown           -DNO_GROWS -DCLAIM_ONLY -DREMEMBERS -DCAN_BE_ASKED -DDIFFER
NO_DEPARTURE    charged_twice            -DNO_DEPARTURE -DCAN_BE_ASKED -DCLAIM_ONLY -DONLY_CHARGES
NO_DEPARTURE    charge_unknown           -DNO_DEPARTURE -DCAN_BE_ASKED
NO_R21          marked_twice             -DNO_R21 -DCLAIM_ONLY -DACCEPTS -DREPORTS

(limit)         charged_twice            -DCAN_BE_ASKED -DSTALL
(limit)         charged_twice            -DCAN_BE_ASKED -DLATE
(limit)         charged_twice            -DREMEMBERS -DSTALL -DFORGETS -DBEYOND_MEMORY
(limit)         charged_twice            -DREMEMBERS -DCAN_BE_ASKED -DSTALL -DFORGETS
(limit)         charged_twice            -DREMEMBERS -DRESTORES -DFORGETS
END
}

export -f build verdict
export model
table "${1:-}" | grep . >rows
printf '%-15s %-24s %10s  %s\n' "left out" "verdict" "states" "settings and world"
xargs -P 2 -L 1 bash -c 'verdict "$@"' verdict <rows | tee verdicts
all=$(wc -l <rows)
wrong=$((all - $(grep -c -v ', BUT ' verdicts)))
if [ "$wrong" -eq 0 ]; then
    echo "all $all verdicts are as expected, in $SECONDS s"
else
    echo "$wrong of $all verdicts are not as expected, in $SECONDS s"
    exit 1
fi
