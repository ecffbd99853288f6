/* needs: cmsis_check binary */
/* One output row of a sum of two rows of its size; it may stand where one of them does. */
static void hm_cmsis_add_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_binary *p = (const hm_binary *)o->params;
    const hm_scales *q = &hm_scales_table[o->scales];
    const int8_t *a = hm_operand(arena, o, step, 0, 0), *b = hm_operand(arena, o, step, 0, 1);
    hm_check(arm_elementwise_add_s8(a, b, q->offsets[0], q->multipliers[0], q->shifts[0], q->offsets[1],
                                    q->multipliers[1], q->shifts[1], 20, hm_row(arena, o->makes, step), q->out_offset,
                                    q->out_multiplier, q->out_shift, q->least, q->most, p->width * p->channels));
}
