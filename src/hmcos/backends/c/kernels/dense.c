/* needs: dense_params dot4 dot1 dense_result */
/* One output row of a fully connected operator, pixel by pixel. */
static void hm_dense_row(const hm_dense *c, const hm_sums *q, const int8_t *in, int8_t *out)
{
    const int32_t length = c->length;
    int32_t x, channel, k, sums[4];
    for (x = 0; x < c->pixels; x++, in += length) {
        for (channel = 0; channel < c->out_channels;) {
            const int32_t number = c->out_channels - channel >= 4 ? 4 : 1;
            const int8_t *weights = q->weights + channel * length;
            for (k = 0; k < number; k++) {
                sums[k] = hm_bias(q, channel + k);
            }
            if (number == 4) {
                hm_dot4(in, weights, length, length, q, sums);
            } else {
                sums[0] = hm_dot1(in, weights, length, q, sums[0]);
            }
            for (k = 0; k < number; k++, channel++) {
                *out++ = hm_dense_result(q, channel, sums[k]);
            }
        }
    }
}

static void hm_dense_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_dense *p = (const hm_dense *)o->params;
    const hm_sums sums = hm_sums_of(o);
    hm_dense_row(p, &sums, hm_row(arena, o->reads, step), hm_row(arena, o->makes, step));
}
