/*
 * The protocol of invoice-lock as a Promela model, for the model checker Spin. README.md beside it says what is modelled,
 * what is left out and why, and what goes wrong without each rule; check.sh runs every variant.
 *
 * One invoice, two servers of the same host, the provider with the network before it, the clock, and the host itself.
 * A step in braces after "atomic" is one committed transaction, one request, or one look at the clock; between any two of
 * them the other server, the network, the clock and the host may do anything, and the server may crash or stall.
 *
 * Settings of the host
 *   CLAIM_ONLY      LockScope.CLAIM_ONLY; else THROUGH_CALL
 *   REMEMBERS       idempotencyWindow() > 0: a key that the provider remembers does nothing more
 *   CAN_BE_ASKED    the gateway has a find()
 * The world
 *   CRASHES=n       servers crash n times in all (1)
 *   QUEUES          a healthy server may be slow between its claim and its call: a queue of calls, a slow listener, a full pool
 *   STALL           a server may sleep through its lease anywhere, after the last look at the lease too
 *   LATE            a request may arrive after the lease under which it was sent
 *   FORGETS         the provider forgets a key once its window is over (else it remembers for ever)
 *   ACCEPTS         the provider may answer "accepted", and settles or returns it later
 *   REPORTS         the host's webhook reports what the provider decided
 *   HOLDS           the host locks the invoice's row now and then
 *   WITHDRAWS       the host takes the invoice back by withdraw()
 *   EDITS           the host sets pending to false and to true again
 *   REOPENS         the host sets a billed invoice back to pending
 *   RESTORES        once, the database comes back as it was before the first claim; the servers live on
 *   FAILS_OVER      the same, but only before anything reached the provider: what is promised afterwards must hold
 *   LEAVES_LATE, STALL_BEYOND_MEMORY   see README.md, limits
 * Rules left out, each on purpose: NO_R1, … (README.md has the table)
 */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef OWNERS
#define OWNERS 4        /* claims and take-overs in all; then nobody looks any more, and the attempt stays due */
#endif
#define KEYS 2          /* idempotency keys that may be minted: attempts number 1 and 2 */
#define HOST 3          /* who holds the row: 0 nobody, 1 and 2 the servers, 3 the host */

#ifdef CLAIM_ONLY
#define through_call false
#else
#define through_call true
#endif
#ifdef REMEMBERS
#define remembers true
#else
#define remembers false
#endif
#ifdef CAN_BE_ASKED
#define can_be_asked true
#else
#define can_be_asked false
#endif
#ifdef STALL
#define stalls true
#else
#define stalls false
#endif
#if defined(QUEUES) || defined(STALL)
#define queues true
#else
#define queues false
#endif

mtype = {
    NONE, STARTED, ACCEPTED, IN_DOUBT, NOT_BILLED, DECLINED, BILLED, WITHDRAWN,      /* AttemptState; NONE: no attempt */
    UNKNOWN, NEVER_SEEN, NOT_CALLED,                                                 /* more answers */
    UNSEEN, CHARGED, REFUSED, PROCESSING                                             /* what the provider did with a key */
};

/* ---- the database */
bool  pending = true;           /* invoices.pending */
byte  row = 0;                  /* who holds the lock of the invoice's row */
byte  number = 0;               /* of the newest attempt, which is its key too (R3) */
mtype state = NONE;             /* of the newest attempt */
bool  due = false;              /* due_at is not null: the library will look at it again by itself */
byte  fence = 0;                /* counts owners; (id, fence) of the journal in one number */
byte  owner = 0;
bool  mark = false;             /* BILLED, and the invoice's row is still to be marked (R12) */
bool  older_billed = false;     /* an attempt that is not the newest is BILLED */
byte  lease = 0;                /* lease_until of the newest attempt: IN_TIME, ENDING, OVER */
#define IN_TIME 0
#define ENDING 1                /* it still holds, but a call that leaves now may outlast it */
#define OVER 2
bool  aged[KEYS + 1];           /* the key is too old to be sent again (R6) */

/* ---- the provider and the network */
mtype seen[KEYS + 1] = UNSEEN;
bool  forgotten[KEYS + 1];
byte  wire[KEYS + 1];           /* requests on their way whose sender has given up */
byte  charges = 0;

