/* The mean of so many numbers that stand for unsigned ones; halves go up. */
static int32_t hm_mean(int32_t sum, int32_t number)
{
    return (sum + 128 * number + number / 2) / number - 128;
}
