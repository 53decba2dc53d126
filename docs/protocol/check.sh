#!/usr/bin/env bash
# Checks the model of the protocol with Spin: as it is it must hold, and with any rule left out it must fail, by the promise named here.
#
#   check.sh           everything
#   check.sh --quick   small worlds, and every rule left out: half a minute
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

# build FLAGS...: the verifier of one variant, with the memory that it may take
build() {
    spin -a "$@" "$model" >spin.log 2>&1 && gcc -w "$optimise" -DSAFETY -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c >gcc.log 2>&1
}
optimise=-O0

if [ "${1:-}" = "--trace" ]; then
    shift
    build "$@" || { cat spin.log gcc.log; exit 2; }
    ./pan -m5000 -i -w22 >pan.log 2>&1
    grep -q 'errors: 0' pan.log && { echo "holds: there is nothing to trace"; exit 0; }
    cp "$model" . && spin -t -p -g -l -k invoice-lock.pml.trail "$@" invoice-lock.pml
    exit 0
fi

quick=false
[ "${1:-}" = "--quick" ] && quick=true
rows=0

# row WHAT EXPECTED FLAGS...: one line of the table. EXPECTED is "holds", or the name of the promise that breaks.
# Two are checked at a time, each in a directory of its own.
row() {
    rows=$((rows + 1))
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
    check "$(printf '%03d' "$rows")" "$@" &
    show
}

check() {
    local me=$1 what=$2 expected=$3 observed states
    shift 3
    mkdir "$me" && cd "$me" || exit 2
    # a small world is searched before the compiler has optimised anything
    if [ "$expected" = holds ] && ! $quick; then optimise=-O2; fi
    if build "$@"; then
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
    else
        observed="not built"
    fi
    states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log 2>/dev/null)
    {
        printf '%-15s %-24s %-24s %12s  %s' "$what" "$expected" "$observed" "${states:--}" "$*"
        [ "$observed" = "$expected" ] || printf '  <- NOT AS EXPECTED'
        echo
    } >../"$me.part"
    [ "$observed" != "not built" ] || cat spin.log gcc.log >>../"$me.part" 2>/dev/null
    cd .. && rm -rf "$me" && mv "$me.part" "$me.line"
}

# prints the lines that are ready, in the order of the table
shown=0
show() {
    while [ -f "$(printf '%03d' $((shown + 1))).line" ]; do
        shown=$((shown + 1))
        cat "$(printf '%03d' "$shown").line"
    done
}

printf '%-15s %-24s %-24s %12s  %s\n' "left out" "expected" "observed" "states" "settings and world"

# ---- nothing is left out: all must hold
for scope in "-DTHROUGH_CALL" "-DCLAIM_ONLY"; do
    row nothing holds $scope
    row nothing holds $scope -DREMEMBERS
    row nothing holds $scope -DCAN_BE_ASKED
    row nothing holds $scope -DREMEMBERS -DCAN_BE_ASKED
    row nothing holds $scope -DREMEMBERS -DQUEUES -DLEAVES_LATE -DWITHDRAWS
    row nothing holds $scope -DCAN_BE_ASKED -DQUEUES -DLEAVES_LATE -DCRASHES=2 -DHOLDS -DLAGS -DREOPENS
    row nothing holds $scope -DSTALL -DLATE -DCRASHES=2 -DHOLDS -DREOPENS
    row nothing holds $scope -DSTALL -DLATE -DACCEPTS -DREPORTS -DWITHDRAWS
    if ! $quick; then
        row nothing holds $scope -DREMEMBERS -DCAN_BE_ASKED -DSTALL -DLATE -DCRASHES=2
        row nothing holds $scope -DCAN_BE_ASKED -DQUEUES -DLEAVES_LATE -DACCEPTS -DREPORTS -DWITHDRAWS
        row nothing holds $scope -DREMEMBERS -DFAILS_OVER -DWITHDRAWS
        row nothing holds $scope -DREMEMBERS -DSTALL -DLATE -DFORGETS -DCRASHES=2 -DWITHDRAWS
        row nothing holds $scope -DREMEMBERS -DSTALL -DLATE -DFORGETS -DHOLDS -DOWNERS=3
        row nothing holds $scope -DREMEMBERS -DSTALL -DLATE -DRESTORES -DOWNERS=3
    fi
