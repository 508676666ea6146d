/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The interpreter's loop, included twice by interp.c, because a function that takes the address of
 * its labels cannot be inlined into two variants:
 *
 *   LOOP_NAME    the function to define
 *   LOOP_STRICT  0: trusts the verifier, and counts instructions where control is transferred;
 *                1: counts each instruction, so that the budget ends the run on the spot, and
 *                   checks memory accesses if state->checked
 *
 * Counting: instructions lie one after the other, so a distance in code is a count. When a jump
 * skips some bytes, @base moves along by as many, and pc - base remains the bytes executed. Between
 * two transfers of control a run can execute at most the whole program once. The fast loop
 * therefore runs as long as that much budget is left at each transfer (@limit), then returns
 * OUTCOME_LOW and the strict one continues. The work of helpers moves @base back.
 *
 * A helper that calls back runs a loop of its own inside (invoke()), over the same state, which is
 * why pc and base are saved around it.
 *
 * The macros below are the loop's own vocabulary: they use its locals and exist only in here.
 */
#define DISPATCH() goto *labels[pc->op]

#if LOOP_STRICT
#define ENTER()                                    \
	do {                                       \
		if ((uintptr_t)pc - base >= limit) \
			LEAVE(OUTCOME_BUDGET);     \
		if (watch)                         \
			look(watch, state, pc);    \
		DISPATCH();                        \
	} while (0)
#define LAND() ENTER()
#define CHECK(address, size, write)                                                  \
	do {                                                                         \
		if (state->checked && !bpfe_may_access(state, address, size, write)) \
			LEAVE(OUTCOME_MEMORY);                                       \
	} while (0)
#define CHECK_IF(condition)                         \
	do {                                        \
		if (state->checked && !(condition)) \
			LEAVE(OUTCOME_MEMORY);      \
	} while (0)
#else
#define ENTER() DISPATCH()
#define LAND()                                    \
	do {                                      \
		if ((uintptr_t)pc - base > limit) \
			LEAVE(OUTCOME_LOW);       \
		DISPATCH();                       \
	} while (0)
#define CHECK(address, size, write) ((void)0)
#define CHECK_IF(condition)         ((void)0)
#endif

#define LEAVE(outcome)              \
	do {                        \
		state->pc = pc;     \
		state->base = base; \
		return (outcome);   \
	} while (0)
#define NEXT()           \
	do {             \
		pc++;    \
		ENTER(); \
	} while (0)
#define JUMP(bytes)                                                                 \
	do {                                                                        \
		const intptr_t distance = (bytes);                                  \
		base += (uintptr_t)distance;                                        \
		pc = (const struct bpfe_code *)((const char *)(pc + 1) + distance); \
		LAND();                                                             \
	} while (0)
#define TRANSFER(to)                                             \
	do {                                                     \
		const struct bpfe_code *const target = (to);     \
		base += (uintptr_t)target - (uintptr_t)(pc + 1); \
		pc = target;                                     \
		LAND();                                          \
	} while (0)
#define CALLED     ((bpfe_helper_fn)(uintptr_t)pc->imm)
#define CALLED_ID  (pc->extra | (uint32_t)pc->src << 16)
#define DST        r[pc->dst]
#define SRC        r[pc->src]
#define ADDRESS(n) ((n) + (uint64_t)(int64_t)pc->off)
#define CELL(type) ((type *)(uintptr_t)at)

#define ALU_HANDLERS(X, name, code, select, text, effect)                          \
	op_##name##64_K : DST = bpfe_##name##64(DST, (uint64_t)pc->imm);           \
	NEXT();                                                                    \
	op_##name##64_X : DST = bpfe_##name##64(DST, SRC);                         \
	NEXT();                                                                    \
	op_##name##32_K : DST = bpfe_##name##32((uint32_t)DST, (uint32_t)pc->imm); \
	NEXT();                                                                    \
	op_##name##32_X : DST = bpfe_##name##32((uint32_t)DST, (uint32_t)SRC);     \
	NEXT();

/* The strict loop looks at each instruction, so it leaves the second to its own place. */
#if LOOP_STRICT
#define MOVE_HANDLER(X, name, code, select, text, effect) \
	op_MOVE_##name##64_K : DST = SRC;                 \
	NEXT();
