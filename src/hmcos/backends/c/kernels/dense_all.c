/* needs: dense_params dot1 dense_result */
/* The output of all input rows at once, which together are one vector. */
static void hm_dense_all_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_dense *p = (const hm_dense *)o->params;
    const hm_sums q = hm_sums_of(o);
    const int8_t *weights = q.weights;
    int8_t *out = hm_row(arena, o->makes, step);
    int32_t channel, y;
    for (channel = 0; channel < p->out_channels; channel++) {
        int32_t sum = hm_bias(&q, channel);
        for (y = 0; y < p->rows; y++, weights += p->length) {
            sum = hm_dot1(hm_row(arena, o->reads, y), weights, p->length, &q, sum);
        }
        out[channel] = hm_dense_result(&q, channel, sum);
    }
}
