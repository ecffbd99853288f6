/* needs: quantization scale clamp */
/* What a sum becomes in the output. */
static int8_t hm_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    const int32_t at = channel * q->each;
    return hm_clamp(hm_scale(sum, q->multipliers[at], q->shifts[at]) + q->out_offset, q->least, q->most);
}
