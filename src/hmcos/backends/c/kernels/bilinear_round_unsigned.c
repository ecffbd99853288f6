/* A number of 2^-20 that stands for an unsigned one as a whole one; halves go up. */
static int8_t hm_bilinear_round(int64_t value)
{
    return (int8_t)((value + (INT32_C(257) << 19)) / (1 << 20) - 128);
}
