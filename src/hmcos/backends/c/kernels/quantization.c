/* needs: sums */
static int32_t hm_bias(const hm_sums *q, int32_t channel)
{
    return q->bias ? q->bias[channel] : 0;
}
