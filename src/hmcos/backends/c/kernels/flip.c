/* Unsigned numbers as those that are 128 less, and back. */
static void hm_flip(int8_t *numbers, int32_t length)
{
    int32_t i;
    for (i = 0; i < length; i++) {
        numbers[i] = (int8_t)(numbers[i] ^ -128);
    }
}
