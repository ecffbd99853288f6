/* The arithmetic that all kernels share. Right shifts of negative numbers must be arithmetic. */
typedef char hm_needs_arithmetic_shift[((-1) >> 1) == -1 ? 1 : -1];

/* value * multiplier * 2^(shift - 31), rounded as TensorFlow Lite's reference kernels do: once to the high
   word, halves up, and once more by the shift, halves away from zero. */
static int32_t hm_scale(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = left - shift;
    const int32_t mask = (int32_t)((UINT32_C(1) << right) - 1u);
    const int64_t product = (int64_t)(int32_t)((uint32_t)value << left) * multiplier;
    const int32_t high = (int32_t)((product + (INT32_C(1) << 30)) >> 31);
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}
