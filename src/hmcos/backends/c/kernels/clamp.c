static int8_t hm_clamp(int32_t value, int32_t least, int32_t most)
{
    return (int8_t)(value < least ? least : value > most ? most : value);
}