done
$quick || row nothing holds -DCLAIM_ONLY -DREMEMBERS -DSTALL -DLATE -DFORGETS -DACCEPTS -DREPORTS

# ---- one rule left out: the promise that breaks
row NO_R1           charged_twice          -DNO_R1
row NO_R2           charged_twice          -DNO_R2 -DREMEMBERS
row NO_R2_REFUSED   charged_twice          -DNO_R2_REFUSED -DREMEMBERS -DCAN_BE_ASKED -DSTALL
row NO_R3           charged_twice          -DNO_R3 -DREMEMBERS -DRESTORES
row NO_R5_FENCE     charged_twice          -DNO_R5_FENCE -DREMEMBERS -DSTALL -DFORGETS -DONLY_CHARGES -DOWNERS=3
row NO_R5_FENCE     charge_unknown         -DNO_R5_FENCE -DREMEMBERS -DSTALL -DCLAIM_ONLY
row NO_R5_FINAL     billed_overwritten     -DNO_R5_FINAL -DCLAIM_ONLY -DACCEPTS -DREPORTS
row NO_OWNER        charge_unknown         -DNO_OWNER -DREMEMBERS -DFAILS_OVER -DWITHDRAWS -DOWNERS=3
row NO_R6           charged_twice          -DNO_R6
row NO_R6           charged_twice          -DNO_R6 -DREMEMBERS -DFORGETS
row NO_DOUBT_KEPT   charged_twice          -DNO_DOUBT_KEPT -DREMEMBERS -DFORGETS -DONLY_CHARGES
row NO_DOUBT_KEPT   charge_unknown         -DNO_DOUBT_KEPT -DREMEMBERS
row NO_R7           charged_twice          -DNO_R7 -DCAN_BE_ASKED -DONLY_CHARGES
row NO_LEASE_CHECK  charged_twice          -DNO_LEASE_CHECK -DCAN_BE_ASKED -DCLAIM_ONLY -DQUEUES -DONLY_CHARGES
row NO_FIT          charged_twice          -DNO_FIT -DCAN_BE_ASKED -DCLAIM_ONLY -DQUEUES -DLEAVES_LATE -DONLY_CHARGES
row NO_FIT          two_calls_at_once      -DNO_FIT -DREMEMBERS -DCLAIM_ONLY -DQUEUES -DLEAVES_LATE
row NO_R8           charged_twice          -DNO_R8 -DCAN_BE_ASKED -DCLAIM_ONLY -DONLY_CHARGES
row NO_R8           two_calls_at_once      -DNO_R8 -DREMEMBERS -DCLAIM_ONLY
row NO_R9           row_locked_by_the_dead -DNO_R9 -DREMEMBERS
row NO_R10          charged_twice          -DNO_R10
row NO_R10          charged_twice          -DNO_R10 -DCLAIM_ONLY
row NO_R12          answer_lost            -DNO_R12 -DCLAIM_ONLY -DHOLDS
row NO_R14          charged_twice          -DNO_R14 -DREOPENS
row NO_R15          charged_twice          -DNO_R15 -DCAN_BE_ASKED -DACCEPTS -DONLY_CHARGES
row NO_R16          withdrawn_but_charged  -DNO_R16 -DWITHDRAWS
row NO_R16          withdrawn_but_charged  -DNO_R16 -DWITHDRAWS -DCLAIM_ONLY
row NO_R16_LOCK     withdrawn_but_charged  -DNO_R16_LOCK -DWITHDRAWS

# ---- the limits that are documented: beyond them the promises end, and the model shows where
row "(limit)"       charged_twice          -DCAN_BE_ASKED -DSTALL
row "(limit)"       charged_twice          -DCAN_BE_ASKED -DLATE
row "(limit)"       charged_twice          -DREMEMBERS -DSTALL -DFORGETS -DSTALL_BEYOND_MEMORY
row "(limit)"       charged_twice          -DREMEMBERS -DCAN_BE_ASKED -DSTALL -DFORGETS
row "(limit)"       charged_twice          -DREMEMBERS -DRESTORES -DFORGETS
row "(limit)"       invoice_forgotten      -DEDITS

wait
show
wrong=$(cat ./*.line | grep -c 'NOT AS EXPECTED')
if [ "$wrong" -eq 0 ] && [ "$shown" -eq "$rows" ]; then
    echo "all $rows verdicts are as expected"
else
    echo "$wrong of $rows verdicts are not as expected"
    exit 1
fi
