/* needs: packed */
/* How the sums of an operator with weights become numbers of its output. Fields are narrow so that the compiler
   sees that no sum is one of them. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *multipliers; /* per output channel; no bias is a null pointer */
    const int8_t *shifts;
    int16_t in_offset; /* added to every input */
#if HM_HAS_SHIFTED
    int16_t shift; /* added to every weight */
#endif
    int16_t out_offset;
    int8_t least, most;
    uint8_t each; /* 1 where multipliers and shifts are per channel, 0 where one is for all */
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
#if HM_HAS_SHIFTED
    found.shift = p->shift;
#endif
    found.out_offset = p->out_offset;
    found.least = p->least;
    found.most = p->most;
    found.each = p->each;
    return found;
}

#if HM_HAS_SHIFTED
#define HM_SHIFT(q) ((q)->shift)
#else
#define HM_SHIFT(q) 0
#endif

static int32_t hm_bias(const hm_sums *q, int32_t channel)
{
    return q->bias ? q->bias[channel] : 0;
}
