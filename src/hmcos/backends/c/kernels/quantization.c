/* needs: sums scale clamp */
static int8_t hm_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    const int32_t at = channel * q->each;
    return hm_clamp(hm_scale(sum, q->multipliers[at], q->shifts[at]) + q->out_offset, q->least, q->most);
}

static int32_t hm_bias(const hm_sums *q, int32_t channel)
{
    return q->bias ? q->bias[channel] : 0;
}