/* ---- the servers, as far as the assumptions about time must know them */
byte  crashes = 0;
byte  stage[3] = 0;             /* IDLE, IN_HAND, CALLING, HEARD */
#define IDLE 0
#define IN_HAND 1               /* claimed or taken over, not sent yet */
#define CALLING 2               /* between the last look at the lease and the answer */
#define HEARD 3                 /* the answer is known and not yet written */
byte  mine[3] = 0;              /* the fence under which a server has the attempt */
byte  holds_key[3] = 0;
bool  early[3];                 /* this call left so early that it ends within the lease */

/* ---- what was promised */
bool  promised = false;         /* withdraw answered WITHDRAWN and the host's transaction was committed */
bool  was_billed = false;       /* the newest attempt was BILLED once */
bool  overlap = false;          /* two calls for the invoice at once */
bool  lost_answer = false;      /* a server heard that it was charged, lived on, and did not write it */

#ifdef NO_R3
byte  minted = 0;               /* keys are drawn at random: what was minted is forgotten by a restored database */
#endif

#define quiet (stage[1] == IDLE && stage[2] == IDLE && wire[1] == 0 && wire[2] == 0)

/* ---- the provider */

inline execute(k) {
    if
    :: remembers && seen[k] != UNSEEN && !forgotten[k] -> skip                  /* the saved outcome is replayed */
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

inline reply(k, answer) {
    if
    :: seen[k] == CHARGED -> answer = BILLED
    :: seen[k] == REFUSED -> answer = DECLINED
    :: seen[k] == PROCESSING -> answer = ACCEPTED
    :: else -> answer = UNKNOWN
    fi
}

active proctype Network() {
end:
    do
    :: atomic { wire[1] > 0 -> wire[1]--; execute(1) }
    :: atomic { wire[2] > 0 -> wire[2]--; execute(2) }
    :: atomic { wire[1] > 0 -> wire[1]-- }                                      /* lost */
    :: atomic { wire[2] > 0 -> wire[2]-- }
#ifdef ACCEPTS
    :: atomic { seen[1] == PROCESSING -> if :: seen[1] = CHARGED :: seen[1] = REFUSED; charges-- fi }
    :: atomic { seen[2] == PROCESSING -> if :: seen[2] = CHARGED :: seen[2] = REFUSED; charges-- fi }
#endif
    od
}

/* ---- time: by the database's clock (R8) */

/* A healthy server that owns the attempt has not finished its call. */
#define keeps_lease(id) (mine[id] == fence && ((stage[id] == CALLING && (early[id] || !queues)) || (stage[id] == IN_HAND && !queues)))

#ifdef LATE
#define nothing_on_its_way true
#else
#define nothing_on_its_way (wire[number] == 0)
#endif

/* R6: nothing is sent, and nothing arrives, when the provider has forgotten the key already */
#define may_send_first(id) (holds_key[id] == 1 && (stage[id] == IN_HAND || stage[id] == CALLING))
#ifdef STALL_BEYOND_MEMORY
#define nobody_sends_any_more true
#else
#define nobody_sends_any_more (wire[1] == 0 && !may_send_first(1) && !may_send_first(2))
#endif

active proctype Clock() {
end:
    do
#ifdef LEAVES_LATE
    :: atomic { number > 0 && lease == IN_TIME && queues -> lease = ENDING }
#endif
    :: atomic { number > 0 && lease != OVER && nothing_on_its_way && (stalls || (!keeps_lease(1) && !keeps_lease(2))) -> lease = OVER }
#ifdef STALL
    :: atomic { (row == 1 || row == 2) && lease == OVER -> row = 0 }            /* idle_in_transaction_session_timeout (R9) */
#endif
#ifdef FORGETS
    :: atomic { number > 0 && !aged[number] -> aged[number] = true }
    :: atomic { number > 0 && aged[1] && seen[1] != UNSEEN && !forgotten[1] && nobody_sends_any_more -> forgotten[1] = true }
#endif
    od
}

/* ---- the journal */

#ifdef NO_R3
#define next_key minted = minted + 1; number = minted
#define may_mint (minted < KEYS)
#else
#define next_key number++
#define may_mint (number < KEYS)
#endif

/* Journal.insertFirst, insertNext, takeOver(sends): a new owner, a new lease. */
inline own(newState) {
    state = newState; due = true; fence++; owner = self; lease = IN_TIME;
    mine[self] = fence; holds_key[self] = number; kept = newState; stage[self] = IN_HAND
}

/* Journal.takeOver(!sends): a new owner; the state and lease_until stay. */
inline own_to_ask() {
    fence++; owner = self; mine[self] = fence; holds_key[self] = number; kept = state; stage[self] = IN_HAND
}

inline let_go() {
    stage[self] = IDLE; mine[self] = 0; holds_key[self] = 0; early[self] = false;
    kept = NONE; before = NONE; answer = NONE; asks = false; sends = false; was_pending = false; over = false; from_find = false
}

/* Settlements.mark: in the transaction that holds the row's lock */
#define row_is_mine (row == 0 || row == self)

/* Settlements.bill: R5, final, whoever writes it and whatever it was before. */
inline write_billed(k) {
    if
    :: k == number -> state = BILLED; was_billed = true; due = false
    :: k < number -> older_billed = true
    :: k > number -> skip                                                      /* vanished from a restored journal */
    fi;
    if
    :: row == 0 || row == self -> pending = false; mark = false
    :: else -> mark = (mark || pending)                                        /* R12: the mark is left to a later pass */
    fi
}

/* Judgement.of, for every answer but BILLED */
inline judge() {
    if
    :: answer == ACCEPTED -> state = ACCEPTED; due = true
    :: answer == DECLINED -> state = DECLINED; due = true                        /* due: a policy that retries refusals */
    :: answer == NOT_CALLED -> state = before; due = true
    :: answer == NOT_BILLED ->                                                   /* Judgement.refused */
#ifndef NO_DOUBT_KEPT
        if
        :: before == IN_DOUBT -> state = IN_DOUBT
        :: else -> state = NOT_BILLED
        fi;
#else
        state = NOT_BILLED;
#endif
        due = true
    :: answer == NEVER_SEEN ->                                                   /* Judgement.neverSeen */
        if
        :: before == ACCEPTED -> state = ACCEPTED
        :: before != ACCEPTED && !over -> state = IN_DOUBT                       /* R7 */
        :: before != ACCEPTED && over && was_pending -> state = NOT_BILLED
        :: before != ACCEPTED && over && !was_pending -> state = WITHDRAWN; due = false
        fi
    :: answer == UNKNOWN ->
        if
        :: before == ACCEPTED -> state = ACCEPTED
        :: else -> state = IN_DOUBT
        fi;
        due = true
    fi
}

#ifdef NO_R5_FENCE
#define may_settle (holds_key[self] == number && state != BILLED)
#else
#ifdef NO_R5_FINAL
#define may_settle (fence == mine[self])
#else
#ifdef NO_OWNER
#define may_settle (fence == mine[self] && state == kept)
#else
#define may_settle (fence == mine[self] && owner == self && state == kept)
#endif
#endif
#endif

/* A key may be sent again: EngineSettings.repeatable (R6) */
#ifdef NO_R6
#define repeatable true
#else
#define repeatable (remembers && !aged[number])
#endif

#define leftover (state == STARTED || state == IN_DOUBT)
#if defined(NO_R8)
#define lease_gone true                                                         /* by another server's fast clock */
#else
#define lease_gone (lease == OVER || (through_call && remembers))               /* a free row is a dead server, after a grace */
#endif

#ifdef NO_FIT
#define may_leave (lease != OVER)
#else
#define may_leave (lease == IN_TIME)
#endif
/* Calls.enter: by the server's own clock, against the lease that it was given */
#ifdef NO_LEASE_CHECK
#define lease_holds true
#else
#if defined(NO_R8) || defined(RESTORES) || defined(FAILS_OVER)
#define lease_holds (fence != mine[self] || may_leave)
#else
#define lease_holds (fence == mine[self] && may_leave)                          /* another has taken over: then it was over */
#endif
#endif

/* ---- a server */

inline crash_here() {
    if
    :: atomic { crashes < CRASHES -> crashes++;
#ifndef NO_R9
        if :: row == self -> row = 0 :: else -> skip fi;
#endif
        let_go(); goto idle }
    :: skip
    fi
}

proctype Server(byte self) {
    mtype before = NONE;        /* Claim.before: what it is if this server does nothing */
    mtype kept = NONE;          /* the state under which it is owned: a settlement writes only over that */
    mtype answer = NONE;
    bool asks, sends, was_pending, over, from_find;

idle:
end_idle:
    do
    /* BillingEngine.claimOne, claimMany: the look-up of attempts may be older than the lock (R10) */
    :: atomic { pending && number == 0 -> stage[self] = IDLE } break
#ifdef NO_R14
    :: atomic { pending && state == BILLED && !mark && row == 0 && may_mint && fence < OWNERS ->
            next_key; before = NOT_BILLED; was_pending = true; over = true; sends = true; own(STARTED) } goto deliver
#endif

    /* TakeOvers.repeat */
    :: atomic { state == NOT_BILLED && due && row == 0 && fence < OWNERS ->
            if
            :: pending ->
#ifdef NO_R2_REFUSED
                if :: may_mint -> next_key :: else -> skip fi;
#endif
                before = NOT_BILLED; was_pending = true; over = (lease == OVER); sends = true; own(STARTED); goto deliver
            :: else -> state = WITHDRAWN; due = false
            fi }

    /* TakeOvers.resolve */
    :: atomic { leftover && due && row == 0 && fence < OWNERS && (state != STARTED || lease_gone) ->
            over = (lease == OVER); was_pending = pending; before = IN_DOUBT;
#ifdef NO_R7
            over = true;
#endif
            if
            :: pending && repeatable ->
#ifdef NO_R2
                if :: may_mint -> next_key :: else -> skip fi;
#endif
                asks = can_be_asked; sends = true; own(STARTED); goto deliver
            :: !(pending && repeatable) && can_be_asked ->
                asks = true; sends = false; own_to_ask(); goto deliver
            :: !(pending && repeatable) && !can_be_asked ->
                state = IN_DOUBT; due = false; let_go()                          /* parked */
            fi }

    /* TakeOvers.ask */
    :: atomic { state == ACCEPTED && due && fence < OWNERS ->
            if
            :: can_be_asked ->
                before = ACCEPTED; was_pending = true; over = (lease == OVER); asks = true; own_to_ask();
#ifdef NO_R15
                before = IN_DOUBT;
#endif
                goto deliver
            :: else -> due = false                                               /* parked, until the webhook comes */
            fi }

    /* TakeOvers.startNext: a new key after a final refusal, and only then (R2) */
    :: atomic { state == DECLINED && due && row == 0 && may_mint && fence < OWNERS ->
            if
            :: pending -> next_key; before = NOT_BILLED; was_pending = true; over = true; sends = true; own(STARTED); goto deliver
            :: else -> due = false
            fi }

    /* Settlements.markLater */
    :: atomic { mark && row == 0 -> mark = false; pending = false }
    od;

    /* the claim, under the row's lock: still pending, and no attempt of this number, says the constraint (R10) */
    if
#ifdef NO_R1
    :: atomic { row == 0 && pending && number == 0 && fence < OWNERS ->          /* the lock alone, nothing is journaled */
            row = self; stage[self] = IN_HAND; holds_key[self] = 1; before = NOT_BILLED; kept = NONE; sends = true; was_pending = true }
#else
#ifdef NO_R10
    :: atomic { row == 0 && pending && fence < OWNERS && may_mint ->
            if :: number == 0 -> next_key :: else -> skip fi;
            before = NOT_BILLED; was_pending = true; over = true; sends = true; own(STARTED) }
#else
    :: atomic { row == 0 && pending && number == 0 && fence < OWNERS && may_mint ->
            next_key;
            before = NOT_BILLED; was_pending = true; over = true; sends = true; own(STARTED) }
#endif
#endif
    :: atomic { row != 0 || !pending || number != 0 || fence == OWNERS || !may_mint -> let_go() } goto idle      /* contended */
    fi;

deliver:
    crash_here();
#ifndef CLAIM_ONLY
#ifndef NO_R1
    /* CallsUnderLock.call; one that only asks needs no lock */
    if
    :: atomic { sends && row != 0 -> answer = NOT_CALLED; stage[self] = HEARD } goto settle       /* a second, then given back */
    :: atomic { sends && row == 0 ->
            if
            :: fence != mine[self] || state != kept -> let_go(); goto idle       /* another has taken over */
            :: fence == mine[self] && state == kept && !pending && before == NOT_BILLED ->
                state = WITHDRAWN; due = false; let_go(); goto idle
            :: fence == mine[self] && state == kept && !pending && before != NOT_BILLED ->
                row = self; asks = true; sends = false; was_pending = false
            :: fence == mine[self] && state == kept && pending -> row = self
            fi }
    :: !sends -> skip
    fi;
    crash_here();
#endif
#endif

    /* Calls.converse: ask, then send */
    if
    :: asks ->
        if
        :: atomic { !lease_holds && sends -> answer = NOT_CALLED; stage[self] = HEARD } goto settle
        :: atomic { lease_holds || !sends -> 
                if
                :: can_be_asked && seen[holds_key[self]] != UNSEEN && seen[holds_key[self]] != PROCESSING -> reply(holds_key[self], answer)
                :: can_be_asked && seen[holds_key[self]] == UNSEEN -> answer = NEVER_SEEN
                :: can_be_asked && seen[holds_key[self]] == PROCESSING -> answer = ACCEPTED
                :: can_be_asked && seen[holds_key[self]] == PROCESSING && kept == ACCEPTED -> answer = NEVER_SEEN /* R15 */
#ifdef LAGS
                :: can_be_asked && !over -> answer = NEVER_SEEN                                 /* within findLag() */
#endif
                :: answer = UNKNOWN
                fi;
                from_find = true }
            if
            :: atomic { (answer != UNKNOWN && answer != NEVER_SEEN) || !sends -> stage[self] = HEARD } goto settle
            :: atomic { (answer == UNKNOWN || answer == NEVER_SEEN) && sends -> skip }
            fi;
            crash_here()
        fi
    :: else -> skip
    fi;

    /* the last look at the lease; what is asked for and not sent keeps the look-up's answer */
    if
    :: atomic { !lease_holds -> stage[self] = HEARD; if :: !from_find -> answer = NOT_CALLED :: else -> skip fi } goto settle
    :: atomic { lease_holds -> stage[self] = CALLING; early[self] = (lease == IN_TIME);
            overlap = (overlap || stage[3 - self] == CALLING) }
    fi;
    crash_here();
    atomic {
        if
        :: true -> execute(holds_key[self]); reply(holds_key[self], answer)
        :: true -> execute(holds_key[self]); answer = UNKNOWN                            /* the answer is lost */
        :: wire[holds_key[self]] < 1 -> wire[holds_key[self]]++; answer = UNKNOWN /* timed out, may yet arrive */
        :: answer = NOT_BILLED                                                   /* surely nothing done: 429, no route */
        :: answer = UNKNOWN                                                      /* lost on its way */
        fi;
        stage[self] = HEARD; early[self] = false
    }

settle:
    crash_here();
    atomic {
        if
#ifdef NO_R1
        :: number == 0 -> number = 1; kept = state; fence++; mine[self] = fence; owner = self
        :: else -> skip
        fi;
        if
#endif
#ifdef NO_R12
        :: answer == BILLED && row != 0 && row != self -> lost_answer = true     /* attempt and invoice together, or not at all */
        :: answer == BILLED && (row == 0 || row == self) -> write_billed(holds_key[self])
#else
        :: answer == BILLED -> write_billed(holds_key[self])
#endif
        :: answer != BILLED && may_settle -> judge()
        :: answer != BILLED && !may_settle -> skip
        fi;
        if :: row == self -> row = 0 :: else -> skip fi;
        let_go()
    }
    goto idle
}

init { atomic { run Server(1); run Server(2) } }

/* ---- the host */

#ifdef HOLDS
active proctype Holder() {
    byte left = 2;
end:
    do
    :: atomic { left > 0 && row == 0 -> left--; row = HOST }
    :: atomic { row == HOST -> row = 0 }
    od
}
#endif

#ifdef WITHDRAWS
/* Decisions.withdraw, then the host's own update, then commit */
active proctype Withdrawer() {
#ifdef NO_R16
end:
    atomic { pending && state != BILLED -> pending = false; promised = true }    /* the host cancels on its own */
#else
#ifdef NO_R16_LOCK
    /* without the row's lock: what was read may have changed when it is written; the journal's own row is compared */
    mtype read_state; byte read_number; byte read_fence;
end:
    atomic { row != HOST -> read_state = state; read_number = number; read_fence = fence }
    atomic {
        if
        :: read_state == NONE && number == 0 -> number = 1; state = WITHDRAWN; due = false; promised = true
        :: read_state == NOT_BILLED && state == NOT_BILLED && fence == read_fence -> state = WITHDRAWN; due = false; promised = true
        :: read_state == DECLINED && read_number < number -> promised = true      /* the row of the refusal is as it was */
        :: read_state == DECLINED && read_number == number && state == DECLINED -> due = false; promised = true
        :: else -> skip
        fi
    }
#else
end:
    atomic { row == 0 -> row = 4 }                                              /* the row's lock, in the host's transaction */
    atomic {
        if
        :: state == NONE && number == 0 -> number = 1; state = WITHDRAWN; due = false; promised = true
        :: state == NOT_BILLED && !older_billed -> state = WITHDRAWN; due = false; promised = true
        :: state == DECLINED && !older_billed -> due = false; promised = true
        :: state == WITHDRAWN && !older_billed -> promised = true
        :: else -> skip                                                          /* IN_FLIGHT or BILLED: too late */
        fi;
        if :: promised -> pending = false :: promised -> skip :: !promised -> skip fi;
        row = 0
    }
#endif
#endif
}
#endif

#ifdef EDITS
active proctype Editor() {
end:
    do
    :: atomic { row == 0 && pending && state != BILLED && !promised -> pending = false }
    :: atomic { row == 0 && !pending && state != BILLED && !mark && !promised -> pending = true }
    od
}
#endif

#ifdef REOPENS
active proctype Reopener() {
end:
    atomic { state == BILLED && !pending && !mark && row == 0 -> pending = true }
}
#endif

#ifdef REPORTS
#define open (state == ACCEPTED || state == IN_DOUBT || state == NOT_BILLED)
/* Decisions.report: read, then written only over what was read, BILLED over anything */
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

#if defined(RESTORES) || defined(FAILS_OVER)
#define sends_yet(id) (stage[id] == IN_HAND || stage[id] == CALLING)

active proctype Restore() {
end:
    atomic {
#ifdef FAILS_OVER
        number > 0 && seen[1] == UNSEEN && wire[1] == 0 && !sends_yet(1) && !sends_yet(2) && !promised ->
#else
        number > 0 ->
#endif
        pending = true; row = 0; number = 0; state = NONE; due = false; fence = 0; owner = 0; mark = false; was_billed = false;
        lease = IN_TIME; older_billed = false; aged[1] = false; aged[2] = false
    }
}
#endif

/* ---- what must hold: each has a name, which check.sh prints */

bool charged_twice, two_calls_at_once, billed_but_not_charged, withdrawn_but_charged, answer_lost, billed_overwritten,
     charge_unknown, invoice_forgotten, row_locked_by_the_dead;

#define charge_known (state == BILLED || older_billed || leftover || state == ACCEPTED)

/* Nothing is moved by this process: it only watches. With ONLY_CHARGES it looks for a second charge alone. */
active proctype Promises() {
end:
    atomic {
        if
        :: charges > 1 -> charged_twice = true; assert(!charged_twice)
#ifndef ONLY_CHARGES
#if !defined(STALL) && !defined(RESTORES) && !defined(FAILS_OVER)
        :: overlap -> two_calls_at_once = true; assert(!two_calls_at_once)       /* promised of healthy servers */
#endif
        :: state == BILLED && charges == 0 -> billed_but_not_charged = true; assert(!billed_but_not_charged)
        :: promised && charges > 0 -> withdrawn_but_charged = true; assert(!withdrawn_but_charged)               /* R16 */
        :: lost_answer -> answer_lost = true; assert(!answer_lost)                                               /* R12 */
#ifndef RESTORES
        :: was_billed && state != BILLED && number == 1 -> billed_overwritten = true; assert(!billed_overwritten) /* R5 */
#if !(defined(CAN_BE_ASKED) && (defined(LATE) || defined(STALL)))
        /* when all is quiet, what was charged is BILLED, or will be looked at, or is shown to a person: not "surely not charged" */
        :: quiet && charges > 0 && !charge_known -> charge_unknown = true; assert(!charge_unknown)
#endif
#endif
        /* when all is quiet, a pending invoice is free, billed (R14), due or parked, or the host was told that it is withdrawn */
        :: quiet && pending && !promised && (state == WITHDRAWN || (state == STARTED && !due)) ->
            invoice_forgotten = true; assert(!invoice_forgotten)
        :: (row == 1 && stage[1] == IDLE) || (row == 2 && stage[2] == IDLE) ->
            row_locked_by_the_dead = true; assert(!row_locked_by_the_dead)                                       /* R9 */
#endif
        fi
    }
}