#else
#define MOVE_HANDLER(X, name, code, select, text, effect)                     \
	op_MOVE_##name##64_K : DST = bpfe_##name##64(SRC, (uint64_t)pc->imm); \
	pc++;                                                                 \
	NEXT();
#endif

/* A sign-extending move reads src; for the others the translator sets src to dst. */
#define UNARY_HANDLER(X, name, code, select, form, text, effect) \
	op_##name : DST = bpfe_##name(SRC);                      \
	NEXT();

#define JUMP_HANDLERS(X, name, code, text, condition)                                              \
	op_##name##64_K : if (bpfe_##name##64(DST, (uint64_t)(int64_t)pc->imm32)) JUMP(pc->jump);  \
	NEXT();                                                                                    \
	op_##name##64_X : if (bpfe_##name##64(DST, SRC)) JUMP(pc->jump);                           \
	NEXT();                                                                                    \
	op_##name##32_K : if (bpfe_##name##32((uint32_t)DST, (uint32_t)pc->imm32)) JUMP(pc->jump); \
	NEXT();                                                                                    \
	op_##name##32_X : if (bpfe_##name##32((uint32_t)DST, (uint32_t)SRC)) JUMP(pc->jump);       \
	NEXT();

#define LOAD_HANDLER(X, name, size, mode, type, text)          \
	op_##name:                                             \
	{                                                      \
		const uint64_t at = ADDRESS(SRC);              \
		type cell;                                     \
		CHECK(at, sizeof(cell), false);                \
		memcpy(&cell, CELL(const void), sizeof(cell)); \
		DST = (uint64_t)cell;                          \
	}                                                      \
	NEXT();

#define STORE_HANDLERS(X, width, size, type, text)       \
	op_ST##width:                                    \
	{                                                \
		const uint64_t at = ADDRESS(DST);        \
		const type cell = (type)pc->imm;         \
		CHECK(at, sizeof(cell), true);           \
		memcpy(CELL(void), &cell, sizeof(cell)); \
	}                                                \
	NEXT();                                          \
	op_STX##width:                                   \
	{                                                \
		const uint64_t at = ADDRESS(DST);        \
		const type cell = (type)SRC;             \
		CHECK(at, sizeof(cell), true);           \
		memcpy(CELL(void), &cell, sizeof(cell)); \
	}                                                \
	NEXT();

/* An acquiring load and a releasing store are atomic, so they need alignment as atomics do. */
#define ORDERED_HANDLERS(X, width, size, type, text)                       \
	op_LOAD_ACQ##width:                                                \
	{                                                                  \
		const uint64_t at = ADDRESS(SRC);                          \
		CHECK(at, sizeof(type), false);                            \
		CHECK_IF(at % sizeof(type) == 0);                          \
		DST = __atomic_load_n(CELL(const type), __ATOMIC_ACQUIRE); \
	}                                                                  \
	NEXT();                                                            \
	op_STORE_REL##width:                                               \
	{                                                                  \
		const uint64_t at = ADDRESS(DST);                          \
		CHECK(at, sizeof(type), true);                             \
		CHECK_IF(at % sizeof(type) == 0);                          \
		__atomic_store_n(CELL(type), (type)SRC, __ATOMIC_RELEASE); \
	}                                                                  \
	NEXT();

/* Where the frame has no such bytes, the function returns 0. */
#define PACKET_HANDLER(label, type, order, offset)                                        \
	op_##label:                                                                       \
	{                                                                                 \
		const uint8_t *const at = bpfe_packet_bytes(xdp, (offset), sizeof(type)); \
		type cell;                                                                \
		CHECK_IF(has_context(state));                                             \
		r[0] = 0;                                                                 \
		if (!at)                                                                  \
			goto op_EXIT;                                                     \
		memcpy(&cell, at, sizeof(cell));                                          \
		r[0] = order(cell);                                                       \
	}                                                                                 \
	NEXT();

