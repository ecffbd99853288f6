/* The mean of so many numbers; halves go away from zero. */
static int32_t hm_mean(int32_t sum, int32_t number)
{
    return (sum > 0 ? sum + number / 2 : sum - number / 2) / number;
}
