/* needs: reduce */
/* One output row of a mean or a sum, each element from all that it needs. */
static void hm_reduce_row_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_reduce *p = (const hm_reduce *)o->params;
    const int32_t numbers = p->out_width * p->out_channels;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t i, y, sum;
    for (i = 0; i < p->length; i++) {
        const int32_t at = step * p->length + i, place = at % numbers;
        for (y = 0, sum = 0; y < p->rows; y++) {
            const int8_t *row = hm_row(arena, o->reads, p->first + at / numbers + y);
            sum += hm_row_sum(p, row, place / p->out_channels, place % p->out_channels);
        }
        out[i] = hm_reduced(p, sum);
    }
}
