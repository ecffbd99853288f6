/* needs: softmax_params row */
/* One output row; it may stand where the input does. */
static void hm_cmsis_softmax_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_softmax *p = (const hm_softmax *)o->params;
    arm_softmax_s8(hm_row(arena, o->reads, step), p->pixels, p->channels, p->multiplier, p->shift, p->least_difference,
                   hm_row(arena, o->makes, step));
}
