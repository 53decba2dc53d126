/*
 * The protocol of invoice-lock as a Promela model, for the model checker Spin. README.md beside it says what is modelled,
 * what is left out and why, and what goes wrong without each rule; check.sh runs every variant.
 *
 * One invoice, two servers of the same host, the provider with the network before it, the clock, and the host itself.
 * A step in braces after "atomic" is one committed transaction, one request, or one look at the clock; between any two of
 * them the other server, the network, the clock and the host may do anything, and the server may crash or be slow.
 *
 * Settings of the host
 *   CLAIM_ONLY      LockScope.CLAIM_ONLY; else THROUGH_CALL
 *   REMEMBERS       idempotencyWindow() > 0: a key that the provider remembers does nothing more
 *   CAN_BE_ASKED    the gateway has a find()
 *   DIFFER          server 1 has a callTimeout four times as long as that of server 2
 * The world
 *   CRASHES=n       servers crash n times in all (1)
 *   STALL           a server may sleep anywhere, after its last look at the clock too
 *   LATE            a request may arrive at any time after its sender gave up
 *   FORGETS         the provider forgets a key once its window is over (else it remembers for ever)
 *   LAGS            a look-up does not show a charge within findLag()
 *   ACCEPTS         the provider may answer "accepted", and settles or returns it later
 *   REVERSES        a refused key turns out to be charged, and the host's webhook reports it at once
 *   REPORTS         the host's webhook reports what the provider decided
 *   HOLDS           the host locks the invoice's row now and then
 *   WITHDRAWS       the host takes the invoice back by withdraw()
 *   OLD_SNAPSHOT    … twice, in REPEATABLE READ transactions that began earlier; and a person may retry() once
 *   REOPENS         the host sets a billed invoice back to pending
 *   RESTORES        once, the database comes back as it was before the first claim; the servers live on
 *   FAILS_OVER      the same, but only before anything reached the provider: what is promised afterwards must hold
 *   BEYOND_MEMORY   see README.md, limits
 * Rules left out, each on purpose: NO_R1, … (README.md has the table)
 */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef OWNERS
#define OWNERS 3        /* claims and take-overs in all; then nobody looks any more, and the attempt stays due */
#endif
#define KEYS 2          /* idempotency keys that may be minted: attempts number 1 and 2 */
#define HOST 3          /* who holds the row: 0 nobody, 1 and 2 the servers, 3 the host */

#ifndef CLAIM_ONLY
#define CLAIM_ONLY 0
#endif
#ifndef REMEMBERS
#define REMEMBERS 0
#endif
#ifndef CAN_BE_ASKED
#define CAN_BE_ASKED 0
#endif

/* ---- the clock face (R19), in ticks: callTimeout is one; the lease adds one margin for leaving late, and one for arriving late */
#define MARGIN 1
#define WAIT 2          /* waitTimeout */
#define WINDOW 5        /* idempotencyWindow() */
#ifdef DIFFER
#define timeout(id) (id == 1 -> 4 : 1)
#else
#define timeout(id) 1
#endif
#ifdef NO_DEPARTURE     /* one margin, for leaving late and for arriving late */
#define span(id, calls) ((calls) * timeout(id) + MARGIN)
#define last_start(id) timeout(id)
#else
#define span(id, calls) ((calls) * timeout(id) + 2 * MARGIN)
#define last_start(id) (timeout(id) + MARGIN)
#endif
#ifdef NO_R19           /* the lease knows WAIT's patience; the provider's window and the lock's idle limit do not */
#define lease_for(id, calls) (span(id, calls) + WAIT)
#else
#define lease_for(id, calls) span(id, calls)
#endif
#ifdef NO_LEASE_CHECK
#define may_leave true
#else
#define may_leave (left[self] >= last_start(self))
#endif

mtype = {
    NONE, STARTED, ACCEPTED, IN_DOUBT, NOT_BILLED, DECLINED, BILLED, WITHDRAWN,      /* AttemptState; NONE: no attempt */
    UNKNOWN, NEVER_SEEN, NOT_CALLED,                                                 /* more answers */
    UNSEEN, CHARGED, REFUSED, PROCESSING                                             /* what the provider did with a key */
};

