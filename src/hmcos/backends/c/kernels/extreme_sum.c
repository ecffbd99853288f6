/* needs: extreme */
/* Compares one input row with the extremes so far; the first row sets them, the last makes the output, which may
   stand where they do. */
static void hm_extreme_sum_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_extreme *p = (const hm_extreme *)o->params;
    const int8_t *row = hm_row(arena, o->reads, p->first + step);
    const int8_t *before = hm_row(arena, p->sums_at, 0);
    int8_t *after = hm_row(arena, step < p->rows - 1 ? p->sums_at : o->makes, 0);
    int32_t at;
    for (at = 0; at < p->out_width * p->out_channels; at++) {
        const int8_t found = step > 0 ? before[at] : p->sign > 0 ? -128 : 127;
        after[at] = hm_row_extreme(p, row, at, found);
    }
}
