/* needs: reduce partial */
/* Adds one input row to the sums of a mean or a sum over rows; the first row sets them, the last makes the
   output, which may stand where the sums begin. */
static void hm_reduce_sum_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_reduce *p = (const hm_reduce *)o->params;
    const int8_t *row = hm_row(arena, o->reads, p->first + step);
    int8_t *sums = hm_row(arena, p->sums_at, 0), *out = hm_row(arena, o->makes, 0);
    int32_t x, c, at = 0;
    for (x = 0; x < p->out_width; x++) {
        for (c = 0; c < p->out_channels; c++, at++) {
            const int32_t before = step == 0 ? 0 : hm_partial(sums, at, p->partial);
            const int32_t sum = before + hm_row_sum(p, row, x, c);
            if (step < p->rows - 1) {
                hm_keep(sums, at, p->partial, sum);
            } else {
                out[at] = hm_reduced(p, sum);
            }
        }
    }
}
