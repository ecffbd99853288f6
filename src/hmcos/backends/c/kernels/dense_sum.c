/* needs: dense_params dot1 dense_result */
/* Adds what one input row has for the vector to the sums of the channels; the first row sets them, the last
   makes the output, which may stand where the sums begin. */
static void hm_dense_sum_step(int8_t *arena, const hm_operator *o, int32_t step)
{
    const hm_dense *p = (const hm_dense *)o->params;
    const hm_sums q = hm_sums_of(o);
    const int8_t *in = hm_row(arena, o->reads, p->first + step);
    const int8_t *weights = q.weights + step * p->length;
    int8_t *sums = hm_row(arena, p->sums_at, 0), *out = hm_row(arena, o->makes, 0);
    int32_t channel, sum;
    for (channel = 0; channel < p->out_channels; channel++, weights += p->length * p->rows) {
        if (step == 0) {
            sum = hm_bias(&q, channel);
        } else {
            memcpy(&sum, sums + 4 * channel, 4);
        }
        sum = hm_dot1(in, weights, p->length, &q, sum);
        if (step == p->rows - 1) {
            out[channel] = hm_dense_result(&q, channel, sum);
        } else {
            memcpy(sums + 4 * channel, &sum, 4);
        }
    }
}
