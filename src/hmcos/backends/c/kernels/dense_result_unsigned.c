/* needs: quantization clamp */
/* What a sum becomes in the output: rounded once, halves away from zero, as LiteRT does it for uint8. The
   multiplier is such that this gives what floats of 64 bits would. */
static int8_t hm_dense_result(const hm_sums *q, int32_t channel, int32_t sum)
{
    const int32_t at = channel * q->each, right = 31 - q->shifts[at];
    const int64_t half = INT64_C(1) << (right - 1), product = (int64_t)sum * q->multipliers[at];
    const int64_t value = product < 0 ? -((half - product) >> right) : (product + half) >> right;
    const int32_t near = value < -1024 ? -1024 : value > 1024 ? 1024 : (int32_t)value;
    return hm_clamp(near + q->out_offset, q->least, q->most);
}
