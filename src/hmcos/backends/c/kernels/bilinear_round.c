/* A number of 2^-20 as a whole one; halves go away from zero. */
static int8_t hm_bilinear_round(int64_t value)
{
    return (int8_t)((value > 0 ? value + (1 << 19) : value - (1 << 19)) / (1 << 20));
}
