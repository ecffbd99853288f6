/* needs: row columns mean partial clamp */
typedef struct {
    const hm_window *window;
    uint16_t rows, first; /* input rows under the window, and the first of them */
    uint16_t sums_at;     /* number of the place of partial sums */
    uint8_t partial;      /* bytes of a partial sum */
    int8_t least, most;
} hm_pool_sum;

/* Adds one input row to the sums of a pool with one output row; the first row sets them, the last makes the
   output, which may stand where the sums begin. */
static void hm_pool_sum_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_pool_sum *p = (const hm_pool_sum *)o->params;
    const hm_window *w = p->window;
    const int8_t *row = hm_row(arena, o->reads, p->first + step);
    int8_t *sums = hm_row(arena, p->sums_at, 0), *out = hm_row(arena, o->makes, 0);
    const int32_t channels = w->in_channels;
    int32_t x, c, k, begin, end, at = 0;
    for (x = 0; x < w->out_width; x++) {
        const int32_t left = x * w->stride_x - w->pad_x;
        hm_columns(w, left, &begin, &end);
        for (c = 0; c < channels; c++, at++) {
            const int8_t *in = row + (left + begin) * channels + c;
            int32_t sum = step == 0 ? 0 : hm_partial(sums, at, p->partial);
            for (k = begin; k < end; k++, in += channels) {
                sum += *in;
            }
            if (step < p->rows - 1) {
                hm_keep(sums, at, p->partial, sum);
            } else {
                out[at] = hm_clamp(hm_mean(sum, p->rows * (end - begin)), p->least, p->most);
            }
        }
    }
}
