/* needs: quantization */
static int32_t hm_dot1(const int8_t *in, const int8_t *weights, int32_t length, const hm_sums *q, int32_t sum)
{
    const int32_t offset = q->in_offset, shift = HM_SHIFT(q);
    int32_t i;
    for (i = 0; i < length; i++) {
        sum += (int16_t)(in[i] + offset) * (int16_t)(weights[i] + shift);
    }
    return sum;
}