/* ---- the database */
bool  pending = true;           /* invoices.pending */
byte  row = 0;                  /* who holds the lock of the invoice's row */
byte  idle = 0;                 /* ticks until idle_in_transaction_session_timeout ends that lock (R9) */
byte  number = 0;               /* of the newest attempt, which is its key too (R3) */
mtype state = NONE;             /* of the newest attempt */
bool  due = false;              /* due_at is not null: the library will look at it again by itself */
byte  fence = 0;                /* counts owners; (id, fence) of the journal in one number */
byte  owner = 0;
byte  lease = 0;                /* ticks until lease_until */
bool  mark = false;             /* BILLED, and the invoice's row is still to be marked (R12) */
bool  older_billed = false;     /* an attempt that is not the newest is BILLED */
byte  window[KEYS + 1];         /* ticks until the provider may have forgotten the key (R6) */

/* ---- the provider and the network */
mtype seen[KEYS + 1] = UNSEEN;
bool  forgotten[KEYS + 1];
bool  wire[KEYS + 1];           /* a request is on its way whose sender has given up */
byte  travel[KEYS + 1];         /* ticks until it arrives or is lost */
byte  charges = 0;

/* ---- the servers, as far as time and promises must know them */
byte  crashes = 0;
byte  stage[3] = 0;
#define IDLE 0
#define IN_HAND 1               /* claimed or taken over, not sent yet */
#define CALLING 2               /* between the last look at the clock and the answer */
#define HEARD 3                 /* the answer is known and not yet written */
byte  key[3];
byte  left[3];                  /* ticks that are left of the lease, by the server's own clock */
byte  call[3];                  /* ticks until a call that is under way is cut off */

/* ---- what was promised */
bool  promised = false;         /* withdraw answered WITHDRAWN and the host's transaction was committed */
bool  was_billed = false;       /* the newest attempt was BILLED once */
bool  marked = false, again = false;    /* the row was marked; once more */
bool  overlap = false;          /* two calls for the invoice at once */
bool  lost_answer = false;      /* a server heard that it was charged, lived on, and did not write it */
#ifdef NO_R3
byte  minted = 0;               /* keys are drawn at random: what was minted is forgotten by a restored database */
#endif

#define quiet (stage[1] == IDLE && stage[2] == IDLE && !wire[1] && !wire[2])

/* ---- the provider */

inline execute(k) {
    if
    :: REMEMBERS && seen[k] != UNSEEN && !forgotten[k] -> skip                  /* the saved outcome is replayed */
    :: else ->
        if
        :: seen[k] = CHARGED; charges++
        :: seen[k] == UNSEEN -> seen[k] = REFUSED
#ifdef ACCEPTS
        :: seen[k] = PROCESSING; charges++
#endif
        fi;
        forgotten[k] = false
    fi
}

inline reply(k) {
    if
    :: seen[k] == CHARGED -> answer = BILLED
    :: seen[k] == REFUSED -> answer = DECLINED
    :: seen[k] == PROCESSING -> answer = ACCEPTED
    :: else -> answer = UNKNOWN
    fi
}

inline arrive(k) {
    wire[k] = false; travel[k] = 0;
    if :: execute(k) :: skip fi                                                 /* or it is lost */
}

active proctype Network() {
end:
    do
    :: atomic { wire[1] -> arrive(1) }
    :: atomic { wire[2] -> arrive(2) }
#ifdef ACCEPTS
    :: atomic { seen[1] == PROCESSING -> if :: seen[1] = CHARGED :: seen[1] = REFUSED; charges-- fi }
    :: atomic { seen[2] == PROCESSING -> if :: seen[2] = CHARGED :: seen[2] = REFUSED; charges-- fi }
#endif
    od
}

/* ---- time: leases and ages by the database's clock (R8), last starts by the server's own, at one pace */

