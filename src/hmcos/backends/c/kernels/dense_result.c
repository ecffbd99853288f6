/* needs: result */
static int8_t hm_dense_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    return hm_result(q, channel, sum);
}