#define PACKET_HANDLERS(X, width, size, type, text, order)           \
	PACKET_HANDLER(LD_ABS##width, type, order, (int32_t)pc->imm) \
	PACKET_HANDLER(LD_IND##width, type, order, (int32_t)(uint32_t)(SRC + (uint64_t)pc->imm))

#define ATOMIC_HANDLER(label, type, statement)    \
	op_##label:                               \
	{                                         \
		const uint64_t at = ADDRESS(DST); \
		CHECK(at, sizeof(type), false);   \
		CHECK(at, sizeof(type), true);    \
		CHECK_IF(at % sizeof(type) == 0); \
		statement;                        \
	}                                         \
	NEXT();

#define ATOMIC_HANDLERS(X, name, code, text, builtin)                            \
	ATOMIC_HANDLER(ATOMIC_##name##64, uint64_t,                              \
		       builtin(CELL(uint64_t), SRC, __ATOMIC_RELAXED))           \
	ATOMIC_HANDLER(ATOMIC_##name##32, uint32_t,                              \
		       builtin(CELL(uint32_t), (uint32_t)SRC, __ATOMIC_RELAXED)) \
	ATOMIC_HANDLER(FETCH_##name##64, uint64_t,                               \
		       SRC = builtin(CELL(uint64_t), SRC, __ATOMIC_SEQ_CST))     \
	ATOMIC_HANDLER(FETCH_##name##32, uint32_t,                               \
		       SRC = builtin(CELL(uint32_t), (uint32_t)SRC, __ATOMIC_SEQ_CST))

static enum bpfe_outcome LOOP_NAME(struct bpfe_run_state *state)
{
	static const void *const labels[BPFE_OP_ALL] = {
#define LABEL(name, code, select, form, text) [BPFE_OP_##name] = &&op_##name,
		BPFE_OPCODES(LABEL)
#undef LABEL
			[BPFE_OP_CTX_POINTER] = &&op_CTX_POINTER,
		[BPFE_OP_CTX_U32] = &&op_CTX_U32,
		[BPFE_OP_CTX_LOAD] = &&op_CTX_LOAD,
		[BPFE_OP_CTX_STORE_K] = &&op_CTX_STORE_K,
		[BPFE_OP_CTX_STORE_X] = &&op_CTX_STORE_X,
		[BPFE_OP_CALL_BACK] = &&op_CALL_BACK,
		[BPFE_OP_TAIL_CALL] = &&op_TAIL_CALL,
		[BPFE_OP_TRAP] = &&op_TRAP,
		[BPFE_OP_CALL_CLEARED] = &&op_CALL_CLEARED,
#define LABEL(X, name, code, select, text, effect) \
	[BPFE_OP_FUSED + BPFE_OP_##name##64_K] = &&op_MOVE_##name##64_K,
		BPFE_ALU_OPS(LABEL, X)
#undef LABEL
	};
	const struct bpfe_code *pc = state->pc;
	uintptr_t base = state->base;
	uint64_t *const r = state->r;
	struct bpfe_xdp_buff *const xdp = state->env.xdp;
#if LOOP_STRICT
	const struct bpfe_watch *const watch = state->env.prog->watch;
	const uintptr_t limit = state->limit;
#else
	uintptr_t limit = state->fast_limit; /* a tail call may lower it */
#endif

	LAND();

	BPFE_ALU_OPS(ALU_HANDLERS, )
	BPFE_ALU_OPS(MOVE_HANDLER, )
	BPFE_UNARY_OPS(UNARY_HANDLER, )
	BPFE_JUMP_OPS(JUMP_HANDLERS, )
	BPFE_LOAD_OPS(LOAD_HANDLER, )
	BPFE_STORE_OPS(STORE_HANDLERS, )
	BPFE_ORDERED_OPS(ORDERED_HANDLERS, )
	BPFE_ATOMIC_OPS(ATOMIC_HANDLERS, )
	ATOMIC_HANDLER(XCHG64, uint64_t,
		       SRC = __atomic_exchange_n(CELL(uint64_t), SRC, __ATOMIC_SEQ_CST))
	ATOMIC_HANDLER(XCHG32, uint32_t,
		       SRC = __atomic_exchange_n(CELL(uint32_t), (uint32_t)SRC, __ATOMIC_SEQ_CST))
	ATOMIC_HANDLER(CMPXCHG64, uint64_t, r[0] = cmpxchg64(CELL(uint64_t), r[0], SRC))
	ATOMIC_HANDLER(CMPXCHG32, uint32_t,
		       r[0] = cmpxchg32(CELL(uint32_t), (uint32_t)r[0], (uint32_t)SRC))

op_LD_IMM64:
	DST = (uint64_t)pc->imm;
	NEXT();
op_CTX_POINTER:
	CHECK_IF(SRC == (uintptr_t)xdp);
	memcpy(&DST, (const char *)xdp + pc->imm, sizeof(uint64_t));
	NEXT();
op_CTX_U32:
	CHECK_IF(SRC == (uintptr_t)xdp);
	DST = context_u32(xdp, pc->imm);
	NEXT();
op_CTX_LOAD:
	CHECK_IF(SRC == (uintptr_t)xdp);
	DST = context_load(state, pc);
	NEXT();
op_CTX_STORE_K:
	CHECK_IF(DST == (uintptr_t)xdp);
	context_store(xdp, pc, (uint64_t)pc->imm);
	NEXT();
op_CTX_STORE_X:
	CHECK_IF(DST == (uintptr_t)xdp);
	context_store(xdp, pc, SRC);
	NEXT();
op_JA:
op_GOTOL:
	JUMP(pc->jump);
op_MAY_GOTO:
	if (may_go_on(state, (uintptr_t)pc - base))
		NEXT();
	JUMP(pc->jump);
op_CALL_CLEARED:
	for (unsigned arg = BPF_REG_1; arg <= BPF_REG_5; arg++)
		r[arg] = pc->dst >> arg & 1 ? 0 : r[arg];
	goto op_CALL_HELPER;
op_CALL_HELPER:
	CHECK_IF(bpfe_may_call(state, CALLED_ID));
	r[0] = CALLED(&state->env, r[1], r[2], r[3], r[4], r[5]);
	if (__builtin_expect(state->env.cost | state->env.abort, 0)) {
		if (state->env.abort != BPFE_ABORT_NONE)
			LEAVE(OUTCOME_HELPER);
		base -= charge(state);
		pc++;
		LAND();
	}
	NEXT();
op_CALL_BACK:
	CHECK_IF(bpfe_may_call(state, CALLED_ID));
	state->pc = pc;
	state->base = base;
	r[0] = CALLED(&state->env, r[1], r[2], r[3], r[4], r[5]);
	if (state->env.abort != BPFE_ABORT_NONE)
		return OUTCOME_HELPER;
	base = state->base - charge(state);
	pc++;
	LAND();
op_TAIL_CALL:
	CHECK_IF(bpfe_may_call(state, BPF_FUNC_tail_call));
	{
		const struct bpfe_program *const to = tail_call(state);

		if (!to)
			NEXT();
		if (!replace_frame(state, to))
			LEAVE(OUTCOME_TRAP);
#if !LOOP_STRICT
		limit = state->fast_limit;
#endif
		TRANSFER(to->code);
	}
op_CALL_LOCAL:
	if (!push_frame(state, pc + 1, pc->extra))
		LEAVE(OUTCOME_TRAP);
	JUMP(pc->jump);
op_CALLX: {
	const struct bpfe_function *const fn = bpfe_function_at(state->env.prog, DST);

	if (!fn || !push_frame(state, pc + 1, fn->stack))
		LEAVE(OUTCOME_TRAP);
	TRANSFER(state->env.prog->code + fn->code);
}
op_EXIT:
	if (state->depth == state->floor) {
		pc++;
		LEAVE(OUTCOME_EXIT);
	}
	TRANSFER(pop_frame(state));
	BPFE_PACKET_OPS(PACKET_HANDLERS, )
op_LD_FUNC: /* these became something else in the translation */
op_LD_MAP_FD:
op_LD_MAP_IDX:
op_LD_VALUE_FD:
op_LD_VALUE_IDX:
op_CALL_KFUNC:
op_TRAP:
	LEAVE(OUTCOME_TRAP);
}

#undef DISPATCH
#undef ENTER
#undef LAND
#undef CHECK
#undef CHECK_IF
#undef LEAVE
#undef NEXT
#undef JUMP
#undef TRANSFER
#undef CALLED
#undef CALLED_ID
#undef DST
#undef SRC
#undef ADDRESS
#undef CELL
#undef ALU_HANDLERS
#undef MOVE_HANDLER
#undef UNARY_HANDLER
#undef JUMP_HANDLERS
#undef LOAD_HANDLER
#undef STORE_HANDLERS
#undef ORDERED_HANDLERS
#undef PACKET_HANDLER
#undef PACKET_HANDLERS
#undef ATOMIC_HANDLER
#undef ATOMIC_HANDLERS
#undef LOOP_NAME
#undef LOOP_STRICT