#ifdef STALL
#define cut_off(id) true
#else
#define cut_off(id) (stage[id] != CALLING || call[id] > 0)                      /* a call ends at its time-out */
#endif
#ifdef LATE
#define arrived(k) true
#else
#define arrived(k) (!wire[k] || travel[k] > 1)                                  /* a request arrives before the margin after that is over */
#endif
#define runs (lease + idle + left[1] + left[2] + call[1] + call[2] + travel[1] + travel[2] + window[1] + window[2] > 0)
#define down(t) t = (t > 0 -> t - 1 : 0)

/* With STALL or LATE: no pause and no delay is as long as the provider's memory. Else the clock face alone must do (R6). */
#define may_send_first(id) (key[id] == 1 && (stage[id] == IN_HAND || stage[id] == CALLING))
#if defined(BEYOND_MEMORY) || !(defined(STALL) || defined(LATE))
#define nobody_sends_any_more true
#else
#define nobody_sends_any_more (!wire[1] && !may_send_first(1) && !may_send_first(2))
#endif

active proctype Clock() {
end:
    do
    :: atomic { runs && cut_off(1) && cut_off(2) && arrived(1) && arrived(2) ->
            down(lease); down(idle); down(left[1]); down(left[2]); down(call[1]); down(call[2]);
            down(travel[1]); down(travel[2]); down(window[1]); down(window[2]) }
#ifndef NO_R9
    :: atomic { (row == 1 || row == 2) && idle == 0 -> row = 0 }
#endif
#ifdef FORGETS
    :: atomic { number > 0 && window[1] == 0 && seen[1] != UNSEEN && !forgotten[1] && nobody_sends_any_more -> forgotten[1] = true }
#endif
    od
}

/* ---- the journal */

#ifdef NO_R3
#define may_mint (minted < KEYS)
#define next_number minted = minted + 1; number = minted
#else
#define may_mint (number < KEYS)
#define next_number number++
#endif
#ifdef FORGETS
#define next_key next_number; window[number] = WINDOW
#else
#define next_key next_number
#endif

/* A claim or a take-over, written: a new owner. One that only asks leaves state and lease_until as they are. */
inline own() {
    fence++; owner = self; mine = fence; key[self] = number; stage[self] = IN_HAND;
    if
    :: sends ->
        state = STARTED; due = true; left[self] = lease_for(self, asks + sends);
#ifdef NO_GROWS
        lease = left[self]
#else
        lease = (lease > left[self] -> lease : left[self])                       /* greatest(lease_until, new) */
#endif
    :: else -> skip
    fi;
    kept = state
}

inline let_go() {
    stage[self] = IDLE; key[self] = 0; left[self] = 0; call[self] = 0; mine = 0;
    kept = NONE; before = NONE; answer = NONE; asks = false; sends = false; was_pending = false; over = false
}

inline unlock() {
    if :: row == self -> row = 0; idle = 0 :: else -> skip fi
}

inline set_mark() {
    pending = false; mark = false; again = marked; marked = true
}

/* R5: final, whoever writes it and whatever it was before. The journal first; then what it newly says is marked (R21). */
inline write_billed(k) {
    if
    :: k == number && state != BILLED -> state = BILLED; was_billed = true; due = false; mark = true
    :: k < number && !older_billed -> older_billed = true; mark = true
    :: else                                                                     /* known, or vanished from a restored journal */
#ifdef NO_R21
        -> mark = true
#endif
    fi;
    if
    :: mark && (row == 0 || row == self) -> set_mark()
    :: else -> skip                                                             /* R12: the mark is left to a later pass */
    fi
}

/* Every answer but BILLED */
inline judge() {
    due = true;
    if
    :: answer == ACCEPTED -> state = ACCEPTED
    :: answer == DECLINED -> state = DECLINED                                   /* due: a policy that retries refusals */
    :: answer == NOT_CALLED -> state = before
    :: answer == NOT_BILLED ->
#ifdef NO_DOUBT_KEPT
        state = NOT_BILLED
#else
        state = (before == IN_DOUBT -> IN_DOUBT : NOT_BILLED)
#endif
    :: answer == NEVER_SEEN && before == ACCEPTED -> state = ACCEPTED
    :: answer == NEVER_SEEN && before != ACCEPTED && !over -> state = IN_DOUBT  /* R7 */
    :: answer == NEVER_SEEN && before != ACCEPTED && over && was_pending -> state = NOT_BILLED
    :: answer == NEVER_SEEN && before != ACCEPTED && over && !was_pending -> state = WITHDRAWN; due = false
    :: answer == UNKNOWN -> state = (before == ACCEPTED -> ACCEPTED : IN_DOUBT)
    fi
}

