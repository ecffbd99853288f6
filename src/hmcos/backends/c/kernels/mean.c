/* The mean of so many numbers; halves go away from zero, or where they stand for unsigned ones, up. */
static int32_t hm_mean(int32_t sum, int32_t number)
{
#if HM_IS_UNSIGNED
    return (sum + 128 * number + number / 2) / number - 128;
#else
    return (sum > 0 ? sum + number / 2 : sum - number / 2) / number;
#endif
}
