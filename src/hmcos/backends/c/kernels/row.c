/* needs: base */
static int8_t *hm_row(int8_t *arena, int32_t tensor, int32_t row)
{
    const hm_place *p = &hm_places[tensor];
    const int32_t begin = (int32_t)p->base + row / p->period * p->step;
    return arena + HM_UNIT * (begin + (int32_t)hm_offsets[p->first + row % p->period]);
}