#ifdef NO_OWNER
#define ours (fence == mine && state == kept)
#else
#define ours (fence == mine && owner == self && state == kept)
#endif
#if defined(NO_R5_FENCE)
#define may_settle (key[self] == number && state != BILLED)
#elif defined(NO_R5_FINAL)
#define may_settle (fence == mine)
#else
#define may_settle ours
#endif

#if defined(NO_R6)
#define repeatable true
#elif defined(FORGETS)
#define repeatable (REMEMBERS && window[number] >= span(self, CAN_BE_ASKED + 1))
#else
#define repeatable REMEMBERS
#endif

#ifdef NO_R18
#define other_billed false
#else
#define other_billed older_billed                                               /* the whole invoice, not its newest attempt */
#endif
#ifdef NO_R18_CALL
#define billed_meanwhile false
#else
#define billed_meanwhile other_billed                                           /* and once more under the lock of the call */
#endif

#ifdef NO_R8
#define lease_over true                                                         /* by another server's fast clock */
#else
#define lease_over (lease == 0)
#endif
#ifdef NO_R7
#define unseen_is_believed true
#else
#define unseen_is_believed lease_over
#endif
#define left_behind ((state == STARTED && (lease_over || (!CLAIM_ONLY && REMEMBERS))) || state == IN_DOUBT)    /* grace */

/* ---- a server */

inline crash_here() {
    if
    :: atomic { crashes < CRASHES -> crashes++;
#ifndef NO_R9
        unlock();
#endif
        let_go(); goto nothing }
    :: skip
    fi
}

