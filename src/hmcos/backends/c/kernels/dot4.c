/* needs: quantization */
/* Adds to four sums the products of inputs with the weights of four output channels. */
static void hm_dot4(const int8_t *in, const int8_t *weights, int32_t stride, int32_t length,
                    const hm_sums *q, int32_t *sums)
{
    const int32_t offset = q->in_offset, shift = HM_SHIFT(q);
    const int8_t *w0 = weights, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3], i;
    for (i = 0; i < length; i++) {
        const int16_t value = (int16_t)(in[i] + offset);
        s0 += value * (int16_t)(w0[i] + shift);
        s1 += value * (int16_t)(w1[i] + shift);
        s2 += value * (int16_t)(w2[i] + shift);
        s3 += value * (int16_t)(w3[i] + shift);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}
