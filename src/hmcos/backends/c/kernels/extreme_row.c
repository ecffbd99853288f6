/* needs: extreme */
/* One output row of extremes, each from all that it needs. */
static void hm_extreme_row_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_extreme *p = (const hm_extreme *)o->params;
    const int32_t numbers = p->out_width * p->out_channels;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t i, y;
    for (i = 0; i < p->length; i++) {
        const int32_t at = step * p->length + i;
        int8_t found = p->sign > 0 ? -128 : 127;
        for (y = 0; y < p->rows; y++) {
            const int8_t *row = hm_row(arena, o->reads, p->first + at / numbers + y);
            found = hm_row_extreme(p, row, at % numbers, found);
        }
        out[i] = found;
    }
}