proctype Server(byte self) {
    mtype before = NONE;        /* what the attempt is if this server does nothing */
    mtype kept = NONE;          /* the state under which it is owned: a settlement writes only over that */
    mtype answer = NONE;
    byte mine;                  /* the fence under which this server has the attempt */
    bool asks, sends, was_pending, over;

nothing:
end_nothing:
    do
    /* fresh invoices are looked up without locks, and claimed below (R10) */
    :: pending && number == 0 -> break
#ifdef NO_R14
    :: atomic { pending && state == BILLED && !mark && row == 0 && may_mint && fence < OWNERS ->
            next_key; before = NOT_BILLED; was_pending = true; over = true; sends = true; own() } goto deliver
#endif

    /* take over: surely nothing was charged, so the same key is sent again */
    :: atomic { state == NOT_BILLED && due && row == 0 && fence < OWNERS ->
            if
            :: pending && !other_billed ->
#ifdef NO_R2_REFUSED
                if :: may_mint -> next_key :: else -> skip fi;
#endif
                before = NOT_BILLED; was_pending = true; over = unseen_is_believed; sends = true; own(); goto deliver
            :: pending && other_billed -> due = false                            /* R18: a person's */
            :: !pending -> state = WITHDRAWN; due = false
            fi }

    /* take over: in doubt; ask, send the same key, or park */
    :: atomic { left_behind && due && row == 0 && fence < OWNERS ->
            before = IN_DOUBT; over = unseen_is_believed; was_pending = pending;
            asks = CAN_BE_ASKED; sends = pending && !other_billed && repeatable;
            if
            :: asks || sends ->
#ifdef NO_R2
                if :: sends && may_mint -> next_key :: else -> skip fi;
#endif
                own(); goto deliver
            :: else -> state = IN_DOUBT; due = false; let_go()
            fi }

    /* take over: accepted is asked about, and never sent again (R15) */
    :: atomic { state == ACCEPTED && due && fence < OWNERS ->
            if
            :: CAN_BE_ASKED ->
                before = ACCEPTED; over = unseen_is_believed; was_pending = true; asks = true; own();
#ifdef NO_R15
                before = IN_DOUBT;
#endif
                goto deliver
            :: else -> due = false                                               /* parked, until the webhook comes */
            fi }

    /* take over: a new key after a final refusal, and only then (R2) */
    :: atomic { state == DECLINED && due && row == 0 && may_mint && fence < OWNERS ->
            if
            :: pending && !other_billed ->
                next_key; before = NOT_BILLED; was_pending = true; over = true; sends = true; own(); goto deliver
            :: else -> due = false
            fi }

    /* mark what could not be marked when it was charged */
    :: atomic { mark && row == 0 -> set_mark() }
    od;

    /* CLAIM, one short transaction: lock the row, still pending, and no attempt of this number, says the constraint (R10) */
    if
#ifdef NO_R1
    :: atomic { row == 0 && pending && number == 0 && fence < OWNERS ->          /* the lock alone, nothing is journaled */
            row = self; idle = span(self, 1); stage[self] = IN_HAND; key[self] = 1; before = NOT_BILLED; sends = true; was_pending = true;
            left[self] = lease_for(self, 1) }
#elif defined(NO_R10)
    :: atomic { row == 0 && pending && fence < OWNERS && may_mint ->
            if :: number == 0 -> next_key :: else -> skip fi;
            before = NOT_BILLED; was_pending = true; over = true; sends = true; own() }
#else
    :: atomic { row == 0 && pending && number == 0 && fence < OWNERS && may_mint ->
            next_key; before = NOT_BILLED; was_pending = true; over = true; sends = true; own() }
#endif
    :: row != 0 || !pending || number != 0 || fence == OWNERS || !may_mint -> goto nothing      /* contended */
    fi;

deliver:
    crash_here();
#if !CLAIM_ONLY && !defined(NO_R1)
    /* CALL under the lock, a transaction of this invoice alone: lock, still ours, none of it BILLED, still pending. One that only asks needs none. */
    if
    :: atomic { sends && row != 0 -> answer = NOT_CALLED; stage[self] = HEARD } goto settle
    :: atomic { sends && row == 0 ->
            if
            :: !ours -> let_go(); goto nothing                                   /* another has taken over */
            :: ours && billed_meanwhile -> state = before; due = false; let_go(); goto nothing  /* R18: a person's */
            :: ours && !billed_meanwhile && pending -> row = self; idle = span(self, asks + sends)
            :: ours && !billed_meanwhile && !pending && before == NOT_BILLED -> state = WITHDRAWN; due = false; let_go(); goto nothing
            :: ours && !billed_meanwhile && !pending && before != NOT_BILLED ->
                row = self; idle = span(self, 1); asks = true; sends = false; was_pending = false
            fi }
    :: !sends -> skip
    fi;
    crash_here();
#endif

    /* CALL: ask */
    if
    :: atomic { asks && sends && !may_leave -> answer = NOT_CALLED; stage[self] = HEARD } goto settle
    :: atomic { asks && (!sends || may_leave) ->
            if
            :: CAN_BE_ASKED && seen[key[self]] != UNSEEN -> reply(key[self])
            :: CAN_BE_ASKED && seen[key[self]] == UNSEEN -> answer = NEVER_SEEN
            :: CAN_BE_ASKED && seen[key[self]] == PROCESSING && kept == ACCEPTED -> answer = NEVER_SEEN  /* R15 */
#ifdef LAGS
            :: CAN_BE_ASKED && !over -> answer = NEVER_SEEN                      /* within findLag() */
#endif
            :: answer = UNKNOWN
            fi;
            if
            :: sends && (answer == UNKNOWN || answer == NEVER_SEEN) -> skip
            :: else -> stage[self] = HEARD; goto settle
            fi }
        crash_here()
    :: !asks -> skip
    fi;

    /* CALL: the last look at the clock (R7, R19), and send; what is asked for and not sent keeps the look-up's answer */
    if
    :: atomic { !may_leave -> stage[self] = HEARD; answer = (answer == NONE -> NOT_CALLED : answer) } goto settle
    :: atomic { may_leave -> stage[self] = CALLING; overlap = (overlap || stage[3 - self] == CALLING);
#ifndef STALL
            call[self] = timeout(self);
#endif
            left[self] = 0 }
    fi;
    crash_here();
    atomic {
        if
        :: true -> execute(key[self]); reply(key[self])
        :: true -> execute(key[self]); answer = UNKNOWN                          /* the answer is lost */
        :: !wire[key[self]] -> wire[key[self]] = true; answer = UNKNOWN;         /* cut off, may yet arrive */
#ifndef LATE
            travel[key[self]] = call[self] + MARGIN
#endif
        :: answer = NOT_BILLED                                                   /* surely nothing done: 429, no route */
        :: answer = UNKNOWN                                                      /* lost on its way */
        fi;
        stage[self] = HEARD; call[self] = 0
    }

    /* SETTLE, in the transaction of the call, or in one of its own where there is none any more */
settle:
    crash_here();
    atomic {
        left[self] = 0;
#ifdef NO_R1
        if
        :: number == 0 -> number = 1; kept = state; fence++; mine = fence; owner = self
        :: else -> skip
        fi;
#endif
        if
#ifdef NO_R12
        :: answer == BILLED && row != 0 && row != self -> lost_answer = true     /* attempt and invoice together, or not at all */
        :: answer == BILLED && (row == 0 || row == self) -> write_billed(key[self])
#else
        :: answer == BILLED -> write_billed(key[self])
#endif
        :: answer != BILLED && may_settle -> judge()
        :: answer != BILLED && !may_settle -> skip
        fi;
        unlock();
        let_go()
    }
    goto nothing
}

