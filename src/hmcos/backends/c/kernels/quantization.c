/* needs: scale clamp */
/* How the sums of an operator with weights become numbers of its output. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *multipliers; /* per output channel; no bias is a null pointer */
    const int8_t *shifts;
    int16_t in_offset; /* added to every input */
    int16_t out_offset;
    int8_t least, most;
    uint8_t each; /* 1 where multipliers and shifts are per channel, 0 where one is for all */
} hm_sums;

static int8_t hm_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    const int32_t at = channel * q->each;
    return hm_clamp(hm_scale(sum, q->multipliers[at], q->shifts[at]) + q->out_offset, q->least, q->most);
}

static int32_t hm_bias(const hm_sums *q, int32_t channel)
{
    return q->bias ? q->bias[channel] : 0;
}
