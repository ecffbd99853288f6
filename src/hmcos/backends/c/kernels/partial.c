/* A partial sum of 2 or 4 bytes; it may stand at any address. */
static int32_t hm_partial(const int8_t *sums, int32_t at, int32_t size)
{
    int16_t narrow;
    int32_t wide;
    if (size == 2) {
        memcpy(&narrow, sums + 2 * at, 2);
        return narrow;
    }
    memcpy(&wide, sums + 4 * at, 4);
    return wide;
}

static void hm_keep(int8_t *sums, int32_t at, int32_t size, int32_t sum)
{
    const int16_t narrow = (int16_t)sum;
    if (size == 2) {
        memcpy(sums + 2 * at, &narrow, 2);
    } else {
        memcpy(sums + 4 * at, &sum, 4);
    }
}