init { atomic { run Server(1); run Server(2) } }

/* ---- the host, a person, the webhook */

#ifdef HOLDS
active proctype Holder() {
    byte times = 2;
end:
    do
    :: atomic { times > 0 && row == 0 -> times--; row = HOST }
    :: atomic { row == HOST -> row = 0 }
    od
}
#endif

#ifdef WITHDRAWS
/* withdraw, then the host's own update, then commit. Its step holds the row's lock (R16). */
active proctype Withdrawer() {
#ifdef NO_R16
end:
    atomic { pending && state != BILLED -> pending = false; promised = true }    /* the host cancels on its own */
#else
    mtype saw; byte saw_number; byte saw_fence; bool unchanged;
#ifdef OLD_SNAPSHOT
    byte times = 2;
#else
    byte times = 1;
#endif
end:
    do
#if defined(OLD_SNAPSHOT) || defined(NO_R16_LOCK)
    :: atomic { times > 0 -> times--; saw = state; saw_number = number; saw_fence = fence }
       atomic {
#ifndef NO_R16_LOCK
            row == 0;
#endif
#else
    :: atomic { times > 0 && row == 0 -> times--; saw = state; saw_number = number; saw_fence = fence;
#endif
            unchanged = (state == saw && number == saw_number && fence == saw_fence);
            if
#ifdef NO_PIN
            :: !unchanged && saw == WITHDRAWN -> promised = true                 /* by a read that nothing pins */
#endif
#ifdef NO_R16_LOCK
            :: !unchanged && saw == DECLINED && saw_number < number -> promised = true   /* the row of the refusal is as it was */
#endif
            :: unchanged && !other_billed && (state == NONE || state == NOT_BILLED) ->
                if :: number == 0 -> next_key :: else -> skip fi;
                state = WITHDRAWN; due = false; promised = true
            :: unchanged && !other_billed && state == DECLINED -> due = false; promised = true
            :: unchanged && !other_billed && state == WITHDRAWN -> promised = true
            :: else -> skip                                                      /* IN_FLIGHT, BILLED, or 40001: nothing is promised */
            fi;
            if :: promised -> pending = false :: true -> skip fi;
            saw = NONE; saw_number = 0; saw_fence = 0; unchanged = false }
    od
#endif
}
#endif

#ifdef OLD_SNAPSHOT
active proctype Person() {
end:
    atomic { (state == WITHDRAWN || state == DECLINED) && !due && pending && row == 0 && !other_billed ->       /* retry */
            state = (state == WITHDRAWN -> NOT_BILLED : state); due = true; promised = false }
}
#endif

#ifdef REOPENS
active proctype Reopener() {
end:
    atomic { (state == BILLED || older_billed) && !pending && !mark && row == 0 -> pending = true }
}
#endif

#ifdef REPORTS
#define open (state == ACCEPTED || state == IN_DOUBT || state == NOT_BILLED)
/* read, then written only over what was read, BILLED over anything (R5) */
active proctype Webhook() {
    mtype read_state = NONE; byte read_fence = 0; bool tells_charged = false; bool told_charged = false;
    byte self = 5;
end:
    do
    :: atomic { number == 1 && !told_charged && (seen[1] == CHARGED || seen[1] == REFUSED) && read_state == NONE ->
            tells_charged = (seen[1] == CHARGED); read_state = state; read_fence = fence };
       atomic {
            if
            :: tells_charged -> write_billed(1); told_charged = true
            :: !tells_charged && number == 1 && state == read_state && fence == read_fence && open -> state = DECLINED; due = true
            :: else -> skip
            fi;
            read_state = NONE; read_fence = 0; tells_charged = false }
    od
}
#endif

#ifdef REVERSES
/* Not while a request is on its way, or a server has looked for the last time: of those nobody could know. */
#define bound_to_send(id) (stage[id] == CALLING || (stage[id] == IN_HAND && (CLAIM_ONLY || row == id)))
active proctype Reversal() {
    byte self = 5;
end:
    atomic { seen[1] == REFUSED && seen[2] == UNSEEN && !wire[1] && !wire[2] && !bound_to_send(1) && !bound_to_send(2) && !promised ->
            seen[1] = CHARGED; charges++; write_billed(1) }
}
#endif

#if defined(RESTORES) || defined(FAILS_OVER)
#define sends_yet(id) (stage[id] == IN_HAND || stage[id] == CALLING)
active proctype Restore() {
end:
    atomic {
#ifdef FAILS_OVER
        number > 0 && seen[1] == UNSEEN && !wire[1] && !sends_yet(1) && !sends_yet(2) && !promised ->
#else
        number > 0 ->
#endif
        pending = true; row = 0; idle = 0; number = 0; state = NONE; due = false; fence = 0; owner = 0; lease = 0;
        mark = false; marked = false; was_billed = false; older_billed = false
    }
}
#endif

/* ---- what must hold: each promise has a name, which check.sh prints */

#define never(what, promise) :: what -> promise = true; assert(!promise)

bool charged_twice, two_calls_at_once, billed_but_not_charged, withdrawn_but_charged, answer_lost, billed_overwritten,
     marked_twice, charge_unknown, invoice_forgotten, row_locked_by_the_dead;

/* Nothing is moved by this process: it only watches. With ONLY_CHARGES it looks for a second charge alone. */
active proctype Promises() {
end:
    atomic {
        if
        never(charges > 1, charged_twice)
#ifndef ONLY_CHARGES
#if !defined(STALL) && !defined(RESTORES) && !defined(FAILS_OVER)
        never(overlap, two_calls_at_once)                                        /* promised of healthy servers */
#endif
        never(state == BILLED && charges == 0, billed_but_not_charged)
        never(promised && charges > 0, withdrawn_but_charged)                    /* R16 */
        never(lost_answer, answer_lost)                                          /* R12 */
        never(again, marked_twice)                                               /* R21 */
#ifndef RESTORES
        never(was_billed && state != BILLED && number == 1, billed_overwritten)  /* R5 */
#if !(CAN_BE_ASKED && (defined(LATE) || defined(STALL)))
        /* when all is quiet, what was charged is BILLED, or will be looked at, or is shown to a person: not "surely not charged" */
        never(quiet && charges > 0 && !older_billed && (state == NONE || state == NOT_BILLED || state == DECLINED || state == WITHDRAWN), charge_unknown)
#endif
#endif
        /* when all is quiet, a pending invoice is free, billed (R14), due or parked, or the host was told that it is withdrawn */
        never(quiet && pending && !promised && !older_billed && (state == WITHDRAWN || (state == STARTED && !due)), invoice_forgotten)
        never((row == 1 && stage[1] == IDLE) || (row == 2 && stage[2] == IDLE), row_locked_by_the_dead)           /* R9 */
#endif
        fi
    }
}
