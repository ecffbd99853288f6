/* needs: packed scale clamp */
/* How the sums of an operator with weights become numbers of its output. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *multipliers; /* per output channel; no bias is a null pointer */
    const int8_t *shifts;
    int32_t in_offset; /* added to every input */
    int32_t out_offset, least, most;
    int32_t each; /* 1 where multipliers and shifts are per channel, 0 where one is for all */
} hm_sums;

static hm_sums hm_sums_of(const hm_operator *o)
{
    const hm_sums_packed *p = &hm_sums_table[o->scales];
    hm_sums found;
    found.weights = hm_weights + (size_t)p->weights * HM_WEIGHTS_UNIT;
    found.bias = p->bias ? hm_bias_table + (p->bias - 1) : NULL;
    found.multipliers = hm_multipliers + p->multipliers;
    found.shifts = hm_shifts + p->shifts;
    found.in_offset = p->in_offset;
    found.out_offset = p->out_offset;
    found.least = p->least;
    found.most = p->most;
    found.each = p->each;
    return found;
}

static int8_t hm_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    const int32_t at = channel * q->each;
    return hm_clamp(hm_scale(sum, q->multipliers[at], q->shifts[at]) + q->out_offset, q->least, q->most);
}

static int32_t hm_bias(const hm_sums *q, int32_t channel)
{
    return q->bias ? q->bias[channel] : 0;
}
